import { type Address, getAddressDecoder } from "@solana/kit";
import { expect, test } from "vitest";
import {
  type Act,
  confidenceOf,
  DEFAULT_REPUTATION_RULES,
  faded,
  firstSlotOf,
  MAXIMUM_EVIDENCE,
  OBSERVATION,
  observationsOf,
  openingAt,
  recorded,
  recordedMissedHeartbeats,
  scoreOf,
  sortitionSlots,
  ticketOf,
  turnRefusal,
  weightOf,
} from "../src/index.js";
import { big, bytes, small, text, vectors } from "./vectors.js";

function act(name: string): Act {
  const [kind, share] = name.split(" ");
  if (kind === "Late") return { kind, shareBps: Number(share) };
  return { kind: kind as Exclude<Act["kind"], "Late"> } as Act;
}

test("evidence and scores are those of the program", () => {
  const kinds = new Set<string>();
  for (const vector of vectors("reputation")) {
    const before = { good: big(vector, "good"), bad: big(vector, "bad"), epoch: big(vector, "epoch") };
    expect(scoreOf(before)).toBe(small(vector, "score"));
    const epoch = big(vector, "at_epoch");
    expect(scoreOf(faded(before, epoch, DEFAULT_REPUTATION_RULES))).toBe(small(vector, "score_before"));
    const done = act(text(vector, "act"));
    kinds.add(done.kind);
    const after = recorded(before, done, big(vector, "observations"), epoch, DEFAULT_REPUTATION_RULES);
    expect(after).toEqual({ good: big(vector, "good_after"), bad: big(vector, "bad_after"), epoch });
    expect(scoreOf(after)).toBe(small(vector, "score_after"));
  }
  expect(kinds.size).toBe(6);
});

test("what a job counts, and what a silent epoch does", () => {
  expect(observationsOf(DEFAULT_REPUTATION_RULES, 2_500_000n, false)).toBe(2_500_000n);
  expect(observationsOf(DEFAULT_REPUTATION_RULES, 1n << 63n, false)).toBe(16n * OBSERVATION);
  expect(observationsOf(DEFAULT_REPUTATION_RULES, 1n << 63n, true)).toBe(0n);
  const evidence = { good: 1_000n, bad: 0n, epoch: 7n };
  expect(recordedMissedHeartbeats(evidence, 3n, 7n, DEFAULT_REPUTATION_RULES).bad).toBe(30n);
  expect(recordedMissedHeartbeats(evidence, 1n << 40n, 7n, DEFAULT_REPUTATION_RULES).bad).toBe(1_000n);
});

test("a reputation says how much of it is known", () => {
  expect(confidenceOf({ good: 0n, bad: 0n })).toEqual({ lowerBoundBps: 0, observedBps: null, observations: 0n });
  // From the textbook's formula, as in the program's own test: 90 good observations of 100.
  const known = confidenceOf({ good: 90n * OBSERVATION, bad: 10n * OBSERVATION });
  expect(known).toEqual({ lowerBoundBps: 8_396, observedBps: 9_000, observations: 100n * OBSERVATION });
  expect(scoreOf({ good: MAXIMUM_EVIDENCE, bad: 0n })).toBe(65_535);
});

test("tickets and first slots are those of the program", () => {
  for (const vector of vectors("sortition")) {
    const address = (field: string) => getAddressDecoder().decode(bytes(vector, field));
    const [job, node, seed] = [address("job"), address("node"), bytes(vector, "seed")];
    const ticket = ticketOf(seed, job, node);
    expect(ticket).toBe(big(vector, "ticket"));
    const terms = {
      rules: {
        delaySlots: 2,
        stepSlots: small(vector, "step_slots"),
        firstExpected: small(vector, "first_expected"),
        steps: small(vector, "steps"),
      },
      seedSlot: big(vector, "seed_slot"),
      totalWeight: big(vector, "total_weight"),
    };
    const weight = big(vector, "weight");
    const first = firstSlotOf(terms, ticket, weight);
    expect(first).toBe(big(vector, "first_slot"));
    const refusal = (slot: bigint) => turnRefusal(terms, { __kind: "Sealed", fields: [seed] }, job, node, weight, slot);
    expect(refusal(first)).toBeNull();
    if (first > terms.seedSlot + 1n) expect(refusal(first - 1n)).toBe("NotDrawnYet");
    expect(refusal(terms.seedSlot)).toBe("SortitionNotOpen");
  }
});

test("claims open step by step until all may claim, and a seed is needed until then", () => {
  const terms = {
    rules: { delaySlots: 2, stepSlots: 3, firstExpected: 2, steps: 4 },
    seedSlot: 1_002n,
    totalWeight: 100n,
  };
  const opening = (slot: bigint) => openingAt(terms, slot);
  expect(opening(1_002n)).toEqual({ kind: "Closed" });
  expect([1_003n, 1_006n, 1_009n, 1_014n].map(opening)).toEqual(
    [2n, 4n, 8n, 16n].map((nodes) => ({ kind: "Expected", nodes })),
  );
  expect(opening(1_015n)).toEqual({ kind: "All" });
  expect(openingAt({ ...terms, totalWeight: 0n }, 1_003n)).toEqual({ kind: "All" });
  const undrawn = { ...terms, rules: { ...terms.rules, delaySlots: 0 } };
  expect(openingAt(undrawn, 5n), "a development network may do without a draw").toEqual({ kind: "All" });
  expect(firstSlotOf(undrawn, 1n << 63n, 0n)).toBe(terms.seedSlot);
  expect(sortitionSlots(terms.rules)).toBe(14n);
  const [job, node] = ["11111111111111111111111111111111" as Address, "11111111111111111111111111111111" as Address];
  const refusal = (__kind: "Open" | "Forgotten", slot: bigint) => turnRefusal(terms, { __kind }, job, node, 0n, slot);
  expect(refusal("Open", 1_003n)).toBe("SeedNotSealed");
  expect(refusal("Open", 1_015n)).toBeNull();
  expect(refusal("Forgotten", 1_003n)).toBeNull();
});

test("weights are those of the program", () => {
  for (const vector of vectors("weights")) {
    const weight = weightOf(big(vector, "stake"), big(vector, "minimum"), small(vector, "score"));
    expect(weight).toBe(big(vector, "weight"));
  }
});
