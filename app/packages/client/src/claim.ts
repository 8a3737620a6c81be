/** Whether a node may claim a job, and from when on: what `claim_job` checks, in its order. */
import type { Address } from "@solana/kit";
import { lastClaimSlot } from "./deadlines.js";
import { countingStake } from "./delegation.js";
import { type FilterRefusal, filterRefusal, NOBODY, type ShownProfile, weightOf } from "./filter.js";
import type { Job, Network, Node } from "./generated/accounts/index.js";
import { JobState, type Ladder, type NetworkParameters, type StakeSnapshot } from "./generated/types/index.js";
import { portion, smaller } from "./integers.js";
import { firstSlotOf, type TurnRefusal, ticketOf, turnRefusal } from "./sortition.js";

/** What decides about a claim, as the chain shows it. */
export interface Claim {
  readonly network: Pick<Network, "parameters" | "pausedUntilSlot">;
  readonly jobAddress: Address;
  readonly job: Job;
  readonly nodeAddress: Address;
  readonly node: Node;
}

/** Why a node may not take more work at all; none: it may. The names are those of the program's errors. */
export type TakingRefusal =
  | "StakeBelowNetworkMinimum"
  | "TooManyOpenJobs"
  | "CapacityReached"
  | "NodeConvicted"
  | "UnresolvedMiss"
  | "Jailed"
  | "InMaintenance"
  | null;

/** Why a node may not claim a job; none: it may. */
export type ClaimRefusal =
  | "WorkPaused"
  | "IllegalTransition"
  | "ClaimWindowClosed"
  | "NotInvited"
  | "StakeBelowJobMinimum"
  | "InsufficientFreeStake"
  | TakingRefusal
  | FilterRefusal
  | TurnRefusal;

/** From when on a node may claim a job. */
export type Turn =
  | { readonly kind: "Now" }
  /** Not before this slot, as things stand. */
  | { readonly kind: "At"; readonly slot: bigint; readonly refusal: ClaimRefusal }
  /** Not before the node or the job changes: a miss is accounted for, open jobs end, stake is added, a seed is sealed. */
  | { readonly kind: "AfterChange"; readonly refusal: ClaimRefusal }
  /** Never: the client wants other nodes, somebody else has it, or the node was convicted. */
  | { readonly kind: "Never"; readonly refusal: ClaimRefusal };

/** Why a claim at `slot` would be refused; none: it would succeed. */
export function claimRefusal(claim: Claim, slot: bigint): ClaimRefusal {
  const { network, job, nodeAddress, node } = claim;
  const { parameters } = network;
  if (slot < network.pausedUntilSlot) return "WorkPaused";
  if (job.state !== JobState.Posted) return "IllegalTransition";
  if (slot > lastClaimSlot(job)) return "ClaimWindowClosed";
  if (job.invitedNode !== NOBODY && job.invitedNode !== nodeAddress) return "NotInvited";
  const taking = takingRefusal(node, parameters, slot);
  if (taking !== null) return taking;
  if (node.stake < job.minimumStake) return "StakeBelowJobMinimum";
  const filtered = filterRefusal(job.filter, shownProfile(node, parameters, slot));
  if (filtered !== null) return filtered;
  const turn = job.invitedNode === NOBODY ? sortitionRefusal(claim, slot) : null;
  return turn ?? (canLockBond(node, job) ? null : "InsufficientFreeStake");
}

/** From when on the node may claim, as far as can be known at `slot`. */
export function claimTurn(claim: Claim, slot: bigint): Turn {
  const refusal = claimRefusal(claim, slot);
  const at = (later: bigint): Turn => ({ kind: "At", slot: later, refusal });
  switch (refusal) {
    case null:
      return { kind: "Now" };
    case "WorkPaused":
      return at(claim.network.pausedUntilSlot);
    case "Jailed":
      return at(claim.node.standing.jailedUntilSlot);
    case "InMaintenance":
      return at(claim.node.standing.maintenance.endSlot + 1n);
    case "SortitionNotOpen":
      return at(claim.job.sortition.seedSlot + 1n);
    case "NotDrawnYet":
      return at(firstSlotOfClaim(claim));
    case "UnresolvedMiss":
    case "TooManyOpenJobs":
    case "CapacityReached":
    case "InsufficientFreeStake":
    case "StakeBelowNetworkMinimum":
    case "StakeBelowJobMinimum":
    case "SeedNotSealed":
      return { kind: "AfterChange", refusal };
    default:
      return { kind: "Never", refusal };
  }
}

