/**
 * What is known of a market at the moment, and who is told when it changes.
 *
 * All accounts of a kind are loaded once, then kept up by notifications. After every gap they are loaded again, because
 * state is the truth and notifications are not. While the source is away, what was known stays on screen and is said to be old.
 */
import type { Address } from "@solana/kit";
import { sleep } from "../model/sleep.ts";
import { Pace } from "../model/time.ts";
import { type Accounts, ALL_KINDS, KINDS, type Kind, kindOf, type Row } from "./kinds.ts";
import type { MarketSource, RawAccount, RawChange } from "./source.ts";

/** How things stand with the source. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "polling"; readonly reason: string }
  | { readonly state: "offline"; readonly reason: string; readonly retryAt: number };

/** Whether the accounts of a kind are there. */
export type LoadState = "loading" | "ready" | "failed";

/** All accounts of a kind; a new object whenever one of them changed. */
export interface Table<K extends Kind> {
  readonly state: LoadState;
  readonly error: string | undefined;
  readonly rows: readonly Row<K>[];
  readonly byAddress: ReadonlyMap<Address, Row<K>>;
}

/** An account that was seen to change while the app was open. */
export interface Seen<K extends Kind = Kind> {
  readonly kind: K;
  readonly address: Address;
  readonly slot: bigint;
  readonly before: Accounts[K] | undefined;
  readonly after: Accounts[K] | undefined;
}

/** Time between a change and its showing, so that a burst of changes is one. */
const FLUSH_MS = 60;
/** Changes that are remembered for the feed. */
const REMEMBERED = 200;
/** Accounts decoded before the page gets a turn. */
const DECODE_CHUNK = 400;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** How often it is asked which accounts still exist, in a small market and in a large one. */
const SWEEP_MS = 4_000;
const LARGE_SWEEP_MS = 60_000;
const LARGE_MARKET = 1_000;
/** How often everything is loaded where the source cannot tell of changes. */
const POLL_MS = 4_000;

/** Kinds of which there are thousands. */
const MANY: ReadonlySet<Kind> = new Set(["node", "job"]);

type Mutable<K extends Kind> = {
  state: LoadState;
  error: string | undefined;
  byAddress: Map<Address, Row<K>>;
  table: Table<K>;
  listeners: Set<() => void>;
};

/** The market as the app knows it. */
export class MarketStore {
  readonly pace = new Pace();
  readonly #source: MarketSource;
  readonly #first: Promise<unknown>;
  readonly #tables: { [K in Kind]: Mutable<K> };
  readonly #listeners = { connection: new Set<() => void>(), slot: new Set<() => void>(), seen: new Set<() => void>() };
  readonly #decimals = new Map<Address, number | undefined>();
  readonly #pending = new Map<Address, RawChange>();
  readonly #kinds = new Map<Address, Kind>();
  #connection: Connection = { state: "connecting" };
  #slot = 0n;
  #seen: readonly Seen[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | undefined;
  #running: AbortController | undefined;
  #loading = false;

  /** Kinds of which there are thousands are loaded only once `first` is settled: what is quicker goes before them. */
  constructor(source: MarketSource, first: Promise<unknown> = Promise.resolve()) {
    this.#source = source;
    this.#first = first;
    this.#tables = Object.fromEntries(ALL_KINDS.map((kind) => [kind, emptyTable()])) as never;
  }

  /** Loads and follows until the returned function is called. */
  start(): () => void {
    const running = new AbortController();
    this.#running = running;
    void this.#run(running.signal);
    return () => running.abort();
  }

  /** All accounts of a kind. */
  table<K extends Kind>(kind: K): Table<K> {
    return this.#tables[kind].table;
  }

