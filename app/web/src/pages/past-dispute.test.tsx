// @vitest-environment happy-dom
import { Fault, JobState, NOBODY } from "@assay/client";
import { address } from "@solana/kit";
import { cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it } from "vitest";
import type { IndexRecord } from "../data/history-index/shape.ts";
import { MarketContext } from "../data/hooks.ts";
import type { MarketSource } from "../data/source.ts";
import { MarketStore } from "../data/store.ts";
import type { IndexedJob } from "../model/job-line.ts";
import { faultSentence } from "../model/job-state.ts";
import { sampleJob } from "../stories/samples.ts";
import { ClosedConvictions } from "./disputes.tsx";
import { PastDisputeOf } from "./past-dispute.tsx";

const JOB = address("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");
const SILENT: MarketSource = {
  load: async () => [],
  follow: async () => {},
  fetch: async () => [],
  present: async () => new Set(),
  slot: async () => 0n,
  decimals: async () => 6,
};

const job = (fault: Fault, closedSlot: bigint): IndexedJob => ({
  address: JOB,
  data: sampleJob(fault === Fault.None ? JobState.Settled : JobState.Convicted, fault),
  fault,
  challengesOpen: 0,
  endedSlot: 1_500n,
  closedSlot,
});
const record = (change: string): IndexRecord => ({
  ...{ id: 1, slot: 1_400n, exact: true, at: 1_790_000_000, kind: "challenge" },
  ...{ account: NOBODY, job: JOB, change, fields: { bond: "1" } },
});
const show = (shown: ReactNode) => render(<MarketContext value={new MarketStore(SILENT)}>{shown}</MarketContext>);
const text = () => document.body.textContent ?? "";

afterEach(cleanup);

describe("a dispute whose accounts are gone", () => {
  it("is told as the conviction that the index remembers", () => {
    const history = { row: job(Fault.WrongElement, 1_600n), timeline: [record("challenge_sealed")], more: false };
    show(<PastDisputeOf asked={{ state: "known", value: history }} />);
    expect(text()).toContain(`It was disputed, and convicted: ${faultSentence(Fault.WrongElement)}`);
    expect(text()).toContain("Somebody with a bond says that the result is wrong.");
  });

  it("is told without a fault where none was proved, and not at all where there was none", () => {
    const settled = { row: job(Fault.None, 1_600n), timeline: [record("challenge_sealed")], more: false };
    show(<PastDisputeOf asked={{ state: "known", value: settled }} />);
    expect(text()).toContain("It was disputed, and no fault was proved.");
    cleanup();
    show(<PastDisputeOf asked={{ state: "known", value: { ...settled, timeline: [record("job_claimed")] } }} />);
    expect(text()).toContain("The index saw no challenge of its result, either.");
  });

  it("is said to be kept by nobody where there is no index", () => {
    show(<PastDisputeOf asked={{ state: "none" }} />);
    expect(text()).toContain("are not kept on-chain");
    cleanup();
    show(<PastDisputeOf asked={{ state: "failed", reason: "It answered 500." }} />);
    expect(text()).toContain("Whether there was one before is not known: It answered 500.");
  });

  it("is in the list of convictions that are closed", () => {
    const open = { ...job(Fault.WrongElement, 0n), address: NOBODY };
    show(<ClosedConvictions jobs={[job(Fault.WrongElement, 1_600n), open]} />);
    expect(screen.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual([`/disputes/${JOB}`]);
    expect(text()).toContain("was disputed and convicted");
    cleanup();
    show(<ClosedConvictions jobs={undefined} />);
    expect(text()).toContain("are not kept on-chain");
  });
});
