/** Base 58 of 32 bytes, which every address is: fast enough for a hundred thousand of them. */

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Digits that one division gives. */
const DIGITS = 5;
const DIVISOR = 58 ** DIGITS;

/** Bytes in base 58. */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: long division is four loops, and calls would cost more than they do
export function encodeBase58(bytes: Uint8Array): string {
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros += 1;
  const limbs = new Uint16Array(Math.ceil(bytes.length / 2));
  const offset = limbs.length * 2 - bytes.length;
  for (let index = 0; index < bytes.length; index++) {
    const place = (index + offset) >> 1;
    limbs[place] = (limbs[place] ?? 0) * 256 + (bytes[index] ?? 0);
  }
  let digits = "";
  let first = 0;
  while (first < limbs.length && limbs[first] === 0) first += 1;
  while (first < limbs.length) {
    let remainder = 0;
    for (let index = first; index < limbs.length; index++) {
      // Below 58^5 * 2^16, so exact in a double.
      const value = remainder * 65_536 + (limbs[index] ?? 0);
      const quotient = Math.floor(value / DIVISOR);
      limbs[index] = quotient;
      remainder = value - quotient * DIVISOR;
    }
    while (first < limbs.length && limbs[first] === 0) first += 1;
    const last = first === limbs.length;
    for (let count = 0; count < DIGITS && !(last && remainder === 0); count++) {
      digits = ALPHABET.charAt(remainder % 58) + digits;
      remainder = Math.floor(remainder / 58);
    }
  }
  return ALPHABET.charAt(0).repeat(zeros) + digits;
}
