/** Puts the app on the page. */
import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/components.css";
import { getBase58Decoder } from "@solana/kit";
import { type ReactNode, StrictMode, useMemo } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { rememberedEndpoint } from "./data/endpoint.ts";
import { MarketContext, useNetwork } from "./data/hooks.ts";
import { rpcSource } from "./data/rpc-source.ts";
import { MarketStore } from "./data/store.ts";
import { SigningProvider } from "./transact/context.tsx";

const endpoint = rememberedEndpoint(location.search, localStorage);
const market = new MarketStore(rpcSource(endpoint));
market.start();

function Signed({ children }: { children: ReactNode }) {
  const genesis = useNetwork()?.data.genesisHash;
  const text = useMemo(() => (genesis === undefined ? undefined : getBase58Decoder().decode(genesis)), [genesis]);
  return (
    <SigningProvider endpoint={endpoint} genesisHash={text}>
      {children}
    </SigningProvider>
  );
}

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no place for the app.");
createRoot(root).render(
  <StrictMode>
    <MarketContext value={market}>
      <Signed>
        <App />
      </Signed>
    </MarketContext>
  </StrictMode>,
);
