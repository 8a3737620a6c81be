/** States of jobs in words. */
import { Fault, FaultSide, type Job, JobState, Reason } from "@assay/client/generated";
import type { JobFacts } from "./job-line.ts";

/** How a state is coloured. */
export type Tone = "idle" | "busy" | "held" | "good" | "warn" | "bad" | "gold";

/** A state as people are told of it. */
export interface StateWords {
  readonly name: string;
  readonly tone: Tone;
  readonly sentence: string;
}

const WORDS: Readonly<Record<JobState, StateWords>> = {
  [JobState.Posted]: { name: "Posted", tone: "gold", sentence: "The price is in escrow and nodes may claim the job." },
  [JobState.Claimed]: { name: "Running", tone: "busy", sentence: "A node has locked its bond and computes." },
  [JobState.Committed]: {
    name: "In window",
    tone: "held",
    sentence: "The node has committed to a result; anybody can prove it wrong until the window closes.",
  },
  [JobState.Settled]: { name: "Settled", tone: "good", sentence: "The result stood and the node is paid." },
  [JobState.Cancelled]: { name: "Cancelled", tone: "idle", sentence: "The client took the job back before a claim." },
  [JobState.Expired]: {
    name: "Expired",
    tone: "idle",
    sentence: "Nobody claimed in time; the client has everything back.",
  },
  [JobState.Missed]: {
    name: "Missed",
    tone: "warn",
    sentence:
      "The node that claimed brought no result in time; the client is refunded and gets a charge out of the bond.",
  },
  [JobState.Accepted]: {
    name: "Accepted",
    tone: "good",
    sentence:
      "The client accepted the result early: the node is paid, and its bond stays at risk until the window closes.",
  },
  [JobState.Convicted]: {
    name: "Convicted",
    tone: "bad",
    sentence: "A fault was proved: the client is refunded, the node has lost its bond and part of its stake.",
  },
};

/** All states in the order of a job's life. */
export const JOB_STATES: readonly JobState[] = [
  JobState.Posted,
  JobState.Claimed,
  JobState.Committed,
  JobState.Accepted,
  JobState.Settled,
  JobState.Missed,
  JobState.Convicted,
  JobState.Expired,
  JobState.Cancelled,
];

/** A state in words. */
export function stateWords(state: JobState): StateWords {
  return WORDS[state];
}

/** Whether nothing can happen to the job any more but paying out and closing. */
export function isEnded(state: JobState): boolean {
  return (
    state === JobState.Settled ||
    state === JobState.Cancelled ||
    state === JobState.Expired ||
    state === JobState.Missed ||
    state === JobState.Convicted
  );
}

const FAULTS: Readonly<Record<Fault, string>> = {
  [Fault.None]: "No fault was proved.",
  [Fault.WrongElement]: "One element of the result is not what the graph computes: the program recomputed it.",
  [Fault.BoundaryMismatch]: "The node signed a segment whose output differs from the one that it committed to.",
  [Fault.Equivocation]: "The node signed two different roots of the same segment.",
  [Fault.Withheld]: "The node did not open what was demanded of it before its clock ran out.",
};

/** What was proved, as a sentence. */
export function faultSentence(fault: Fault): string {
  return FAULTS[fault];
}

/**
 * The slot after which the job's next step is late, and what happens then; `undefined` when nothing is awaited, or where the clock is
 * not known.
 */
export function nextDeadline(job: JobFacts): { readonly last: bigint; readonly afterwards: string } | undefined {
  const after = (start: bigint, slots: bigint | undefined, afterwards: string) =>
    slots === undefined ? undefined : { last: start + slots, afterwards };
  switch (job.state) {
    case JobState.Posted:
      return after(job.postedSlot, job.claimSlots, "expires, and the client has everything back");
    case JobState.Claimed:
      return after(job.claimedSlot, job.runSlots, "is missed, and the client is refunded and compensated");
    case JobState.Committed:
    case JobState.Accepted:
      return after(job.committedSlot, job.windowSlots, "settles, unless it was challenged");
    default:
      return undefined;
  }
}

const REASONS: Readonly<Record<Reason, string>> = {
  [Reason.Open]: "It has not ended.",
  [Reason.Cancelled]: "The client took it back.",
  [Reason.Unclaimed]: "Nobody claimed it in time.",
  [Reason.Completed]: "The result stood, in time.",
  [Reason.CompletedLate]: "The result stood, later than the node's own speed promised.",
  [Reason.CompletedDisputed]: "The result stood against a challenge.",
  [Reason.MissedInMaintenance]: "No result; the node had announced maintenance before it claimed.",
  [Reason.MissedInOutage]: "No result; the node was silent for long, so it was away.",
  [Reason.NoShow]: "No result, and no outage or maintenance that would explain it.",
  [Reason.WrongResult]: "The result was proved wrong.",
  [Reason.Equivocated]: "The node signed two different roots.",
  [Reason.Withheld]: "The node did not open what was demanded.",
};

const SIDES: Readonly<Record<FaultSide, string>> = {
  [FaultSide.None]: "nobody's fault",
  [FaultSide.Provider]: "the node's fault",
  [FaultSide.Challenger]: "the challenger's fault",
  [FaultSide.Shared]: "a shared fault",
};

/** Why a job ended, and whose fault it was; `undefined` while it has not. */
export function reasonSentence({ reason, faultSide }: Pick<Job, "reason" | "faultSide">): string | undefined {
  if (reason === Reason.Open) return undefined;
  return faultSide === FaultSide.None ? REASONS[reason] : `${REASONS[reason].slice(0, -1)}: ${SIDES[faultSide]}.`;
}
