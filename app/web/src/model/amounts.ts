/** Amounts of tokens as people read and write them. Base units are bigints everywhere; nothing here is ever a float. */

const THIN_SPACE = "\u2009";

/** `1234567n` with 6 decimals becomes `1.234567`; at most `places` digits after the point, cut, never rounded up. */
export function formatAmount(baseUnits: bigint, decimals: number, places = decimals): string {
  const sign = baseUnits < 0n ? "\u2212" : "";
  const digits = (baseUnits < 0n ? -baseUnits : baseUnits).toString().padStart(decimals + 1, "0");
  const whole = groupDigits(digits.slice(0, digits.length - decimals));
  const fraction = decimals === 0 ? "" : digits.slice(-decimals).slice(0, places).replace(/0+$/, "");
  if (fraction === "" && whole === "0" && baseUnits !== 0n) {
    return `${sign}<${smallest(Math.min(places, decimals))}`;
  }
  return fraction === "" ? sign + whole : `${sign}${whole}.${fraction}`;
}

/** For places with little room: `12.3k`, `4.56M`. Exact below a thousand. */
export function formatShort(baseUnits: bigint, decimals: number): string {
  const unit = 10n ** BigInt(decimals);
  const whole = (baseUnits < 0n ? -baseUnits : baseUnits) / unit;
  const steps: ReadonlyArray<readonly [bigint, string]> = [
    [1_000_000_000_000n, "T"],
    [1_000_000_000n, "B"],
    [1_000_000n, "M"],
    [1_000n, "k"],
  ];
  for (const [size, letter] of steps) {
    if (whole >= size) {
      const hundredths = (whole * 100n) / size;
      const places = hundredths >= 10_000n ? 0 : hundredths >= 1_000n ? 1 : 2;
      return `${baseUnits < 0n ? "\u2212" : ""}${formatAmount(hundredths, 2, places)}${letter}`;
    }
  }
  return formatAmount(baseUnits, decimals, whole >= 100n ? 1 : 3);
}

/** What a person typed, in base units, or why it is not an amount. */
export function parseAmount(text: string, decimals: number): { value: bigint } | { error: string } {
  const cleaned = text.trim().replace(/[\s_,']/g, "");
  if (cleaned === "") return { error: "Enter an amount." };
  const match = /^(\d+)(?:\.(\d*))?$/.exec(cleaned);
  if (match === null) return { error: "Use digits and at most one point, such as 12.5." };
  const [, whole = "0", fraction = ""] = match;
  if (fraction.length > decimals) {
    return { error: `This token has ${decimals} digits after the point; ${fraction.length} were given.` };
  }
  const value = BigInt(whole) * 10n ** BigInt(decimals) + BigInt(fraction.padEnd(decimals, "0") || "0");
  if (value > 18_446_744_073_709_551_615n) return { error: "This is more than an account can hold." };
  return { value };
}

/** `150` hundredths of a percent as `1.5 %`. */
export function formatBasisPoints(basisPoints: number | bigint): string {
  return `${formatAmount(BigInt(basisPoints), 2)}${THIN_SPACE}%`;
}

/** Whole numbers with groups of three. */
export function formatCount(count: number | bigint): string {
  return groupDigits(count.toString());
}

/** `part` of `whole` in hundredths of a percent, rounded down; 0 of nothing is 0. */
export function shareBasisPoints(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 10_000n) / whole);
}

function groupDigits(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function smallest(places: number): string {
  return places === 0 ? "1" : `0.${"0".repeat(places - 1)}1`;
}
