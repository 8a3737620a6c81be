/** The bytes behind a job, fetched from whoever serves them and checked against what the job pins. */
import { atMost, ClientFailure, Graph, hexadecimal, type Job, Store, type TensorLayout } from "@assay/client";
import { isZero, sameBytes } from "../model/keys.ts";

/** Most bytes of a graph that the app reads. */
const MAXIMUM_GRAPH_BYTES = 16 << 20;
const MAXIMUM_MANIFEST_BYTES = 1 << 20;
/** Most bytes of an output that the app shows. */
const MAXIMUM_OUTPUT_BYTES = 64 << 20;

/** A result that was fetched, whose bytes are the ones that the node committed to. */
export interface CommittedOutput {
  readonly bytes: Uint8Array;
  readonly layout: TensorLayout;
  readonly servedBy: string;
  readonly graph: Graph;
}

/** Why there is no result to show; the message is a sentence for people. */
export class ResultMissing extends Error {
  override readonly name = "ResultMissing";
}

/** Fetches a file of at most so many bytes. */
export async function fetchBytes(uri: string, most: number, signal: AbortSignal): Promise<Uint8Array> {
  if (!/^https?:\/\//.test(uri)) throw new ResultMissing(`A browser cannot fetch from ${uri || "an empty address"}.`);
  const response = await fetch(uri, { signal }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new ResultMissing(`${uri} does not answer, or does not let web pages read it.`);
  });
  if (!response.ok) throw new ResultMissing(`${uri} answered ${response.status}.`);
  return atMost(response, most, uri).catch((error: unknown) => {
    if (!(error instanceof ClientFailure)) throw error;
    throw new ResultMissing(`${uri} serves more than ${most.toLocaleString("en-GB")} bytes.`);
  });
}

/** The graph of a job; its root is the pinned one. */
export async function fetchGraph(job: Pick<Job, "graphUri" | "graphRoot">, signal: AbortSignal): Promise<Graph> {
  const graph = new Graph(await fetchBytes(job.graphUri, MAXIMUM_GRAPH_BYTES, signal));
  if (sameBytes(graph.root, job.graphRoot)) return graph;
  throw new ResultMissing(`${job.graphUri} serves another graph than the one that the job pins.`);
}

/** Values of the graph's symbols, as many as it has. */
export function symbolsOf(graph: Graph, job: Pick<Job, "symbols">): readonly number[] {
  return job.symbols.slice(0, graph.symbols.length);
}

/** The output that the job's node committed to, from the first that serves it. */
export async function fetchOutput(
  job: Job,
  nodeEndpoint: string | undefined,
  signal: AbortSignal,
): Promise<CommittedOutput> {
  if (isZero(job.resultManifest))
    throw new ResultMissing("The commitment names no list of its parts: only the node can serve it.");
  const bases = [job.storeUri, nodeEndpoint ?? ""].filter((base) => base !== "");
  if (bases.length === 0) throw new ResultMissing("The job names no store, and its node serves nothing.");
  const graph = await fetchGraph(job, signal);
  const [slot = -1] = graph.outputs;
  const layout = graph.layouts(symbolsOf(graph, job))[slot];
  if (layout === undefined) throw new ResultMissing("The graph has no output.");
  let last: unknown;
  for (const base of bases) {
    try {
      return { bytes: await outputFrom(new Store(base), job, layout, signal), layout, servedBy: base, graph };
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    }
  }
  throw last;
}

async function outputFrom(store: Store, job: Job, layout: TensorLayout, signal: AbortSignal): Promise<Uint8Array> {
  const list = await store.get(hexadecimal(job.resultManifest), MAXIMUM_MANIFEST_BYTES, signal);
  const artifact = listedTensors(list)?.[job.output.boundaryPosition]?.artifact;
  if (artifact === undefined) throw new ResultMissing(`${store.base} serves a list that cannot be read.`);
  if (layout.bytes > MAXIMUM_OUTPUT_BYTES) throw new ResultMissing("The output is too large to show here.");
  const bytes = await store.get(artifact, layout.bytes, signal);
  const root = layout.root(bytes);
  if (root !== null && sameBytes(root, job.outputRoot)) return bytes;
  throw new ResultMissing(`${store.base} serves other bytes than the ones that the node committed to.`);
}

/** One tensor of a list of boundary tensors. */
export interface ListedTensor {
  readonly slot: number;
  readonly artifact: string;
  readonly bytes: number;
}

/** The tensors of a list, in their order; `undefined` where it cannot be read. */
export function listedTensors(list: Uint8Array): readonly ListedTensor[] | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(list));
    const entries: unknown =
      typeof parsed === "object" && parsed !== null && "boundary" in parsed ? parsed.boundary : undefined;
    return Array.isArray(entries) && entries.every(isListed) ? entries : undefined;
  } catch {
    return undefined;
  }
}

function isListed(entry: unknown): entry is ListedTensor {
  if (typeof entry !== "object" || entry === null) return false;
  const { slot, artifact, bytes } = entry as Partial<Record<string, unknown>>;
  return (
    Number.isSafeInteger(slot) &&
    Number.isSafeInteger(bytes) &&
    typeof artifact === "string" &&
    /^[0-9a-f]{64}$/i.test(artifact)
  );
}

/** All boundary tensors that a job's node committed to, by slot, from the first that serves them; none where nobody does. */
export async function fetchBoundary(
  job: Job,
  nodeEndpoint: string | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Uint8Array>> {
  if (isZero(job.resultManifest)) return new Map();
  for (const base of [job.storeUri, nodeEndpoint ?? ""].filter((one) => one !== "")) {
    try {
      return await boundaryFrom(new Store(base), job, signal);
    } catch {
      signal.throwIfAborted();
    }
  }
  return new Map();
}

async function boundaryFrom(store: Store, job: Job, signal: AbortSignal): Promise<ReadonlyMap<number, Uint8Array>> {
  const listed = listedTensors(await store.get(hexadecimal(job.resultManifest), MAXIMUM_MANIFEST_BYTES, signal)) ?? [];
  const total = listed.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > MAXIMUM_OUTPUT_BYTES) throw new ResultMissing("The result is too large to compare here.");
  const tensors = new Map<number, Uint8Array>();
  for (const { slot, artifact, bytes } of listed) tensors.set(slot, await store.get(artifact, bytes, signal));
  return tensors;
}
