/** The life of a job as a list of steps, from the job's account alone. */
import { Fault, type Job, JobState } from "@assay/client/generated";
import { faultSentence } from "./job-state.ts";

/** How a step stands. */
export type StepState = "past" | "now" | "future" | "good" | "bad";

/** One step. */
export interface Step {
  readonly key: "post" | "claim" | "commit" | "window" | "end";
  readonly title: string;
  readonly detail: string;
  readonly state: StepState;
  /** When it happened. */
  readonly slot?: bigint;
  /** The last slot for it to happen, where it has not. */
  readonly last?: bigint;
}

/** The steps of a job in order. Ended jobs have no steps that never came. */
export function timeline(job: Job): readonly Step[] {
  const isReceipt = job.priceMax === 0n && job.postedSlot === job.claimedSlot && job.claimedSlot > 0n;
  const steps: Step[] = [
    {
      key: "post",
      title: isReceipt ? "Called in" : "Posted",
      detail: isReceipt ? "A signed receipt of a session became a job." : "The most that it can cost went into escrow.",
      state: "past",
      slot: job.postedSlot,
    },
  ];
  if (isReceipt) return [...steps, ...afterClaim(job)];
  if (job.state === JobState.Cancelled) {
    return [...steps, end("Cancelled", "The client took it back; everything was returned.", "past")];
  }
  if (job.state === JobState.Expired) {
    return [...steps, end("Expired", "No node claimed it in time; everything was returned.", "past")];
  }
  if (job.state === JobState.Posted) {
    const last = job.postedSlot + job.claimSlots;
    return [
      ...steps,
      {
        key: "claim",
        title: "Waiting for a node",
        detail: "The first eligible node to claim fixes the price.",
        state: "now",
        last,
      },
      ...future(["commit", "window", "end"]),
    ];
  }
  return [
    ...steps,
    {
      key: "claim",
      title: "Claimed",
      detail: "The price is fixed and the node's bond is locked.",
      state: "past",
      slot: job.claimedSlot,
    },
    ...afterClaim(job),
  ];
}

function afterClaim(job: Job): readonly Step[] {
  if (job.state === JobState.Missed) {
    return [end("Missed", "No result came in time: the client is refunded and gets a charge out of the bond.", "bad")];
  }
  if (job.state === JobState.Claimed) {
    const last = job.claimedSlot + job.runSlots;
    return [
      { key: "commit", title: "Computing", detail: "The node has to commit to a result in time.", state: "now", last },
      ...future(["window", "end"]),
    ];
  }
  const windowEnd = job.committedSlot + job.windowSlots;
  const committed: Step = {
    key: "commit",
    title: "Result committed",
    detail: "Every tensor that crosses a segment is bound by one hash.",
    state: "past",
    slot: job.committedSlot,
  };
  switch (job.state) {
    case JobState.Committed:
      return [committed, openWindow(job, windowEnd), ...future(["end"])];
    case JobState.Accepted:
      return [
        committed,
        { ...openWindow(job, windowEnd), title: "Accepted early, bond still at risk" },
        ...future(["end"]),
      ];
    case JobState.Convicted:
      return [
        committed,
        { ...end("Convicted", faultSentence(job.record.fault), "bad"), slot: job.record.convictedSlot },
      ];
    default:
      return [
        committed,
        {
          key: "window",
          title: "Window closed",
          detail: "Nobody proved the result wrong.",
          state: "past",
          slot: windowEnd,
        },
        end("Settled", "Node, client and protocol each have their share in credit.", "good"),
      ];
  }
}

function openWindow(job: Job, last: bigint): Step {
  const open = job.record.challengesOpen;
  const detail =
    open === 0
      ? "Anybody can prove the result wrong."
      : `${open === 1 ? "One challenge is" : `${open} challenges are`} open; the job ends when ${open === 1 ? "it is" : "they are"} decided.`;
  return { key: "window", title: "Challenge window", detail, state: "now", last };
}

function end(title: string, detail: string, state: StepState): Step {
  return { key: "end", title, detail, state };
}

const FUTURE: Readonly<Record<"commit" | "window" | "end", readonly [string, string]>> = {
  commit: ["Result", "The node computes and commits to a result."],
  window: ["Challenge window", "Anybody can prove the result wrong."],
  end: ["Settlement", "The node is paid, and what the escrow holds beyond the price returns."],
};

function future(keys: ReadonlyArray<"commit" | "window" | "end">): readonly Step[] {
  return keys.map((key) => ({ key, title: FUTURE[key][0], detail: FUTURE[key][1], state: "future" as const }));
}

/** Whether a dispute ever ended with a proven fault. */
export function hasFault(job: Job): boolean {
  return job.record.fault !== Fault.None;
}
