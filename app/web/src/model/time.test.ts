import { describe, expect, it } from "vitest";
import { formatDuration, formatRelative, formatSlots, Pace } from "./time.ts";

describe("time", () => {
  it.each([
    [0, "under a second"],
    [1_000, "1 s"],
    [59_400, "59 s"],
    [61_000, "1 min 1 s"],
    [600_000, "10 min"],
    [615_000, "10 min"],
    [3_600_000, "1 h"],
    [7_500_000, "2 h 5 min"],
    [172_800_000, "2 days"],
    [180_000_000, "2 days 2 h"],
    [2_592_000_000, "30 days"],
  ])("%s ms", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it("says on which side of now a slot lies", () => {
    expect(formatRelative(100n, 100n)).toBe("now");
    expect(formatRelative(250n, 100n)).toBe("in 1 min");
    expect(formatRelative(100n, 250n)).toBe("1 min ago");
    expect(formatSlots(750n)).toBe("5 min");
  });

  it("learns the pace of a chain and ignores what lies too close together", () => {
    const pace = new Pace();
    for (let second = 0; second <= 60; second++) pace.see(BigInt(second * 10), second * 1000);
    expect(pace.slotMs).toBeCloseTo(100, 0);
    pace.see(10_000n, 60_010);
    expect(pace.slotMs).toBeCloseTo(100, 0);
    pace.see(5n, 70_000);
    expect(pace.slotMs).toBeCloseTo(100, 0);
  });
});
