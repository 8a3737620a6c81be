/** Sets of numbers from 0 to 63, as the program keeps regions and capabilities: a bit for each. */

const MOST = 63;

/** The set of numbers with commas between them; `undefined` for any other text. */
export function parseBits(text: string): bigint | undefined {
  let bits = 0n;
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "" && text.trim() === "") continue;
    if (!/^\d{1,2}$/.test(part) || Number(part) > MOST) return undefined;
    bits |= 1n << BigInt(part);
  }
  return bits;
}

/** The numbers of a set, in their order. */
export function bitsOf(bits: bigint): readonly number[] {
  return Array.from({ length: MOST + 1 }, (_, bit) => bit).filter((bit) => (bits >> BigInt(bit)) & 1n);
}

/** The text of a set with one number put in, or taken out if it was there. */
export function toggleBit(text: string, bit: number): string {
  return bitsOf((parseBits(text) ?? 0n) ^ (1n << BigInt(bit))).join(", ");
}
