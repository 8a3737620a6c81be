/** The last slots of a job's windows: in time up to and including them. */
import type { Job } from "./generated/accounts/index.js";
import { JobState } from "./generated/types/index.js";
import { checkedU64 } from "./integers.js";

/** The last slot in which a job can be claimed. */
export function lastClaimSlot(job: Pick<Job, "postedSlot" | "claimSlots">): bigint {
  return checkedU64(job.postedSlot + job.claimSlots);
}

/** The last slot in which the node can commit; means something once the job is claimed. */
export function lastCommitSlot(job: Pick<Job, "claimedSlot" | "runSlots">): bigint {
  return checkedU64(job.claimedSlot + job.runSlots);
}

/** The last slot in which the result can be challenged; means something once it is committed. */
export function lastChallengeSlot(job: Pick<Job, "committedSlot" | "windowSlots">): bigint {
  return checkedU64(job.committedSlot + job.windowSlots);
}

/** Whether nothing can happen to a job any more but paying out and closing. */
export function isEnd(state: JobState): boolean {
  switch (state) {
    case JobState.Settled:
    case JobState.Cancelled:
    case JobState.Expired:
    case JobState.Missed:
    case JobState.Convicted:
      return true;
    default:
      return false;
  }
}
