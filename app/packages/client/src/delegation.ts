/** What is delegated to nodes: what of it counts, what delegators earn, and what a delegation is worth. */
import type { Address } from "@solana/kit";
import type { Delegation, DelegationPool, Node } from "./generated/accounts/index.js";
import type { Commission, NetworkParameters, SharePool } from "./generated/types/index.js";
import { ceilingOf, checkedU64, floorOf, smaller, U64_MAX, WHOLE_BASIS_POINTS } from "./integers.js";

/** Everything that was delegated to a node; what slashes took is counted in parts of it. */
export const WHOLE_LOSS = 10n ** 18n;

/** What of the stake that is delegated to a node counts: at most a multiple of the node's own, which governance decides. */
export function countedDelegation(node: Pick<Node, "stake" | "delegation">, parameters: NetworkParameters): bigint {
  const multiple = BigInt(parameters.scheduling.delegationMultipleBps);
  const cap = smaller((node.stake * multiple) / WHOLE_BASIS_POINTS, U64_MAX);
  return smaller(node.delegation.stake, cap);
}

/** What counts of a node in the network: its own stake, and what of the delegated one counts. */
export function countingStake(node: Pick<Node, "stake" | "delegation">, parameters: NetworkParameters): bigint {
  return checkedU64(node.stake + countedDelegation(node, parameters));
}

/** What a node keeps of its delegators' share at a slot, in hundredths of a percent: a raise is announced ahead. */
export function commissionAt(commission: Commission, slot: bigint): number {
  const hasBegun = commission.nextSlot !== 0n && slot >= commission.nextSlot;
  return hasBegun ? commission.nextBps : commission.presentBps;
}

/** The delegators' share of what a node earns by a job that it claims at a slot, in hundredths of a percent. */
export function delegatorsShare(
  node: Pick<Node, "stake" | "delegation">,
  parameters: NetworkParameters,
  slot: bigint,
): number {
  const counted = countedDelegation(node, parameters);
  if (counted === 0n) return 0;
  const gross = floorOf(WHOLE_BASIS_POINTS, counted, checkedU64(node.stake + counted));
  const commission = BigInt(commissionAt(node.delegation.commission, slot));
  const kept = commission > WHOLE_BASIS_POINTS ? 0n : WHOLE_BASIS_POINTS - commission;
  return Number(floorOf(gross, kept, WHOLE_BASIS_POINTS));
}

/** What a delegation is worth, in base units of the stake mint. */
export interface DelegationWorth {
  /** What works. */
  readonly active: bigint;
  /** What is on its way out. */
  readonly unbonding: bigint;
}

/** What a delegation is worth, what slashes took of its node and did not reach the pool yet subtracted. */
export function worthOf(
  { held }: Pick<Delegation, "held">,
  pool: Pick<DelegationPool, "stake" | "appliedLoss">,
  node: Pick<Node, "delegation">,
): DelegationWorth {
  const worth = (shared: SharePool, shares: bigint) => {
    const left = keptOf(shared.tokens, WHOLE_LOSS - node.delegation.loss.taken, WHOLE_LOSS - pool.appliedLoss);
    return shared.shares === 0n ? 0n : floorOf(left, shares, shared.shares);
  };
  return {
    active: worth(pool.stake.active, held.shares),
    unbonding: worth(pool.stake.unbonding, held.unbondingShares),
  };
}

/** What a delegation has earned in a mint and did not take out, in base units of the mint. */
export function earnedIn(
  { held, rewards }: Pick<Delegation, "held" | "rewards">,
  pool: Pick<DelegationPool, "rewards">,
  mint: Address,
): bigint {
  const place = pool.rewards.findIndex((reward) => reward.mint === mint);
  const [reward, claim] = [pool.rewards[place], rewards[place]];
  if (reward === undefined || claim === undefined) return 0n;
  // The sum of what a share earned is in 2^-64 base units, and wraps around at 128 bits.
  const perShare = BigInt.asUintN(128, reward.sum.perShare - claim.seen);
  return smaller(claim.owed + ((perShare * held.shares) >> 64n), U64_MAX);
}

/** What is left of tokens when a share of them stays; rounded up. */
function keptOf(tokens: bigint, part: bigint, whole: bigint): bigint {
  return whole === 0n ? 0n : ceilingOf(tokens, smaller(part, whole), whole);
}
