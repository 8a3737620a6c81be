/** What `cargo test -p assay-verifier --test vectors` wrote, with bytes instead of hexadecimal digits. In Node and in pages. */

import verifications from "../../../vectors/verifications.json" with { type: "json" };
import {
  type Artifacts,
  type Committed,
  type Finding,
  fromHex,
  type JobPins,
  type ProofPins,
  type ResultToVerify,
  type ServedTensors,
} from "../src/index.js";

interface PinsVector {
  graphRoot: string;
  paramsRoot: string;
  inputsRoot: string;
  irVersion: number;
  symbols: number[];
}

interface CommittedVector {
  job: string;
  node: string;
  commitment: string;
  boundaryRoot: string;
  outputRoot: string;
  outputPath: string[];
}

interface ResultVector {
  committed: CommittedVector;
  served: { slot: number; bytes: string }[];
}

interface FindingVector {
  kind: "element" | "mismatch";
  op: number;
  slot: number;
  element: number;
  claimed: number;
  computed: number;
  boundary: string;
  segment: string;
  usesSegment: boolean;
}

interface VerificationVector {
  name: string;
  graph: string;
  params: string;
  inputs: string;
  pins: PinsVector & {
    output: { uid: string; leaves: number; depth: number; boundaryPosition: number; boundaryCount: number };
  };
  honest: ResultVector;
  lie: ResultVector & { difference: { slot: number; element: number; served: number; computed: number } };
  elements: { slot: number; element: number; value: number }[];
  proofs: {
    pins: PinsVector & { boundaryRoot: string; boundaryCount: number; segment: { index: number; root: string } | null };
    proof: string;
    verdict: { finding: FindingVector } | { rejection: string };
  }[];
}

/** A result with all its boundary tensors. */
type Served = ResultToVerify & { readonly served: ServedTensors };

/** A job with an honest result and one with a lie. */
export interface Verification {
  readonly name: string;
  readonly pins: JobPins;
  readonly artifacts: Artifacts;
  readonly honest: Served;
  readonly lie: Served;
  readonly difference: { slot: number; element: number; served: bigint; computed: bigint };
  readonly outputPath: Uint8Array[];
  readonly elements: { slot: number; element: number; value: bigint }[];
  readonly proofs: {
    pins: ProofPins;
    proof: Uint8Array;
    finding: Finding | undefined;
    rejection: string | undefined;
  }[];
}

/** All vectors. */
export const VERIFICATIONS: readonly Verification[] = (verifications as VerificationVector[]).map((vector) => {
  const pins: JobPins = {
    ...rootsOf(vector.pins),
    output: { ...vector.pins.output, uid: fromHex(vector.pins.output.uid) },
  };
  const artifacts: Artifacts = {
    graph: fromHex(vector.graph),
    params: fromHex(vector.params),
    inputs: fromHex(vector.inputs),
  };
  const result = ({ committed, served }: ResultVector): Served => ({
    pins,
    artifacts,
    committed: committedOf(committed),
    served: new Map(served.map(({ slot, bytes }) => [slot, fromHex(bytes)])),
  });
  const { difference } = vector.lie;
  return {
    name: vector.name,
    pins,
    artifacts,
    honest: result(vector.honest),
    lie: result(vector.lie),
    difference: { ...difference, served: BigInt(difference.served), computed: BigInt(difference.computed) },
    outputPath: vector.honest.committed.outputPath.map(fromHex),
    elements: vector.elements.map((element) => ({ ...element, value: BigInt(element.value) })),
    proofs: vector.proofs.map(({ pins: of, proof, verdict }) => ({
      pins: {
        ...rootsOf(of),
        boundaryRoot: fromHex(of.boundaryRoot),
        boundaryCount: of.boundaryCount,
        segment: of.segment === null ? undefined : { index: of.segment.index, root: fromHex(of.segment.root) },
      },
      proof: fromHex(proof),
      finding: "finding" in verdict ? findingOf(verdict.finding) : undefined,
      rejection: "rejection" in verdict ? verdict.rejection : undefined,
    })),
  };
});

function rootsOf(pins: PinsVector) {
  return {
    graphRoot: fromHex(pins.graphRoot),
    paramsRoot: fromHex(pins.paramsRoot),
    inputsRoot: fromHex(pins.inputsRoot),
    irVersion: pins.irVersion,
    symbols: pins.symbols,
  };
}

function committedOf(committed: CommittedVector): Committed {
  return {
    job: fromHex(committed.job),
    node: fromHex(committed.node),
    commitment: fromHex(committed.commitment),
    boundaryRoot: fromHex(committed.boundaryRoot),
    outputRoot: fromHex(committed.outputRoot),
  };
}

function findingOf(finding: FindingVector): Finding {
  const { slot, usesSegment } = finding;
  if (finding.kind === "mismatch") {
    const [boundary, segment] = [fromHex(finding.boundary), fromHex(finding.segment)];
    return { kind: "mismatch", slot, boundary, segment, usesSegment };
  }
  const { op, element } = finding;
  const [claimed, computed] = [BigInt(finding.claimed), BigInt(finding.computed)];
  return { kind: "element", op, slot, element, claimed, computed, usesSegment };
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, at = bytes.length - 1): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
