/** Addresses and hashes as text. */
import { type Address, address, getBase58Encoder, isAddress, type ReadonlyUint8Array } from "@solana/kit";

/** The zero key: the program's way to say "nobody" or "none". */
export const NOBODY = address("11111111111111111111111111111111");

/** Whether a key is the zero key. */
export function isNobody(key: Address): boolean {
  return key === NOBODY;
}

/** `4Ctk…6FtSj`: enough to recognise, never enough to compare. */
export function shortAddress(key: string, head = 4, tail = 5): string {
  return key.length <= head + tail + 1 ? key : `${key.slice(0, head)}\u2026${key.slice(-tail)}`;
}

/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes: ReadonlyUint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of hexadecimal digits, or `undefined` for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}

/** Whether all bytes are zero. */
export function isZero(bytes: ReadonlyUint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Whether two byte strings are equal. */
export function sameBytes(a: ReadonlyUint8Array, b: ReadonlyUint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** What a person typed as an address, or why it is none. */
export function parseAddress(text: string): { value: Address } | { error: string } {
  const trimmed = text.trim();
  if (trimmed === "") return { error: "Enter an address." };
  return isAddress(trimmed)
    ? { value: trimmed }
    : { error: "This is not a Solana address: it has 32 bytes in base 58." };
}

/** The bytes of an address. */
export function addressBytes(key: Address): ReadonlyUint8Array {
  return getBase58Encoder().encode(key);
}
