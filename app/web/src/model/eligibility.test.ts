import { JobState, type Network, type Node } from "@assay/client/generated";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../tests/fixture/market.ts";
import { Random } from "../../tests/fixture/random.ts";
import { KINDS, kindOf } from "../data/kinds.ts";
import { sampleJob } from "../stories/samples.ts";
import { asIfOpen, eligibility, NO_JOB, OBSTACLE_WORDS, obstacle, upcoming } from "./eligibility.ts";
import { largestBond } from "./node-view.ts";

const { accounts } = await generateMarket({ jobs: 0, nodes: 1 });
const read = <T>(kind: "network" | "node"): T => {
  const bytes = [...accounts.values()].find((one) => kindOf(one) === kind);
  if (bytes === undefined) throw new Error(`There is no ${kind}.`);
  return KINDS[kind].read(bytes) as T;
};
const NETWORK = read<Network>("network");
const NODE: Node = {
  ...read<Node>("node"),
  stake: 1_000_000_000n,
  locked: 0n,
  openJobs: 0,
  fraudConvictions: 0,
  slashReserveBps: 0,
};
const STANDING = {
  ...NODE.standing,
  unresolved: 0,
  jailedUntilSlot: 0n,
  tombstoned: false,
  maintenance: { announcedSlot: 0n, startSlot: 0n, endSlot: 0n, previousEndSlot: 0n },
};
const ADDRESS = new Random(8).address();
const JOB = { ...sampleJob(JobState.Posted), minimumStake: 500_000_000n, bond: 700_000_000n };
const why = (node: Partial<Node>, job: Partial<typeof JOB> = {}, network: Partial<Network> = {}, now = 1_050n) =>
  obstacle(
    { address: NO_JOB, data: { ...JOB, ...job } },
    { address: ADDRESS, data: { ...NODE, standing: STANDING, ...node } },
    { ...NETWORK, ...network },
    now,
  );
const wishes = { capabilities: 0n, regions: 0n, minimumScore: [0] as const, minimumTier: 0 };
const drawn = {
  rules: { delaySlots: 2, stepSlots: 2, firstExpected: 1, steps: 4 },
  seedSlot: 1_040n,
  epoch: 3n,
  totalWeight: 10n ** 18n,
};

describe("who may claim", () => {
  it("is a node that breaks no rule", () => {
    expect(why({})).toBeUndefined();
    expect(why({}, { invitedNode: ADDRESS })).toBeUndefined();
    expect(why({}, {}, {}, 1_150n)).toBeUndefined();
  });

  it.each([
    ["IllegalTransition", {}, { state: JobState.Claimed }, {}, 1_050n],
    ["ClaimWindowClosed", {}, {}, {}, 1_151n],
    ["WorkPaused", {}, {}, { pausedUntilSlot: 1_051n }, 1_050n],
    ["NotInvited", {}, { invitedNode: new Random(9).address() }, {}, 1_050n],
    ["StakeBelowNetworkMinimum", { stake: 99_999_999n }, {}, {}, 1_050n],
    ["TooManyOpenJobs", { openJobs: 16 }, {}, {}, 1_050n],
    ["CapacityReached", { openJobs: 10 }, {}, {}, 1_050n],
    ["StakeBelowJobMinimum", { stake: 499_999_999n }, {}, {}, 1_050n],
    ["NodeConvicted", { fraudConvictions: 1 }, {}, {}, 1_050n],
    ["UnresolvedMiss", { standing: { ...STANDING, unresolved: 1 } }, {}, {}, 1_050n],
    ["Jailed", { standing: { ...STANDING, jailedUntilSlot: 1_051n } }, {}, {}, 1_050n],
    ["CapabilityMissing", {}, { filter: { ...wishes, capabilities: 8n } }, {}, 1_050n],
    ["ScoreTooLow", { score: [5] }, { filter: { ...wishes, minimumScore: [6] } }, {}, 1_050n],
    ["SortitionNotOpen", {}, { sortition: { ...drawn, seedSlot: 1_060n } }, {}, 1_050n],
    ["SeedNotSealed", {}, { sortition: drawn }, {}, 1_042n],
    ["InsufficientFreeStake", { locked: 50_000_001n }, {}, {}, 1_050n],
  ] as const)("is kept by %s", (reason, node, job, network, now) => {
    expect(why(node, job, network, now)).toBe(reason);
    expect(OBSTACLE_WORDS[reason]).toMatch(/\.$/);
  });

  it("leaves the larger slash reserve free", () => {
    expect(largestBond({ ...NODE, stake: 1_000n, locked: 100n, slashReserveBps: 0 }, 2_500)).toBe(650n);
    expect(largestBond({ ...NODE, stake: 1_000n, locked: 100n, slashReserveBps: 5_000 }, 2_500)).toBe(400n);
    expect(largestBond({ ...NODE, stake: 1_000n, locked: 900n }, 2_500)).toBe(0n);
  });

  it("is counted with what keeps the others, of a job that is over as if it were open", () => {
    const nodes = [{}, { openJobs: 16 }, { openJobs: 16 }, { fraudConvictions: 1 }].map((change) => ({
      address: new Random(1).address(),
      data: { ...NODE, standing: STANDING, ...change },
    }));
    const over = { address: NO_JOB, data: { ...JOB, state: JobState.Settled, sortition: drawn } };
    const found = eligibility(asIfOpen(over, 9_000n), nodes, NETWORK, 9_000n);
    expect(found.eligible).toHaveLength(1);
    expect(found.kept).toEqual(
      new Map([
        ["TooManyOpenJobs", 2],
        ["NodeConvicted", 1],
      ]),
    );
  });

  it("tells whose turn comes by itself, and when, but not those whom something else keeps", () => {
    const [early, late, after, full] = [
      { standing: { ...STANDING, jailedUntilSlot: 1_060n } },
      { standing: { ...STANDING, jailedUntilSlot: 1_100n } },
      // The job can be claimed until slot 1,150.
      { standing: { ...STANDING, jailedUntilSlot: 1_151n } },
      { openJobs: 16 },
    ];
    const random = new Random(5);
    const nodes = [late, full, early, after, {}].map((change) => ({
      address: random.address(),
      data: { ...NODE, standing: STANDING, ...change } as Node,
    }));
    const turns = upcoming({ address: NO_JOB, data: JOB }, nodes, NETWORK, 1_050n);
    expect(turns.map(({ node, slot, reason }) => [nodes.indexOf(node), slot, reason])).toEqual([
      [2, 1_060n, "Jailed"],
      [0, 1_100n, "Jailed"],
    ]);
    const unsealed = { address: NO_JOB, data: { ...JOB, sortition: { ...drawn, seedSlot: 1_060n } } };
    expect(upcoming(unsealed, nodes, NETWORK, 1_050n).map(({ slot }) => slot)).toEqual([1_060n, 1_061n, 1_100n]);
  });
});
