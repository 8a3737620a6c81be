import { type AssayEvent, Fault, ProofOutcome } from "@assay/client";
import { describe, expect, it } from "vitest";
import { eventSentence } from "./event-words.ts";
import { placeSentence, provedFault } from "./finding.ts";

const proof = (outcome: ProofOutcome, element: number) =>
  ({ name: "FaultProved", data: { outcome, fault: Fault.WrongElement, slot: 7, element } }) as unknown as AssayEvent;

describe("what was proved wrong", () => {
  it("is what convicted the job, whatever else was proved of it", () => {
    const events = [
      proof(ProofOutcome.ProvedToo, 3),
      proof(ProofOutcome.Convicted, 2),
      proof(ProofOutcome.RootRefuted, 1),
    ];
    expect(provedFault(events)?.element).toBe(2);
    expect(provedFault([proof(ProofOutcome.RootRefuted, 1)])).toBeUndefined();
  });

  it("is in what a history says of the proof", () => {
    const sentence = eventSentence(proof(ProofOutcome.Convicted, 2));
    expect(sentence).toBe("A fault was proved. What is wrong: element 2 of tensor 7.");
  });

  it("has a sentence with its place", () => {
    const at = { slot: 7, element: 12_345 };
    expect(placeSentence({ fault: Fault.WrongElement, ...at })).toBe("What is wrong: element 12,345 of tensor 7.");
    expect(placeSentence({ fault: Fault.BoundaryMismatch, ...at })).toContain("tensor 7, which has one hash");
    expect(placeSentence({ fault: Fault.Equivocation, ...at })).toContain("segment 7, of which the node signed two");
  });
});
