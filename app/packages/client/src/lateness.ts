/** What a correct result earns that came later than the node's own speed promised: `fairness/lateness.rs`. */
import type { Job } from "./generated/accounts/index.js";
import { ceilingOf, checkedU64, smaller, WHOLE_BASIS_POINTS } from "./integers.js";

/** How long a job should take a node of this speed, rounded up, and never longer than its run; the whole run where nothing is promised. */
export function expectedSlots(job: Pick<Job, "costUnits" | "runSlots">, unitsPerSlot: bigint): bigint {
  if (job.costUnits === 0n || unitsPerSlot === 0n) return job.runSlots;
  return smaller((job.costUnits + unitsPerSlot - 1n) / unitsPerSlot, job.runSlots);
}

/** How late a result is that is committed at `slot`: the share of the time between the expected slot and the last one. */
export function latenessBps(job: Pick<Job, "claimedSlot" | "runSlots" | "expectedSlots">, slot: bigint): number {
  const last = job.claimedSlot + job.runSlots;
  const due = smaller(job.claimedSlot + job.expectedSlots, last);
  if (slot <= due) return 0;
  const left = last - due;
  const share = (smaller(slot - due, left) * WHOLE_BASIS_POINTS) / (left > 0n ? left : 1n);
  return Number(smaller(share, WHOLE_BASIS_POINTS));
}

/** The price less what lateness takes off, rounded in the client's favour. */
export function earnedPrice(job: Pick<Job, "price" | "lateBps" | "latePriceBps">): bigint {
  const share =
    smaller(BigInt(job.lateBps), WHOLE_BASIS_POINTS) * smaller(BigInt(job.latePriceBps), WHOLE_BASIS_POINTS);
  return checkedU64(job.price - ceilingOf(job.price, share, WHOLE_BASIS_POINTS * WHOLE_BASIS_POINTS));
}
