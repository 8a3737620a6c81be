/** What happened to an account: from the index, which remembers all of it, else as far back as the endpoint remembers. */
import type { Address } from "@solana/kit";
import { useState } from "react";
import type { HistoryEntry } from "../data/history.ts";
import type { IndexHistory, IndexRecord } from "../data/history-index/shape.ts";
import { type Asked, useIndexedAccount, useIndexedJob } from "../data/index-hooks.ts";
import { type Transactions, useTransactions } from "../data/transactions.ts";
import { formatCount } from "../model/amounts.ts";
import { eventSentence, scoreChange, slotText } from "../model/event-words.ts";
import { recordWords } from "../model/record-words.ts";
import { CopyButton } from "./address.tsx";
import { Button, Panel, SkeletonLines } from "./basics.tsx";
import { SourceTag } from "./source.tsx";
import { useRecordWriters } from "./unit.tsx";

/** Transactions that are read. */
const MOST = 20;
/** Records that are shown before more are asked for. */
const FIRST_RECORDS = 12;

/** The newest events of an account. A new `version` has it looked at again. */
export function HistoryPanel({ address, version }: { address: Address; version: string }) {
  const asked = useIndexedAccount(address);
  return <HistoryOf asked={asked} address={address} version={version} />;
}

/** The same of a job: an index tells its challenges and demands with it. */
export function JobHistoryPanel({ address, version }: { address: Address; version: string }) {
  const asked = useIndexedJob(address);
  return <HistoryOf asked={asked} address={address} version={version} />;
}

/** What the index remembers of an account that is gone; nothing where it remembers nothing. */
export function IndexedHistory({ address }: { address: Address }) {
  const asked = useIndexedAccount(address);
  if (asked.state !== "known") return null;
  return <RecordsPanel records={asked.value.timeline} more={asked.value.more} />;
}

/** The same, where the index was asked already. */
export function HistoryOf({
  asked,
  address,
  version,
}: {
  asked: Asked<IndexHistory<unknown>>;
  address: Address;
  version: string;
}) {
  if (asked.state === "known") {
    return <RecordsPanel records={asked.value.timeline} more={asked.value.more} />;
  }
  if (asked.state === "loading") {
    return (
      <Panel title="History" flush>
        <SkeletonLines label="Loading the history" lines={4} />
      </Panel>
    );
  }
  return <TransactionsPanel address={address} version={version} />;
}

/** What an index recorded, the newest first. */
export function RecordsPanel({ records, more }: { records: readonly IndexRecord[]; more: boolean }) {
  const write = useRecordWriters();
  const [isWhole, showWhole] = useState(false);
  const newest = [...records].reverse();
  const shown = isWhole ? newest : newest.slice(0, FIRST_RECORDS);
  return (
    <Panel
      title="History"
      flush
      side={<SourceTag source="index" />}
      foot={`${formatCount(records.length)} ${records.length === 1 ? "record" : "records"}${more ? ", and later ones" : ""}. A slot with ≤ is the one at which it was seen: it happened at or before it.`}
    >
      {records.length === 0 && <p className="muted inset">The index has no record of it.</p>}
      <ul className="feed history">
        {shown.map((record) => {
          const { sentence, detail } = recordWords(record, write);
          return (
            <li key={record.id}>
              <span className="faint small" title={new Date(record.at * 1_000).toLocaleString("en-GB")}>
                {record.exact ? "" : "\u2264 "}
                {slotText(record.slot)}
              </span>
              <span>
                {sentence}
                {detail !== undefined && detail !== "" && <div className="small muted">{detail}</div>}
              </span>
            </li>
          );
        })}
      </ul>
      {shown.length < newest.length && (
        <div className="inset">
          <Button size="small" onClick={() => showWhole(true)}>
            Show all {formatCount(newest.length)}
          </Button>
        </div>
      )}
    </Panel>
  );
}

function TransactionsPanel({ address, version }: { address: Address; version: string }) {
  return <TransactionsOf transactions={useTransactions(address, version, MOST, true)} />;
}

/** What the endpoint still has, where it was asked already. */
export function TransactionsOf({ transactions }: { transactions: Transactions }) {
  return (
    <Panel
      title="History"
      flush
      side={<SourceTag source="transactions" />}
      foot="From the events of its newest transactions, as far as the endpoint still has them."
    >
      {transactions === undefined && <SkeletonLines label="Loading the history" lines={4} />}
      {transactions !== undefined && "fault" in transactions && <p className="muted inset">{transactions.fault}</p>}
      {transactions !== undefined && "entries" in transactions && <Entries entries={transactions.entries} />}
    </Panel>
  );
}

function Entries({ entries }: { entries: readonly HistoryEntry[] }) {
  if (entries.length === 0) return <p className="muted inset">The endpoint remembers no transaction of it.</p>;
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
