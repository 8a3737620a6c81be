import { AssayInstruction, delegationAddress, delegationPoolAddress, identifyAssayInstruction } from "@assay/client";
import { getSetCommissionInstructionDataDecoder } from "@assay/client/generated";
import type { Instruction } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../../tests/fixture/market.ts";
import { KINDS, kindOf } from "../../data/kinds.ts";
import { NOBODY } from "../../model/keys.ts";
import { closeDelegation, closePool, openPool, poolFault, setCommission } from "./pools.ts";

const { accounts, client } = await generateMarket({ jobs: 0, nodes: 4 });
const poolOf = () => {
  for (const [address, bytes] of accounts) {
    if (kindOf(bytes) === "delegationPool") return { address, data: KINDS.delegationPool.read(bytes) };
  }
  throw new Error("There is no pool.");
};
const pool = poolOf();
const bytes = accounts.get(pool.data.node);
if (bytes === undefined) throw new Error("The pool has no node.");
const node = { address: pool.data.node, data: KINDS.node.read(bytes) };
const name = ({ data }: Instruction) => AssayInstruction[identifyAssayInstruction(data as Uint8Array)];
const named = ({ accounts: used }: Instruction) => used?.map(({ address }) => address) ?? [];

describe("plans with a pool of delegations", () => {
  it("say that a raise of the commission waits, and that a fall holds at once", async () => {
    const commission = { presentBps: 1_000, nextBps: 0, nextSlot: 0n };
    const at = { ...node, data: { ...node.data, delegation: { ...node.data.delegation, commission } } };
    const raise = setCommission(at, 1_001, 5n, 216_000n, 400);
    expect(raise.effects[0]).toMatchObject({ kind: "wait" });
    expect(raise.effects[0]?.text).toContain("24 h");
    const fall = setCommission(at, 999, 5n, 216_000n, 400);
    expect(fall.effects[0]).toMatchObject({ kind: "out" });
    expect(fall.effects[0]?.text).toContain("at once");
    const [instruction] = await raise.build(client);
    if (instruction?.data === undefined) throw new Error("Nothing is sent.");
    expect(getSetCommissionInstructionDataDecoder().decode(instruction.data).commissionBps).toBe(1_001);
  });

  it("name the pool and the delegation of the node", async () => {
    const address = await delegationPoolAddress(node.address);
    const [opened] = await openPool(node.address, 500).build(client);
    const [closed] = await closePool(node.address).build(client);
    const [empty] = await closeDelegation(node.address, client).build(node.address);
    if (opened === undefined || closed === undefined || empty === undefined) throw new Error("Nothing is sent.");
    expect([name(opened), name(closed), name(empty)]).toEqual([
      "OpenDelegationPool",
      "CloseDelegationPool",
      "CloseDelegation",
    ]);
    for (const instruction of [opened, closed, empty]) expect(named(instruction)).toContain(address);
    expect(named(empty)).toContain(await delegationAddress(address, client));
  });

  it("do not close a pool in which somebody has something, or that shares rewards", () => {
    expect(poolFault({ ...pool, data: { ...pool.data, delegations: 1 } }, NOBODY)).toContain("Somebody");
    const empty = { ...pool, data: { ...pool.data, delegations: 0 } };
    expect(poolFault(empty, NOBODY)).toContain("shares rewards");
    const rewards = pool.data.rewards.map((one) => ({ ...one, mint: NOBODY }));
    expect(poolFault({ ...empty, data: { ...empty.data, rewards } }, NOBODY)).toBeUndefined();
  });
});
