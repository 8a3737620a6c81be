/** How this package fails: a stable code, what was wrong, and what to do. */
import type { Signature } from "@solana/kit";

/** The stable codes. A code is never changed or used again. */
export type ClientFailureCode =
  /** A number does not fit the integers of the program. */
  | "T0101"
  /** Terms of a job that the program would refuse. */
  | "T0102"
  /** Bytes that are no graph, or no bundle of tensors. */
  | "T0201"
  /** Symbol values or tensors that do not fit the graph. */
  | "T0202"
  /** The work is not what the job pins. */
  | "T0203"
  /** The job has no result yet. */
  | "T0301"
  /** Nobody serves the result. */
  | "T0302"
  /** What was served is not what was committed. */
  | "T0303"
  /** A store answered with a failure. */
  | "T0304"
  /** There is no such job, or it was closed before its end was seen. */
  | "T0401"
  /** There is no such account. */
  | "T0402"
  /** The program, or the chain, refused a transaction. */
  | "T0403"
  /** The account is of another kind, or in another version of its layout. */
  | "T0404"
  /** A transaction was sent, and it is not known whether it was carried out. */
  | "T0405";

/** What this package throws, besides the errors of `@solana/kit`. */
export class ClientFailure extends Error {
  override readonly name = "ClientFailure";
  /** The stable code. */
  readonly code: ClientFailureCode;
  /** What to do about it. */
  readonly remedy: string;

  constructor(code: ClientFailureCode, problem: string, remedy: string, options?: ErrorOptions) {
    super(`${code} ${problem}; ${remedy}`, options);
    this.code = code;
    this.remedy = remedy;
  }
}

/** `T0405`: a transaction was sent, and nobody said what became of it. It may still be carried out. */
export class OutcomeUnknown extends ClientFailure {
  /** The signature of what was sent: look for it before the same is sent once more. */
  readonly signature: Signature;
  /** The number of the job, where the transaction posts one: the same job is posted with it again, once or not at all. */
  readonly jobId: bigint | undefined;

  constructor(signature: Signature, jobId?: bigint, options?: ErrorOptions) {
    const remedy =
      jobId === undefined
        ? "look for it before you send the same once more"
        : `post the same job once more with jobId ${jobId}, which never posts a second one`;
    super("T0405", `it is not known whether transaction ${signature} was carried out`, remedy, options);
    this.signature = signature;
    this.jobId = jobId;
  }
}
