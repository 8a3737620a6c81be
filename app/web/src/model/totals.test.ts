import { describe, expect, it } from "vitest";
import type { IndexHour } from "../data/history-index/shape.ts";
import { hourBars, totalsSince } from "./totals.ts";

const hour = (beginsAt: number, settled: number): IndexHour => ({
  beginsAt,
  posted: 1,
  settled,
  convicted: 1,
  missed: 0,
  unclaimed: 2,
  volume: new Map([["mint", BigInt(settled) * 10n]]),
  slashed: 5n,
});

describe("totals over time", () => {
  it("have a bar for every hour, also for those in which nothing happened", () => {
    const bars = hourBars([hour(36_000, 4), hour(28_800, 2), hour(0, 9)], 4, 37_000);
    expect(bars.map(({ committed }) => committed)).toEqual([0, 2, 0, 4]);
    expect(bars.map(({ convicted }) => convicted)).toEqual([0, 1, 0, 1]);
  });

  it("add up what is not older", () => {
    const totals = totalsSince([hour(36_000, 4), hour(28_800, 2), hour(0, 9)], 30_000);
    expect(totals).toMatchObject({ posted: 2, settled: 6, convicted: 2, unclaimed: 4, slashed: 10n });
    expect(totals.volume.get("mint")).toBe(60n);
  });
});
