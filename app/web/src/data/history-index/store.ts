/**
 * What an index tells of the market, beside what the endpoint's accounts say.
 *
 * An index is quick and remembers what was closed; the accounts are the truth. Where both speak of something that exists, the
 * accounts count, and an index that is away, behind the chain or of another market is said to be so and not used.
 */
import type { Address } from "@solana/kit";
import type { IndexedJob } from "../../model/job-line.ts";
import type { IndexedNode } from "../../model/node-line.ts";
import { sleep } from "../../model/sleep.ts";
import type { MarketStore } from "../store.ts";
import { applyToJob } from "./apply.ts";
import { AHEAD, type IndexClient, IndexFailure } from "./client.ts";
import type { IndexRecord, IndexSnapshot } from "./shape.ts";

/** How things stand with the index. */
export type IndexStanding =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "behind"; readonly slots: bigint }
  | { readonly state: "away"; readonly reason: string; readonly isNoIndex: boolean }
  | { readonly state: "foreign" };

/** The rows of the index; a new object whenever one of them changed. */
export interface IndexRows {
  readonly isLoaded: boolean;
  readonly jobs: readonly IndexedJob[];
  readonly nodes: readonly IndexedNode[];
  readonly jobsByAddress: ReadonlyMap<Address, IndexedJob>;
  /** How far the index had seen the chain when the rows were read. */
  readonly slot: bigint;
}

/** Slots that the index may be behind the endpoint: a minute. */
export const MOST_BEHIND_SLOTS = 150n;
/** Records that are remembered for the feed. */
const REMEMBERED = 200;
const FLUSH_MS = 100;
/** Time between a job that was posted and reading its row: several are read together. */
const NEWEST_MS = 700;
const NEWEST_JOBS = 200;
const HEALTH_MS = 4_000;
/** Counts of nodes are in no record; their rows are read anew this often while somebody looks at them. */
const REFRESH_MS = 20_000;
/** How long others wait for the first rows of an index that takes its time. */
const LONGEST_FIRST_MS = 3_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

type Connected = "connecting" | "live" | Extract<IndexStanding, { state: "away" }>;

const NONE: IndexRows = { isLoaded: false, jobs: [], nodes: [], jobsByAddress: new Map(), slot: 0n };

