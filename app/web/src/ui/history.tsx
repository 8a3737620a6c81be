/** What happened to an account, as far back as the endpoint remembers. */
import type { Address } from "@solana/kit";
import { useEffect, useState } from "react";
import { fetchHistory, type HistoryEntry } from "../data/history.ts";
import { eventSentence, scoreChange, slotText } from "../model/event-words.ts";
import { useSigning } from "../transact/context.tsx";
import { CopyButton } from "./address.tsx";
import { Panel, SkeletonLines } from "./basics.tsx";

/** Transactions that are read. */
const MOST = 20;

type State = { readonly entries: readonly HistoryEntry[] } | { readonly fault: string } | undefined;

/** Read anew whenever `version` changes. */
export function HistoryPanel({ address, version }: { address: Address; version: string }) {
  const { rpc } = useSigning();
  const [state, setState] = useState<State>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version of the account means that something happened
  useEffect(() => {
    const controller = new AbortController();
    fetchHistory(rpc, address, MOST, controller.signal).then(
      (entries) => setState({ entries }),
      () => controller.signal.aborted || setState({ fault: "The endpoint keeps no history of it." }),
    );
    return () => controller.abort();
  }, [rpc, address, version]);
  return (
    <Panel title="History" flush foot="From the events of its newest transactions.">
      {state === undefined && <SkeletonLines label="Loading the history" lines={4} />}
      {state !== undefined && "fault" in state && (
        <p className="muted" style={{ padding: "var(--space-4)" }}>
          {state.fault}
        </p>
      )}
      {state !== undefined && "entries" in state && <Entries entries={state.entries} />}
    </Panel>
  );
}

function Entries({ entries }: { entries: readonly HistoryEntry[] }) {
  if (entries.length === 0) {
    return (
      <p className="muted" style={{ padding: "var(--space-4)" }}>
        The endpoint remembers no transaction of it.
      </p>
    );
  }
  return (
    <ul className="feed history">
      {entries.map(({ event, slot, signature }) => (
        <li key={`${signature}${event.name}${eventKey(event.data)}`}>
          <span className="faint small">{slotText(slot)}</span>
          <span>
            {eventSentence(event)}
            {scoreChange(event) !== undefined && <div className="small muted">{scoreChange(event)}.</div>}
          </span>
          <CopyButton text={signature} what="signature of the transaction" />
        </li>
      ))}
    </ul>
  );
}

/** Tells events of one transaction apart. */
function eventKey(data: object): string {
  return Object.values(data).map(String).join();
}
