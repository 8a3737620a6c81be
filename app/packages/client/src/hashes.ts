/** The tagged hashes of commitments: `programs/referee/SPECIFICATION.md`, section 6. The first byte separates the kinds. */
import { sha256 as sha256Of } from "@noble/hashes/sha2.js";
import type { ReadonlyUint8Array } from "@solana/kit";

/** A SHA-256 digest. */
export type Hash = Uint8Array;

/** Version of the leaf layout, hashed into every leaf. */
export const LAYOUT_VERSION = 1;

/** What a list of tensors stands for; it separates the three roots of a job. */
export enum ListRole {
  /** Weights, biases, multipliers and tables, in slot order. */
  Params = 0,
  /** The inputs of one job, in slot order. */
  Inputs = 1,
  /** What a result commits to, in producer order. */
  Boundary = 2,
}

/** Which part of a graph a descriptor holds. */
export enum DescriptorKind {
  /** Version, symbols, counts, cuts and outputs. */
  Header = 0,
  /** One tensor with its placement. */
  Tensor = 1,
  /** One program. */
  Program = 2,
  /** One op. */
  Op = 3,
}

/** SHA-256 of the concatenation of `parts`. */
export function sha256(...parts: readonly ReadonlyUint8Array[]): Hash {
  const hasher = sha256Of.create();
  for (const part of parts) hasher.update(part as Uint8Array);
  return hasher.digest();
}

/** The leaf that pads a tree to a power of two. */
export const EMPTY_LEAF: Hash = sha256(Uint8Array.of(0x02));

/** Hash of one leaf: its header and its data, at most 512 bytes and never padded. */
export function leafHash(
  header: { readonly dtype: number; readonly kind: number; readonly index: number; readonly uid: ReadonlyUint8Array },
  data: ReadonlyUint8Array,
): Hash {
  return sha256(Uint8Array.of(0x00, LAYOUT_VERSION, header.dtype, header.kind), u32(header.index), header.uid, data);
}

/** Hash of an inner node. */
export function nodeHash(left: ReadonlyUint8Array, right: ReadonlyUint8Array): Hash {
  return sha256(Uint8Array.of(0x01), left, right);
}

/** Hash of a whole tensor: what pinned roots and boundary trees are made of. */
export function tensorHash(uid: ReadonlyUint8Array, leaves: number, depth: number, root: ReadonlyUint8Array): Hash {
  return sha256(Uint8Array.of(0x03), uid, u32(leaves), Uint8Array.of(depth), root);
}

/** Root of a list of `count` tensor hashes, from the Merkle root over them. */
export function listRoot(role: ListRole, count: number, depth: number, merkleRoot: ReadonlyUint8Array): Hash {
  return sha256(Uint8Array.of(0x08, role), u32(count), Uint8Array.of(depth), merkleRoot);
}

/** A node's commitment to the result of a job. Its key is hashed in, so that copying it is useless. */
export function commitmentHash(
  job: ReadonlyUint8Array,
  node: ReadonlyUint8Array,
  boundaryRoot: ReadonlyUint8Array,
): Hash {
  return sha256(Uint8Array.of(0x06), job, node, boundaryRoot);
}

/** The eight bytes that bind a tensor's slot, element type, kind and shape. */
export function tensorUid(slot: number, dtype: number, kind: number, dims: readonly number[]): Uint8Array {
  return sha256(Uint8Array.of(0x07), u16(slot), Uint8Array.of(dtype, kind, dims.length), ...dims.map(u32)).slice(0, 8);
}

/** Hash of one descriptor of a graph; `index` counts within its kind. */
export function descriptorHash(kind: DescriptorKind, index: number, ...bytes: readonly ReadonlyUint8Array[]): Hash {
  return sha256(Uint8Array.of(0x09, kind), u32(index), ...bytes);
}

/** Root of a graph, from the Merkle root over its descriptors. */
export function graphHash(irVersion: number, descriptors: number, depth: number, merkleRoot: ReadonlyUint8Array): Hash {
  return sha256(Uint8Array.of(0x05), u16(irVersion), u32(descriptors), Uint8Array.of(depth), merkleRoot);
}

/** Whether two hashes are the same. */
export function sameBytes(one: ReadonlyUint8Array, other: ReadonlyUint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** Little-endian bytes of a number of 16 bits. */
export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}
