/** The vectors that the Rust code makes, in `app/vectors`. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";

/** One object of a file of vectors. */
export type Vector = Readonly<Record<string, unknown>>;

/** All objects of a file. */
export function vectors(name: string): readonly Vector[] {
  const list: unknown = JSON.parse(readFileSync(new URL(`../../../vectors/${name}.json`, import.meta.url), "utf8"));
  expect(Array.isArray(list) && list.length > 0, `${name}.json is a list`).toBe(true);
  return list as readonly Vector[];
}

/** A field that holds an integer of 64 bits as a string. */
export function big(vector: Vector, field: string): bigint {
  return BigInt(text(vector, field));
}

/** A field that holds a number of at most 32 bits. */
export function small(vector: Vector, field: string): number {
  const value = vector[field];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new Error(`${field} is ${value}, no number`);
  return value;
}

/** A field that holds a string. */
export function text(vector: Vector, field: string): string {
  const value = vector[field];
  if (typeof value !== "string") throw new Error(`${field} is ${value}, no string`);
  return value;
}

/** A field that holds an object. */
export function inner(vector: Vector, field: string): Vector {
  const value = vector[field];
  if (typeof value !== "object" || value === null) throw new Error(`${field} is ${value}, no object`);
  return value as Vector;
}

/** A field that holds a list of one kind. */
export function list<Value>(vector: Vector, field: string, of: (value: unknown) => Value): Value[] {
  const value = vector[field];
  if (!Array.isArray(value)) throw new Error(`${field} is ${value}, no list`);
  return value.map(of);
}

/** A field that holds bytes as hexadecimal digits. */
export function bytes(vector: Vector, field: string): Uint8Array {
  return unhex(text(vector, field));
}

/** The bytes of hexadecimal digits. */
export function unhex(digits: unknown): Uint8Array {
  return Uint8Array.from(Buffer.from(String(digits), "hex"));
}

/** Hexadecimal digits of bytes, so that differences can be read. */
export function hex(data: ArrayLike<number> | null): string | null {
  return data === null ? null : Buffer.from(Array.from(data)).toString("hex");
}
