/** How this package fails: a stable code, what was wrong, and what to do. */

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
  | "T0404";

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
