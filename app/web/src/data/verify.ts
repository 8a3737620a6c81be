/** Recomputing a result in this page, by the code that judges on-chain. */
import { committedOf, pinsOf } from "@assay/client";
import type { ResultReport, VerifyProgress } from "@assay/verifier";
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
  const [graph, params, inputs, served] = await Promise.all([
    fetchBytes(data.graphUri, MAXIMUM_ARTIFACT_BYTES, signal),
    fetchBytes(data.paramsUri, MAXIMUM_ARTIFACT_BYTES, signal),
    fetchBytes(data.inputsUri, MAXIMUM_ARTIFACT_BYTES, signal),
    fetchBoundary(data, endpoint, signal),
  ]);
  const worker = await startVerifierWorker();
  const started = performance.now();
  try {
    const report = await worker.verifyResult(
      { pins: pinsOf(data), committed: committedOf(address, data), artifacts: { graph, params, inputs }, served },
      { signal, onProgress },
    );
    return { report, compared: served.size > 0, milliseconds: performance.now() - started };
  } finally {
    worker.close();
  }
}
