/** What a node weighs in sortition, and which nodes a client wants: `fairness/weight.rs` and `fairness/filter.rs`. */
import type { Address } from "@solana/kit";
import { floorOf } from "./integers.js";

/** The key that stands for nobody. */
export const NOBODY = "11111111111111111111111111111111" as Address;

const WEIGHT_WHOLE = 1n << 17n;
const WEIGHT_BASE = 1n << 16n;

/** The weight of a node with this stake: `stake * (1 + score) / 2`, rounded down; 0 below the minimum stake. */
export function weightOf(stake: bigint, minimumStake: bigint, score: number): bigint {
  return stake < minimumStake ? 0n : floorOf(stake, WEIGHT_BASE + BigInt(score), WEIGHT_WHOLE);
}

/** What a node says and shows of itself. */
export interface NodeProfile {
  /** A bit for each capability. */
  readonly capabilities: bigint;
  /** The hardware tier of the node's own benchmark. */
  readonly tier: number;
  /** The number of the region, 0 to 63. */
  readonly region: number;
  /** The node's score, in 65,536ths. */
  readonly score: number;
  /** The node's own stake, in base units of the stake mint. */
  readonly stake: bigint;
}

/** What a client asks for. */
export interface JobFilter {
  /** The node that alone may claim; `NOBODY` leaves the job to sortition. */
  readonly invited: Address;
  /** Capabilities that the node must have, all of them. */
  readonly capabilities: bigint;
  /** The regions that may claim, a bit for each; 0 is everywhere. */
  readonly regions: bigint;
  /** The least stake, in base units of the stake mint. */
  readonly minimumStake: bigint;
  /** The least score; above 0, newcomers are excluded. */
  readonly minimumScore: number;
  /** The least hardware tier. */
  readonly minimumTier: number;
}

/** Why a client does not want a node; none: it does. The names are those of the program's errors. */
export type FilterRefusal =
  | "NotInvited"
  | "CapabilityMissing"
  | "TierTooLow"
  | "RegionExcluded"
  | "ScoreTooLow"
  | "StakeTooLow"
  | null;

/** The first wish of the filter that the node with this address does not meet. */
export function filterRefusal(filter: JobFilter, node: Address, profile: NodeProfile): FilterRefusal {
  if (filter.invited !== NOBODY && filter.invited !== node) return "NotInvited";
  if ((filter.capabilities & ~profile.capabilities) !== 0n) return "CapabilityMissing";
  if (profile.tier < filter.minimumTier) return "TierTooLow";
  const region = profile.region < 64 ? 1n << BigInt(profile.region) : 0n;
  if (filter.regions !== 0n && (filter.regions & region) === 0n) return "RegionExcluded";
  if (profile.score < filter.minimumScore) return "ScoreTooLow";
  if (profile.stake < filter.minimumStake) return "StakeTooLow";
  return null;
}
