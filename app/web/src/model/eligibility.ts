/** Which nodes could claim a job now, by the rules of the program and in its order. */
import { type Job, JobState, type Network, type Node } from "@assay/client/generated";
import type { Row } from "../data/kinds.ts";
import { isNobody } from "./keys.ts";
import { largestBond } from "./node-view.ts";

/** Why a node could not claim. */
export type Obstacle =
  | "not-open"
  | "paused"
  | "not-invited"
  | "convicted"
  | "below-network"
  | "full"
  | "below-job"
  | "bond";

/** Obstacles in words, for one node. */
export const OBSTACLE_WORDS: Readonly<Record<Obstacle, string>> = {
  "not-open": "The job is not open to claims.",
  paused: "The guardian has paused new claims.",
  "not-invited": "The job invites another node.",
  convicted: "A convicted node never claims again.",
  "below-network": "Its stake is below the network's minimum.",
  full: "It has as many open jobs as the network allows.",
  "below-job": "Its stake is below what the client asks for.",
  bond: "Too little of its stake is free for the bond and the slash reserve.",
};

/** The first rule that keeps the node from claiming; `undefined` if it may. */
export function obstacle(job: Job, node: Row<"node">, network: Network, now: bigint): Obstacle | undefined {
  if (job.state !== JobState.Posted || now > job.postedSlot + job.claimSlots) return "not-open";
  if (now < network.pausedUntilSlot) return "paused";
  return nodeObstacle(job, node, network);
}

/** As [`obstacle`], but for what concerns the node alone. */
export function nodeObstacle(job: Job, { address, data }: Row<"node">, network: Network): Obstacle | undefined {
  if (!isNobody(job.invitedNode) && job.invitedNode !== address) return "not-invited";
  if (data.stake < network.parameters.minimumStake) return "below-network";
  if (data.openJobs >= network.parameters.maximumOpenJobsPerNode) return "full";
  if (data.stake < job.minimumStake) return "below-job";
  return bondObstacle(job, data);
}

function bondObstacle(job: Job, node: Node): Obstacle | undefined {
  if (node.fraudConvictions > 0) return "convicted";
  return job.bond > largestBond(node, job.dispute.slashBps) ? "bond" : undefined;
}

/** How many nodes could take the job, and what keeps the others. */
export interface Eligibility {
  readonly eligible: readonly Row<"node">[];
  readonly kept: ReadonlyMap<Obstacle, number>;
}

/** Looks at every node, as if the job were open. */
export function eligibility(job: Job, nodes: readonly Row<"node">[], network: Network): Eligibility {
  const kept = new Map<Obstacle, number>();
  const eligible = nodes.filter((node) => {
    const reason = nodeObstacle(job, node, network);
    if (reason !== undefined) kept.set(reason, (kept.get(reason) ?? 0) + 1);
    return reason === undefined;
  });
  return { eligible: eligible.sort((a, b) => (a.data.stake < b.data.stake ? 1 : -1)), kept };
}