/** Why the network does not let a node take one more job or session at `slot`. */
export function takingRefusal(node: Node, parameters: NetworkParameters, slot: bigint): TakingRefusal {
  const { standing } = node;
  if (node.stake < parameters.minimumStake) return "StakeBelowNetworkMinimum";
  if (node.openJobs >= parameters.maximumOpenJobsPerNode) return "TooManyOpenJobs";
  if (BigInt(node.openJobs) >= openJobsAllowed(node.stake, parameters)) return "CapacityReached";
  if (node.fraudConvictions > 0 || standing.tombstoned) return "NodeConvicted";
  if (standing.unresolved !== 0) return "UnresolvedMiss";
  if (slot < standing.jailedUntilSlot) return "Jailed";
  const { startSlot, endSlot } = standing.maintenance;
  return endSlot !== 0n && slot >= startSlot && slot <= endSlot ? "InMaintenance" : null;
}

/** Jobs that a node with this stake may have open. */
export function openJobsAllowed(stake: bigint, parameters: NetworkParameters): bigint {
  const { stakePerJob } = parameters.scheduling;
  return stakePerJob === 0n ? 0n : smaller(stake / stakePerJob, BigInt(parameters.maximumOpenJobsPerNode));
}

/** What clients choose a node by, as it is at `slot`: late results lower its tier for a time. */
export function shownProfile(node: Node, parameters: NetworkParameters, slot: bigint): ShownProfile {
  const rules = parameters.scheduling.standing;
  const lates = ladderAt(node.standing.lates, slot, rules.recoverySlots);
  const lost = rules.latesPerTier === 0 ? 0 : Math.floor(lates / rules.latesPerTier);
  return {
    capabilities: node.profile.capabilities,
    tier: Math.max(0, tierOf(node.profile.unitsPerSlot) - lost),
    region: node.profile.region,
    score: node.score[0],
  };
}

/** The hardware tier of a declared speed: how often it can be halved, and 1; 0 without one. */
export function tierOf(unitsPerSlot: bigint): number {
  return unitsPerSlot === 0n ? 0 : unitsPerSlot.toString(2).length;
}

/** What a node claims with in a job whose weights count at the end of `epoch`: what it weighed then, and never more than now. */
export function claimableWeight(node: Node, epoch: bigint, parameters: NetworkParameters): bigint {
  const present =
    node.stake < parameters.minimumStake
      ? 0n
      : weightOf(countingStake(node, parameters), parameters.minimumStake, node.score[0]);
  return smaller(weightAtEndOf(node.weights, epoch), present);
}

/** The weight on record at the end of an epoch; 0 for what is no longer known. */
export function weightAtEndOf({ checkpoints }: StakeSnapshot, epoch: bigint): bigint {
  return [...checkpoints].reverse().find((checkpoint) => checkpoint.epoch <= epoch)?.weight ?? 0n;
}

/** The step on a ladder of repeated failures at `slot`: one less for each whole recovery since the last climb. */
export function ladderAt(ladder: Ladder, slot: bigint, recoverySlots: bigint): number {
  if (recoverySlots === 0n) return 0;
  const down = slot > ladder.sinceSlot ? (slot - ladder.sinceSlot) / recoverySlots : 0n;
  return down >= BigInt(ladder.step) ? 0 : ladder.step - Number(down);
}

/** Whether a node has the free stake that the bond of a job needs, beside what slashes may take. */
export function canLockBond(
  node: Pick<Node, "stake" | "locked" | "slashReserveBps">,
  job: Pick<Job, "bond" | "dispute">,
): boolean {
  const reserve = portion(node.stake, Math.max(job.dispute.slashBps, node.slashReserveBps));
  return job.bond <= node.stake - node.locked - reserve;
}

/** Why a node may not claim at `slot`, as far as the draw of a job goes. */
export function sortitionRefusal({ network, job, jobAddress, node, nodeAddress }: Claim, slot: bigint): TurnRefusal {
  const weight = claimableWeight(node, job.sortition.epoch, network.parameters);
  return turnRefusal(job.sortition, job.seed, jobAddress, nodeAddress, weight, slot);
}

/** The first slot in which a node is drawn for a job whose seed is sealed. */
function firstSlotOfClaim({ network, job, jobAddress, node, nodeAddress }: Claim): bigint {
  if (job.seed.__kind !== "Sealed") return job.sortition.seedSlot + 1n;
  const weight = claimableWeight(node, job.sortition.epoch, network.parameters);
  return firstSlotOf(job.sortition, ticketOf(job.seed.fields[0], jobAddress, nodeAddress), weight);
}
