import { type AssayEvent, type AssayEventName, EVENT_DECODERS, Reason } from "@assay/client";
import { address } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { eventSentence, scoreChange } from "./event-words.ts";

const KEY = address("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");
const settled = (scoreBefore: number, scoreAfter: number): AssayEvent => ({
  name: "JobSettled",
  data: {
    job: KEY,
    node: KEY,
    nodeCredit: 1n,
    clientCredit: 1n,
    feeCredit: 1n,
    auditCredit: 0n,
    delegatorsCredit: 0n,
    reason: Reason.Completed,
    lateBps: 0,
    scoreBefore: [scoreBefore],
    scoreAfter: [scoreAfter],
  },
});

describe("events in words", () => {
  it("say what happened, in a sentence of its own for every event", () => {
    expect(eventSentence(settled(0, 1))).toBe("The job settled.");
    const sentences = (Object.keys(EVENT_DECODERS) as AssayEventName[]).map((name) =>
      eventSentence({ name, data: {} } as AssayEvent),
    );
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].{10,}\.$/);
    expect(new Set(sentences).size).toBe(sentences.length);
  });

  it("say what became of a node's reputation, and why", () => {
    expect(scoreChange(settled(32_768, 49_152))).toBe(
      "Reputation from 50\u2009% to 75\u2009%, because of a result in time",
    );
    expect(scoreChange(settled(7, 7))).toBeUndefined();
    expect(scoreChange({ name: "ReceiptStood", data: { session: KEY, job: KEY, node: KEY } })).toBeUndefined();
  });
});
