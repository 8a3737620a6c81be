import { AssayInstruction, associatedAccount, identifyAssayInstruction, WHOLE_LOSS } from "@assay/client";
import type { Instruction } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../../tests/fixture/market.ts";
import { TOKEN_PROGRAM } from "../../../tests/fixture/terms.ts";
import { KINDS, kindOf } from "../../data/kinds.ts";
import { claimRewards, delegateStake, type NodePool, undelegateStake, withdrawDelegated } from "./delegation.ts";

const { accounts, client, stakeMint } = await generateMarket({ jobs: 0, nodes: 4 });
const write = (value: bigint) => `${value} S`;

function nodePool(taken: bigint): NodePool {
  for (const [address, bytes] of accounts) {
    if (kindOf(bytes) !== "delegationPool") continue;
    const pool = { address, data: KINDS.delegationPool.read(bytes) };
    const found = accounts.get(pool.data.node);
    if (found === undefined) break;
    const data = KINDS.node.read(found);
    const delegation = { ...data.delegation, loss: { taken, takenBefore: taken } };
    pool.data = { ...pool.data, appliedLoss: 0n };
    return { node: { address: pool.data.node, data: { ...data, delegation } }, pool };
  }
  throw new Error("There is no pool.");
}

const names = (instructions: readonly Instruction[]) =>
  instructions
    .filter(({ data }) => data !== undefined && data.length >= 8)
    .map(({ data }) => AssayInstruction[identifyAssayInstruction(data as Uint8Array)]);

describe("plans with delegated stake", () => {
  it("let a slash reach the pool first, where one waits", async () => {
    const plans = (at: NodePool) => [
      delegateStake(at, stakeMint, 5n, 100n, 400, write),
      undelegateStake(at, stakeMint, 5n, 5n, 100n, 400, write),
      withdrawDelegated(at, stakeMint, 5n, write),
    ];
    const built = async (at: NodePool) => Promise.all(plans(at).map(async (plan) => names(await plan.build(client))));
    expect(await built(nodePool(0n))).toEqual([["Delegate"], ["Undelegate"], ["WithdrawDelegation"]]);
    expect((await built(nodePool(WHOLE_LOSS / 4n))).map(([first]) => first)).toEqual(
      new Array(3).fill("SettleDelegationSlash"),
    );
  });

  it("pay rewards to the signer's own account, and say how much", async () => {
    const token = { mint: stakeMint, tokenProgram: TOKEN_PROGRAM };
    const plan = claimRewards(nodePool(0n).node.address, token, 7n, write);
    expect(plan.effects[0]?.text).toContain("7 S");
    const steps = await plan.build(client);
    expect(names(steps)).toEqual(["WithdrawDelegationReward"]);
    const own = await associatedAccount(client, token);
    expect(steps.at(-1)?.accounts?.map(({ address }) => address)).toContain(own);
  });
});
