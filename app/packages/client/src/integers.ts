/** Integers of 64 bits, as the program has them: sums that do not fit are failures, never rounded or wrapped. */
import { ClientFailure } from "./failure.js";

/** Largest amount, slot or length of time. */
export const U64_MAX = (1n << 64n) - 1n;

/** Hundredths of a percent in a whole. */
export const WHOLE_BASIS_POINTS = 10_000n;

/** The value, where it is one of 64 bits; `T0101` else. */
export function checkedU64(value: bigint): bigint {
  if (value < 0n || value > U64_MAX) {
    throw new ClientFailure("T0101", `${value} does not fit 64 bits`, "use smaller values");
  }
  return value;
}

/** `shareBps` hundredths of a percent of an amount, rounded down. */
export function portion(amount: bigint, shareBps: number): bigint {
  return checkedU64((amount * BigInt(shareBps)) / WHOLE_BASIS_POINTS);
}

/** `value * numerator / denominator`, rounded up. */
export function ceilingOf(value: bigint, numerator: bigint, denominator: bigint): bigint {
  return checkedU64((value * numerator + denominator - 1n) / denominator);
}

/** `value * numerator / denominator`, rounded down. */
export function floorOf(value: bigint, numerator: bigint, denominator: bigint): bigint {
  return checkedU64((value * numerator) / denominator);
}

/** The smaller of two amounts. */
export function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

/** The larger of two amounts. */
export function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

/** The largest whole number whose square is not above `value`. */
export function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
