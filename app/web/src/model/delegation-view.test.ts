import type { Network, Node } from "@assay/client";
import { describe, expect, it } from "vitest";
import { PARAMETERS } from "../../tests/fixture/terms.ts";
import { delegationFigures, sharesWorth, slashWaits, withdrawalFault } from "./delegation-view.ts";

const network = { parameters: PARAMETERS } as Network;
const node = (change: Partial<Node> = {}): Node =>
  ({
    stake: 100n,
    fraudConvictions: 0,
    frozenUntilSlot: 0n,
    pendingCharge: { convictedSlot: 0n, base: 0n, totalStake: 0n },
    delegation: {
      open: true,
      commission: { presentBps: 1_000, nextBps: 2_000, nextSlot: 50n },
      stake: 100n,
      loss: { taken: 0n, takenBefore: 0n },
    },
    ...change,
  }) as Node;
const stake = (delegated: bigint) => node({ delegation: { ...node().delegation, stake: delegated } });
const held = { shares: 40n, unbondingShares: 5n, releaseSlot: 20n };
const pool = {
  appliedLoss: 0n,
  stake: { active: { tokens: 75n, shares: 100n }, unbonding: { tokens: 5n, shares: 5n } },
};

describe("delegation", () => {
  it("says who gets what, and announces a raise until it holds", () => {
    expect(delegationFigures(node(), network, 49n)).toEqual({
      commissionBps: 1_000,
      announced: { bps: 2_000, slot: 50n },
      delegated: 100n,
      counted: 100n,
      room: 200n,
      keptBps: 5_500,
      delegatorsBps: 4_500,
    });
    expect(delegationFigures(node(), network, 50n)).toMatchObject({ commissionBps: 2_000, announced: undefined });
  });

  it("counts up to the multiple of the node's own, and has no room beyond or after a conviction", () => {
    expect(delegationFigures(stake(900n), network, 0n)).toMatchObject({ counted: 300n, room: 0n });
    expect(delegationFigures(node({ fraudConvictions: 1 }), network, 0n).room).toBe(0n);
  });

  it("turns an amount into the fewest shares that are worth it", () => {
    const shares = (amount: bigint) => sharesWorth(amount, { held }, pool, node());
    expect([30n, 3n, 1n, 31n].map(shares)).toEqual([40n, 4n, 2n, 40n]);
  });

  it("says what holds a withdrawal back", () => {
    expect(withdrawalFault({ held }, node(), 20n)).toBeUndefined();
    expect(withdrawalFault({ held }, node(), 19n)).toMatch("not released");
    expect(withdrawalFault({ held: { ...held, unbondingShares: 0n } }, node(), 20n)).toMatch("Nothing unbonds");
    expect(withdrawalFault({ held }, node({ frozenUntilSlot: 21n }), 20n)).toMatch("convicted");
    const charged = { convictedSlot: 1n, base: 1n, totalStake: 1n };
    expect(withdrawalFault({ held }, node({ pendingCharge: charged }), 20n)).toMatch("convicted");
  });

  it("knows when a slash did not reach the pool", () => {
    expect(slashWaits(pool, node())).toBe(false);
    expect(slashWaits({ appliedLoss: 1n }, node())).toBe(true);
  });
});
