/**
 * How the elements of a tensor lie in leaves: `programs/referee/src/commit/layout.rs`.
 *
 * A row is the innermost axis. Rows of at most 512 bytes lie whole in leaves, as many as fit; a longer row is a subtree of
 * its own, padded to a power of two.
 */
import type { ReadonlyUint8Array } from "@solana/kit";
import { EMPTY_LEAF, type Hash, leafHash, sameBytes, tensorHash, tensorUid } from "./hashes.js";
import { depthFor, merklePath, merkleRoot, rootFromPath } from "./merkle.js";

/** Most data bytes of one leaf. */
export const LEAF_BYTES = 512;

/** Element types in storage, little endian; the value is the byte in the encoding. */
export enum Dtype {
  I8 = 0,
  U8 = 1,
  I16 = 2,
  I32 = 3,
}

/** Where a tensor's values come from; the value is the byte in the encoding. */
export enum TensorKind {
  /** Given with each job. */
  Input = 0,
  /** Weights and tables. */
  Param = 1,
  /** Produced by one op. */
  Temp = 2,
}

/** Bytes of one element. */
export function elementBytes(dtype: Dtype): number {
  return dtype === Dtype.I32 ? 4 : dtype === Dtype.I16 ? 2 : 1;
}

/** The layout of one tensor at a shape; everything in it follows from slot, type, kind and dims. */
export class TensorLayout {
  readonly dtype: Dtype;
  readonly kind: TensorKind;
  readonly dims: readonly number[];
  /** Binds slot, type, kind and dims. */
  readonly uid: Uint8Array;
  /** Leaves that hold data. */
  readonly leaves: number;
  /** Length of every path. */
  readonly depth: number;
  /** Bytes of the whole tensor. */
  readonly bytes: number;
  private readonly rows: number;
  private readonly rowBytes: number;
  private readonly rowsPerLeaf: number;
  private readonly leavesPerRow: number;

  constructor(slot: number, dtype: Dtype, kind: TensorKind, dims: readonly number[]) {
    this.dtype = dtype;
    this.kind = kind;
    this.dims = dims;
    this.uid = tensorUid(slot, dtype, kind, dims);
    this.rows = dims.slice(0, -1).reduce((product, dim) => product * dim, 1);
    this.rowBytes = Math.max(1, (dims.at(-1) ?? 1) * elementBytes(dtype));
    this.rowsPerLeaf = this.rowBytes > LEAF_BYTES ? 1 : Math.floor(LEAF_BYTES / this.rowBytes);
    this.leavesPerRow = Math.ceil(this.rowBytes / LEAF_BYTES);
    this.leaves = this.rowGroups * this.leavesPerRow;
    this.depth = depthFor(this.rowGroups) + this.rowDepth;
    this.bytes = this.rows * this.rowBytes;
  }

  /** Where the bytes of the leaf at a position of the padded tree begin and end; none for padding. */
  leafRange(position: number): { readonly from: number; readonly to: number } | null {
    const group = position >>> this.rowDepth;
    const part = position & ((1 << this.rowDepth) - 1);
    if (group >= this.rowGroups || part >= this.leavesPerRow) return null;
    if (this.leavesPerRow > 1) {
      const row = group * this.rowBytes;
      const from = row + part * LEAF_BYTES;
      return { from, to: Math.min(from + LEAF_BYTES, row + this.rowBytes) };
    }
    const from = group * this.rowsPerLeaf * this.rowBytes;
    return { from, to: Math.min(from + this.rowsPerLeaf * this.rowBytes, this.bytes) };
  }

  /** Root of the tensor's tree; none if the data has the wrong length. */
  root(data: Uint8Array): Hash | null {
    const leaves = this.leafHashes(data);
    return leaves === null ? null : merkleRoot(leaves);
  }

  /** The tensor's hash, of which lists of tensors are made; none if the data has the wrong length. */
  hash(data: Uint8Array): Hash | null {
    const root = this.root(data);
    return root === null ? null : tensorHash(this.uid, this.leaves, this.depth, root);
  }

  /** The path of the leaf at a position; none for padding or data of the wrong length. */
  path(data: Uint8Array, position: number): Hash[] | null {
    const leaves = this.leafRange(position) === null ? null : this.leafHashes(data);
    return leaves === null ? null : merklePath(leaves, position);
  }

  /** Whether `leaf` is the data at a position under `root`: position, length and path are all checked. */
  verifyLeaf(
    root: ReadonlyUint8Array,
    position: number,
    leaf: ReadonlyUint8Array,
    path: readonly ReadonlyUint8Array[],
  ): boolean {
    const range = this.leafRange(position);
    if (range === null || leaf.length !== range.to - range.from || path.length !== this.depth) return false;
    const reached = rootFromPath(this.leafHash(position, leaf), position, path);
    return reached !== null && sameBytes(reached, root);
  }

  private get rowGroups(): number {
    return Math.ceil(this.rows / this.rowsPerLeaf);
  }

  private get rowDepth(): number {
    return depthFor(this.leavesPerRow);
  }

  private leafHash(position: number, data: ReadonlyUint8Array): Hash {
    return leafHash({ dtype: this.dtype, kind: this.kind, index: position, uid: this.uid }, data);
  }

  private leafHashes(data: Uint8Array): Hash[] | null {
    if (data.length !== this.bytes) return null;
    return Array.from({ length: this.rowGroups << this.rowDepth }, (_, position) => {
      const range = this.leafRange(position);
      return range === null ? EMPTY_LEAF : this.leafHash(position, data.subarray(range.from, range.to));
    });
  }
}
