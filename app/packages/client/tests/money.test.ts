import { expect, test } from "vitest";
import {
  acceptanceOf,
  escrowOf,
  firstSlotAtPrice,
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
  });
  for (const vector of vectors("settlements")) {
    const job = {
      priceMax: big(vector, "price_max"),
      price: big(vector, "price"),
      protocolFeeBps: small(vector, "fee_bps"),
      bond: big(vector, "bond"),
      missChargeBps: small(vector, "miss_charge_bps"),
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
    expect(settled.node + settled.client + settled.fee + settled.audits).toBe(escrowOf(job));
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

test("what does not fit 64 bits is a failure", () => {
  expect(() => escrowOf({ priceMax: U64_MAX, audit: { pot: 1n } })).toThrow(/^T0101 /);
  expect(() => acceptanceOf({ priceMax: 1n, price: 2n, protocolFeeBps: 0 })).toThrow(/^T0101 /);
});
