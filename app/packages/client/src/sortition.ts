/**
 * Who may claim a job, and from when on: `programs/assay/src/fairness/sortition.rs`, integer for integer.
 *
 * Every node has a ticket for every job, a number that nobody knew before the seed. It may claim once
 * `ticket < 2^64 * opening * weight / total weight`; the opening doubles after every step and ends with all nodes.
 */
import { type Address, getAddressEncoder, type ReadonlyUint8Array } from "@solana/kit";
import type { OpeningRules, SeedRecord, Sortition } from "./generated/types/index.js";
import { sha256 } from "./hashes.js";
import { U64_MAX } from "./integers.js";

/** What of a job's sortition decides. */
export type SortitionTerms = Pick<Sortition, "rules" | "seedSlot" | "totalWeight">;

/** How far claims have opened. */
export type Opening =
  | { readonly kind: "Closed" }
  /** So many nodes may claim on average. */
  | { readonly kind: "Expected"; readonly nodes: bigint }
  | { readonly kind: "All" };

/** Why a node may not claim yet; none: it may. The names are those of the program's errors. */
export type TurnRefusal = "SortitionNotOpen" | "SeedNotSealed" | "NotDrawnYet" | null;

const TICKET_DOMAIN = new TextEncoder().encode("assay/ticket/1");
const LARGEST_EXPECTED = 0xffff_ffffn;

/** The ticket of a node for a job. */
export function ticketOf(seed: ReadonlyUint8Array, job: Address, node: Address): bigint {
  const encoder = getAddressEncoder();
  const digest = sha256(TICKET_DOMAIN, seed, encoder.encode(job), encoder.encode(node));
  return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0, true);
}

/** Whether a ticket lies within the share of `weight` in `totalWeight` when `expected` nodes are drawn on average. */
export function isDrawn(ticket: bigint, weight: bigint, totalWeight: bigint, expected: bigint): boolean {
  const wanted = weight * expected;
  if (wanted >= totalWeight) return weight > 0n && totalWeight > 0n;
  return ticket * totalWeight < wanted << 64n;
}

/** How far claims have opened at `slot`. Only ever further. */
export function openingAt(terms: SortitionTerms, slot: bigint): Opening {
  if (terms.rules.delaySlots === 0) return { kind: "All" };
  const elapsed = slot - terms.seedSlot - 1n;
  if (elapsed < 0n) return { kind: "Closed" };
  const { stepSlots, steps, firstExpected } = terms.rules;
  const step = stepSlots === 0 ? U64_MAX : elapsed / BigInt(stepSlots);
  if (step >= BigInt(steps) || terms.totalWeight === 0n) return { kind: "All" };
  const nodes = BigInt(firstExpected) << step;
  return { kind: "Expected", nodes: nodes > LARGEST_EXPECTED ? LARGEST_EXPECTED : nodes };
}

/** Whether the node may claim at `slot`, as far as sortition goes; `weight` is the node's at the end of the terms' epoch. */
export function turnRefusal(
  terms: SortitionTerms,
  seed: SeedRecord,
  job: Address,
  node: Address,
  weight: bigint,
  slot: bigint,
): TurnRefusal {
  const opening = openingAt(terms, slot);
  if (opening.kind === "Closed") return "SortitionNotOpen";
  if (opening.kind === "All" || seed.__kind === "Forgotten") return null;
  if (seed.__kind === "Open") return "SeedNotSealed";
  return isDrawn(ticketOf(seed.fields[0], job, node), weight, terms.totalWeight, opening.nodes) ? null : "NotDrawnYet";
}

/** The first slot in which a node with this ticket and weight may claim. */
export function firstSlotOf(terms: SortitionTerms, ticket: bigint, weight: bigint): bigint {
  const start = terms.seedSlot + BigInt(Math.min(terms.rules.delaySlots, 1));
  for (let step = 0; ; step += 1) {
    const slot = start + BigInt(step) * BigInt(terms.rules.stepSlots);
    const opening = openingAt(terms, slot);
    const drawn =
      opening.kind === "All" ||
      (opening.kind === "Expected" && isDrawn(ticket, weight, terms.totalWeight, opening.nodes));
    if (drawn || step > terms.rules.steps) return slot;
  }
}

/** From the post to the slot in which all may claim: the price stays at its minimum for so long. */
export function sortitionSlots(rules: OpeningRules): bigint {
  return BigInt(rules.delaySlots) + BigInt(rules.steps) * BigInt(rules.stepSlots);
}
