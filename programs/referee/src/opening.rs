//! Forced openings: what lies below a hash that a node is bound to, shown in steps that are checked one by one.
//!
//! A tree is opened from its *top*, whose bound hash is the outer one that others know: a list's root, a segment's root
//! or a tensor's hash. One answer opens up to eight levels: the hashes below a place, or, near the leaves of a tensor,
//! the data themselves. Padding is never part of an answer but filled in. So a tree whose header or padding differs from
//! what the graph says has no valid answer, and whoever is bound to it cannot answer in time.

use crate::commit::{
    EMPTY_NODES, Hash, ListRole, Node, Siblings, TensorLayout, TreeShape, join, leaf_hash, list_root, root_from_path,
    segment_hash,
};
use crate::proof::Rejection;
use crate::proof::build::Nodes;
use alloc::vec::Vec;

/// Most levels that one answer opens.
pub const LEVELS_PER_ANSWER: u8 = 8;
/// Places of a tensor at this height or below are opened to their data: at most 16 leaves of 512 bytes.
pub const DATA_HEIGHT: u8 = 4;
/// Most bytes of an answer: 256 hashes, or 16 leaves.
pub const MAX_ANSWER_BYTES: usize = 8192;

/// A tree that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// The boundary; its leaves are hashes of tensors.
    Boundary {
        /// Number of tensors in it.
        count: u16,
    },
    /// The trace of a segment; its leaves are hashes of tensors.
    Segment {
        /// The segment.
        index: u16,
        /// Number of tensors that it produces.
        count: u16,
    },
    /// One tensor.
    Tensor {
        /// Its layout.
        layout: TensorLayout,
    },
}

/// A place of a tree: a height above the leaves, and an index on that height from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Levels above the leaves.
    pub height: u8,
    /// From the left, from 0.
    pub index: u32,
}

/// What an answer consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The hashes below the place at this height, from left to right, without padding.
    Hashes {
        /// Levels above the leaves.
        height: u8,
    },
    /// The bytes of the tensor below the place.
    Data,
}

impl Tree {
    /// The shape of the tree: where its padding lies.
    pub fn shape(&self) -> TreeShape {
        match self {
            Self::Boundary { count } | Self::Segment { count, .. } => TreeShape::list(u32::from(*count)),
            Self::Tensor { layout } => layout.shape(),
        }
    }

    /// Length of every path from a leaf to the top.
    pub fn depth(&self) -> u8 {
        self.shape().depth()
    }

    /// The place whose bound hash is the outer one.
    pub fn top(&self) -> Place {
        Place { height: self.depth(), index: 0 }
    }

    /// Whether the tree has this place and something other than padding is there.
    pub fn has(&self, place: Place) -> bool {
        let shape = self.shape();
        shape.has(place.height, place.index) && !shape.is_padding(place.height, place.index)
    }

    /// What an answer at this place consists of.
    ///
    /// # Errors
    /// The tree has no such place, or nothing below it.
    pub fn form(&self, place: Place) -> Result<Form, Rejection> {
        if !self.has(place) {
            return Err(Rejection::PlaceOutside);
        }
        let least = match self {
            Self::Tensor { .. } if place.height <= DATA_HEIGHT => return Ok(Form::Data),
            Self::Tensor { .. } => DATA_HEIGHT,
            // The one leaf of a list of one stands under the outer hash.
            _ if place.height == 0 && place != self.top() => return Err(Rejection::NothingBelow),
            _ => 0,
        };
        Ok(Form::Hashes { height: place.height.saturating_sub(LEVELS_PER_ANSWER).max(least) })
    }

    /// The places on the height that an answer of hashes at `place` opens, those of padding left out.
    ///
    /// # Errors
    /// As [`form`](Self::form); a place whose answer is data has no children.
    pub fn children(&self, place: Place) -> Result<Vec<Place>, Rejection> {
        match self.form(place)? {
            Form::Data => Err(Rejection::NothingBelow),
            Form::Hashes { height } => {
                let shape = self.shape();
                let all = below(place, height).ok_or(Rejection::PlaceOutside)?;
                let real = all.filter(|index| !shape.is_padding(height, *index));
                Ok(real.map(|index| Place { height, index }).collect())
            }
        }
    }

    /// Bytes of every valid answer at this place.
    ///
    /// # Errors
    /// As [`form`](Self::form).
    pub fn answer_bytes(&self, place: Place) -> Result<usize, Rejection> {
        match self.form(place)? {
            Form::Hashes { .. } => Ok(32 * self.children(place)?.len()),
            Form::Data => {
                let Self::Tensor { layout } = self else { return Err(Rejection::NothingBelow) };
                let leaves = below(place, 0).ok_or(Rejection::PlaceOutside)?;
                let lengths = leaves.filter_map(|position| layout.leaf_range(position));
                Ok(lengths.map(|range| range.end.saturating_sub(range.start) as usize).sum())
            }
        }
    }

