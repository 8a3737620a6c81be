/** One element of a job, recomputed whatever it takes: out of what the node committed to where that suffices, else by a whole run. */

import { VerifierError } from "./errors.js";
import type { TensorDescription } from "./types.js";
import type { Verifier } from "./verifier.js";
import { breathe, type ElementToVerify, giveArtifacts, run, type VerifyOptions } from "./verify.js";
import type { Work } from "./work.js";

/** The op reads a tensor inside its segment, which only a run gives. */
const NEEDS_A_RUN = "R0001";
/** Values that the op reads are not known. */
const UNKNOWN_VALUES = "B0107";

/** What became of an element. */
export interface ElementCheck {
  readonly slot: number;
  readonly element: number;
  /** What the graph gives. */
  readonly computed: bigint;
  /**
   * `committed`: by its op alone, out of the tensors that the node committed to. `run`: by a run of the whole graph from the job's inputs.
   */
  readonly from: "committed" | "run";
  /** What the node committed to there, with the path that shows it; none where the tensor was not served or is no part of the commitment. */
  readonly committed: CommittedElement | undefined;
  /** `unknown` where nothing is there to compare with. */
  readonly verdict: "right" | "wrong" | "unknown";
  readonly op: number;
  /** How many elements its op reads. */
  readonly readCount: number;
}

/** An element of a tensor that the node committed to: its leaf and its path lead to the tensor's root, and all tensors to the boundary root. */
export interface CommittedElement {
  readonly value: bigint;
  readonly leaf: number;
  /** Siblings from the leaf to the tensor's root. */
  readonly siblings: number;
  /** Root of the tensor's tree. */
  readonly root: Uint8Array;
}

/**
 * Recomputes one element and compares it with what was served, after the path of the served one was checked.
 *
 * Throws `B0103` if the artifacts are not those that the job pins, `B0205` if the served tensors are not those that the node committed
 * to, `B0108` and `B0109` where no op computes such an element. Served tensors count if all of them are there, else as none.
 */
export async function recomputeElement(
  verifier: Verifier,
  { pins, boundaryRoot, artifacts, served, slot, element }: ElementToVerify,
  { signal, onProgress }: VerifyOptions = {},
): Promise<ElementCheck> {
  const work = verifier.open(artifacts.graph, pins.symbols);
  try {
    const { points: totalPoints, boundaryCount } = work.graph;
    onProgress?.({ stage: "artifacts", points: 0n, totalPoints });
    await breathe(signal);
    giveArtifacts(work, pins, artifacts);
    const isServed = served.size === boundaryCount;
    if (isServed) {
      for (const [at, bytes] of served) work.serve(at, bytes);
      work.checkServed(boundaryRoot);
    }
    const committed = isServed && served.has(slot) ? committedElement(work, slot, element) : undefined;
    const alone = isServed ? fromCommitted(work, slot, element) : undefined;
    if (alone === undefined) {
      await run(work, signal, ({ points }) => onProgress?.({ stage: "run", points, totalPoints }));
    }
    const { value, op, readCount } = alone ?? work.element("computed", slot, element);
    const verdict = committed === undefined ? "unknown" : committed.value === value ? "right" : "wrong";
    return {
      slot,
      element,
      computed: value,
      from: alone === undefined ? "run" : "committed",
      committed,
      verdict,
      op,
      readCount,
    };
  } finally {
    work.close();
  }
}

/** The element by its op alone; none where that takes a run. */
function fromCommitted(work: Work, slot: number, element: number) {
  try {
    return work.element("served", slot, element);
  } catch (error) {
    if (error instanceof VerifierError && (error.code === NEEDS_A_RUN || error.code === UNKNOWN_VALUES))
      return undefined;
    throw error;
  }
}

function committedElement(work: Work, slot: number, element: number): CommittedElement {
  const leaf = work.leaf("served", slot, element);
  work.checkLeaf(slot, leaf);
  const value = valueAt(leaf.data, leaf.offset, work.graph.tensors[slot]?.dtype ?? "i8");
  return { value, leaf: leaf.position, siblings: leaf.path.length, root: leaf.root };
}

function valueAt(data: Uint8Array, offset: number, dtype: TensorDescription["dtype"]): bigint {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (dtype) {
    case "i8":
      return BigInt(view.getInt8(offset));
    case "u8":
      return BigInt(view.getUint8(offset));
    case "i16":
      return BigInt(view.getInt16(offset, true));
    case "i32":
      return BigInt(view.getInt32(offset, true));
  }
}
