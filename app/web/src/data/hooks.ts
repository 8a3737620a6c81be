/** The market, for components. */
import type { Address } from "@solana/kit";
import { createContext, useContext, useMemo, useSyncExternalStore } from "react";
import type { Kind, Row } from "./kinds.ts";
import type { Connection, MarketStore, Seen, Table } from "./store.ts";

/** The market that the page shows. */
export const MarketContext = createContext<MarketStore | undefined>(undefined);

/** The market; only below the app's frame. */
export function useMarket(): MarketStore {
  const market = useContext(MarketContext);
  if (market === undefined) throw new Error("A component outside of the app asked for the market.");
  return market;
}

/** All accounts of a kind. */
export function useTable<K extends Kind>(kind: K): Table<K> {
  const market = useMarket();
  const watch = useMemo(() => (listener: () => void) => market.watch(kind, listener), [market, kind]);
  return useSyncExternalStore(watch, () => market.table(kind));
}

/** One account, or `undefined` if there is none of this kind at this address. */
export function useAccount<K extends Kind>(kind: K, address: Address): Row<K> | undefined {
  return useTable(kind).byAddress.get(address);
}

/** The network's account, once it is loaded. */
export function useNetwork(): Row<"network"> | undefined {
  return useTable("network").rows[0];
}

/** The newest slot. Whoever uses this is drawn anew with every one. */
export function useSlot(): bigint {
  const market = useMarket();
  return useSyncExternalStore(market.watchSlot, () => market.slot);
}

/** How things stand with the source. */
export function useConnection(): Connection {
  const market = useMarket();
  return useSyncExternalStore(market.watchConnection, () => market.connection);
}

/** What was seen happening since the app was opened, newest first. */
export function useSeen(): readonly Seen[] {
  const market = useMarket();
  return useSyncExternalStore(market.watchSeen, () => market.seen);
}
