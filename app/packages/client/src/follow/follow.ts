/**
 * Following something on a chain over a websocket that may drop at any time: subscribe, read what was missed, then follow;
 * after a drop, wait and begin again. Nothing is lost, because the read comes after the subscription, and nothing goes back,
 * because what is older than what was seen is passed over.
 */
import { BackOff, delay } from "./delay.js";

/** What is followed may be gone: then the value is none. */
export interface Observed<Key, Value> {
  readonly key: Key;
  /** The slot in which this was so. */
  readonly slot: bigint;
  readonly value: Value | null;
}

/** A state of everything that is followed. */
export interface Snapshot<Key, Value> {
  readonly slot: bigint;
  readonly values: ReadonlyMap<Key, Value>;
}

/** Whether changes arrive at present. */
export type Connection =
  | { readonly kind: "connecting"; readonly attempt: number }
  | { readonly kind: "live" }
  | { readonly kind: "waiting"; readonly milliseconds: number; readonly failure: unknown };

/** How patient following is. */
export interface FollowOptions {
  /** Ends following. */
  readonly signal?: AbortSignal;
  /** The wait after the first failure; it doubles with each. */
  readonly firstWaitMilliseconds?: number;
  /** The longest wait between attempts. */
  readonly longestWaitMilliseconds?: number;
  /** How often everything is read again although the connection seems well: it may be dead, and closed accounts are not announced. */
  readonly refreshMilliseconds?: number;
  /** Told about the connection, for showing it. */
  readonly onConnection?: (connection: Connection) => void;
}

/** Where changes come from. */
export interface Source<Key, Value> {
  /** Subscribes; what arrives from then on is kept until it is asked for. */
  subscribe(signal: AbortSignal): Promise<AsyncIterable<Observed<Key, Value>>>;
  /** Reads the present state. */
  read(signal: AbortSignal): Promise<Snapshot<Key, Value>>;
  /** What is reported even if it is not there at first. */
  readonly expected?: readonly Key[];
  /** Whether two values are the same: then the later one is no change. */
  isSame(one: Value, other: Value): boolean;
}

/** Every change from now on, the present state first. Ends when the signal is aborted; never throws for a lost connection. */
export async function* follow<Key, Value>(
  source: Source<Key, Value>,
  options: FollowOptions = {},
): AsyncGenerator<Observed<Key, Value>, void, undefined> {
  const seen = new Seen<Key, Value>(source);
  const backOff = new BackOff(options.firstWaitMilliseconds ?? 250, options.longestWaitMilliseconds ?? 10_000);
  for (let attempt = 1; !options.signal?.aborted; attempt += 1) {
    options.onConnection?.({ kind: "connecting", attempt });
    const connection = new AbortController();
    const end = () => connection.abort();
    options.signal?.addEventListener("abort", end, { once: true });
    let failure: unknown;
    try {
      // Asking for the first change before reading makes sure that those in between are kept.
      const changes = new Changes(await source.subscribe(connection.signal));
      yield* seen.changed(await source.read(connection.signal));
      backOff.reset();
      options.onConnection?.({ kind: "live" });
      yield* untilItEnds(source, changes, seen, connection.signal, options.refreshMilliseconds ?? 30_000);
    } catch (cause) {
      failure = cause;
    } finally {
      options.signal?.removeEventListener("abort", end);
      connection.abort();
    }
    if (options.signal?.aborted) return;
    const milliseconds = backOff.next();
    options.onConnection?.({ kind: "waiting", milliseconds, failure });
    await delay(milliseconds, options.signal);
  }
}

/** The changes of one connection, and what a look in between shows. Returns when the connection ends. */
async function* untilItEnds<Key, Value>(
  source: Source<Key, Value>,
  changes: Changes<Observed<Key, Value>>,
  seen: Seen<Key, Value>,
  signal: AbortSignal,
  refreshMilliseconds: number,
): AsyncGenerator<Observed<Key, Value>, void, undefined> {
  let refresh = refreshAfter(refreshMilliseconds, signal);
  while (!signal.aborted) {
    const change = await Promise.race([changes.next, refresh]);
    if (change === "refresh") {
      yield* seen.changed(await source.read(signal));
      refresh = refreshAfter(refreshMilliseconds, signal);
    } else if (change.done) {
      return;
    } else {
      changes.ask();
      if (seen.isNew(change.value)) yield change.value;
    }
  }
}

/** The changes of one connection, of which the next one is always asked for. */
class Changes<Change> {
  next: Promise<IteratorResult<Change, unknown>>;
  private readonly iterator: AsyncIterator<Change, unknown>;

  constructor(changes: AsyncIterable<Change>) {
    this.iterator = changes[Symbol.asyncIterator]();
    this.next = this.ask();
  }

  /** Asks for the one after this. */
  ask(): Promise<IteratorResult<Change, unknown>> {
    this.next = this.iterator.next();
    // Who stops following leaves this promise behind: its failure concerns nobody then.
    this.next.catch(() => {});
    return this.next;
  }
}

async function refreshAfter(milliseconds: number, signal: AbortSignal): Promise<"refresh"> {
  await delay(milliseconds, signal);
  return "refresh";
}

/** What was seen last of everything. */
class Seen<Key, Value> {
  private readonly last = new Map<Key, { readonly slot: bigint; readonly value: Value | null }>();

  constructor(private readonly source: Pick<Source<Key, Value>, "isSame" | "expected">) {}

  /** Whether something is news; it is remembered in either case. */
  isNew({ key, slot, value }: Observed<Key, Value>): boolean {
    const last = this.last.get(key);
    if (last !== undefined && slot < last.slot) return false;
    this.last.set(key, { slot, value });
    if (last === undefined) return value !== null || (this.source.expected ?? []).includes(key);
    if (value === null || last.value === null) return value !== last.value;
    return !this.source.isSame(value, last.value);
  }

  /** What a snapshot says that is news, the vanished included. */
  *changed({ slot, values }: Snapshot<Key, Value>): Generator<Observed<Key, Value>> {
    for (const [key, value] of values) {
      const change = { key, slot, value };
      if (this.isNew(change)) yield change;
    }
    for (const key of new Set([...this.last.keys(), ...(this.source.expected ?? [])])) {
      const change = { key, slot, value: null };
      if (!values.has(key) && this.isNew(change)) yield change;
    }
  }
}
