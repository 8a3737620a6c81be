/** Recomputing a result in this page, by the code that judges on-chain. */
import { committedOf, type Job, pinsOf } from "@assay/client";
import type { ElementCheck, ResultReport, VerifyProgress } from "@assay/verifier";
import { startVerifierWorker } from "@assay/verifier/browser";
import { fetchBoundary, fetchBytes } from "./artifacts.ts";
import type { Row } from "./kinds.ts";

/** Most bytes of each artifact that a page recomputes with. */
const MAXIMUM_ARTIFACT_BYTES = 256 << 20;

/** What was found, and from where the node's own tensors came. */
export interface Verification {
  readonly report: ResultReport;
  /** Whether the node's tensors could be had and were compared element by element. */
  readonly compared: boolean;
  readonly milliseconds: number;
}

/** Fetches everything that a job pins, recomputes it and compares. */
export async function verifyJob(
  { address, data }: Row<"job">,
  endpoint: string | undefined,
  signal: AbortSignal,
  onProgress: (progress: VerifyProgress) => void,
): Promise<Verification> {
  const { artifacts, served } = await fetchAll(data, endpoint, signal);
  const worker = await startVerifierWorker();
  const started = performance.now();
  try {
    const report = await worker.verifyResult(
      { pins: pinsOf(data), committed: committedOf(address, data), artifacts, served },
      { signal, onProgress },
    );
    return { report, compared: served.size > 0, milliseconds: performance.now() - started };
  } finally {
    worker.close();
  }
}

/** An element of a job's tensors. */
export interface Place {
  readonly slot: number;
  readonly element: number;
}

/** One element, recomputed. */
export interface ElementAnswer {
  readonly check: ElementCheck;
  readonly milliseconds: number;
}

/** Fetches everything that a job pins, recomputes one element and compares it with what its node committed to there. */
export async function recomputeElement(
  { data }: Row<"job">,
  endpoint: string | undefined,
  place: Place,
  signal: AbortSignal,
  onProgress: (progress: VerifyProgress) => void,
): Promise<ElementAnswer> {
  const { artifacts, served } = await fetchAll(data, endpoint, signal);
  const boundaryRoot = Uint8Array.from(data.boundaryRoot);
  const worker = await startVerifierWorker();
  const started = performance.now();
  try {
    const asked = { pins: pinsOf(data), boundaryRoot, artifacts, served, ...place };
    const check = await worker.recomputeElement(asked, { signal, onProgress });
    return { check, milliseconds: performance.now() - started };
  } finally {
    worker.close();
  }
}

async function fetchAll(data: Job, endpoint: string | undefined, signal: AbortSignal) {
  const [graph, params, inputs, served] = await Promise.all([
    fetchBytes(data.graphUri, MAXIMUM_ARTIFACT_BYTES, signal),
    fetchBytes(data.paramsUri, MAXIMUM_ARTIFACT_BYTES, signal),
    fetchBytes(data.inputsUri, MAXIMUM_ARTIFACT_BYTES, signal),
    fetchBoundary(data, endpoint, signal),
  ]);
  return { artifacts: { graph, params, inputs }, served };
}
