import { type AssayEvent, Fault, FaultSide, JobState, Reason } from "@assay/client";
import { type Address, address, type Signature } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { type IndexRecord, readRecord } from "../data/history-index/shape.ts";
import type { IndexedJob } from "./job-line.ts";
import { NOBODY } from "./keys.ts";
import { presenceOf, scoreLine, stepsOfEvents, stepsOfRecords } from "./reputation-history.ts";

const NODE: Address = address("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");
const JOB = address("BfXKVCMXmRZQHPKmgEpi1J2y7KgJR8FgK6dunRN24mpM");

let id = 0;
const record = (change: string, slot: number, fields: Record<string, unknown>): IndexRecord => {
  id += 1;
  return readRecord({ id, slot, exact: true, at: 0, kind: "node", account: NODE, change, ...fields });
};
const score = (slot: number, before: number, after: number, ...reasons: string[]) =>
  record("node_reputation", slot, { before, after, reasons, good: "1", bad: "0" });

const job = (endedSlot: bigint, state: JobState): IndexedJob => ({
  address: JOB,
  data: {
    state,
    client: NOBODY,
    node: NODE,
    paymentMint: NOBODY,
    priceMin: 1n,
    priceMax: 1n,
    price: 1n,
    bond: 1n,
    postedSlot: 1n,
    claimedSlot: 2n,
    committedSlot: 3n,
    graphRoot: new Uint8Array(32),
    session: NOBODY,
    reason: Reason.Completed,
    faultSide: FaultSide.None,
  },
  fault: Fault.None,
  challengesOpen: 0,
  endedSlot,
  closedSlot: 0n,
});

describe("a reputation over time", () => {
  it("has a step for each change, with its reasons and the jobs that ended then", () => {
    const records = [
      record("node_registered", 5, {}),
      score(10, 0, 16_384, "settled"),
      score(20, 16_384, 16_384, "unknown"),
      score(30, 16_384, 8_192, "missed", "heartbeats_missed"),
    ];
    const steps = stepsOfRecords(records, [job(10n, JobState.Settled), job(11n, JobState.Missed)]);
    expect(steps.map(({ slot, before, after, why }) => [slot, before, after, why])).toEqual([
      [10n, 0, 16_384, "work settled in its favour"],
      [30n, 16_384, 8_192, "a claim ended without a result; epochs went by without a heartbeat"],
    ]);
    expect(steps[0]?.jobs).toEqual([{ address: JOB, how: "settled" }]);
    expect(steps[1]?.jobs).toEqual([]);
    expect(scoreLine(steps, 40n, 8_192)).toEqual([
      { slot: 10n, value: 0 },
      { slot: 10n, value: 2_500 },
      { slot: 30n, value: 1_250 },
      { slot: 40n, value: 1_250 },
    ]);
    expect(scoreLine([], 40n, 8_192)).toEqual([]);
  });

  it("follows from the node's transactions where there is no index", () => {
    const beat = (scoreBefore: number, scoreAfter: number, node = NODE): AssayEvent => ({
      name: "HeartbeatRecorded",
      data: {
        node,
        missedEpochs: 2n,
        misses: 0,
        outage: false,
        jailedUntilSlot: 0n,
        scoreBefore: [scoreBefore],
        scoreAfter: [scoreAfter],
      },
    });
    const entry = (event: AssayEvent, slot: bigint) => ({ event, slot, signature: "s" as Signature });
    const steps = stepsOfEvents(
      [entry(beat(9, 7), 8n), entry(beat(3, 9), 4n), entry(beat(1, 1), 2n), entry(beat(0, 9, JOB), 1n)],
      NODE,
    );
    expect(steps.map(({ slot, before, after }) => [slot, before, after])).toEqual([
      [4n, 3, 9],
      [8n, 9, 7],
    ]);
    expect(steps[0]?.why).toContain("a heartbeat");
  });
});

describe("the time in which a node could work", () => {
  it("is what jail and maintenance leave, each slot counted once", () => {
    const records = [
      record("node_jailed", 110, { until_slot: 130 }),
      record("node_jailed", 120, { until_slot: 140 }),
      record("node_maintenance", 100, { start_slot: 135, end_slot: 149 }),
      record("node_maintenance", 100, { start_slot: 190, end_slot: 500 }),
      score(150, 5, 4, "missed"),
      score(160, 4, 3, "heartbeats_missed"),
    ];
    expect(presenceOf(records, 100n, 200n)).toEqual({
      slots: 100n,
      jailedSlots: 30n,
      maintenanceSlots: 20n,
      silences: 1,
      misses: 1,
    });
    expect(presenceOf([], 100n, 90n).slots).toBe(0n);
  });
});
