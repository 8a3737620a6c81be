/** Results: fetched from whoever has them, checked against what the node committed to. */
import { type Address, getAddressEncoder, type ReadonlyUint8Array } from "@solana/kit";
import { ClientFailure } from "./failure.js";
import type { Job } from "./generated/accounts/index.js";
import { commitmentHash, ListRole, listRoot, sameBytes } from "./hashes.js";
import { depthFor, merkleRoot } from "./merkle.js";
import type { Store } from "./store.js";
import { hexadecimal, type Work } from "./work.js";

/** What of a job the check of a result needs. */
export type CommittedJob = Pick<
  Job,
  | "graphRoot"
  | "paramsRoot"
  | "inputsRoot"
  | "symbols"
  | "output"
  | "node"
  | "commitment"
  | "boundaryRoot"
  | "outputRoot"
  | "resultManifest"
>;

/** Most bytes of a manifest. */
const MAXIMUM_MANIFEST_BYTES = 1 << 20;

/** Where one boundary tensor is. */
interface ManifestEntry {
  readonly slot: number;
  readonly artifact: string;
  readonly bytes: number;
}

/** Whether `output` are the bytes of the output that the job's node committed to: row-major, little endian. */
export function isCommittedOutput(work: Work, job: CommittedJob, output: Uint8Array): boolean {
  const root = work.outputLayout.root(output);
  return root !== null && sameBytes(root, job.outputRoot);
}

/** Whether the commitment of a job is over its boundary root, by its node. */
export function isCommitment(address: Address, job: Pick<Job, "node" | "commitment" | "boundaryRoot">): boolean {
  const encoder = getAddressEncoder();
  const expected = commitmentHash(encoder.encode(address), encoder.encode(job.node), job.boundaryRoot);
  return sameBytes(expected, job.commitment);
}

/**
 * The output of a job, from the first of `stores` that serves it. The root of its bytes is the committed one, whoever
 * served them. `T0203`, `T0301`, `T0302` or `T0303`.
 */
export async function fetchResult(
  work: Work,
  job: CommittedJob,
  stores: readonly Store[],
  signal?: AbortSignal,
): Promise<Uint8Array> {
  work.checkIsOf(job);
  checkHasResult(job);
  return firstOf(stores, (store) => outputFrom(store, work, job, signal));
}

/**
 * Every tensor that a job's result commits to, by slot. Their root is the committed one, whoever served them. Whoever
 * computes the work again compares them, bit for bit.
 */
export async function fetchBoundary(
  work: Work,
  job: CommittedJob,
  stores: readonly Store[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, Uint8Array>> {
  work.checkIsOf(job);
  checkHasResult(job);
  return firstOf(stores, (store) => boundaryFrom(store, work, job, signal));
}

async function outputFrom(store: Store, work: Work, job: CommittedJob, signal?: AbortSignal): Promise<Uint8Array> {
  const entries = await manifestFrom(store, work, job, signal);
  const entry = entries[work.output.boundaryPosition];
  if (entry === undefined) throw wrongResult(store, "its list lacks the output");
  const output = await store.get(entry.artifact, entry.bytes, signal);
  if (isCommittedOutput(work, job, output)) return output;
  throw wrongResult(store, "the root of the output is another one");
}

async function boundaryFrom(
  store: Store,
  work: Work,
  job: CommittedJob,
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const layouts = work.graph.layouts(work.symbols);
  const tensors = new Map<number, Uint8Array>();
  const hashes: Uint8Array[] = [];
  for (const entry of await manifestFrom(store, work, job, signal)) {
    const bytes = await store.get(entry.artifact, entry.bytes, signal);
    const hash = layouts[entry.slot]?.hash(bytes);
    if (hash) hashes.push(hash);
    tensors.set(entry.slot, bytes);
  }
  const root = listRoot(ListRole.Boundary, hashes.length, depthFor(hashes.length), merkleRoot(hashes));
  if (sameBytes(root, job.boundaryRoot)) return tensors;
  throw wrongResult(store, "the root of the boundary is another one");
}

/** The list of a result's boundary tensors: one entry for each, in order, of its size. */
async function manifestFrom(
  store: Store,
  work: Work,
  job: CommittedJob,
  signal?: AbortSignal,
): Promise<readonly ManifestEntry[]> {
  const bytes = await store.get(hexadecimal(job.resultManifest), MAXIMUM_MANIFEST_BYTES, signal);
  const entries = parseManifest(bytes);
  if (entries === null) throw wrongResult(store, "its list cannot be read");
  const layouts = work.graph.layouts(work.symbols);
  const fits =
    entries.length === work.graph.boundary.length &&
    entries.every(({ slot, bytes }, index) => slot === work.graph.boundary[index] && bytes === layouts[slot]?.bytes);
  if (!fits) throw wrongResult(store, "its list is of another graph");
  return entries;
}

function parseManifest(bytes: Uint8Array): readonly ManifestEntry[] | null {
  let manifest: unknown;
  try {
    manifest = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
  if (!isRecord(manifest) || manifest.version !== 1 || !Array.isArray(manifest.boundary)) return null;
  return manifest.boundary.every(isManifestEntry) ? manifest.boundary : null;
}

function isManifestEntry(value: unknown): value is ManifestEntry {
  return (
    isRecord(value) &&
    Number.isSafeInteger(value.slot) &&
    Number.isSafeInteger(value.bytes) &&
    typeof value.artifact === "string" &&
    /^[0-9a-f]{64}$/i.test(value.artifact)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function checkHasResult(job: { readonly outputRoot: ReadonlyUint8Array }): void {
  if (job.outputRoot.some((byte) => byte !== 0)) return;
  throw new ClientFailure("T0301", "the job has no result", "wait until a node has committed to one");
}

async function firstOf<Value>(stores: readonly Store[], ask: (store: Store) => Promise<Value>): Promise<Value> {
  let last: unknown;
  for (const store of stores) {
    try {
      return await ask(store);
    } catch (failure) {
      last = failure;
    }
  }
  if (last instanceof ClientFailure && last.code === "T0303") throw last;
  const remedy = "ask another store, or demand the output on-chain: `assay job unavailable`";
  throw new ClientFailure("T0302", `none of ${stores.length} stores serves the result`, remedy, { cause: last });
}

function wrongResult(store: Store, reason: string): ClientFailure {
  return new ClientFailure("T0303", `${store.base} serves what was not committed: ${reason}`, "ask another store");
}
