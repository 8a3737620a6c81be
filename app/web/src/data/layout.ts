/**
 * Reading accounts fast. A market has ten thousand of them with a dozen addresses each, and the general codecs take
 * milliseconds for one. This reads the same values from the same bytes in microseconds; a test compares the two.
 */
import type { Address, ReadonlyUint8Array } from "@solana/kit";
import { encodeBase58 } from "../model/base58.ts";

/** How a value lies in bytes. */
export type Layout =
  | "bool"
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "u128"
  | "pubkey"
  | "string"
  | { readonly bytes: number }
  | { readonly array: Layout; readonly length: number }
  | { readonly vec: Layout }
  | { readonly option: Layout }
  | Fields
  | { readonly enum: number }
  | { readonly union: ReadonlyArray<readonly [string, Fields]> };

/** Fields with names, or by their places. */
export type Fields =
  | { readonly struct: ReadonlyArray<readonly [string, Layout]> }
  | { readonly tuple: readonly Layout[] };

const DISCRIMINATOR_BYTES = 8;
const TEXT = new TextDecoder();

/** Reads the account that lies in `bytes`. Throws a `RangeError` where they end too early or hold no such value. */
export function readAccount(layout: Layout, bytes: ReadonlyUint8Array): unknown {
  const cursor = new Cursor(bytes);
  const discriminator = cursor.take(DISCRIMINATOR_BYTES);
  return Object.assign({ discriminator }, read(layout, cursor));
}

class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: ReadonlyUint8Array) {
    this.#bytes = bytes as Uint8Array;
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#move(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#move(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#move(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#move(8), true);
  }

  u128(): bigint {
    const low = this.u64();
    return low + (this.u64() << 64n);
  }

  take(length: number): Uint8Array {
    const start = this.#move(length);
    if (this.#at > this.#bytes.length) throw new RangeError("The account ends too early.");
    return this.#bytes.slice(start, this.#at);
  }

  #move(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

function read(layout: Layout, cursor: Cursor): unknown {
  if (typeof layout === "string") return readBasic(layout, cursor);
  if ("struct" in layout) return readStruct(layout.struct, cursor);
  if ("tuple" in layout) return layout.tuple.map((item) => read(item, cursor));
  if ("bytes" in layout) return cursor.take(layout.bytes);
  if ("enum" in layout) return variantBelow(cursor.u8(), layout.enum);
  if ("array" in layout) return Array.from({ length: layout.length }, () => read(layout.array, cursor));
  if ("vec" in layout) return readVec(layout.vec, cursor);
  if ("option" in layout) {
    return variantBelow(cursor.u8(), 2) === 0
      ? { __option: "None" }
      : { __option: "Some", value: read(layout.option, cursor) };
  }
  const [name, fields] = layout.union[variantBelow(cursor.u8(), layout.union.length)] ?? ["", { tuple: [] }];
  if ("struct" in fields) return Object.assign({ __kind: name }, readStruct(fields.struct, cursor));
  return { __kind: name, fields: fields.tuple.map((item) => read(item, cursor)) };
}

function readBasic(layout: Layout & string, cursor: Cursor): unknown {
  switch (layout) {
    case "u8":
      return cursor.u8();
    case "u16":
      return cursor.u16();
    case "u32":
      return cursor.u32();
    case "u64":
      return cursor.u64();
    case "u128":
      return cursor.u128();
    case "bool":
      return variantBelow(cursor.u8(), 2) === 1;
    case "pubkey":
      return encodeBase58(cursor.take(32)) as Address;
    case "string":
      return TEXT.decode(cursor.take(cursor.u32()));
  }
}

function readStruct(fields: ReadonlyArray<readonly [string, Layout]>, cursor: Cursor): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, layout] of fields) value[name] = read(layout, cursor);
  return value;
}

function readVec(item: Layout, cursor: Cursor): unknown[] {
  const length = cursor.u32();
  const items: unknown[] = [];
  for (let index = 0; index < length; index++) items.push(read(item, cursor));
  return items;
}

function variantBelow(found: number, limit: number): number {
  if (found < limit) return found;
  throw new RangeError(`The account holds ${found} where less than ${limit} is known.`);
}
