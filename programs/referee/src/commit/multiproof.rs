//! One proof for several places of a tree.
//!
//! The places are given in ascending order. Level by level from below, and from left to right on each, a node is joined
//! with its neighbour if that is known, with the empty node if the neighbour is padding (padding is never taken from a
//! proof), and else with the next sibling of the proof. So the order of the siblings is fixed, and for one place they
//! are the path without its padding.

use super::{EMPTY_NODES, Hash, TreeShape, node_hash};
use alloc::vec::Vec;

/// A node that is known: its index on its level, and its hash.
pub type Node = (u32, Hash);

/// Siblings of a proof: hashes one after another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Siblings<'a> {
    rest: &'a [Hash],
}

impl<'a> Siblings<'a> {
    /// Siblings from the bytes of a proof; `None` if they are not whole hashes.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (rest, torn) = bytes.as_chunks::<32>();
        torn.is_empty().then_some(Self { rest })
    }

    #[inline]
    fn next(&mut self) -> Option<&'a Hash> {
        let (next, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(next)
    }

    /// Whether all were used.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Joins `nodes` (strictly ascending indices on `level`) over `levels` levels, in place; what is left is one node.
///
/// `None` if a sibling is missing, if more than one node is left, or if there was none. The caller compares the index
/// of what is left, and sees to it that no sibling is left over.
pub fn join(
    nodes: &mut Vec<Node>,
    shape: &TreeShape,
    level: u8,
    levels: u8,
    siblings: &mut Siblings<'_>,
) -> Option<Node> {
    for level in level..level.checked_add(levels)? {
        let (mut read, mut write) = (0usize, 0usize);
        while let Some((index, hash)) = nodes.get(read) {
            let node = if index & 1 == 1 {
                node_hash(sibling(shape, level, index ^ 1, siblings)?, hash)
            } else {
                match nodes.get(read + 1) {
                    Some((next, right)) if *next == index | 1 => {
                        read += 1;
                        node_hash(hash, right)
                    }
                    _ => node_hash(hash, sibling(shape, level, index | 1, siblings)?),
                }
            };
            let parent = index >> 1;
            *nodes.get_mut(write)? = (parent, node);
            (read, write) = (read + 1, write + 1);
        }
        nodes.truncate(write);
    }
    match nodes.as_slice() {
        [node] => Some(*node),
        _ => None,
    }
}

#[inline]
fn sibling<'a>(shape: &TreeShape, level: u8, index: u32, siblings: &mut Siblings<'a>) -> Option<&'a Hash> {
    if shape.is_padding(level, index) { EMPTY_NODES.get(usize::from(level)) } else { siblings.next() }
}

/// The siblings that [`join`] asks for over `levels` levels from `level`, as (level, index), in its order.
pub fn siblings_of(positions: &[u32], shape: &TreeShape, level: u8, levels: u8) -> Vec<(u8, u32)> {
    let mut known = positions.to_vec();
    let mut wanted = Vec::new();
    for level in level..level.saturating_add(levels) {
        let mut above: Vec<u32> = Vec::with_capacity(known.len());
        let mut read = known.iter().copied().peekable();
        while let Some(index) = read.next() {
            if index & 1 == 0 && read.peek() == Some(&(index | 1)) {
                read.next();
            } else if !shape.is_padding(level, index ^ 1) {
                wanted.push((level, index ^ 1));
            }
            above.push(index >> 1);
        }
        known = above;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::{merkle_path, merkle_root, sha256};

    fn leaves(count: u32) -> Vec<Hash> {
        (0..count).map(|i| sha256(&[&i.to_le_bytes()])).collect()
    }

    /// All levels of the padded tree, from the leaves up.
    fn levels(leaves: &[Hash], depth: u8) -> Vec<Vec<Hash>> {
        let mut level = leaves.to_vec();
        level.resize(1 << depth, EMPTY_NODES[0]);
        let mut levels = vec![level];
        while levels.last().unwrap().len() > 1 {
            levels.push(levels.last().unwrap().chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect());
        }
        levels
    }

    #[test]
    fn every_set_of_places_of_small_trees_opens_and_any_change_is_seen() {
        for count in 1..=9u32 {
            let leaves = leaves(count);
            let shape = TreeShape::list(count);
            let (root, levels) = (merkle_root(&leaves), levels(&leaves, shape.depth()));
            for set in 1..1u32 << count {
                let positions: Vec<u32> = (0..count).filter(|position| set >> position & 1 == 1).collect();
                let siblings: Vec<Hash> = siblings_of(&positions, &shape, 0, shape.depth())
                    .into_iter()
                    .map(|(level, index)| levels[usize::from(level)][index as usize])
                    .collect();
                let nodes: Vec<Node> = positions.iter().map(|p| (*p, leaves[*p as usize])).collect();
                let run = |mut nodes: Vec<Node>, siblings: &[Hash]| {
                    let bytes = siblings.concat();
                    let mut siblings = Siblings::new(&bytes).unwrap();
                    let node = join(&mut nodes, &shape, 0, shape.depth(), &mut siblings);
                    node.filter(|(index, _)| *index == 0 && siblings.is_empty()).map(|(_, hash)| hash)
                };
                assert_eq!(run(nodes.clone(), &siblings), Some(root), "{positions:?} of {count}");
                if positions.len() == 1 {
                    let path = merkle_path(&leaves, positions[0]).unwrap();
                    let real: Vec<Hash> = (0..)
                        .zip(path)
                        .filter(|(level, _)| !shape.is_padding(*level, positions[0] >> level ^ 1))
                        .map(|(_, hash)| hash)
                        .collect();
                    assert_eq!(real, siblings);
                }
                for at in 0..nodes.len() {
                    let mut other = nodes.clone();
                    other[at].1[0] ^= 1;
                    assert_ne!(run(other, &siblings), Some(root));
                }
                for at in 0..siblings.len() {
                    let mut other = siblings.clone();
                    other[at][31] ^= 1;
                    assert_ne!(run(nodes.clone(), &other), Some(root));
                    other.remove(at);
                    assert_ne!(run(nodes.clone(), &other), Some(root), "a sibling less");
                }
                let more = [&siblings[..], &[[0; 32]]].concat();
                assert_eq!(run(nodes.clone(), &more), None, "a sibling more");
                let beyond: Vec<Node> = nodes.iter().map(|(at, hash)| (at + (1 << shape.depth()), *hash)).collect();
                assert_eq!(run(beyond, &siblings), None, "a bit that no level consumes");
            }
        }
    }

    #[test]
    fn nothing_and_torn_hashes_prove_nothing() {
        let shape = TreeShape::list(4);
        assert_eq!(join(&mut vec![], &shape, 0, 2, &mut Siblings::new(&[]).unwrap()), None);
        assert!(Siblings::new(&[0; 33]).is_none());
        let twice = vec![(1, [1; 32]), (1, [1; 32])];
        assert_eq!(join(&mut twice.clone(), &shape, 0, 2, &mut Siblings::new(&[0; 128]).unwrap()), None);
    }
}
