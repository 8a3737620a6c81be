import { Fault, JobState } from "@assay/client/generated";
import { describe, expect, it } from "vitest";
import { sampleJob } from "../stories/samples.ts";
import { isEnded, JOB_STATES, nextDeadline } from "./job-state.ts";
import { timeline } from "./job-timeline.ts";

const outline = (state: JobState, fault = Fault.None) =>
  timeline(sampleJob(state, fault)).map(({ key, state }) => `${key}:${state}`);

describe("the life of a job", () => {
  it.each([
    [JobState.Posted, ["post:past", "claim:now", "commit:future", "window:future", "end:future"]],
    [JobState.Claimed, ["post:past", "claim:past", "commit:now", "window:future", "end:future"]],
    [JobState.Committed, ["post:past", "claim:past", "commit:past", "window:now", "end:future"]],
    [JobState.Accepted, ["post:past", "claim:past", "commit:past", "window:now", "end:future"]],
    [JobState.Settled, ["post:past", "claim:past", "commit:past", "window:past", "end:good"]],
    [JobState.Missed, ["post:past", "claim:past", "end:bad"]],
    [JobState.Convicted, ["post:past", "claim:past", "commit:past", "end:bad"]],
    [JobState.Expired, ["post:past", "end:past"]],
    [JobState.Cancelled, ["post:past", "end:past"]],
  ])("of state %s", (state, expected) => {
    expect(outline(state)).toEqual(expected);
  });

  it("says until when the present step may last", () => {
    const last = (state: JobState) => timeline(sampleJob(state)).find((step) => step.state === "now")?.last;
    expect([last(JobState.Posted), last(JobState.Claimed), last(JobState.Committed)]).toEqual([1_150n, 1_772n, 1_480n]);
    for (const state of JOB_STATES) expect(last(state)).toBe(nextDeadline(sampleJob(state))?.last);
  });

  it("has a present step exactly as long as the job has not ended", () => {
    for (const state of JOB_STATES) {
      expect(timeline(sampleJob(state)).some((step) => step.state === "now")).toBe(!isEnded(state));
    }
  });

  it("says what was proved, and when", () => {
    const end = timeline(sampleJob(JobState.Convicted, Fault.Withheld)).at(-1);
    expect(end).toMatchObject({
      slot: 1_090n,
      detail: "The node did not open what was demanded of it before its clock ran out.",
    });
  });

  it("counts the challenges that hold the end up", () => {
    const job = sampleJob(JobState.Committed);
    const detail = (challengesOpen: number) =>
      timeline({ ...job, record: { ...job.record, challengesOpen } }).find(({ key }) => key === "window")?.detail;
    expect(detail(1)).toBe("One challenge is open; the job ends when it is decided.");
    expect(detail(3)).toBe("3 challenges are open; the job ends when they are decided.");
  });

  it("calls a receipt what it is", () => {
    const receipt = { ...sampleJob(JobState.Committed), priceMax: 0n, postedSlot: 1_022n };
    expect(timeline(receipt).map(({ title }) => title)).toEqual([
      "Called in",
      "Result committed",
      "Challenge window",
      "Settlement",
    ]);
  });
});
