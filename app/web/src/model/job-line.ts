/** A job as a row of a list: what its account and an index both tell. */
import type { Fault, Job } from "@assay/client/generated";
import type { Address } from "@solana/kit";

/** What lists show of a job. An account has all of it; an index does not tell the job's clocks nor who is paid. */
export type JobFacts = Pick<
  Job,
  | "state"
  | "client"
  | "node"
  | "paymentMint"
  | "priceMin"
  | "priceMax"
  | "price"
  | "bond"
  | "postedSlot"
  | "claimedSlot"
  | "committedSlot"
  | "graphRoot"
  | "session"
  | "reason"
  | "faultSide"
> &
  Partial<Pick<Job, "claimSlots" | "runSlots" | "windowSlots" | "operator" | "payee">>;

/** A row: the account of a job, or what an index keeps of it. */
export interface JobLine {
  readonly address: Address;
  readonly data: JobFacts;
}

/** What an index keeps of a job. */
export interface IndexedJob extends JobLine {
  readonly fault: Fault;
  readonly challengesOpen: number;
  /** When its end was seen; 0 before. */
  readonly endedSlot: bigint;
  /** When its account was seen to be gone; 0 while it exists. */
  readonly closedSlot: bigint;
}

/** Whether a row is of a job whose account is gone. */
export function isClosed(line: JobLine): boolean {
  return "closedSlot" in line && typeof line.closedSlot === "bigint" && line.closedSlot > 0n;
}
