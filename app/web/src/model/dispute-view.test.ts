import {
  type Challenge,
  ChallengeState,
  type Demand,
  DemandState,
  Fault,
  JobState,
  TargetKind,
} from "@assay/client/generated";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../tests/fixture/market.ts";
import { Random } from "../../tests/fixture/random.ts";
import { KINDS, type Kind, kindOf, type Row } from "../data/kinds.ts";
import { sampleJob } from "../stories/samples.ts";
import { challengeWords, clocksAt, descents, disputes, isOpen, payouts } from "./dispute-view.ts";
import { NOBODY } from "./keys.ts";

const market = await generateMarket({ jobs: 40, nodes: 4 });
const rows = <K extends Kind>(kind: K): Row<K>[] =>
  [...market.accounts].flatMap(([address, bytes]) =>
    kindOf(bytes) === kind ? [{ address, data: KINDS[kind].read(bytes) }] : [],
  );
const jobs = new Map(rows("job").map((row) => [row.address, row]));
const found = disputes(jobs, rows("challenge"), rows("demand"), rows("segmentClaim"));

const random = new Random(5);
const DEMAND = random.address();
const TERMS = sampleJob(JobState.Committed).dispute;
const challenge = (clocks: Partial<Challenge["clocks"]>, state = ChallengeState.Revealed): Challenge => ({
  discriminator: new Uint8Array(8),
  version: 1,
  bump: 255,
  state,
  job: random.address(),
  challenger: random.address(),
  sealed: new Uint8Array(32),
  target: { kind: TargetKind.Boundary, index: 2 },
  ownHash: new Uint8Array(32),
  bond: 10n,
  earned: 0n,
  committedSlot: 900n,
  revealedSlot: 950n,
  clocks: {
    demand: NOBODY,
    sinceSlot: 1_000n,
    challengerUsedSlots: 5n,
    defenderUsedSlots: 7n,
    demands: 0,
    posterAnswers: false,
    challengerExtended: false,
    defenderExtended: false,
    ...clocks,
  },
  revealExtended: false,
  settled: false,
});
const demand = (answeredSlot: bigint, reopenedSlot = 0n) =>
  ({ answeredSlot, reopenedSlot, state: answeredSlot === 0n ? DemandState.Open : DemandState.Answered }) as Demand;

describe("disputes", () => {
  it("are listed with what belongs to each, the open one first", () => {
    expect(found[0]?.job.address).toBe(market.disputedJob);
    expect(found[0] !== undefined && isOpen(found[0])).toBe(true);
    expect(found[0]?.demands).toHaveLength(5);
    expect(found.find(({ job }) => job.address === market.convictedJob)?.challenges).toHaveLength(1);
  });

  it("go down tree by tree", () => {
    const trees = descents(found[0]?.demands ?? []);
    expect(trees.map(({ title, depth }) => [title, depth])).toEqual([
      ["Root of segment 1", 0],
      ["Tree of the tensors of segment 1", 4],
      ["Tree of tensor 9", 6],
    ]);
    expect(trees[2]?.moves.map(({ height, index, state }) => [height, index, state])).toEqual([
      [6, 0, "answered"],
      [2, 11, "open"],
    ]);
  });

  it("say who was paid", () => {
    const proved = found.find(({ job }) => job.address === market.convictedJob);
    if (proved === undefined) throw new Error("There is no proved dispute.");
    const paid = payouts(proved.job.data, proved.challenges);
    expect(proved.job.data.record.fault).toBe(Fault.WrongElement);
    expect(paid.refund).toBe(proved.job.data.priceMax + proved.job.data.audit.pot);
    expect(paid.challengers[0]?.earned).toBe(paid.bounty);
    expect(paid.bounty * 2n).toBe(paid.bond);
  });

  it("call a challenge what it says", () => {
    expect(challengeWords(challenge({})).sentence).toBe("It says what is wrong: boundary tensor 2.");
    expect(challengeWords(challenge({}, ChallengeState.Sealed)).name).toBe("Sealed");
  });
});

describe("the clocks of a challenge", () => {
  it("run for the challenger while it waits for nothing", () => {
    const clocks = clocksAt(challenge({}), undefined, TERMS, 1_020n);
    expect(clocks.challenger).toEqual({ used: 25n, allowed: 9_000n, runs: true });
    expect(clocks.defender).toEqual({ used: 7n, allowed: 9_000n, runs: false });
  });

  it("run for the defending side while a demand is open, from when it was reopened if it was", () => {
    const waiting = challenge({ demand: DEMAND });
    expect(clocksAt(waiting, demand(0n), TERMS, 1_020n).defender).toMatchObject({ used: 27n, runs: true });
    expect(clocksAt(waiting, demand(0n, 1_015n), TERMS, 1_020n).defender.used).toBe(12n);
    expect(clocksAt(waiting, demand(0n), TERMS, 1_020n).challenger).toMatchObject({ used: 5n, runs: false });
  });

  it("run for the challenger again once it is answered, and charge the wait to the other side", () => {
    const clocks = clocksAt(challenge({ demand: DEMAND }), demand(1_012n), TERMS, 1_020n);
    expect(clocks.challenger).toMatchObject({ used: 13n, runs: true });
    expect(clocks.defender).toMatchObject({ used: 19n, runs: false });
  });

  it("do not run for the node where somebody else answers, nor once it is over", () => {
    expect(
      clocksAt(challenge({ demand: DEMAND, posterAnswers: true }), demand(0n), TERMS, 1_020n).defender,
    ).toMatchObject({ used: 7n, runs: false });
    expect(clocksAt(challenge({}, ChallengeState.Won), undefined, TERMS, 1_020n).challenger).toMatchObject({
      used: 5n,
      runs: false,
    });
  });

  it("are half as long again once they were extended", () => {
    expect(clocksAt(challenge({ defenderExtended: true }), undefined, TERMS, 1_020n).defender.allowed).toBe(13_500n);
  });
});
