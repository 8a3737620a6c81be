/** What was proved wrong, in words, from the event of the proof. */
import { type AssayEvent, Fault, ProofOutcome } from "@assay/client";
import { formatCount } from "./amounts.ts";

/** A proved fault with its place. */
export type ProvedFault = Extract<AssayEvent, { readonly name: "FaultProved" }>["data"];

/** The event that convicted the job, if it is among these; there is one at most. */
export function provedFault(events: readonly AssayEvent[]): ProvedFault | undefined {
  const proved = events.flatMap((event) => (event.name === "FaultProved" ? [event.data] : []));
  return proved.find(({ outcome }) => outcome === ProofOutcome.Convicted);
}

/** Where the fault is, in a sentence. */
export function placeSentence({ fault, slot, element }: Pick<ProvedFault, "fault" | "slot" | "element">): string {
  switch (fault) {
    case Fault.WrongElement:
      return `What is wrong: element ${formatCount(element)} of tensor ${slot}.`;
    case Fault.BoundaryMismatch:
      return `What is wrong: tensor ${slot}, which has one hash in the commitment and another one in its segment.`;
    case Fault.Equivocation:
      return `What is wrong: segment ${slot}, of which the node signed two roots.`;
    default:
      return "What is wrong has no place in the result.";
  }
}
