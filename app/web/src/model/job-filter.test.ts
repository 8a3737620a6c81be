import { type Job, JobState } from "@assay/client/generated";
import { address } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { Random } from "../../tests/fixture/random.ts";
import { sampleJob } from "../stories/samples.ts";
import { ALL_JOBS, countByState, filterJobs } from "./job-filter.ts";

const random = new Random(3);
const row = (data: Partial<Job>, state = JobState.Posted) => ({
  address: random.address(),
  data: { ...sampleJob(state), ...data },
});
const CLIENT = random.address();
const MINT = address("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");

const cheap = row({ priceMax: 100n, postedSlot: 10n, client: CLIENT });
const dear = row({ price: 900n, postedSlot: 20n, paymentMint: MINT }, JobState.Committed);
const middle = row({ priceMax: 500n, postedSlot: 30n, claimSlots: 5n, graphRoot: new Uint8Array(32).fill(0xab) });
const ended = row({ price: 1n, postedSlot: 5n }, JobState.Settled);
const ALL = [cheap, dear, middle, ended];

describe("choosing jobs", () => {
  it("shows all of them, the newest first", () => {
    expect(filterJobs(ALL, ALL_JOBS)).toEqual([middle, dear, cheap, ended]);
  });

  it("orders by what they cost, and by what comes next", () => {
    expect(filterJobs(ALL, { ...ALL_JOBS, sort: "price" })).toEqual([dear, middle, cheap, ended]);
    expect(filterJobs(ALL, { ...ALL_JOBS, sort: "deadline" })).toEqual([middle, cheap, dear, ended]);
  });

  it("filters by state, mint and who takes part", () => {
    expect(filterJobs(ALL, { ...ALL_JOBS, states: new Set([JobState.Settled, JobState.Committed]) })).toEqual([
      dear,
      ended,
    ]);
    expect(filterJobs(ALL, { ...ALL_JOBS, mint: MINT })).toEqual([dear]);
    expect(filterJobs(ALL, { ...ALL_JOBS, mine: CLIENT })).toEqual([cheap]);
  });

  it("finds by the begin of an address or of a graph's root, and by nothing in their midst", () => {
    expect(filterJobs(ALL, { ...ALL_JOBS, text: cheap.address.slice(0, 6) })).toEqual([cheap]);
    expect(filterJobs(ALL, { ...ALL_JOBS, text: "ABAB" })).toEqual([middle]);
    expect(filterJobs(ALL, { ...ALL_JOBS, text: cheap.address.slice(3, 12) })).toEqual([]);
  });

  it("counts each state", () => {
    expect(countByState(ALL)).toEqual(
      new Map([
        [JobState.Posted, 2],
        [JobState.Committed, 1],
        [JobState.Settled, 1],
      ]),
    );
  });
});
