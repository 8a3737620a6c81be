import { type Job, JobState } from "@assay/client/generated";
import { describe, expect, it } from "vitest";
import { Random } from "../../tests/fixture/random.ts";
import { sampleJob } from "../stories/samples.ts";
import { knownModels, recentPrices, suggestPrice, throughput } from "./market.ts";

const random = new Random(4);
const claimed = (price: bigint, claimedSlot: bigint, more: Partial<Job> = {}) => ({
  address: random.address(),
  data: { ...sampleJob(JobState.Settled), price, claimedSlot, ...more },
});
const MINT = sampleJob(JobState.Settled).paymentMint;

describe("prices", () => {
  it("are those of the newest claims", () => {
    const rows = [
      claimed(1_000_000n, 1n),
      ...Array.from({ length: 50 }, (_, index) => claimed(BigInt(index + 1), BigInt(100 + index))),
    ];
    expect(recentPrices(rows, MINT)).toEqual({ jobs: 50, low: 6n, median: 26n, high: 46n });
  });

  it("are nothing without claims, of other mints, or of receipts", () => {
    const unclaimed = { address: random.address(), data: sampleJob(JobState.Posted) };
    expect(recentPrices([unclaimed], MINT)).toBeUndefined();
    expect(recentPrices([claimed(5n, 5n)], random.address())).toBeUndefined();
    expect(recentPrices([claimed(0n, 5n, { priceMax: 0n })], MINT)).toBeUndefined();
  });

  it("can be those of one graph", () => {
    const graphRoot = new Uint8Array(32).fill(1);
    const rows = [claimed(5n, 5n), claimed(70n, 6n, { graphRoot })];
    expect(recentPrices(rows, MINT, graphRoot)).toMatchObject({ jobs: 1, median: 70n });
  });

  it("suggest a range that begins at the median and goes a fifth beyond nearly all", () => {
    expect(suggestPrice({ jobs: 9, low: 1n, median: 100n, high: 200n })).toEqual({ minimum: 100n, maximum: 240n });
    expect(suggestPrice({ jobs: 1, low: 1n, median: 1n, high: 1n })).toEqual({ minimum: 1n, maximum: 2n });
  });
});

describe("throughput", () => {
  it("puts every commitment into the bar of its time and none twice", () => {
    const rows = [101n, 110n, 111n, 200n, 201n].map((committedSlot) => claimed(1n, 1n, { committedSlot }));
    const bars = throughput(rows, 200n, 100n, 10);
    expect(bars.map(({ committed }) => committed)).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it("tells what was proved wrong", () => {
    const wrong = { address: random.address(), data: { ...sampleJob(JobState.Convicted), committedSlot: 150n } };
    expect(throughput([wrong], 200n, 100n, 1)).toEqual([{ firstSlot: 101n, committed: 0, convicted: 1 }]);
  });
});

describe("models", () => {
  it("are pairs of graph and weights, the most used first, with their latest job", () => {
    const other = new Uint8Array(32).fill(9);
    const rows = [
      claimed(1n, 1n, { postedSlot: 1n, paramsRoot: other }),
      claimed(1n, 1n, { postedSlot: 2n }),
      claimed(1n, 1n, { postedSlot: 3n }),
    ];
    expect(knownModels(rows).map(({ jobs, latest }) => [jobs, latest.data.postedSlot])).toEqual([
      [2, 3n],
      [1, 1n],
    ]);
  });
});
