/** From a row of a job and a record to the row after it. */

import { JobState } from "@assay/client/generated";
import type { IndexedJob } from "../../model/job-line.ts";
import {
  addressOf,
  amountOf,
  faultNamed,
  type IndexRecord,
  numberOf,
  reasonNamed,
  sideNamed,
  stateNamed,
} from "./shape.ts";

/** The row after what the record tells; the same one where it tells nothing that a row shows. */
export function applyToJob(job: IndexedJob, { change, fields, slot }: IndexRecord): IndexedJob {
  switch (change) {
    case "job_claimed":
      return changed(job, {
        state: JobState.Claimed,
        node: addressOf(fields, "node"),
        price: amountOf(fields, "price"),
        claimedSlot: slot,
      });
    case "job_committed":
      return changed(job, { state: JobState.Committed, committedSlot: slot });
    case "job_challenged":
      return { ...job, challengesOpen: numberOf(fields, "open") };
    case "job_accepted":
      return changed(job, { state: JobState.Accepted });
    case "job_ended":
      return {
        ...changed(job, {
          state: stateNamed(fields.state) ?? job.data.state,
          reason: reasonNamed(fields.reason) ?? job.data.reason,
          faultSide: sideNamed(fields.fault_side) ?? job.data.faultSide,
          price: amountOf(fields, "price"),
        }),
        fault: faultNamed(fields.fault) ?? job.fault,
        challengesOpen: 0,
        endedSlot: slot,
      };
    case "closed":
      return { ...job, closedSlot: slot };
    default:
      return job;
  }
}

function changed(job: IndexedJob, change: Partial<IndexedJob["data"]>): IndexedJob {
  return { ...job, data: { ...job.data, ...change } };
}
