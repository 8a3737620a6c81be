import { describe, expect, it } from "vitest";
import { endings, escrow, type Terms } from "./refunds.ts";

const TERMS: Terms = {
  priceMin: 400n,
  priceMax: 1_000n,
  claimSlots: 100n,
  runSlots: 50n,
  windowSlots: 30n,
  bond: 2_000n,
  protocolFeeBps: 150,
  missChargeBps: 500,
  latePriceBps: 5_000,
  auditPot: 60n,
  auditCap: 40n,
};

const ending = (key: string) => {
  const found = endings(TERMS).find((one) => one.key === key);
  if (found === undefined) throw new Error(`There is no ending ${key}.`);
  return found;
};

describe("refunds", () => {
  it("are of the whole escrow wherever no result stands", () => {
    expect(escrow(TERMS)).toBe(1_060n);
    for (const key of ["cancelled", "expired", "missed", "convicted"])
      expect(ending(key).back).toEqual([1_060n, 1_060n]);
  });

  it("leave the price and what validators earned, where it stands, and half of the price where it is as late as can be", () => {
    expect(ending("settled").back).toEqual([0n, 860n]);
  });

  it("come with a charge where the node brings nothing", () => {
    expect(ending("missed").charge).toBe(100n);
    expect(endings(TERMS).filter(({ charge }) => charge > 0n)).toHaveLength(1);
  });

  it("come within the windows", () => {
    expect(endings(TERMS).map(({ key, slots }) => [key, slots])).toEqual([
      ["settled", 180n],
      ["cancelled", 100n],
      ["expired", 100n],
      ["missed", 150n],
      ["convicted", 180n],
    ]);
  });
});
