import { expect, test } from "vitest";
import { decodeEvent, EVENT_DECODERS, getJobSettledEncoder, type JobSettled, Reason } from "../src/index.js";
import { key } from "./jobs.js";
import { unhex } from "./vectors.js";

const settled: JobSettled = {
  job: key(1),
  node: key(2),
  nodeCredit: 3n,
  clientCredit: 4n,
  feeCredit: 5n,
  auditCredit: 6n,
  delegatorsCredit: 5n,
  reason: Reason.Completed,
  lateBps: 0,
  scoreBefore: [7],
  scoreAfter: [8],
};
const instruction = unhex("e445a52e51cb9a1d");
const discriminator = unhex(EVENT_DECODERS.JobSettled.discriminator);

test("an event is read out of the instruction that the program sends to itself", () => {
  const data = Uint8Array.of(...instruction, ...discriminator, ...getJobSettledEncoder().encode(settled));
  expect(decodeEvent(data)).toEqual({ name: "JobSettled", data: settled });
});

test("other instructions, and events of another program, are none", () => {
  expect(decodeEvent(Uint8Array.of(...discriminator, ...instruction))).toBeNull();
  expect(decodeEvent(Uint8Array.of(...instruction, 1, 2, 3, 4, 5, 6, 7, 8, 9))).toBeNull();
  expect(decodeEvent(instruction)).toBeNull();
  expect(decodeEvent(new Uint8Array())).toBeNull();
});
