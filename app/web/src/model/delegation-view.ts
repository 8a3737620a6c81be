/** What is delegated to a node, and what one owner has of it. */
import {
  commissionAt,
  countedDelegation,
  type Delegation,
  type DelegationPool,
  delegatorsShare,
  type Network,
  type Node,
  worthOf,
} from "@assay/client";

const WHOLE_BPS = 10_000;

/** What a node's page says of delegation. */
export interface DelegationFigures {
  /** Of the delegators' share, what the node keeps now. */
  readonly commissionBps: number;
  /** A commission that is announced and does not hold yet. */
  readonly announced: { readonly bps: number; readonly slot: bigint } | undefined;
  readonly delegated: bigint;
  /** What of it raises the node's weight. */
  readonly counted: bigint;
  /** What can still be delegated. */
  readonly room: bigint;
  /** Of what a job pays after the fee: to the node, and to its delegators. */
  readonly keptBps: number;
  readonly delegatorsBps: number;
}

/** The figures of a node at a slot. */
export function delegationFigures(
  node: Pick<Node, "stake" | "delegation" | "fraudConvictions">,
  { parameters }: Pick<Network, "parameters">,
  slot: bigint,
): DelegationFigures {
  const { commission, stake: delegated } = node.delegation;
  const most = (node.stake * BigInt(parameters.scheduling.delegationMultipleBps)) / BigInt(WHOLE_BPS);
  const delegatorsBps = delegatorsShare(node, parameters, slot);
  return {
    commissionBps: commissionAt(commission, slot),
    announced: commission.nextSlot > slot ? { bps: commission.nextBps, slot: commission.nextSlot } : undefined,
    delegated,
    counted: countedDelegation(node, parameters),
    room: node.fraudConvictions > 0 || most < delegated ? 0n : most - delegated,
    keptBps: WHOLE_BPS - delegatorsBps,
    delegatorsBps,
  };
}

/** Whether a slash of the node did not reach its pool yet: until it does, nothing of the pool moves. */
export function slashWaits(pool: Pick<DelegationPool, "appliedLoss">, node: Pick<Node, "delegation">): boolean {
  return pool.appliedLoss !== node.delegation.loss.taken;
}

/** The shares of a delegation that are worth `amount` at least, and never more than there are. */
export function sharesWorth(
  amount: bigint,
  delegation: Pick<Delegation, "held">,
  pool: Pick<DelegationPool, "stake" | "appliedLoss">,
  node: Pick<Node, "delegation">,
): bigint {
  const { shares } = delegation.held;
  const { active } = worthOf(delegation, pool, node);
  if (amount >= active) return shares;
  return (amount * shares + active - 1n) / active;
}

/** Why what unbonds cannot be withdrawn at a slot, as a sentence; `undefined` where it can. */
export function withdrawalFault(
  { held }: Pick<Delegation, "held">,
  node: Pick<Node, "frozenUntilSlot" | "pendingCharge">,
  slot: bigint,
): string | undefined {
  if (held.unbondingShares === 0n) return "Nothing unbonds.";
  if (held.releaseSlot > slot) return "It is not released yet.";
  if (node.frozenUntilSlot > slot || node.pendingCharge.convictedSlot !== 0n)
    return "The node was convicted: nothing of it moves until it is known what its conviction costs.";
  return undefined;
}
