import { JobState } from "@assay/client";
import { address } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { sampleJob } from "../stories/samples.ts";
import { earningsOf, ownOverTime } from "./earnings.ts";
import { NOBODY } from "./keys.ts";

const NODE = address("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");
const row = (change: Partial<ReturnType<typeof sampleJob>>) => ({
  address: NODE,
  data: { ...sampleJob(JobState.Settled), ...change },
});

describe("earnings", () => {
  it("are the node's own share: what delegators and the protocol have of it is said apart", () => {
    const rows = [
      row({ price: 1_000_000n, protocolFeeBps: 100, delegatorsBps: 2_500 }),
      row({ price: 400_000n, protocolFeeBps: 0, delegatorsBps: 0, committedSlot: 900n }),
      row({ state: JobState.Missed }),
      row({ session: NODE }),
      row({ node: NOBODY }),
    ];
    const [earned, ...others] = earningsOf(rows, NODE);
    expect(others).toEqual([]);
    expect(earned).toMatchObject({ jobs: 2, node: 1_142_500n, delegators: 247_500n, fee: 10_000n });
    expect(earned === undefined ? 0n : earned.node + earned.delegators + earned.fee).toBe(1_400_000n);
    expect(ownOverTime(rows, NODE, NODE)).toEqual([
      { slot: 900n, value: 400_000 },
      { slot: 1_030n, value: 1_142_500 },
    ]);
  });
});
