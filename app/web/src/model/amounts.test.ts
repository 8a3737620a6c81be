import { describe, expect, it } from "vitest";
import { formatAmount, formatBasisPoints, formatShort, parseAmount, shareBasisPoints } from "./amounts.ts";

describe("amounts", () => {
  it.each([
    [0n, 6, undefined, "0"],
    [1n, 6, undefined, "0.000001"],
    [1_234_567n, 6, undefined, "1.234567"],
    [1_500_000n, 6, undefined, "1.5"],
    [1_234_567_000_000n, 6, undefined, "1,234,567"],
    [1_239_999n, 6, 2, "1.23"],
    [1n, 6, 2, "<0.01"],
    [-2_500_000n, 6, undefined, "\u22122.5"],
    [12n, 0, undefined, "12"],
  ])("%s base units with %s decimals and %s places", (units, decimals, places, text) => {
    expect(formatAmount(units, decimals, places)).toBe(text);
  });

  it("reads back what it writes", () => {
    for (const units of [0n, 1n, 10n, 999_999n, 1_000_000n, 18_446_744_073_709_551_615n]) {
      expect(parseAmount(formatAmount(units, 6), 6)).toEqual({ value: units });
    }
  });

  it.each([
    ["", "Enter an amount."],
    ["1.2.3", "Use digits and at most one point, such as 12.5."],
    ["-1", "Use digits and at most one point, such as 12.5."],
    ["1.1234567", "This token has 6 digits after the point; 7 were given."],
    ["99999999999999999", "This is more than an account can hold."],
  ])("refuses %j", (text, error) => {
    expect(parseAmount(text, 6)).toEqual({ error });
  });

  it("shortens without rounding up", () => {
    expect(formatShort(999_999_999n, 6)).toBe("999.9");
    expect(formatShort(1_000_000_000n, 6)).toBe("1k");
    expect(formatShort(12_345_678_000_000n, 6)).toBe("12.3M");
    expect(formatShort(999_999_000_000n, 6)).toBe("999k");
  });

  it("states shares in hundredths of a percent", () => {
    expect(formatBasisPoints(150)).toBe("1.5\u2009%");
    expect(shareBasisPoints(1n, 3n)).toBe(3_333);
    expect(shareBasisPoints(0n, 0n)).toBe(0);
  });
});
