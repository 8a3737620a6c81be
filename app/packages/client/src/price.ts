/** The price of a job over time. */
import type { Job } from "./generated/accounts/index.js";
import { checkedU64 } from "./integers.js";

/** Stays at `priceMin` for the hold, then rises linearly to `priceMax` and stays there. The claim fixes it. */
export type PriceRamp = Pick<Job, "priceMin" | "priceMax" | "rampHoldSlots" | "rampSlots">;

/** The price when `elapsedSlots` have gone by since the job was posted, rounded down, in base units of the payment mint. */
export function priceAfter(ramp: PriceRamp, elapsedSlots: bigint): bigint {
  const risenSlots = elapsedSlots - ramp.rampHoldSlots;
  if (risenSlots < 0n) return ramp.priceMin;
  if (risenSlots >= ramp.rampSlots) return ramp.priceMax;
  return ramp.priceMin + (checkedU64(ramp.priceMax - ramp.priceMin) * risenSlots) / ramp.rampSlots;
}

/** What a claim at `slot` would fix as the price of a posted job. */
export function priceAt(job: PriceRamp & Pick<Job, "postedSlot">, slot: bigint): bigint {
  return priceAfter(job, slot > job.postedSlot ? slot - job.postedSlot : 0n);
}

/** The first slot in which a claim pays at least `price`; none where the job never does. */
export function firstSlotAtPrice(job: PriceRamp & Pick<Job, "postedSlot">, price: bigint): bigint | null {
  if (price <= priceAfter(job, 0n)) return job.postedSlot;
  if (price > job.priceMax) return null;
  const range = job.priceMax - job.priceMin;
  const risenSlots = range === 0n ? 0n : ((price - job.priceMin) * job.rampSlots + range - 1n) / range;
  return job.postedSlot + job.rampHoldSlots + risenSlots;
}