  /** Calls `listener` whenever an account of the kind changes; the returned function ends it. */
  watch(kind: Kind, listener: () => void): () => void {
    return subscribe(this.#tables[kind].listeners, listener);
  }

  get connection(): Connection {
    return this.#connection;
  }

  get slot(): bigint {
    return this.#slot;
  }

  /** What was seen happening since the app was opened, newest first. */
  get seen(): readonly Seen[] {
    return this.#seen;
  }

  watchConnection = (listener: () => void): (() => void) => subscribe(this.#listeners.connection, listener);
  watchSlot = (listener: () => void): (() => void) => subscribe(this.#listeners.slot, listener);
  watchSeen = (listener: () => void): (() => void) => subscribe(this.#listeners.seen, listener);

  /** Digits after the point of a mint, once they are known; asking for them has them fetched. */
  decimals(mint: Address): number | undefined {
    if (!this.#decimals.has(mint)) {
      this.#decimals.set(mint, undefined);
      const signal = this.#running?.signal ?? new AbortController().signal;
      this.#source.decimals(mint, signal).then(
        (decimals) => {
          this.#decimals.set(mint, decimals);
          notify(this.#tables.network.listeners, () => this.#refresh("network"));
        },
        () => this.#decimals.delete(mint),
      );
    }
    return this.#decimals.get(mint);
  }

  /** Looks at accounts that a transaction of this app has just written. */
  async refresh(addresses: readonly Address[]): Promise<void> {
    const signal = this.#running?.signal ?? new AbortController().signal;
    const changes = await this.#source.fetch(addresses, signal).catch(() => []);
    for (const change of changes) if (change.bytes !== undefined || this.#kinds.has(change.address)) this.#take(change);
  }

  /** Tries the source again now instead of when its time has come. */
  retry(): void {
    this.#wake?.();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let wait = FIRST_RETRY_MS;
    while (!signal.aborted) {
      const ended = new AbortController();
      const both = AbortSignal.any([signal, ended.signal]);
      try {
        this.#setSlot(await this.#source.slot(both));
        const followed = this.#follow(both, () => {
          wait = FIRST_RETRY_MS;
        });
        await followed;
        return;
      } catch (error) {
        if (signal.aborted) return;
        ended.abort();
        const reachable = await this.#source.slot(signal).then(
          (slot) => {
            this.#setSlot(slot);
            return true;
          },
          () => false,
        );
        if (reachable) {
          await this.#poll(signal, sentence(error));
        } else {
          this.#setConnection({ state: "offline", reason: sentence(error), retryAt: Date.now() + wait });
          this.#failUnloaded(sentence(error));
          await this.#pause(wait, signal);
          wait = Math.min(wait * 2, LONGEST_RETRY_MS);
        }
      }
    }
  }

  async #follow(signal: AbortSignal, onStarted: () => void): Promise<void> {
    let loaded: Promise<void> = Promise.resolve();
    let failLoading: (error: unknown) => void = () => {};
    const loadFailed = new Promise<never>((_, reject) => {
      failLoading = reject;
    });
    loadFailed.catch(() => {});
    const following = this.#source.follow(
      {
        started: () => {
          // Only now, so that nothing that happens while everything is loaded is missed.
          loaded = this.#loadAll(signal).then(() => {
            onStarted();
            this.#setConnection({ state: "live" });
            void this.#sweep(signal);
          });
          loaded.catch(failLoading);
        },
        change: (change) => this.#take(change),
        slot: (slot) => this.#setSlot(slot),
      },
      signal,
    );
    await Promise.race([following, loadFailed]);
    await loaded;
  }

  /** Finds accounts that were closed without a word. Errors are left to whoever follows: the connection is theirs. */
  async #sweep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#kinds.size > LARGE_MARKET ? LARGE_SWEEP_MS : SWEEP_MS, signal);
      if (signal.aborted) return;
      // What comes into being while the answer is on its way is not in it, and is no business of this round.
      const known = [...this.#kinds.keys()];
      const present = await this.#source.present(signal).catch(() => undefined);
      if (present === undefined || signal.aborted) continue;
      for (const address of known) {
        if (!present.has(address)) this.#take({ address, bytes: undefined, slot: this.#slot });
      }
    }
  }

  /** One round of reading everything, for a source that answers but cannot tell of changes. */
  async #poll(signal: AbortSignal, reason: string): Promise<void> {
    try {
      await this.#loadAll(signal);
      this.#setConnection({ state: "polling", reason });
      await this.#pause(POLL_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#failUnloaded(sentence(error));
      await this.#pause(FIRST_RETRY_MS, signal);
    }
  }

  async #loadAll(signal: AbortSignal): Promise<void> {
    this.#loading = true;
    try {
      for (const kind of ALL_KINDS) {
        if (MANY.has(kind)) await this.#first;
        await this.#load(kind, signal);
      }
    } finally {
      this.#loading = false;
      this.#scheduleFlush();
    }
  }

  async #load<K extends Kind>(kind: K, signal: AbortSignal): Promise<void> {
    const table = this.#tables[kind];
    const accounts = await this.#source.load(kind, signal);
    const rows = await decodeAll(kind, accounts, table.byAddress, signal);
    signal.throwIfAborted();
    for (const address of table.byAddress.keys()) this.#kinds.delete(address);
    for (const address of rows.keys()) this.#kinds.set(address, kind);
    table.byAddress = rows;
    table.state = "ready";
    table.error = undefined;
    this.#publish(kind);
  }

  #take(change: RawChange): void {
    const known = this.#pending.get(change.address);
    if (known !== undefined && known.slot > change.slot) return;
    this.#pending.set(change.address, change);
    this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#flush !== undefined || this.#loading || this.#pending.size === 0) return;
    this.#flush = setTimeout(() => {
      this.#flush = undefined;
      this.#apply();
    }, FLUSH_MS);
  }

  #apply(): void {
    const changed = new Set<Kind>();
    const seen: Seen[] = [];
    for (const change of this.#pending.values()) {
      const kind = change.bytes === undefined ? this.#kinds.get(change.address) : kindOf(change.bytes);
      if (kind === undefined) continue;
      const event = this.#applyOne(kind, change);
      if (event === undefined) continue;
      changed.add(kind);
      seen.push(event);
    }
    this.#pending.clear();
    for (const kind of changed) this.#publish(kind);
    if (seen.length > 0) {
      this.#seen = [...seen.reverse(), ...this.#seen].slice(0, REMEMBERED);
      notify(this.#listeners.seen);
    }
  }

  #applyOne<K extends Kind>(kind: K, change: RawChange): Seen | undefined {
    const rows = this.#tables[kind].byAddress;
    const before = rows.get(change.address)?.data;
    if (change.bytes === undefined) {
      rows.delete(change.address);
      this.#kinds.delete(change.address);
      return { kind, address: change.address, slot: change.slot, before, after: undefined };
    }
    const after = decode(kind, change.bytes);
    if (after === undefined) return undefined;
    rows.set(change.address, { address: change.address, data: after });
    this.#kinds.set(change.address, kind);
    return { kind, address: change.address, slot: change.slot, before, after };
  }

  #publish<K extends Kind>(kind: K): void {
    notify(this.#tables[kind].listeners, () => this.#refresh(kind));
  }

  #refresh<K extends Kind>(kind: K): void {
    const { state, error, byAddress } = this.#tables[kind];
    this.#tables[kind].table = { state, error, rows: [...byAddress.values()], byAddress: new Map(byAddress) };
  }

  /** What was never loaded cannot be shown; what was stays. */
  #failUnloaded(reason: string): void {
    for (const kind of ALL_KINDS) {
      const table = this.#tables[kind];
      if (table.state === "ready") continue;
      table.state = "failed";
      table.error = reason;
      this.#publish(kind);
    }
  }

  #setConnection(connection: Connection): void {
    this.#connection = connection;
    notify(this.#listeners.connection);
  }

  #setSlot(slot: bigint): void {
    if (slot <= this.#slot) return;
    this.#slot = slot;
    this.pace.see(slot, Date.now());
    notify(this.#listeners.slot);
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(milliseconds, AbortSignal.any([signal, woken.signal]));
    this.#wake = undefined;
  }
}

