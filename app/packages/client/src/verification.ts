/** What `@assay/verifier` compares: a job's pins and what its node committed to, out of the job's account. */
import { type Address, getAddressEncoder, type ReadonlyUint8Array } from "@solana/kit";
import type { Job } from "./generated/accounts/index.js";

/** What a job pins, in the form in which `@assay/verifier` takes it. */
export interface VerifiablePins {
  readonly graphRoot: Uint8Array;
  readonly paramsRoot: Uint8Array;
  readonly inputsRoot: Uint8Array;
  readonly irVersion: number;
  /** Values of the four symbols; unused ones are 0. */
  readonly symbols: readonly number[];
  readonly output: {
    readonly uid: Uint8Array;
    readonly leaves: number;
    readonly depth: number;
    readonly boundaryPosition: number;
    readonly boundaryCount: number;
  };
}

/** What a node committed to, in the form in which `@assay/verifier` takes it. */
export interface VerifiableCommitment {
  readonly job: Uint8Array;
  readonly node: Uint8Array;
  readonly commitment: Uint8Array;
  readonly boundaryRoot: Uint8Array;
  readonly outputRoot: Uint8Array;
}

/** What a job pins. */
export function pinsOf(
  job: Pick<Job, "graphRoot" | "paramsRoot" | "inputsRoot" | "irVersion" | "symbols" | "output">,
): VerifiablePins {
  return {
    graphRoot: copy(job.graphRoot),
    paramsRoot: copy(job.paramsRoot),
    inputsRoot: copy(job.inputsRoot),
    irVersion: job.irVersion,
    symbols: job.symbols,
    output: { ...job.output, uid: copy(job.output.uid) },
  };
}

/** What the node of the job at this address committed to; zeros where nobody did. */
export function committedOf(
  address: Address,
  job: Pick<Job, "node" | "commitment" | "boundaryRoot" | "outputRoot">,
): VerifiableCommitment {
  const encoder = getAddressEncoder();
  return {
    job: copy(encoder.encode(address)),
    node: copy(encoder.encode(job.node)),
    commitment: copy(job.commitment),
    boundaryRoot: copy(job.boundaryRoot),
    outputRoot: copy(job.outputRoot),
  };
}

function copy(bytes: ReadonlyUint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
