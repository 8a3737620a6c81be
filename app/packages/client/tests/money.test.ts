import { expect, test } from "vitest";
import {
  acceptanceOf,
  escrowOf,
  expectedSlots,
  firstSlotAtPrice,
  latenessBps,
  minimumBond,
  missChargeOf,
  priceAt,
  refundOf,
  settlementOf,
  splitAuditPot,
  U64_MAX,
} from "../src/index.js";
import { big, inner, small, type Vector, vectors } from "./vectors.js";

test("prices are those of the program at every slot", () => {
  for (const vector of vectors("prices")) {
    const job = {
      priceMin: big(vector, "minimum"),
      priceMax: big(vector, "maximum"),
      rampHoldSlots: big(vector, "hold"),
      rampSlots: big(vector, "rise"),
      postedSlot: big(vector, "posted"),
    };
    expect(priceAt(job, big(vector, "slot"))).toBe(big(vector, "price"));
    const first = firstSlotAtPrice(job, big(vector, "price"));
    expect(first).not.toBeNull();
    if (first === null) continue;
    expect(priceAt(job, first)).toBeGreaterThanOrEqual(big(vector, "price"));
    if (first > job.postedSlot) expect(priceAt(job, first - 1n)).toBeLessThan(big(vector, "price"));
  }
});

test("a price is its minimum before the post, and none is above the maximum", () => {
  const job = { priceMin: 5n, priceMax: 9n, rampHoldSlots: 2n, rampSlots: 4n, postedSlot: 100n };
  expect(priceAt(job, 3n)).toBe(5n);
  expect(firstSlotAtPrice(job, 10n)).toBeNull();
  expect(firstSlotAtPrice(job, 6n)).toBe(103n);
});

test("escrow, settlement, acceptance, refund and charge are those of the program", () => {
  const credits = (vector: Vector) => ({
    node: big(vector, "node"),
    client: big(vector, "client"),
    fee: big(vector, "fee"),
    audits: big(vector, "audits"),
    delegators: big(vector, "delegators"),
  });
  for (const vector of vectors("settlements")) {
    const job = {
      priceMax: big(vector, "price_max"),
      price: big(vector, "price"),
      protocolFeeBps: small(vector, "fee_bps"),
      bond: big(vector, "bond"),
      missChargeBps: small(vector, "miss_charge_bps"),
      latePriceBps: small(vector, "late_price_bps"),
      lateBps: small(vector, "late_bps"),
      delegatorsBps: small(vector, "delegators_bps"),
      audit: {
        pot: big(vector, "audit_pot"),
        cap: big(vector, "audit_cap"),
        attestations: small(vector, "attestations"),
      },
    };
    expect(escrowOf(job)).toBe(big(vector, "escrow"));
    expect(settlementOf(job)).toEqual(credits(inner(vector, "settled")));
    expect(acceptanceOf(job)).toEqual(credits(inner(vector, "accepted")));
    expect(refundOf(job).client).toBe(big(vector, "refund"));
    expect(missChargeOf(job)).toBe(big(vector, "miss_charge"));
    const settled = settlementOf(job);
    expect(settled.node + settled.client + settled.fee + settled.audits + settled.delegators).toBe(escrowOf(job));
    expect(splitAuditPot(job.audit).each * BigInt(job.audit.attestations)).toBe(settled.audits);
  }
});

test("bonds are those of the program, and refused where it refuses", () => {
  let refused = 0;
  for (const vector of vectors("bonds")) {
    const mint = { bondNumerator: big(vector, "numerator"), bondDenominator: big(vector, "denominator") };
    const bond = () => minimumBond(big(vector, "price_max"), mint, small(vector, "multiple_bps"));
    if (vector.bond === null) {
      refused += 1;
      expect(bond).toThrow(/^T0101 /);
    } else {
      expect(bond()).toBe(big(vector, "bond"));
    }
  }
  expect(refused).toBeGreaterThan(0);
});

test("what is expected of a node, and how late it is, are the program's", () => {
  let late = 0;
  for (const vector of vectors("lateness")) {
    const job = {
      costUnits: big(vector, "cost_units"),
      runSlots: big(vector, "run_slots"),
      claimedSlot: big(vector, "claimed"),
      expectedSlots: big(vector, "expected_slots"),
    };
    if (job.costUnits > 0n) expect(expectedSlots(job, big(vector, "units_per_slot"))).toBe(job.expectedSlots);
    expect(latenessBps(job, big(vector, "committed"))).toBe(small(vector, "late_bps"));
    late += Number(small(vector, "late_bps") > 0);
  }
  expect(late).toBeGreaterThan(5);
  expect(expectedSlots({ costUnits: 0n, runSlots: 9n }, 5n), "who says nothing is never late").toBe(9n);
  expect(expectedSlots({ costUnits: 5n, runSlots: 9n }, 0n)).toBe(9n);
});

test("what does not fit 64 bits is a failure", () => {
  expect(() => escrowOf({ priceMax: U64_MAX, audit: { pot: 1n } })).toThrow(/^T0101 /);
  const terms = { priceMax: 1n, price: 2n, protocolFeeBps: 0, lateBps: 0, latePriceBps: 0, delegatorsBps: 0 };
  expect(() => acceptanceOf(terms)).toThrow(/^T0101 /);
});
