/** A transaction that was prepared and not yet signed, with what it does in words. */
import type { Address, Instruction } from "@solana/kit";

/** One thing that a transaction does. */
export interface Effect {
  readonly kind: "out" | "in" | "lock" | "wait" | "note";
  readonly text: string;
}

/** What is to be signed. */
export interface Plan {
  readonly title: string;
  /** What the button says. */
  readonly action: string;
  readonly effects: readonly Effect[];
  /** What is said when it has landed. */
  readonly done: string;
  build(signer: Address): Promise<readonly Instruction[]>;
}
