//! Trees of hashes and tensors, whole or as far as openings showed them.

use crate::commit::{EMPTY_NODES, Hash, TensorLayout, TreeShape, leaf_hash, node_hash};
use crate::opening::{Form, Place, Tree};
use crate::proof::Rejection;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Hashes of a tree, as far as they are known.
pub trait Nodes {
    /// The node `index` at height `level` above the leaves. Padding need not be known.
    fn node(&self, level: u8, index: u32) -> Option<Hash>;
}

/// A tensor, as far as it is known.
pub trait Leaves: Nodes {
    /// The data of the leaf at a position of the padded tree.
    fn leaf(&self, position: u32) -> Option<&[u8]>;
}

/// All hashes of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashTree {
    /// From the leaves to the root, padding on the right left out.
    levels: Vec<Vec<Hash>>,
}

impl HashTree {
    /// The tree over leaves, padded on the right.
    pub fn new(leaves: &[Hash]) -> Self {
        let mut levels = alloc::vec![leaves.to_vec()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let empty = EMPTY_NODES.get(levels.len() - 1).copied().unwrap_or_default();
            let (pairs, odd) = below.as_chunks::<2>();
            let mut level: Vec<Hash> = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
            level.extend(odd.iter().map(|last| node_hash(last, &empty)));
            levels.push(level);
        }
        Self { levels }
    }
}

impl Nodes for HashTree {
    fn node(&self, level: u8, index: u32) -> Option<Hash> {
        self.levels.get(usize::from(level))?.get(index as usize).copied()
    }
}

/// A tensor all of whose bytes are known.
#[derive(Clone, Debug)]
pub struct WholeTensor<'a> {
    layout: TensorLayout,
    data: Cow<'a, [u8]>,
    tree: HashTree,
}

impl<'a> WholeTensor<'a> {
    /// The tensor of these bytes; `None` if their length is not the tensor's.
    pub fn new(layout: &TensorLayout, data: impl Into<Cow<'a, [u8]>>) -> Option<Self> {
        let data = data.into();
        let tree = HashTree::new(&layout.leaf_hashes(&data)?);
        Some(Self { layout: layout.clone(), data, tree })
    }

    /// The tensor's hash, as lists have it.
    pub fn hash(&self) -> Option<Hash> {
        Some(self.layout.hash_of_root(&self.node(self.layout.depth(), 0)?))
    }
}

impl Nodes for WholeTensor<'_> {
    fn node(&self, level: u8, index: u32) -> Option<Hash> {
        self.tree.node(level, index)
    }
}

impl Leaves for WholeTensor<'_> {
    fn leaf(&self, position: u32) -> Option<&[u8]> {
        let range = self.layout.leaf_range(position)?;
        self.data.get(range.start as usize..range.end as usize)
    }
}

/// A tree of which only some is known: what valid answers to openings showed.
#[derive(Clone, Debug)]
pub struct PartialTree {
    tree: Tree,
    nodes: BTreeMap<(u8, u32), Hash>,
    leaves: BTreeMap<u32, Vec<u8>>,
}

impl PartialTree {
    /// A tree of which nothing is known.
    pub fn new(tree: Tree) -> Self {
        Self { tree, nodes: BTreeMap::new(), leaves: BTreeMap::new() }
    }

    /// The tree that is being learnt.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Learns a valid answer; `bound` is the hash that is bound at the place.
    ///
    /// # Errors
    /// The answer is not valid; nothing is learnt then.
    pub fn learn(&mut self, place: Place, bound: &Hash, answer: &[u8]) -> Result<(), Rejection> {
        self.tree.verify_answer(place, bound, answer)?;
        let from = match self.tree.form(place)? {
            Form::Hashes { height } => {
                let hashes = answer.as_chunks::<32>().0;
                for (child, hash) in self.tree.children(place)?.into_iter().zip(hashes) {
                    self.nodes.insert((child.height, child.index), *hash);
                }
                height
            }
            Form::Data => {
                self.learn_data(place, answer);
                0
            }
        };
        self.join(place, from);
        Ok(())
    }

    fn learn_data(&mut self, place: Place, answer: &[u8]) {
        let Tree::Tensor { layout } = &self.tree else { return };
        let mut rest = answer;
        let first = place.index << place.height;
        for position in first..first.saturating_add(1 << place.height) {
            let Some(range) = layout.leaf_range(position) else { continue };
            let length = range.end.saturating_sub(range.start) as usize;
            let Some((leaf, behind)) = rest.split_at_checked(length) else { return };
            self.nodes.insert((0, position), leaf_hash(&layout.leaf_header(position), leaf));
            self.leaves.insert(position, leaf.to_vec());
            rest = behind;
        }
    }

    /// Computes the nodes between `from` and a place, all of whose nodes at `from` are known.
    fn join(&mut self, place: Place, from: u8) {
        let shape = self.tree.shape();
        for level in from..place.height {
            let levels = place.height - level - 1;
            let first = place.index << levels;
            for index in (first..first.saturating_add(1 << levels)).filter(|at| !shape.is_padding(level + 1, *at)) {
                let child = |index: u32| self.known(&shape, level, index);
                if let Some((left, right)) = child(2 * index).zip(child(2 * index + 1)) {
                    self.nodes.insert((level + 1, index), node_hash(&left, &right));
                }
            }
        }
    }

    fn known(&self, shape: &TreeShape, level: u8, index: u32) -> Option<Hash> {
        if shape.is_padding(level, index) {
            EMPTY_NODES.get(usize::from(level)).copied()
        } else {
            self.nodes.get(&(level, index)).copied()
        }
    }
}

impl Nodes for PartialTree {
    fn node(&self, level: u8, index: u32) -> Option<Hash> {
        self.nodes.get(&(level, index)).copied()
    }
}

impl Leaves for PartialTree {
    fn leaf(&self, position: u32) -> Option<&[u8]> {
        self.leaves.get(&position).map(Vec::as_slice)
    }
}
