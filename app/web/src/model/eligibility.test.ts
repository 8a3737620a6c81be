import { JobState, type Network, type Node } from "@assay/client/generated";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../tests/fixture/market.ts";
import { Random } from "../../tests/fixture/random.ts";
import { KINDS, kindOf } from "../data/kinds.ts";
import { sampleJob } from "../stories/samples.ts";
import { eligibility, obstacle } from "./eligibility.ts";
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
const ADDRESS = new Random(8).address();
const JOB = { ...sampleJob(JobState.Posted), minimumStake: 500_000_000n, bond: 700_000_000n };
const why = (node: Partial<Node>, job: Partial<typeof JOB> = {}, network: Partial<Network> = {}, now = 1_050n) =>
  obstacle({ ...JOB, ...job }, { address: ADDRESS, data: { ...NODE, ...node } }, { ...NETWORK, ...network }, now);

describe("who may claim", () => {
  it("is a node that breaks no rule", () => {
    expect(why({})).toBeUndefined();
    expect(why({}, { invitedNode: ADDRESS })).toBeUndefined();
    expect(why({}, {}, {}, 1_150n)).toBeUndefined();
  });

  it.each([
    ["not-open", {}, { state: JobState.Claimed }, {}, 1_050n],
    ["not-open", {}, {}, {}, 1_151n],
    ["paused", {}, {}, { pausedUntilSlot: 1_051n }, 1_050n],
    ["not-invited", {}, { invitedNode: new Random(9).address() }, {}, 1_050n],
    ["below-network", { stake: 99_999_999n }, {}, {}, 1_050n],
    ["full", { openJobs: 16 }, {}, {}, 1_050n],
    ["below-job", { stake: 499_999_999n }, {}, {}, 1_050n],
    ["convicted", { fraudConvictions: 1 }, {}, {}, 1_050n],
    ["bond", { locked: 50_000_001n }, {}, {}, 1_050n],
  ] as const)("is kept by %s", (reason, node, job, network, now) => {
    expect(why(node, job, network, now)).toBe(reason);
  });

  it("leaves the larger slash reserve free", () => {
    expect(largestBond({ ...NODE, stake: 1_000n, locked: 100n, slashReserveBps: 0 }, 2_500)).toBe(650n);
    expect(largestBond({ ...NODE, stake: 1_000n, locked: 100n, slashReserveBps: 5_000 }, 2_500)).toBe(400n);
    expect(largestBond({ ...NODE, stake: 1_000n, locked: 900n }, 2_500)).toBe(0n);
  });

  it("is counted with what keeps the others", () => {
    const nodes = [{}, { openJobs: 16 }, { openJobs: 16 }, { fraudConvictions: 1 }].map((change) => ({
      address: new Random(1).address(),
      data: { ...NODE, ...change },
    }));
    const found = eligibility(JOB, nodes, NETWORK);
    expect(found.eligible).toHaveLength(1);
    expect(found.kept).toEqual(
      new Map([
        ["full", 2],
        ["convicted", 1],
      ]),
    );
  });
});
