/** Bytes that cross the border: little endian, without alignment. */

import { CODES, VerifierError } from "./errors.js";

/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** Puts a request together. */
export class Writer {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }

  /** Bytes of which there must be `length`; `what` names them in the error. */
  exactly(length: number, bytes: Uint8Array, what: string): this {
    if (bytes.length !== length) {
      throw new VerifierError(CODES.argument, `${what} has ${length} bytes, ${bytes.length} were given`);
    }
    return this.bytes(bytes);
  }

  hash(hash: Uint8Array, what: string): this {
    return this.exactly(HASH_BYTES, hash, what);
  }

  /** A count in one byte, and as many hashes. */
  hashes(hashes: readonly Uint8Array[], what: string): this {
    this.unsigned(1, hashes.length, `the number of hashes of ${what}`);
    for (const hash of hashes) this.hash(hash, what);
    return this;
  }

  u8(value: number, what: string): this {
    return this.unsigned(1, value, what);
  }

  u16(value: number, what: string): this {
    return this.unsigned(2, value, what);
  }

  u32(value: number, what: string): this {
    return this.unsigned(4, value, what);
  }

  u64(value: bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return this.bytes(bytes);
  }

  private unsigned(size: 1 | 2 | 4, value: number, what: string): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
      throw new VerifierError(CODES.argument, `${what} is a whole number below ${2 ** (8 * size)}, not ${value}`);
    }
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return this.bytes(bytes.subarray(0, size));
  }

  get length(): number {
    return this.#length;
  }

  /** Copies all of it to the start of `target`. */
  copyTo(target: Uint8Array): void {
    let at = 0;
    for (const part of this.#parts) {
      target.set(part, at);
      at += part.length;
    }
  }
}

/** Takes a result apart. */
export class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private advance(length: number): number {
    const at = this.#at;
    if (at + length > this.#view.byteLength) {
      throw new VerifierError(CODES.reply, "the module's reply ends too early; load the module of this version");
    }
    this.#at = at + length;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.advance(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.advance(8), true);
  }

  bytes(length: number): Uint8Array {
    const at = this.advance(length);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length).slice();
  }

  hash(): Uint8Array {
    return this.bytes(HASH_BYTES);
  }

  rest(): Uint8Array {
    return this.bytes(this.#view.byteLength - this.#at);
  }

  /** As many as a count says. */
  list<Entry>(count: number, read: (reader: Reader, index: number) => Entry): Entry[] {
    return Array.from({ length: count }, (_, index) => read(this, index));
  }
}

/** Whether two byte strings are the same. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** Bytes as people read them. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes from hexadecimal digits. */
export function fromHex(digits: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new VerifierError(CODES.argument, "not pairs of hexadecimal digits");
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