/** The market as an index tells it. */
export class IndexStore {
  readonly client: IndexClient;
  readonly #market: Pick<MarketStore, "slot" | "table">;
  readonly #jobs = new Map<Address, IndexedJob>();
  readonly #listeners = {
    standing: new Set<() => void>(),
    rows: new Set<() => void>(),
    seen: new Set<() => void>(),
  };
  readonly #watched = new Map<Address, Set<() => void>>();
  #nodes: readonly IndexedNode[] = [];
  #rows: IndexRows = NONE;
  #standing: IndexStanding = { state: "connecting" };
  #connected: Connected = "connecting";
  #follows = true;
  #slot = 0n;
  #lastId: number | undefined;
  #seen: readonly IndexRecord[] = [];
  #pending: IndexRecord[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;
  #newest: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | undefined;
  #isStale = false;
  #answered: () => void = () => {};
  /** Settles when the first rows are there, or it is known that they will not be soon. */
  readonly answered: Promise<void>;

  constructor(client: IndexClient, market: Pick<MarketStore, "slot" | "table">) {
    this.client = client;
    this.#market = market;
    this.answered = new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  /** Reads and follows until the returned function is called. */
  start(): () => void {
    const running = new AbortController();
    void this.#run(running.signal);
    void this.#ask(running.signal);
    void this.#refresh(running.signal);
    setTimeout(this.#answered, LONGEST_FIRST_MS);
    return () => running.abort();
  }

  get standing(): IndexStanding {
    return this.#standing;
  }

  get rows(): IndexRows {
    return this.#rows;
  }

  /** How far the index has seen the chain. */
  get slot(): bigint {
    return this.#slot;
  }

  /** What happened lately, newest first, as far as the app was open. */
  get seen(): readonly IndexRecord[] {
    return this.#seen;
  }

  watchStanding = (listener: () => void): (() => void) => subscribe(this.#listeners.standing, listener);
  watchRows = (listener: () => void): (() => void) => subscribe(this.#listeners.rows, listener);
  watchSeen = (listener: () => void): (() => void) => subscribe(this.#listeners.seen, listener);

  /** Calls `listener` after every record about an account, or about a dispute of it. */
  watchAccount(address: Address, listener: () => void): () => void {
    const listeners = this.#watched.get(address) ?? new Set();
    this.#watched.set(address, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#watched.delete(address);
    };
  }

  /** Tries the index again now instead of when its time has come. */
  retry(): void {
    this.#wake?.();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let wait = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        if (this.#lastId === undefined) this.#takeSnapshot(await this.client.snapshot(signal));
        await this.client.follow(
          this.#lastId ?? 0,
          {
            started: () => {
              wait = FIRST_RETRY_MS;
              this.#connect("live");
            },
            record: (record) => this.#takeRecord(record),
          },
          signal,
        );
      } catch (error) {
        if (signal.aborted) return;
        this.#takeFailure(error);
      }
      await this.#pause(wait, signal);
      wait = Math.min(wait * 2, LONGEST_RETRY_MS);
    }
  }

  #takeFailure(error: unknown): void {
    const isNoIndex = !(error instanceof IndexFailure);
    if (!isNoIndex && error.code === AHEAD) this.#lastId = undefined;
    const reason = error instanceof Error ? error.message : "It does not answer.";
    // What answers with something else than an index is none, however often it is asked.
    this.#connect({ state: "away", reason, isNoIndex });
    this.#answered();
  }

  /** Asks how far the index has come. That it does not answer is found out by following it. */
  async #ask(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(HEALTH_MS, signal);
      const health = await this.client.health(signal).catch(() => undefined);
      if (signal.aborted) return;
      if (health !== undefined) {
        this.#slot = health.slot;
        this.#follows = health.follows;
      }
      this.#judge();
    }
  }

  /** Reads all rows again while somebody looks at them and something has changed that no record tells. */
  async #refresh(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(REFRESH_MS, signal);
      if (signal.aborted) return;
      if (!this.#isStale || this.#listeners.rows.size === 0 || this.#connected !== "live") continue;
      const snapshot = await this.client.snapshot(signal).catch(() => undefined);
      if (snapshot !== undefined && !signal.aborted && snapshot.lastId >= (this.#lastId ?? 0)) {
        this.#takeRows(snapshot);
      }
    }
  }

  #takeSnapshot(snapshot: IndexSnapshot): void {
    this.#lastId = snapshot.lastId;
    this.#takeRows(snapshot);
  }

  #takeRows(snapshot: IndexSnapshot): void {
    this.#jobs.clear();
    for (const job of snapshot.jobs) this.#jobs.set(job.address, job);
    this.#nodes = snapshot.nodes;
    if (snapshot.slot > this.#slot) this.#slot = snapshot.slot;
    this.#isStale = false;
    this.#publish();
    this.#judge();
    this.#answered();
  }

  #takeRecord(record: IndexRecord): void {
    this.#lastId = record.id;
    this.#pending.push(record);
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      this.#apply();
    }, FLUSH_MS);
  }

  #apply(): void {
    const records = this.#pending;
    this.#pending = [];
    const named = new Set<Address>();
    for (const record of records) {
      named.add(record.account);
      if (record.job !== undefined) named.add(record.job);
      if (record.slot > this.#slot) this.#slot = record.slot;
      if (record.kind === "job" && record.change === "job_posted") this.#readNewest();
      const job = this.#jobs.get(record.account);
      if (job !== undefined) this.#jobs.set(record.account, applyToJob(job, record));
    }
    this.#isStale = true;
    this.#publish();
    this.#seen = [...records.reverse(), ...this.#seen].slice(0, REMEMBERED);
    notify(this.#listeners.seen);
    for (const address of named) notify(this.#watched.get(address) ?? new Set());
  }

  /** A record of a posted job does not say everything that its row does. */
  #readNewest(): void {
    this.#newest ??= setTimeout(() => {
      this.#newest = undefined;
      this.client.newestJobs(NEWEST_JOBS, new AbortController().signal).then(
        (jobs) => {
          for (const job of jobs) this.#jobs.set(job.address, job);
          this.#publish();
        },
        // The rows come with the next snapshot.
        () => {},
      );
    }, NEWEST_MS);
  }

  #publish(): void {
    this.#rows = {
      isLoaded: true,
      jobs: [...this.#jobs.values()],
      nodes: this.#nodes,
      jobsByAddress: new Map(this.#jobs),
      slot: this.#slot,
    };
    notify(this.#listeners.rows);
  }

  #connect(state: Connected): void {
    this.#connected = state;
    this.#judge();
  }

  #judge(): void {
    const standing = this.#judged();
    if (JSON.stringify(standing, bigints) === JSON.stringify(this.#standing, bigints)) return;
    this.#standing = standing;
    notify(this.#listeners.standing);
  }

  #judged(): IndexStanding {
    if (this.#connected === "connecting") return { state: "connecting" };
    if (this.#connected !== "live") return this.#connected;
    if (this.#isForeign()) return { state: "foreign" };
    const behind = this.#market.slot - this.#slot;
    if (!this.#follows || behind > MOST_BEHIND_SLOTS) return { state: "behind", slots: behind > 0n ? behind : 0n };
    return { state: "live" };
  }

  /** Whether the endpoint has none of the accounts that the index says exist: then they speak of different markets. */
  #isForeign(): boolean {
    const [jobs, nodes] = [this.#market.table("job"), this.#market.table("node")];
    if (jobs.state !== "ready" || nodes.state !== "ready") return false;
    const there = (
      rows: ReadonlyArray<{ address: Address; closedSlot: bigint }>,
      known: ReadonlyMap<Address, unknown>,
    ) => rows.filter(({ closedSlot }) => closedSlot === 0n).map(({ address }) => known.has(address));
    const all = [...there(this.#nodes, nodes.byAddress), ...there([...this.#jobs.values()], jobs.byAddress)];
    return all.length > 0 && !all.includes(true);
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(milliseconds, AbortSignal.any([signal, woken.signal]));
    this.#wake = undefined;
  }
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

function subscribe(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(listeners: ReadonlySet<() => void>): void {
  for (const listener of listeners) listener();
}
