/** What an index tells, for components. Without an index, or while it is of no use, all of these say so and nothing breaks. */
import type { Address } from "@solana/kit";
import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { IndexedJob, JobLine } from "../model/job-line.ts";
import type { IndexedNode, NodeLine } from "../model/node-line.ts";
import type { IndexHistory, IndexRecord, IndexStats } from "./history-index/shape.ts";
import type { IndexRows, IndexStanding, IndexStore } from "./history-index/store.ts";
import { useConnection, useTable } from "./hooks.ts";
import type { LoadState } from "./store.ts";

/** The index beside the endpoint, where there is one. */
export const IndexContext = createContext<IndexStore | undefined>(undefined);

const SILENT = () => () => {};
const NO_ROWS: IndexRows = { isLoaded: false, jobs: [], nodes: [], jobsByAddress: new Map(), slot: 0n };
const NO_RECORDS: readonly IndexRecord[] = [];
/** How often totals are read again at most. */
const STATS_MS = 10_000;

/** The index, however it stands; `undefined` where none is set. */
export function useIndex(): IndexStore | undefined {
  return useContext(IndexContext);
}

/** How things stand with the index; `undefined` where none is set. */
export function useIndexStanding(): IndexStanding | undefined {
  const index = useIndex();
  return useSyncExternalStore(index?.watchStanding ?? SILENT, () => index?.standing);
}

/** The index where its histories can be read: it answers, and it is of this market. It may be behind. */
export function useReadableIndex(): IndexStore | undefined {
  const index = useIndex();
  const state = useIndexStanding()?.state;
  return state === "live" || state === "behind" ? index : undefined;
}

/** All rows of the index. */
export function useIndexRows(): IndexRows {
  const index = useIndex();
  return useSyncExternalStore(index?.watchRows ?? SILENT, () => index?.rows ?? NO_ROWS);
}

/** What the index recorded since the app was opened, newest first. */
export function useIndexSeen(): readonly IndexRecord[] {
  const index = useIndex();
  return useSyncExternalStore(index?.watchSeen ?? SILENT, () => index?.seen ?? NO_RECORDS);
}

/** Rows of a list, and who told them. */
export interface Lines<Line> {
  readonly source: "chain" | "index";
  readonly state: LoadState;
  readonly error: string | undefined;
  readonly rows: readonly Line[];
  /** Rows of accounts that are gone, which the index remembers: among `rows` where they are asked for. */
  readonly closed: number;
}

/** Jobs: the accounts, or the rows of the index while the accounts are on their way or the endpoint is away. */
export function useJobLines(withClosed: boolean): Lines<JobLine> {
  const table = useTable("job");
  return useLines<JobLine, IndexedJob>(table, (rows) => rows.jobs, withClosed);
}

/** Nodes: the accounts, or the rows of the index while the accounts are on their way or the endpoint is away. */
export function useNodeLines(): Lines<NodeLine> {
  const table = useTable("node");
  return useLines<NodeLine, IndexedNode>(table, (rows) => rows.nodes, false);
}

function useLines<Line extends JobLine | NodeLine, Kept extends Line & (IndexedJob | IndexedNode)>(
  table: { readonly state: LoadState; readonly error: string | undefined; readonly rows: readonly Line[] },
  pick: (rows: IndexRows) => readonly Kept[],
  withClosed: boolean,
): Lines<Line> {
  const connection = useConnection();
  const standing = useIndexStanding();
  const index = useIndexRows();
  const isIndexed = standing?.state === "live" && index.isLoaded;
  const kept = pick(index);
  const known = isIndexed || standing?.state === "behind" ? kept : [];
  const fromAccounts = table.state === "ready" && (connection.state !== "offline" || !isIndexed);
  // Drawn anew with either source: rows are compared by what they are, not by how often they were read.
  const live: readonly Line[] = fromAccounts ? table.rows : kept.filter((row) => row.closedSlot === 0n);
  const gone = known.filter((row) => row.closedSlot > 0n);
  const rows = useStable(withClosed && gone.length > 0 ? [...live, ...gone] : live);
  if (fromAccounts || !isIndexed) {
    return { source: "chain", state: table.state, error: table.error, rows, closed: gone.length };
  }
  return { source: "index", state: "ready", error: undefined, rows, closed: gone.length };
}

/** The same array as before while it holds the same rows, so that what is computed of it is kept. */
function useStable<T>(rows: readonly T[]): readonly T[] {
  const [kept, keep] = useState(rows);
  const same = kept.length === rows.length && kept.every((row, at) => row === rows[at]);
  if (same) return kept;
  keep(rows);
  return rows;
}

/** What was asked of an index, as far as it has come. */
export type Asked<T> =
  | { readonly state: "none" }
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly reason: string }
  | { readonly state: "unknown" }
  | { readonly state: "known"; readonly value: T };

/** A job and its whole past, kept up. */
export function useIndexedJob(address: Address): Asked<IndexHistory<IndexedJob>> {
  return useHistory(address, (index, signal) => index.client.job(address, signal));
}

/** A node and its whole past, kept up. */
export function useIndexedNode(address: Address): Asked<IndexHistory<IndexedNode>> {
  return useHistory(address, (index, signal) => index.client.node(address, signal));
}

/** The past of any account, kept up. */
export function useIndexedAccount(address: Address): Asked<IndexHistory<unknown>> {
  return useHistory(address, (index, signal) => index.client.account(address, signal));
}

function useHistory<T>(
  address: Address,
  ask: (index: IndexStore, signal: AbortSignal) => Promise<T | undefined>,
): Asked<T> {
  const index = useReadableIndex();
  const [asked, setAsked] = useState<Asked<T>>({ state: "loading" });
  const [version, setVersion] = useState(0);
  useEffect(() => index?.watchAccount(address, () => setVersion((before) => before + 1)), [index, address]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version means that something was recorded; the question follows from the address
  useEffect(() => {
    if (index === undefined) return;
    const controller = new AbortController();
    ask(index, controller.signal).then(
      (value) => setAsked(value === undefined ? { state: "unknown" } : { state: "known", value }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setAsked({ state: "failed", reason: error instanceof Error ? error.message : "The index does not answer." });
      },
    );
    return () => controller.abort();
  }, [index, address, version]);
  return index === undefined ? { state: "none" } : asked;
}

/** Totals of the last hours, kept up. */
export function useIndexStats(hours: number): Asked<IndexStats> {
  const index = useReadableIndex();
  const [asked, setAsked] = useState<Asked<IndexStats>>({ state: "loading" });
  const read = useCallback(
    (signal: AbortSignal) =>
      index?.client.stats(hours, signal).then(
        (value) => setAsked({ state: "known", value }),
        (error: unknown) => {
          if (signal.aborted) return;
          setAsked({ state: "failed", reason: error instanceof Error ? error.message : "The index does not answer." });
        },
      ),
    [index, hours],
  );
  useEffect(() => {
    if (index === undefined) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    void read(controller.signal);
    const stop = index.watchSeen(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void read(controller.signal);
      }, STATS_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
      controller.abort();
    };
  }, [index, read]);
  return index === undefined ? { state: "none" } : asked;
}
