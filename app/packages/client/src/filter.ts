/** What a node weighs in sortition, and which nodes a client wants: `fairness/weight.rs` and `fairness/filter.rs`. */
import type { Address } from "@solana/kit";
import type { JobFilter } from "./generated/types/index.js";
import { floorOf } from "./integers.js";

/** The key that stands for nobody. */
export const NOBODY = "11111111111111111111111111111111" as Address;

const WEIGHT_WHOLE = 1n << 17n;
const WEIGHT_BASE = 1n << 16n;

/** The weight of a node with this stake: `stake * (1 + score) / 2`, rounded down; 0 below the minimum stake. */
export function weightOf(stake: bigint, minimumStake: bigint, score: number): bigint {
  return stake < minimumStake ? 0n : floorOf(stake, WEIGHT_BASE + BigInt(score), WEIGHT_WHOLE);
}

/** What a node says and shows of itself, as far as clients choose by it. */
export interface ShownProfile {
  /** A bit for each capability. */
  readonly capabilities: bigint;
  /** The hardware tier, less what late results cost. */
  readonly tier: number;
  /** The number of the region, 0 to 63. */
  readonly region: number;
  /** The node's score, in 65,536ths. */
  readonly score: number;
}

/** Why a client does not want a node; none: it does. The names are those of the program's errors. */
export type FilterRefusal = "CapabilityMissing" | "TierTooLow" | "RegionExcluded" | "ScoreTooLow" | null;

/** The first wish of the filter that a node with this profile does not meet. */
export function filterRefusal(filter: JobFilter, profile: ShownProfile): FilterRefusal {
  if ((filter.capabilities & ~profile.capabilities) !== 0n) return "CapabilityMissing";
  if (profile.tier < filter.minimumTier) return "TierTooLow";
  const region = profile.region < 64 ? 1n << BigInt(profile.region) : 0n;
  if (filter.regions !== 0n && (filter.regions & region) === 0n) return "RegionExcluded";
  return profile.score < filter.minimumScore[0] ? "ScoreTooLow" : null;
}
