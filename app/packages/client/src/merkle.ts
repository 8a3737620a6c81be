/** Merkle trees padded to a power of two with the empty leaf: `programs/referee/src/commit/tree.rs`. */
import type { ReadonlyUint8Array } from "@solana/kit";
import { EMPTY_LEAF, type Hash, nodeHash } from "./hashes.js";

/** Depth of the tree over `count` leaves: the least `d` with `2^d >= count`. No leaves and one leaf both give 0. */
export function depthFor(count: number): number {
  return count <= 1 ? 0 : 32 - Math.clz32(count - 1);
}

/** Root over `leaves`, padded on the right; no leaves at all give the empty leaf. */
export function merkleRoot(leaves: readonly Hash[]): Hash {
  return fold(leaves, () => {});
}

/** The path of the leaf at `position`: siblings from the bottom up. None if there is no such leaf. */
export function merklePath(leaves: readonly Hash[], position: number): Hash[] | null {
  if (!(position >= 0 && position < leaves.length)) return null;
  const path: Hash[] = [];
  let index = position;
  fold(leaves, (level, empty) => {
    path.push(level[index ^ 1] ?? empty);
    index >>>= 1;
  });
  return path;
}

/** The root that a leaf at `position` reaches through `path`; none when a bit of the position is not consumed. */
export function rootFromPath(
  leaf: ReadonlyUint8Array,
  position: number,
  path: readonly ReadonlyUint8Array[],
): Hash | null {
  let hash: ReadonlyUint8Array = leaf;
  let index = position;
  for (const sibling of path) {
    hash = (index & 1) === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
    index >>>= 1;
  }
  return index === 0 ? Uint8Array.from(hash) : null;
}

/** Hashes level after level and shows each one, but for the root, along with that level's empty node. */
function fold(leaves: readonly Hash[], see: (level: readonly Hash[], empty: Hash) => void): Hash {
  let level = leaves;
  let empty = EMPTY_LEAF;
  while (level.length > 1) {
    see(level, empty);
    const above: Hash[] = [];
    for (let left = 0; left < level.length; left += 2) {
      above.push(nodeHash(level[left] ?? empty, level[left + 1] ?? empty));
    }
    level = above;
    empty = nodeHash(empty, empty);
  }
  return level[0] ?? EMPTY_LEAF;
}
