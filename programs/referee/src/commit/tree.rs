//! Merkle trees padded to a power of two with [`EMPTY_LEAF`].

use super::hash::{EMPTY_LEAF, Hash, node_hash};
use alloc::vec::Vec;

/// Depth of the tree over `count` leaves: the least `d` with `2^d >= count`. No leaves and one leaf both give 0.
#[inline]
pub const fn depth_for(count: u32) -> u8 {
    if count <= 1 { 0 } else { (u32::BITS - (count - 1).leading_zeros()) as u8 }
}

/// Root over `leaves`, padded on the right; no leaves at all give [`EMPTY_LEAF`].
pub fn merkle_root(leaves: &[Hash]) -> Hash {
    fold(leaves, |_, _| {})
}

/// The path of the leaf at `position`: siblings from the bottom up. `None` if there is no such leaf.
pub fn merkle_path(leaves: &[Hash], position: u32) -> Option<Vec<Hash>> {
    if position as usize >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    let mut index = position as usize;
    fold(leaves, |level, empty| {
        path.push(level.get(index ^ 1).copied().unwrap_or(*empty));
        index >>= 1;
    });
    Some(path)
}

/// Hashes level after level and shows each one, but for the root, to `see` along with that level's empty node.
fn fold(leaves: &[Hash], mut see: impl FnMut(&[Hash], &Hash)) -> Hash {
    let mut empty = EMPTY_LEAF;
    let mut level: Vec<Hash> = leaves.to_vec();
    while level.len() > 1 {
        see(&level, &empty);
        // In place: on-chain, memory is never given back.
        for parent in 0..level.len().div_ceil(2) {
            let left = level.get(2 * parent).unwrap_or(&empty);
            let node = node_hash(left, level.get(2 * parent + 1).unwrap_or(&empty));
            if let Some(place) = level.get_mut(parent) {
                *place = node;
            }
        }
        level.truncate(level.len().div_ceil(2));
        empty = node_hash(&empty, &empty);
    }
    level.first().copied().unwrap_or(EMPTY_LEAF)
}

/// The root that `leaf` at `position` reaches through `path`, or `None` when a bit of the position is not consumed.
///
/// The caller compares the length of the path with the static depth of the tree.
#[inline]
pub fn root_from_path(leaf: &Hash, position: u32, path: &[Hash]) -> Option<Hash> {
    let mut index = position;
    let mut hash = *leaf;
    for sibling in path {
        hash = if index & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) };
        index >>= 1;
    }
    (index == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::sha256;

    fn leaves(count: u32) -> Vec<Hash> {
        (0..count).map(|i| sha256(&[&i.to_le_bytes()])).collect()
    }

    #[test]
    fn depth_is_the_logarithm_rounded_up() {
        let expected = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (1 << 31, 31), (u32::MAX, 32)];
        for (count, depth) in expected {
            assert_eq!(depth_for(count), depth, "count {count}");
        }
    }

    #[test]
    fn padding_equals_explicit_empty_leaves() {
        for count in 1..20u32 {
            let mut padded = leaves(count);
            let root = merkle_root(&padded);
            padded.resize(1 << depth_for(count), EMPTY_LEAF);
            assert_eq!(root, merkle_root(&padded), "count {count}");
        }
    }

    #[test]
    fn every_leaf_opens_and_no_other_value_position_or_path_does() {
        for count in 1..20u32 {
            let leaves = leaves(count);
            let root = merkle_root(&leaves);
            for position in 0..count {
                let path = merkle_path(&leaves, position).unwrap();
                assert_eq!(path.len(), depth_for(count) as usize);
                let leaf = leaves[position as usize];
                assert_eq!(root_from_path(&leaf, position, &path), Some(root));
                assert_eq!(root_from_path(&leaf, position + (1 << path.len()), &path), None, "unconsumed bit");
                assert_ne!(root_from_path(&EMPTY_LEAF, position, &path), Some(root));
                for level in 0..path.len() {
                    let mut forged = path.clone();
                    forged[level][7] ^= 1;
                    assert_ne!(root_from_path(&leaf, position, &forged), Some(root));
                    assert_ne!(root_from_path(&leaf, position ^ (1 << level), &path), Some(root));
                }
            }
            assert_eq!(merkle_path(&leaves, count), None);
        }
        assert_eq!(merkle_root(&[]), EMPTY_LEAF);
    }
}
