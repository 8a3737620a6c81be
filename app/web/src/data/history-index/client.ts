/** An index of the market's history over HTTP: `assay index`. It is asked, never told, and never trusted with what is signed. */
import type { Address } from "@solana/kit";
import type { IndexedJob } from "../../model/job-line.ts";
import type { IndexedNode } from "../../model/node-line.ts";
import { readEvents } from "./events.ts";
import {
  type IndexHealth,
  type IndexHistory,
  type IndexRecord,
  type IndexSnapshot,
  type IndexStats,
  readHealth,
  readHistory,
  readJob,
  readNode,
  readPage,
  readRecord,
  readSnapshot,
  readStats,
} from "./shape.ts";

/** The index did not answer as it should; the message is a sentence for people. */
export class IndexFailure extends Error {
  override readonly name = "IndexFailure";
  constructor(
    message: string,
    /** The index's own code, where it gave one. */
    readonly code: string | undefined = undefined,
  ) {
    super(message);
  }
}

/** The index does not know an account. */
export const UNKNOWN = "H0204";
/** A record that the index does not have yet: it was made anew. */
export const AHEAD = "H0208";

/** Pages of a timeline that are read: a thousand records each. */
const MOST_PAGES = 10;
const HEALTH_TIMEOUT_MS = 5_000;
/** Silence of the events after which the connection counts as lost. The index says that it is there every ten seconds. */
const SILENCE_MS = 30_000;

/** Asks an index. */
export class IndexClient {
  constructor(
    /** Where it is, without a slash at the end. */
    readonly url: string,
    private readonly fetcher: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  /** The newest 10,000 jobs and the nodes. */
  async snapshot(signal: AbortSignal): Promise<IndexSnapshot> {
    return readSnapshot(await this.#json("/v1/snapshot", signal));
  }

  /** The newest jobs. */
  async newestJobs(limit: number, signal: AbortSignal): Promise<readonly IndexedJob[]> {
    return readPage(await this.#json(`/v1/jobs?limit=${limit}`, signal), readJob);
  }

  /** A job and its whole past; `undefined` for one that the index never saw. */
  job(address: Address, signal: AbortSignal): Promise<IndexHistory<IndexedJob> | undefined> {
    return this.#history(`/v1/jobs/${address}`, ({ job }) => readJob(job), signal);
  }

  /** A node and its whole past. */
  node(address: Address, signal: AbortSignal): Promise<IndexHistory<IndexedNode> | undefined> {
    return this.#history(`/v1/nodes/${address}`, ({ node }) => readNode(node), signal);
  }

  /** The past of any account. */
  account(address: Address, signal: AbortSignal): Promise<IndexHistory<undefined> | undefined> {
    return this.#history(`/v1/accounts/${address}`, () => undefined, signal);
  }

  /** Totals of the last hours in which something happened. */
  async stats(hours: number, signal: AbortSignal): Promise<IndexStats> {
    return readStats(await this.#json(`/v1/stats?hours=${hours}`, signal));
  }

  /** How far it has come. An index that is behind says so with the same body. */
  async health(signal: AbortSignal): Promise<IndexHealth> {
    const timed = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_TIMEOUT_MS)]);
    const response = await this.#ask("/health", timed);
    return readHealth(await response.json());
  }

  /** Tells every record after `after`. Ends only by failing, or when `signal` is aborted. */
  async follow(
    after: number,
    listener: { started(): void; record(record: IndexRecord): void },
    signal: AbortSignal,
  ): Promise<void> {
    const silent = new AbortController();
    const both = AbortSignal.any([signal, silent.signal]);
    const response = await this.#ask(`/v1/events?after=${after}`, both);
    if (!response.ok) throw await failureOf(this.url, response);
    listener.started();
    let timer = setTimeout(() => silent.abort(), SILENCE_MS);
    try {
      for await (const data of readEvents(response, () => {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENCE_MS);
      })) {
        listener.record(readRecord(JSON.parse(data)));
      }
    } finally {
      clearTimeout(timer);
    }
    if (!signal.aborted) throw new IndexFailure(`${this.url} ended the stream of events.`);
  }

  async #history<Row>(
    path: string,
    row: (fields: Readonly<Record<string, unknown>>) => Row,
    signal: AbortSignal,
  ): Promise<IndexHistory<Row> | undefined> {
    const first = await this.#json(path, signal).catch((error: unknown) => {
      if (error instanceof IndexFailure && error.code === UNKNOWN) return undefined;
      throw error;
    });
    if (first === undefined) return undefined;
    const whole = readHistory(first, row);
    const timeline = [...whole.timeline];
    let { more } = whole;
    for (let page = 1; more && page < MOST_PAGES; page++) {
      const next = readHistory(await this.#json(`${path}?after=${timeline.at(-1)?.id ?? 0}`, signal), row);
      timeline.push(...next.timeline);
      more = next.more && next.timeline.length > 0;
    }
    return { row: whole.row, timeline, more };
  }

  async #json(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await this.#ask(path, signal);
    if (!response.ok) throw await failureOf(this.url, response);
    return response.json();
  }

  async #ask(path: string, signal: AbortSignal): Promise<Response> {
    try {
      return await this.fetcher(`${this.url}${path}`, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new IndexFailure(`${this.url} does not answer.`);
    }
  }
}

async function failureOf(url: string, response: Response): Promise<IndexFailure> {
  const body: unknown = await response.json().catch(() => undefined);
  const { code, error } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const said = typeof error === "string" ? ` ${error.slice(0, 200)}` : "";
  return new IndexFailure(`${url} answered ${response.status}.${said}`, typeof code === "string" ? code : undefined);
}
