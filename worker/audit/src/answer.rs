//! Answers to forced openings: what a node, or whoever defends a result, uploads.

use assay_kernels::KernelError;
use assay_kernels::commit::Hasher;
use referee::commit::{EMPTY_NODES, Hash, node_hash};
use referee::graph::{ResolvedGraph, Slot};
use referee::opening::{Form, Place, Tree};
use referee::proof::Rejection;

/// What stands at the leaves of a tree.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Hashes of tensors: of the boundary, or of a segment's trace.
    Hashes(&'a [Hash]),
    /// The bytes of a tensor.
    Bytes(&'a [u8]),
}

/// Why there is no answer to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// What is at hand does not open the bound hash: the chain would refuse it.
    #[error(
        "F0501 what is at hand does not open the hash that is bound there: {0:?}; answer with the trace that was committed to"
    )]
    NotBound(Rejection),
    /// The tree has no such place.
    #[error("F0502 the tree has no place at height {height}, index {index}: {rejection:?}; read the demand again")]
    Place {
        /// Levels above the leaves.
        height: u8,
        /// From the left.
        index: u32,
        /// What the referee says.
        rejection: Rejection,
    },
    /// The content is not that of the tree.
    #[error("F0503 the tree needs other content; give hashes for lists and the bytes of the tensor for a tensor")]
    Content,
    /// The bytes have the wrong length.
    #[error("F0504 the tensor cannot be hashed: {0}")]
    Tensor(#[from] KernelError),
}

/// The tree over the boundary.
pub fn boundary_tree(graph: &ResolvedGraph) -> Tree {
    Tree::Boundary { count: graph.boundary.len() as u16 }
}

/// The tree over a segment's trace.
pub fn segment_tree(graph: &ResolvedGraph, segment: u16) -> Tree {
    Tree::Segment { index: segment, count: graph.segment_slots(segment).len() as u16 }
}

/// The tree of a tensor; `None` if the graph has no such tensor.
pub fn tensor_tree(graph: &ResolvedGraph, slot: Slot) -> Option<Tree> {
    graph.tensors.get(usize::from(slot)).map(|tensor| Tree::Tensor { layout: tensor.layout.clone() })
}

/// The bytes that open `place`, whose bound hash is `bound`; checked as the chain will check them.
///
/// # Errors
/// The tree has no such place; the content is not what `bound` binds.
pub fn answer(
    tree: &Tree,
    place: Place,
    bound: &Hash,
    content: Content<'_>,
    hasher: &Hasher,
) -> Result<Vec<u8>, AnswerError> {
    let outside = |rejection| AnswerError::Place { height: place.height, index: place.index, rejection };
    let answer = match (tree.form(place).map_err(outside)?, tree, content) {
        (Form::Data, Tree::Tensor { layout }, Content::Bytes(bytes)) => {
            check_length(layout.bytes(), bytes)?;
            let first = u64::from(place.index) << place.height;
            let leaves = (first..first + (1 << place.height)).filter_map(|position| u32::try_from(position).ok());
            let ranges = leaves.filter_map(|position| layout.leaf_range(position));
            ranges.flat_map(|range| &bytes[range.start as usize..range.end as usize]).copied().collect()
        }
        (Form::Hashes { .. }, ..) => {
            let levels = Levels::of(tree, content, hasher)?;
            let children = tree.children(place).map_err(outside)?;
            children.iter().flat_map(|child| levels.node(*child)).collect::<Vec<u8>>()
        }
        _ => return Err(AnswerError::Content),
    };
    tree.verify_answer(place, bound, &answer).map_err(AnswerError::NotBound)?;
    Ok(answer)
}

/// All nodes of a tree whose content is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Levels(Vec<Vec<Hash>>);

impl Levels {
    /// Hashes a tree's content.
    pub(crate) fn of(tree: &Tree, content: Content<'_>, hasher: &Hasher) -> Result<Self, AnswerError> {
        match (tree, content) {
            (Tree::Tensor { layout }, Content::Bytes(bytes)) => {
                check_length(layout.bytes(), bytes)?;
                let slot = 0; // named in errors of length alone, which is checked
                Ok(Self(hasher.tree(slot, layout, bytes)?.levels().to_vec()))
            }
            (Tree::Boundary { count } | Tree::Segment { count, .. }, Content::Hashes(hashes))
                if hashes.len() == usize::from(*count) =>
            {
                Ok(Self::over(hashes))
            }
            _ => Err(AnswerError::Content),
        }
    }

    fn over(hashes: &[Hash]) -> Self {
        let mut levels = vec![hashes.to_vec()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let empty = EMPTY_NODES[levels.len() - 1];
            let parent = |pair: &[Hash]| node_hash(&pair[0], pair.get(1).unwrap_or(&empty));
            levels.push(below.chunks(2).map(parent).collect());
        }
        Self(levels)
    }

    /// The node at a place; padding where nothing lies.
    pub(crate) fn node(&self, place: Place) -> Hash {
        let level = self.0.get(usize::from(place.height));
        let node = level.and_then(|level| level.get(place.index as usize)).copied();
        node.unwrap_or(EMPTY_NODES[usize::from(place.height).min(EMPTY_NODES.len() - 1)])
    }
}

fn check_length(expected: u64, bytes: &[u8]) -> Result<(), AnswerError> {
    if bytes.len() as u64 == expected { Ok(()) } else { Err(AnswerError::Content) }
}
