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
import { IndexClient } from "./data/history-index/client.ts";
import { IndexStore } from "./data/history-index/store.ts";
import { MarketContext, useNetwork } from "./data/hooks.ts";
import { IndexContext } from "./data/index-hooks.ts";
import { rpcSource } from "./data/rpc-source.ts";
import { firstSettings, servedConfig } from "./data/settings.ts";
import { MarketStore } from "./data/store.ts";
import { SigningProvider } from "./transact/context.tsx";

const { endpoint, indexUrl, storeUrl } = firstSettings(location.search, localStorage, await servedConfig());
let letMarketGoOn = () => {};
const indexAnswered = new Promise<void>((resolve) => {
  letMarketGoOn = resolve;
});
const market = new MarketStore(rpcSource(endpoint), indexAnswered);
const index = indexUrl === undefined ? undefined : new IndexStore(new IndexClient(indexUrl), market);
index?.start();
if (index === undefined) letMarketGoOn();
else index.answered.then(letMarketGoOn);
market.start();

function Signed({ children }: { children: ReactNode }) {
  const genesis = useNetwork()?.data.genesisHash;
  const text = useMemo(() => (genesis === undefined ? undefined : getBase58Decoder().decode(genesis)), [genesis]);
  return (
    <SigningProvider endpoint={endpoint} storeUrl={storeUrl} genesisHash={text}>
      {children}
    </SigningProvider>
  );
}

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no place for the app.");
createRoot(root).render(
  <StrictMode>
    <MarketContext value={market}>
      <IndexContext value={index}>
        <Signed>
          <App />
        </Signed>
      </IndexContext>
    </MarketContext>
  </StrictMode>,
);
