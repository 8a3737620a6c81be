/** The account that signs, and the endpoint, for components. */
import { createSolanaRpc } from "@solana/kit";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { isLoopback } from "../data/endpoint.ts";
import type { Endpoint } from "../data/rpc-source.ts";
import { burner, mayBurn } from "./burner.ts";
import { chainOf } from "./clusters.ts";
import type { Signer } from "./signer.ts";
import { connect, type SolanaWallet, wallets, watchWallets } from "./wallets.ts";

/** What components can do with accounts. */
export interface Signing {
  readonly endpoint: Endpoint;
  readonly rpc: ReturnType<typeof createSolanaRpc>;
  /** A store that takes uploads, where whoever serves the app names one. */
  readonly storeUrl: string | undefined;
  readonly signer: Signer | undefined;
  readonly wallets: readonly SolanaWallet[];
  readonly burnerAllowed: boolean;
  readonly choosing: boolean;
  takeWallet(wallet: SolanaWallet): Promise<void>;
  takeBurner(): Promise<void>;
  disconnect(): void;
  /** Opens and closes the choice of an account. */
  choose(open: boolean): void;
}

const SigningContext = createContext<Signing | undefined>(undefined);

const LAST = "assay.account";

/** The account that signs; only below the app's frame. */
export function useSigning(): Signing {
  const signing = useContext(SigningContext);
  if (signing === undefined) throw new Error("A component outside of the app asked for the account that signs.");
  return signing;
}

/** Keeps the account that signs. `genesisHash` says which cluster this is, once it is known. */
export function SigningProvider({
  endpoint,
  storeUrl,
  genesisHash,
  children,
}: {
  endpoint: Endpoint;
  storeUrl?: string | undefined;
  genesisHash: string | undefined;
  children: ReactNode;
}) {
  const [signer, setSigner] = useState<Signer>();
  const [choosing, choose] = useState(false);
  const rpc = useMemo(() => createSolanaRpc(endpoint.httpUrl), [endpoint]);
  const known = useWallets();
  const chain = chainOf(genesisHash);
  const burnerAllowed = mayBurn(isLoopback(endpoint), genesisHash);

  const takeWallet = useCallback(
    async (wallet: SolanaWallet) => {
      setSigner(await connect(wallet, chain));
      localStorage.setItem(LAST, wallet.name);
      choose(false);
    },
    [chain],
  );
  const takeBurner = useCallback(async () => {
    setSigner(await burner(localStorage));
    localStorage.setItem(LAST, "burner");
    choose(false);
  }, []);
  const disconnect = useCallback(() => {
    setSigner(undefined);
    localStorage.removeItem(LAST);
  }, []);

  useEffect(() => {
    if (signer !== undefined || genesisHash === undefined) return;
    const last = localStorage.getItem(LAST);
    if (last === "burner" && burnerAllowed) burner(localStorage).then(setSigner);
    const wallet = known.find(({ name }) => name === last);
    // Who agreed before is connected again without being asked; who did not is left alone.
    if (wallet !== undefined) connect(wallet, chain, true).then(setSigner, () => {});
  }, [signer, genesisHash, burnerAllowed, known, chain]);

  const signing = useMemo(
    () => ({
      endpoint,
      rpc,
      storeUrl,
      signer,
      wallets: known,
      burnerAllowed,
      choosing,
      takeWallet,
      takeBurner,
      disconnect,
      choose,
    }),
    [endpoint, rpc, storeUrl, signer, known, burnerAllowed, choosing, takeWallet, takeBurner, disconnect],
  );
  return <SigningContext value={signing}>{children}</SigningContext>;
}

let snapshot: readonly SolanaWallet[] = wallets();

function useWallets(): readonly SolanaWallet[] {
  return useSyncExternalStore(
    (listener) =>
      watchWallets(() => {
        snapshot = wallets();
        listener();
      }),
    () => snapshot,
  );
}