async function decodeAll<K extends Kind>(
  kind: K,
  accounts: readonly RawAccount[],
  known: ReadonlyMap<Address, Row<K>>,
  signal: AbortSignal,
): Promise<Map<Address, Row<K>>> {
  const rows = new Map<Address, Row<K>>();
  for (let start = 0; start < accounts.length; start += DECODE_CHUNK) {
    for (const { address, bytes } of accounts.slice(start, start + DECODE_CHUNK)) {
      const data = decode(kind, bytes) ?? known.get(address)?.data;
      if (data !== undefined) rows.set(address, { address, data });
    }
    if (start + DECODE_CHUNK < accounts.length) {
      await sleep(0, signal);
      signal.throwIfAborted();
    }
  }
  return rows;
}

/** The account, or `undefined` for one of an earlier or a later layout: one account must not take the page down. */
function decode<K extends Kind>(kind: K, bytes: RawAccount["bytes"]): Accounts[K] | undefined {
  try {
    return KINDS[kind].read(bytes);
  } catch {
    return undefined;
  }
}

function emptyTable<K extends Kind>(): Mutable<K> {
  const byAddress = new Map<Address, Row<K>>();
  const table: Table<K> = { state: "loading", error: undefined, rows: [], byAddress };
  return { state: "loading", error: undefined, byAddress, table, listeners: new Set() };
}

function subscribe(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(listeners: ReadonlySet<() => void>, prepare?: () => void): void {
  prepare?.();
  for (const listener of listeners) listener();
}

function sentence(error: unknown): string {
  if (error instanceof TypeError) return "The endpoint does not answer.";
  return error instanceof Error && error.message !== "" ? error.message : "The endpoint does not answer.";
}
