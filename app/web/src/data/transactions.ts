/** The events of an account's newest transactions, for components. */
import type { Address } from "@solana/kit";
import { useEffect, useState } from "react";
import { useSigning } from "../transact/context.tsx";
import { fetchHistory, type HistoryEntry } from "./history.ts";

/** What the endpoint still has. */
export type Transactions = { readonly entries: readonly HistoryEntry[] } | { readonly fault: string } | undefined;

/** Reads the newest `most` transactions, and again with every new `version` of the account; nothing while `isWanted` is false. */
export function useTransactions(address: Address, version: string, most: number, isWanted: boolean): Transactions {
  const { rpc } = useSigning();
  const [state, setState] = useState<Transactions>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version of the account means that something happened
  useEffect(() => {
    if (!isWanted) return;
    const controller = new AbortController();
    fetchHistory(rpc, address, most, controller.signal).then(
      (entries) => setState({ entries }),
      () => controller.signal.aborted || setState({ fault: "The endpoint keeps no history of it." }),
    );
    return () => controller.abort();
  }, [rpc, address, version, most, isWanted]);
  return isWanted ? state : undefined;
}
