/** Whole verifications: what a "verify" button does. Nothing is taken on trust but the roots, which stand on-chain. */

import { sameBytes } from "./bytes.js";
import type {
  Artifacts,
  Committed,
  ComputedResult,
  Difference,
  JobPins,
  RecomputedElement,
  RunProgress,
  ServedTensors,
} from "./types.js";
import type { Verifier } from "./verifier.js";
import type { Work } from "./work.js";

/** What is being done. */
export type Stage = "artifacts" | "served" | "run" | "compare";

/** How far a verification is. */
export interface VerifyProgress extends RunProgress {
  readonly stage: Stage;
}

/** A result to verify. */
export interface ResultToVerify {
  readonly pins: JobPins;
  readonly committed: Committed;
  readonly artifacts: Artifacts;
  /** Boundary tensors as the node serves them; those that are given are compared element by element. */
  readonly served?: ServedTensors | undefined;
}

/** What a verification found. */
export interface ResultReport {
  /** Whether everything that the node committed to is what this machine computed. */
  readonly verdict: "right" | "wrong";
  /** What stands on-chain and is not what was computed here. */
  readonly differs: readonly ("boundaryRoot" | "outputRoot" | "commitment")[];
  readonly computed: ComputedResult;
  readonly commitment: Uint8Array;
  /** The output as computed here: row-major, little endian. */
  readonly output: Uint8Array;
  /** The first element that was served and is wrong; none if nothing was served or all of it is right. */
  readonly difference: Difference | undefined;
  readonly points: bigint;
}

/** How a verification can be followed and stopped. */
export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}

/** How long the computation runs before it shows progress and lets others have the thread, roughly. */
const STEP_MILLISECONDS = 40;
const FIRST_STEP_POINTS = 1n << 16n;
const LEAST_STEP_POINTS = 1n << 12n;

/**
 * Recomputes a result and compares it with what the node committed to.
 *
 * Throws where nothing can be said of the node: `B0103` if the artifacts are not those that the job pins, `B0205` if all boundary
 * tensors were served and are not those that the node committed to. A wrong result is no error but a report.
 */
export async function verifyResult(
  verifier: Verifier,
  { pins, committed, artifacts, served = new Map() }: ResultToVerify,
  { signal, onProgress }: VerifyOptions = {},
): Promise<ResultReport> {
  const work = verifier.open(artifacts.graph, pins.symbols);
  try {
    const show = (stage: Stage, points = 0n) => onProgress?.({ stage, points, totalPoints: work.graph.points });
    show("artifacts");
    await breathe(signal);
    giveArtifacts(work, pins, artifacts);
    show("served");
    await breathe(signal);
    serveAll(work, served, committed.boundaryRoot);
    await run(work, signal, (progress) => show("run", progress.points));
    show("compare", work.graph.points);
    const computed = work.result();
    const commitment = verifier.commitment(committed.job, committed.node, computed.boundaryRoot);
    const compared = [
      ["boundaryRoot", computed.boundaryRoot, committed.boundaryRoot],
      ["outputRoot", computed.outputRoot, committed.outputRoot],
      ["commitment", commitment, committed.commitment],
    ] as const;
    const differs = compared.filter(([, mine, theirs]) => !sameBytes(mine, theirs)).map(([what]) => what);
    return {
      verdict: differs.length === 0 ? "right" : "wrong",
      differs,
      computed,
      commitment,
      output: work.tensor("computed", work.graph.outputSlot),
      difference: work.firstDifference(),
      points: work.graph.points,
    };
  } finally {
    work.close();
  }
}

/** One element to verify. */
export interface ElementToVerify {
  readonly pins: JobPins;
  readonly boundaryRoot: Uint8Array;
  readonly artifacts: Artifacts;
  /** All boundary tensors. */
  readonly served: ServedTensors;
  readonly slot: number;
  readonly element: number;
}

/** What became of one element. */
export interface ElementReport extends RecomputedElement {
  readonly verdict: "right" | "wrong";
}

/**
 * Recomputes one element of a boundary tensor out of the tensors that the node committed to, without the whole run.
 *
 * Throws as {@link verifyResult}, and `R0001` where the op reads a tensor inside its segment, which only a run gives.
 */
export function verifyElement(verifier: Verifier, request: ElementToVerify): ElementReport {
  const { pins, artifacts, served, boundaryRoot, slot, element } = request;
  const work = verifier.open(artifacts.graph, pins.symbols);
  try {
    giveArtifacts(work, pins, artifacts);
    for (const [at, bytes] of served) work.serve(at, bytes);
    work.checkServed(boundaryRoot);
    const recomputed = work.element("served", slot, element);
    return { ...recomputed, verdict: recomputed.value === recomputed.stands ? "right" : "wrong" };
  } finally {
    work.close();
  }
}

/** Gives what the job pins, and checks that it is that. */
export function giveArtifacts(work: Work, pins: JobPins, artifacts: Artifacts): void {
  work.giveParams(artifacts.params);
  work.giveInputs(artifacts.inputs);
  work.checkJob(pins);
}

/** Takes in what was served; if it is everything, it must be what the node committed to. */
function serveAll(work: Work, served: ServedTensors, boundaryRoot: Uint8Array): void {
  for (const [slot, bytes] of served) work.serve(slot, bytes);
  if (served.size === work.graph.boundaryCount) work.checkServed(boundaryRoot);
}

/** Runs the graph in steps of about {@link STEP_MILLISECONDS}. */
export async function run(
  work: Work,
  signal: AbortSignal | undefined,
  show: (progress: RunProgress) => void,
): Promise<void> {
  let points = FIRST_STEP_POINTS;
  for (;;) {
    const begun = performance.now();
    const progress = work.advance(points);
    const took = Math.max(performance.now() - begun, 0.1);
    show(progress);
    if (progress.finished) return;
    await breathe(signal);
    const factor = Math.min(Math.max(STEP_MILLISECONDS / took, 0.25), 4);
    const scaled = (points * BigInt(Math.round(factor * 256))) / 256n;
    points = scaled > LEAST_STEP_POINTS ? scaled : LEAST_STEP_POINTS;
  }
}

/** Lets messages in, among them the one that aborts, and ends here if there was one. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  try {
    await new Promise<void>((resolve) => {
      port1.onmessage = () => resolve();
      port2.postMessage(undefined);
    });
  } finally {
    port1.close();
  }
  signal?.throwIfAborted();
}
