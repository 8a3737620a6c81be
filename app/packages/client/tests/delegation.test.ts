import { type Address, createNoopSigner } from "@solana/kit";
import { expect, test } from "vitest";
import {
  AssayInstruction,
  commissionAt,
  delegationPoolAddress,
  delegationRewardInstructions,
  delegationRewardsAddress,
  earnedIn,
  getDelegationDecoder,
  getDelegationPoolDecoder,
  getNodeDecoder,
  identifyAssayInstruction,
  NOBODY,
  worthOf,
} from "../src/index.js";
import { key } from "./jobs.js";
import { big, bytes, text, vectors } from "./vectors.js";

test("what delegations are worth and have earned is what the program makes of the same accounts", () => {
  const [pools, delegations] = [getDelegationPoolDecoder(), getDelegationDecoder()];
  const zeros = getNodeDecoder().decode(new Uint8Array(2_000));
  let outstanding = 0;
  for (const vector of vectors("delegations")) {
    const pool = pools.decode(bytes(vector, "pool"));
    const delegation = delegations.decode(bytes(vector, "delegation"));
    const taken = big(vector, "lost");
    const loss = { ...zeros.delegation.loss, taken };
    const node = { delegation: { ...zeros.delegation, loss } };
    expect(worthOf(delegation, pool, node)).toEqual({
      active: big(vector, "active"),
      unbonding: big(vector, "unbonding"),
    });
    expect(earnedIn(delegation, pool, text(vector, "mint") as Address)).toBe(big(vector, "earned"));
    expect(earnedIn(delegation, pool, key(9)), "no place shares this mint").toBe(0n);
    outstanding += Number(pool.appliedLoss !== taken);
  }
  expect(outstanding).toBeGreaterThan(10);
});

test("a raise of a commission begins in its slot", () => {
  const commission = { presentBps: 500, nextBps: 900, nextSlot: 150n };
  expect([149n, 150n].map((slot) => commissionAt(commission, slot))).toEqual([500, 900]);
  expect(commissionAt({ ...commission, nextSlot: 0n }, 200n)).toBe(500);
});

test("the delegators' share goes into the pool, which is made to share its mint where it has a place left", async () => {
  const [payer, job, node, mint] = [createNoopSigner(key(1)), key(2), key(3), key(4)];
  const zeros = getDelegationPoolDecoder().decode(new Uint8Array(2_000));
  const stake = { ...zeros.stake, active: { tokens: 5n, shares: 5n } };
  const places = (...mints: Address[]) =>
    zeros.rewards.map((place, index) => ({ ...place, mint: mints[index] ?? NOBODY }));
  const pool = await delegationPoolAddress(node);
  const rewardVault = await delegationRewardsAddress(pool, mint);
  const full = places(key(5), key(6), key(7), key(8));
  const cases = [
    [null, ["CollectDelegationReward"], false],
    [{ stake, rewards: places(key(5), mint) }, ["CollectDelegationReward"], true],
    [{ stake, rewards: places(key(5)) }, ["AddRewardMint", "CollectDelegationReward"], true],
    [{ stake, rewards: full }, ["CollectDelegationReward"], false],
    [{ stake: zeros.stake, rewards: places() }, ["CollectDelegationReward"], false],
  ] as const;
  for (const [state, names, isShared] of cases) {
    const built = await delegationRewardInstructions(payer, job, { node }, state, { mint, tokenProgram: key(9) });
    const kinds = built.map(({ data }) => AssayInstruction[identifyAssayInstruction(data ?? new Uint8Array())]);
    expect(kinds).toEqual(names);
    const accounts = built.at(-1)?.accounts?.map(({ address }) => address) ?? [];
    expect(accounts.includes(rewardVault)).toBe(isShared);
    expect(accounts).toContain(pool);
  }
});