    /// Checks an answer: whether it is what lies below the place that `bound` is the hash of.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify_answer(&self, place: Place, bound: &Hash, answer: &[u8]) -> Result<(), Rejection> {
        let (form, shape) = (self.form(place)?, self.shape());
        let mut nodes: Vec<Node> = Vec::new();
        let from = match form {
            Form::Hashes { height } => {
                let (hashes, torn) = answer.as_chunks::<32>();
                let mut hashes = hashes.iter();
                nodes.reserve(hashes.len().min(1 << LEVELS_PER_ANSWER));
                for index in below(place, height).ok_or(Rejection::PlaceOutside)? {
                    if !shape.is_padding(height, index) {
                        nodes.push((index, *hashes.next().ok_or(Rejection::AnswerLength)?));
                    }
                }
                if hashes.next().is_some() || !torn.is_empty() {
                    return Err(Rejection::AnswerLength);
                }
                height
            }
            Form::Data => {
                let Self::Tensor { layout } = self else { return Err(Rejection::NothingBelow) };
                let mut rest = answer;
                for position in below(place, 0).ok_or(Rejection::PlaceOutside)? {
                    let Some(range) = layout.leaf_range(position) else { continue };
                    let length = range.end.saturating_sub(range.start) as usize;
                    let (leaf, behind) = rest.split_at_checked(length).ok_or(Rejection::AnswerLength)?;
                    rest = behind;
                    nodes.push((position, leaf_hash(&layout.leaf_header(position), leaf)));
                }
                if !rest.is_empty() {
                    return Err(Rejection::AnswerLength);
                }
                0
            }
        };
        let mut none = Siblings::default();
        let levels = place.height.saturating_sub(from);
        let (index, hash) = join(&mut nodes, &shape, from, levels, &mut none).ok_or(Rejection::AnswerHash)?;
        if index == place.index && self.bound_hash(place, &hash) == *bound {
            Ok(())
        } else {
            Err(Rejection::AnswerHash)
        }
    }

    /// Checks that `child_hash` stands at `child` below the place that `parent_bound` is the hash of, by the siblings
    /// between them from the bottom up. The child is one of those that an answer at `parent` opens.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verify_child(
        &self,
        parent: Place,
        parent_bound: &Hash,
        child: Place,
        child_hash: &Hash,
        path: &[Hash],
    ) -> Result<(), Rejection> {
        let Form::Hashes { height } = self.form(parent)? else { return Err(Rejection::NothingBelow) };
        let levels = parent.height.saturating_sub(height);
        let first = u64::from(parent.index) << levels;
        let offset = u64::from(child.index).checked_sub(first).filter(|offset| *offset < 1 << levels);
        if child.height != height || !self.has(child) {
            return Err(Rejection::ChildPlace);
        }
        let offset = offset.ok_or(Rejection::ChildPlace)? as u32;
        if path.len() != usize::from(levels) {
            return Err(Rejection::ChildPath);
        }
        let hash = root_from_path(child_hash, offset, path).ok_or(Rejection::ChildPath)?;
        if self.bound_hash(parent, &hash) == *parent_bound { Ok(()) } else { Err(Rejection::ChildPath) }
    }

    /// The hash that stands for a place outside the tree: at the top, the outer one.
    pub fn bound_hash(&self, place: Place, hash: &Hash) -> Hash {
        if place != self.top() {
            return *hash;
        }
        match self {
            Self::Boundary { count } => list_root(ListRole::Boundary, u32::from(*count), hash),
            Self::Segment { index, count } => segment_hash(u32::from(*index), u32::from(*count), hash),
            Self::Tensor { layout } => layout.hash_of_root(hash),
        }
    }
}

/// The siblings between a child and its parent, from the bottom up: what [`Tree::verify_child`] takes. `None` if one of
/// them is not known.
pub fn child_path(tree: &Tree, nodes: &dyn Nodes, parent: Place, child: Place) -> Option<Vec<Hash>> {
    let shape = tree.shape();
    let sibling = |level: u8| {
        let index = child.index >> (level - child.height) ^ 1;
        let padding = if shape.is_padding(level, index) { EMPTY_NODES.get(usize::from(level)).copied() } else { None };
        padding.or_else(|| nodes.node(level, index))
    };
    (child.height..parent.height).map(sibling).collect()
}

/// Indices on `height` below a place.
fn below(place: Place, height: u8) -> Option<core::ops::Range<u32>> {
    let levels = u32::from(place.height.checked_sub(height)?);
    let end = u64::from(place.index).checked_add(1)?.checked_shl(levels)?;
    let start = u64::from(place.index).checked_shl(levels)?;
    Some(u32::try_from(start).ok()?..u32::try_from(end).ok()?)
}
