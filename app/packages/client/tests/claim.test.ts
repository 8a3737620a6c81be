import type { Address } from "@solana/kit";
import { expect, test } from "vitest";
import {
  type Claim,
  canLockBond,
  claimableWeight,
  claimRefusal,
  claimTurn,
  delegatorsShare,
  filterRefusal,
  getJobDecoder,
  getNetworkDecoder,
  getNodeDecoder,
  JobState,
  ladderAt,
  NOBODY,
  shownProfile,
  sortitionRefusal,
  takingRefusal,
  tierOf,
} from "../src/index.js";
import { key } from "./jobs.js";
import { big, bytes, small, text, type Vector, vectors } from "./vectors.js";

// Making a decoder costs more than using it.
const decoders = { network: getNetworkDecoder(), node: getNodeDecoder(), job: getJobDecoder() };

/** The claim of a vector, out of the bytes of whole accounts. */
function claimOf(vector: Vector): Claim {
  return {
    network: decoders.network.decode(bytes(vector, "network")),
    node: decoders.node.decode(bytes(vector, "node")),
    job: decoders.job.decode(bytes(vector, "job")),
    nodeAddress: text(vector, "node_address") as Address,
    jobAddress: text(vector, "job_address") as Address,
  };
}

/** A claim that succeeds at slot 1,060, when all may claim. */
function goodClaim(): Claim {
  for (const vector of vectors("claims")) {
    const claim = { ...claimOf(vector) };
    claim.job = { ...claim.job, claimSlots: 200n };
    if (claimRefusal(claim, GOOD_SLOT) === null) return claim;
  }
  throw new Error("no vector succeeds");
}

const GOOD_SLOT = 1_070n;

test("every part of the check is the program's, over accounts that the program wrote", () => {
  const seen = new Map<string, Set<unknown>>();
  const see = (part: string, vector: Vector, ours: unknown) => {
    expect(ours, part).toBe(vector[part]);
    seen.set(part, (seen.get(part) ?? new Set()).add(ours));
  };
  for (const vector of vectors("claims")) {
    const claim = claimOf(vector);
    const { parameters } = claim.network;
    const slot = big(vector, "slot");
    const profile = shownProfile(claim.node, parameters, slot);
    expect(profile.tier).toBe(small(vector, "tier"));
    expect(claimableWeight(claim.node, claim.job.sortition.epoch, parameters)).toBe(big(vector, "weight"));
    expect(delegatorsShare(claim.node, parameters, slot)).toBe(small(vector, "delegators_bps"));
    see("may_take", vector, takingRefusal(claim.node, parameters, slot));
    see("filter", vector, filterRefusal(claim.job.filter, profile));
    see("sortition", vector, sortitionRefusal(claim, slot));
    see("bond", vector, bondRefusal(claim));
  }
  const kinds = [...seen].map(([part, found]) => [part, found.size]);
  expect(kinds).toEqual([
    ["may_take", 8],
    ["filter", 5],
    ["sortition", 4],
    ["bond", 3],
  ]);
});

/** Who was convicted locks nothing, whatever is free. */
function bondRefusal({ node, job }: Claim): string | null {
  if (node.fraudConvictions > 0) return "NodeConvicted";
  return canLockBond(node, job) ? null : "InsufficientFreeStake";
}

test("each rule refuses under its own name, in the program's order", () => {
  const good = goodClaim();
  expect(claimTurn(good, GOOD_SLOT)).toEqual({ kind: "Now" });
  const { network, node, job } = good;
  const { parameters } = network;
  const crowded = { ...parameters, scheduling: { ...parameters.scheduling, stakePerJob: 1n << 60n } };
  const standing = (changes: object) => ({ node: { ...node, standing: { ...node.standing, ...changes } } });
  const maintenance = { ...node.standing.maintenance, startSlot: 1_000n, endSlot: 1_100n };
  const cases: readonly [string, object, object][] = [
    ["WorkPaused", { network: { ...network, pausedUntilSlot: 2_000n } }, { kind: "At", slot: 2_000n }],
    ["IllegalTransition", { job: { ...job, state: JobState.Claimed } }, { kind: "Never" }],
    ["ClaimWindowClosed", { job: { ...job, claimSlots: 5n } }, { kind: "Never" }],
    ["NotInvited", { job: { ...job, invitedNode: key(9) } }, { kind: "Never" }],
    ["StakeBelowNetworkMinimum", { node: { ...node, stake: 1n } }, { kind: "AfterChange" }],
    ["TooManyOpenJobs", { node: { ...node, openJobs: parameters.maximumOpenJobsPerNode } }, { kind: "AfterChange" }],
    ["CapacityReached", { network: { ...network, parameters: crowded } }, { kind: "AfterChange" }],
    ["NodeConvicted", standing({ tombstoned: true }), { kind: "Never" }],
    ["UnresolvedMiss", standing({ unresolved: 1 }), { kind: "AfterChange" }],
    ["Jailed", standing({ jailedUntilSlot: 1_500n }), { kind: "At", slot: 1_500n }],
    ["InMaintenance", standing({ maintenance }), { kind: "At", slot: 1_101n }],
    ["StakeBelowJobMinimum", { job: { ...job, minimumStake: 1n << 60n } }, { kind: "AfterChange" }],
    ["TierTooLow", { job: { ...job, filter: { ...job.filter, minimumTier: 60 } } }, { kind: "Never" }],
    ["InsufficientFreeStake", { job: { ...job, bond: 1n << 60n } }, { kind: "AfterChange" }],
  ];
  for (const [refusal, changes, turn] of cases) {
    const claim = { ...good, ...changes };
    expect(claimRefusal(claim, GOOD_SLOT)).toBe(refusal);
    expect(claimTurn(claim, GOOD_SLOT)).toMatchObject({ ...turn, refusal });
  }
  const invited = { ...good, job: { ...job, invitedNode: good.nodeAddress } };
  expect(claimRefusal(invited, job.postedSlot), "an invitation knows no draw").toBeNull();
});

test("a node that is not drawn yet knows its slot, and may claim in it and not before", () => {
  let waited = 0;
  for (const vector of vectors("claims")) {
    const claim = claimOf(vector);
    const slot = big(vector, "slot");
    const open = { ...claim, job: { ...claim.job, claimSlots: 200n } };
    const turn = claimTurn(open, slot);
    if (turn.kind !== "At" || turn.refusal !== "NotDrawnYet") continue;
    waited += 1;
    expect(turn.slot).toBeGreaterThan(slot);
    expect(sortitionRefusal(open, turn.slot - 1n)).toBe("NotDrawnYet");
    expect(sortitionRefusal(open, turn.slot)).toBeNull();
  }
  expect(waited).toBeGreaterThan(0);
});

test("tiers and ladders are those of the program's own tests", () => {
  expect([0n, 1n, 2n, 3n, 4n, 1_023n, 1_024n, (1n << 64n) - 1n].map(tierOf)).toEqual([0, 1, 2, 2, 3, 10, 11, 64]);
  const ladder = { step: 3, sinceSlot: 100n };
  const steps = [100n, 109n, 110n, 120n, 129n, 130n, 1n << 63n].map((slot) => ladderAt(ladder, slot, 10n));
  expect(steps).toEqual([3, 3, 2, 1, 1, 0, 0]);
  expect(ladderAt(ladder, 100n, 0n)).toBe(0);
  expect(NOBODY).toHaveLength(32);
});
