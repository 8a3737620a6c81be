//! A claimed tree as far as it is known, beside one's own.

use super::{Demand, TreeKey};
use crate::answer::Levels;
use referee::commit::{EMPTY_NODES, Hash, leaf_hash, node_hash};
use referee::opening::{Form, Place, Tree};
use referee::proof::build::{Leaves, Nodes};
use std::collections::BTreeMap;

/// A claimed tree of which only some is known: what answers opened, and what is equal to one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedTree {
    tree: Tree,
    pub(super) own: Levels,
    /// Nodes that are bound or were opened.
    pub(super) known: BTreeMap<Place, Hash>,
    /// Data that were opened, by leaf.
    data: BTreeMap<u32, Vec<u8>>,
}

impl ClaimedTree {
    /// The tree below a bound outer hash, with the answers that opened parts of it.
    pub(super) fn new(tree: Tree, bound: &Hash, own: Levels, answers: Option<&BTreeMap<Place, Vec<u8>>>) -> Self {
        let top = tree.top();
        let mut partial = Self { tree, own, known: BTreeMap::new(), data: BTreeMap::new() };
        // The outer hash is equal exactly if the root is, so that the root need not be told apart from it.
        let own_root = partial.own.node(top);
        if partial.tree.bound_hash(top, &own_root) == *bound {
            partial.known.insert(top, own_root);
        }
        for (place, answer) in answers.into_iter().flatten() {
            partial.learn(*place, answer);
        }
        partial
    }

    fn learn(&mut self, place: Place, answer: &[u8]) {
        match self.tree.form(place) {
            Ok(Form::Hashes { .. }) => {
                let children = self.tree.children(place).unwrap_or_default();
                let (hashes, _) = answer.as_chunks::<32>();
                self.known.extend(children.into_iter().zip(hashes.iter().copied()));
            }
            Ok(Form::Data) => {
                let Tree::Tensor { layout } = &self.tree else { return };
                let first = place.index << place.height;
                let mut rest = answer;
                for position in first..first + (1 << place.height) {
                    let Some(range) = layout.leaf_range(position) else { continue };
                    let length = (range.end - range.start) as usize;
                    let Some((leaf, behind)) = rest.split_at_checked(length) else { return };
                    rest = behind;
                    let hash = leaf_hash(&layout.leaf_header(position), leaf);
                    self.known.insert(Place { height: 0, index: position }, hash);
                    self.data.insert(position, leaf.to_vec());
                }
            }
            Err(_) => {}
        }
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The claimed data of a leaf, if they were opened.
    pub fn data(&self, position: u32) -> Option<&[u8]> {
        self.data.get(&position).map(Vec::as_slice)
    }

    /// The claimed node at a place, if it is known.
    pub fn node(&self, place: Place) -> Option<Hash> {
        if !self.tree.has(place) {
            return EMPTY_NODES.get(usize::from(place.height)).copied();
        }
        self.stated(place).or_else(|| self.joined(place))
    }

    /// The node as it was opened, or one's own where a node above it is one's own.
    fn stated(&self, place: Place) -> Option<Hash> {
        if let Some(hash) = self.known.get(&place) {
            return Some(*hash);
        }
        let top = self.tree.top();
        let mut above = place;
        while above.height < top.height {
            above = Place { height: above.height + 1, index: above.index >> 1 };
            if let Some(hash) = self.known.get(&above) {
                return (*hash == self.own.node(above)).then(|| self.own.node(place));
            }
        }
        None
    }

    /// The node over two that are known.
    fn joined(&self, place: Place) -> Option<Hash> {
        let height = place.height.checked_sub(1)?;
        let left = self.node(Place { height, index: place.index << 1 })?;
        let right = self.node(Place { height, index: (place.index << 1) | 1 })?;
        Some(node_hash(&left, &right))
    }

    /// The siblings of a leaf from the bottom up, if all are known.
    pub fn path(&self, position: u32) -> Option<Vec<Hash>> {
        (0..self.tree.depth()).map(|height| self.node(Place { height, index: (position >> height) ^ 1 })).collect()
    }

    /// The first place below `place` that an answer opens and that is not one's own.
    fn first_divergent(&self, place: Place) -> Option<Place> {
        let children = self.tree.children(place).unwrap_or_default();
        children.into_iter().find(|child| self.known.get(child).is_some_and(|hash| *hash != self.own.node(*child)))
    }

    /// Goes down to the leftmost leaf that differs.
    pub(super) fn descend(&self, key: TreeKey, bound: &Hash, answers: Option<&BTreeMap<Place, Vec<u8>>>) -> Descent {
        let mut place = self.tree.top();
        let mut demand = Demand { tree: key, place, bound: *bound, parent: None, path: Vec::new() };
        loop {
            let Ok(form) = self.tree.form(place) else { return Descent::Leaf(place.index) };
            if answers.is_none_or(|answers| !answers.contains_key(&place)) {
                return Descent::Demand(demand);
            }
            if form == Form::Data {
                let first = place.index << place.height;
                let mut leaves = (first..first + (1 << place.height)).map(|index| Place { height: 0, index });
                let wrong = leaves.find(|leaf| self.known.get(leaf).is_some_and(|hash| *hash != self.own.node(*leaf)));
                return wrong.map_or(Descent::Nothing(place), |leaf| Descent::Leaf(leaf.index));
            }
            let Some(child) = self.first_divergent(place) else { return Descent::Nothing(place) };
            let siblings = (child.height..place.height).map(|height| {
                let index = (child.index >> (height - child.height)) ^ 1;
                self.node(Place { height, index })
            });
            let Some(path) = siblings.collect() else { return Descent::Nothing(place) };
            let Some(child_bound) = self.known.get(&child) else { return Descent::Nothing(place) };
            demand = Demand { tree: key, place: child, bound: *child_bound, parent: Some(place), path };
            if child.height == 0 && !matches!(self.tree, Tree::Tensor { .. }) {
                return Descent::Leaf(child.index);
            }
            place = child;
        }
    }
}

/// Where a way down ends.
pub(super) enum Descent {
    /// At a leaf that differs.
    Leaf(u32),
    /// At a place that is not open.
    Demand(Demand),
    /// Below this place nothing differs.
    Nothing(Place),
}

impl Nodes for ClaimedTree {
    fn node(&self, level: u8, index: u32) -> Option<Hash> {
        ClaimedTree::node(self, Place { height: level, index })
    }
}

impl Leaves for ClaimedTree {
    fn leaf(&self, position: u32) -> Option<&[u8]> {
        self.data(position)
    }
}
