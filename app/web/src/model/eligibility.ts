/** Which nodes could claim a job, by the rules of the program, and what keeps the others. */
import { type ClaimRefusal, claimRefusal, claimTurn, type Job, JobState, type Network } from "@assay/client";
import type { Address } from "@solana/kit";
import type { Row } from "../data/kinds.ts";

/** Why a node could not claim. The names are those of the program's errors. */
export type Obstacle = NonNullable<ClaimRefusal>;

/** Obstacles in words, for one node. */
export const OBSTACLE_WORDS: Readonly<Record<Obstacle, string>> = {
  WorkPaused: "The guardian has paused new claims.",
  IllegalTransition: "The job is not open to claims.",
  ClaimWindowClosed: "The time to claim the job is over.",
  NotInvited: "The job invites another node.",
  StakeBelowNetworkMinimum: "Its stake is below the network's minimum.",
  TooManyOpenJobs: "It has as many open jobs as the network allows.",
  CapacityReached: "It has as many open jobs as its stake allows.",
  NodeConvicted: "A convicted node never claims again.",
  UnresolvedMiss: "It missed a job and has not given a sign of life since.",
  Jailed: "It missed too often and has to wait.",
  InMaintenance: "It announced maintenance for now.",
  StakeBelowJobMinimum: "Its stake is below what the client asks for.",
  CapabilityMissing: "It lacks a capability that the client asks for.",
  TierTooLow: "It is slower than the client asks for.",
  RegionExcluded: "It is not in a region that the client asks for.",
  ScoreTooLow: "Its reputation is below what the client asks for.",
  SortitionNotOpen: "Claims have not opened yet.",
  SeedNotSealed: "The number that decides who may claim first is not on record yet.",
  NotDrawnYet: "It was not drawn yet; claims open to more nodes with every step.",
  InsufficientFreeStake: "Too little of its stake is free for the bond and the slash reserve.",
};

/** A network as far as claims go. */
export type Rules = Pick<Network, "parameters" | "pausedUntilSlot">;

/** The first rule that keeps the node from claiming; `undefined` if it may. */
export function obstacle(job: Row<"job">, node: Row<"node">, network: Rules, now: bigint): Obstacle | undefined {
  const claim = { network, jobAddress: job.address, job: job.data, nodeAddress: node.address, node: node.data };
  return claimRefusal(claim, now) ?? undefined;
}

/** The job as if it were posted now and open to everybody: for what concerns the nodes alone. */
export function asIfOpen({ address, data }: Row<"job">, now: bigint): Row<"job"> {
  const rules = { ...data.sortition.rules, delaySlots: 0 };
  const job: Job = { ...data, state: JobState.Posted, postedSlot: now, sortition: { ...data.sortition, rules } };
  return { address, data: job };
}

/** How many nodes could take the job, and what keeps the others. */
export interface Eligibility {
  readonly eligible: readonly Row<"node">[];
  readonly kept: ReadonlyMap<Obstacle, number>;
}

/** Asks the rules about every node. */
export function eligibility(job: Row<"job">, nodes: readonly Row<"node">[], network: Rules, now: bigint): Eligibility {
  const kept = new Map<Obstacle, number>();
  const eligible = nodes.filter((node) => {
    const reason = obstacle(job, node, network, now);
    if (reason !== undefined) kept.set(reason, (kept.get(reason) ?? 0) + 1);
    return reason === undefined;
  });
  return { eligible: eligible.sort((a, b) => (a.data.stake < b.data.stake ? 1 : -1)), kept };
}

/** A node that will be able to claim, and from when on. */
export interface Upcoming {
  readonly node: Row<"node">;
  readonly slot: bigint;
  readonly reason: Obstacle;
}

/** The nodes whose turn comes by itself while the job can be claimed, the first ones first. */
export function upcoming(
  job: Row<"job">,
  nodes: readonly Row<"node">[],
  network: Rules,
  now: bigint,
): readonly Upcoming[] {
  const last = job.data.postedSlot + job.data.claimSlots;
  return nodes
    .flatMap((node): Upcoming[] => {
      const claim = { network, jobAddress: job.address, job: job.data, nodeAddress: node.address, node: node.data };
      const turn = claimTurn(claim, now);
      if (turn.kind !== "At" || turn.refusal === null || turn.slot > last) return [];
      return [{ node, slot: turn.slot, reason: turn.refusal }];
    })
    .sort((a, b) => (a.slot < b.slot ? -1 : a.slot > b.slot ? 1 : a.node.address < b.node.address ? -1 : 1));
}

/** The address of a job that does not exist yet. */
export const NO_JOB = "11111111111111111111111111111111" as Address;
