//! The way down to a lie that nobody serves: which opening to demand next.
//!
//! A node that is bound to a hash can be made to open what lies below it, eight levels at a time. The challenger compares
//! each answer with its own tree and goes on at the leftmost node that differs, until it has the data of the leaves
//! around the first wrong element. All of it is a function of what is bound and of the answers that stand on-chain, so
//! that a challenger that was restarted, or one that joins, goes on from there.

use crate::answer::{AnswerError, Content, Levels, boundary_tree, segment_tree, tensor_tree};
use crate::finding::{Evidence, Finding, Source, Target, coordinates};
use crate::locate::{BoundaryDifference, is_self_contained};
use crate::trace::SegmentTrace;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use referee::commit::{EMPTY_NODES, Hash, leaf_hash, node_hash};
use referee::graph::{ResolvedGraph, Slot};
use referee::opening::{Form, Place, Tree};
use referee::proof::build::{Leaves, Nodes};
use std::collections::BTreeMap;

/// Which tree of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TreeKey {
    /// The boundary.
    Boundary,
    /// The trace of a segment.
    Segment(u16),
    /// A tensor, as it stands in one of the two.
    Tensor(Source, Slot),
}

/// What is bound, and the openings that were answered: all that a descent depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The committed boundary root.
    pub boundary_root: Hash,
    /// Hashes of the boundary if they are known to lead to that root: no opening of its tree is then needed.
    pub boundary: Option<Vec<Hash>>,
    /// Roots of segments, signed or posted.
    pub segments: BTreeMap<u16, Hash>,
    /// Hashes of segments' traces that are known to lead to those roots.
    pub traces: BTreeMap<u16, Vec<Hash>>,
    /// Answers that the chain has checked, by tree and place.
    pub answers: BTreeMap<TreeKey, BTreeMap<Place, Vec<u8>>>,
}

/// The challenger's own trace: as [`crate::Own`], with the segment once it is known.
#[derive(Clone, Copy, Debug)]
pub struct OwnTrace<'a> {
    /// Hashes of its boundary tensors.
    pub boundary: &'a [Hash],
    /// Its trace of the segment that is wrong.
    pub segment: Option<&'a SegmentTrace>,
    /// Its tensors.
    pub tensors: &'a TensorSet,
}

/// The next move of a challenger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Demand the root of a segment.
    DemandRoot {
        /// The segment.
        segment: u16,
        /// The boundary tensor that differs.
        difference: BoundaryDifference,
    },
    /// Replay the segment, and give its trace.
    Replay {
        /// The boundary tensor that differs.
        difference: BoundaryDifference,
    },
    /// Demand an opening.
    Demand(Demand),
    /// All is known that a proof needs; `openings` has it.
    Prove(Box<Proved>),
    /// Below this place everything is as it should be though its hash is not, or nothing differs at all: a step before
    /// was wrong, or there is no lie.
    NoDivergentChild {
        /// The tree.
        tree: TreeKey,
        /// The place.
        place: Place,
    },
}

/// An opening to demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The tree.
    pub tree: TreeKey,
    /// The place to open.
    pub place: Place,
    /// The hash that is bound there.
    pub bound: Hash,
    /// The answered place above it; `None` at the top of a tree, whose hash is bound by a commitment, a root, or an
    /// answer in the tree above.
    pub parent: Option<Place>,
    /// The siblings from the place up to that parent.
    pub path: Vec<Hash>,
}

/// A lie whose way down is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// What is wrong.
    pub finding: Finding,
    /// The part of the claimed boundary that is known.
    pub boundary: ClaimedTree,
    /// The part of the claimed segment that is known, if its root is.
    pub segment: Option<ClaimedTree>,
    /// The part of the claimed tensor that is known, if an element is wrong.
    pub tensor: Option<ClaimedTree>,
}

/// A claimed tree of which only some is known: what answers opened, and what is equal to one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedTree {
    tree: Tree,
    own: Levels,
    /// Nodes that are bound or were opened.
    known: BTreeMap<Place, Hash>,
    /// Data that were opened, by leaf.
    data: BTreeMap<u32, Vec<u8>>,
}

impl ClaimedTree {
    /// The tree below a bound outer hash, with the answers that opened parts of it.
    fn new(tree: Tree, bound: &Hash, own: Levels, answers: Option<&BTreeMap<Place, Vec<u8>>>) -> Self {
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
    fn descend(&self, key: TreeKey, bound: &Hash, answers: Option<&BTreeMap<Place, Vec<u8>>>) -> Descent {
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

enum Descent {
    Leaf(u32),
    Demand(Demand),
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

/// The next move of a challenger whose `target` is its first differing boundary tensor, or a segment.
///
/// # Errors
/// The challenger's own trace lacks what the move needs.
pub fn next_move(
    graph: &ResolvedGraph,
    hasher: &Hasher,
    own: OwnTrace<'_>,
    target: Option<u16>,
    known: &Known,
) -> Result<Move, AnswerError> {
    let planner = Planner { graph, hasher, own, known };
    match target {
        None => planner.from_boundary(),
        Some(segment) => planner.from_segment(segment),
    }
}

struct Planner<'a> {
    graph: &'a ResolvedGraph,
    hasher: &'a Hasher,
    own: OwnTrace<'a>,
    known: &'a Known,
}

impl Planner<'_> {
    fn answers(&self, key: TreeKey) -> Option<&BTreeMap<Place, Vec<u8>>> {
        self.known.answers.get(&key)
    }

    /// A list as far as it is known; one whose hashes are all known counts as opened from top to bottom.
    fn list(
        &self,
        key: TreeKey,
        tree: Tree,
        bound: &Hash,
        own: &[Hash],
        claimed: Option<&Vec<Hash>>,
    ) -> Result<ClaimedTree, AnswerError> {
        let own = Levels::of(&tree, Content::Hashes(own), self.hasher)?;
        let mut partial = ClaimedTree::new(tree, bound, own, self.answers(key));
        for (index, hash) in (0u32..).zip(claimed.into_iter().flatten()) {
            partial.known.insert(Place { height: 0, index }, *hash);
        }
        Ok(partial)
    }

    /// The first leaf of a list that differs.
    fn first_leaf(&self, key: TreeKey, partial: &ClaimedTree, bound: &Hash, claimed: Option<&Vec<Hash>>) -> Descent {
        if let Some(claimed) = claimed {
            let leaves = (0u32..).zip(claimed);
            let wrong = leaves.map(|(index, hash)| (Place { height: 0, index }, hash));
            let mut wrong = wrong.filter(|(place, hash)| partial.own.node(*place) != **hash);
            return wrong.next().map_or(Descent::Nothing(partial.tree.top()), |(place, _)| Descent::Leaf(place.index));
        }
        partial.descend(key, bound, self.answers(key))
    }

    fn boundary(&self) -> Result<ClaimedTree, AnswerError> {
        let tree = boundary_tree(self.graph);
        let (root, claimed) = (&self.known.boundary_root, self.known.boundary.as_ref());
        self.list(TreeKey::Boundary, tree, root, self.own.boundary, claimed)
    }

    fn from_boundary(&self) -> Result<Move, AnswerError> {
        let boundary = self.boundary()?;
        let (key, root) = (TreeKey::Boundary, &self.known.boundary_root);
        let position = match self.first_leaf(key, &boundary, root, self.known.boundary.as_ref()) {
            Descent::Demand(demand) => return Ok(Move::Demand(demand)),
            Descent::Nothing(place) => return Ok(Move::NoDivergentChild { tree: key, place }),
            Descent::Leaf(position) => position,
        };
        let nothing = Move::NoDivergentChild { tree: key, place: Place { height: 0, index: position } };
        let Some(difference) = self.difference(&boundary, position) else { return Ok(nothing) };
        if difference.self_contained {
            let target = Target::Boundary { position: difference.position, own: difference.own };
            return self.tensor(Source::Boundary, difference.slot, &difference.claimed, target, boundary, None);
        }
        let segment = difference.segment;
        if !self.known.segments.contains_key(&segment) {
            return Ok(Move::DemandRoot { segment, difference });
        }
        if self.own.segment.is_none_or(|trace| trace.segment != segment) {
            return Ok(Move::Replay { difference });
        }
        self.inside(segment, boundary, Some(difference))
    }

    fn from_segment(&self, segment: u16) -> Result<Move, AnswerError> {
        let boundary = self.boundary()?;
        self.inside(segment, boundary, None)
    }

    fn difference(&self, boundary: &ClaimedTree, position: u32) -> Option<BoundaryDifference> {
        let entry = self.graph.boundary.get(position as usize)?;
        let (op, _) = self.graph.tensors.get(usize::from(entry.slot))?.producer?;
        Some(BoundaryDifference {
            position: position as u16,
            slot: entry.slot,
            segment: entry.segment,
            op,
            own: *self.own.boundary.get(position as usize)?,
            claimed: boundary.node(Place { height: 0, index: position })?,
            self_contained: is_self_contained(self.graph, op),
        })
    }

    /// Down the tree of a segment whose root is bound.
    fn inside(
        &self,
        segment: u16,
        boundary: ClaimedTree,
        difference: Option<BoundaryDifference>,
    ) -> Result<Move, AnswerError> {
        let key = TreeKey::Segment(segment);
        let tree = segment_tree(self.graph, segment);
        let nothing = |place| Ok(Move::NoDivergentChild { tree: key, place });
        let (Some(root), Some(trace)) = (self.known.segments.get(&segment), self.own.segment) else {
            return nothing(tree.top());
        };
        let claimed = self.known.traces.get(&segment);
        let partial = self.list(key, tree.clone(), root, &trace.hashes, claimed)?;
        let target = match difference {
            Some(difference) => Target::Boundary { position: difference.position, own: difference.own },
            None => Target::Segment { segment, own: trace.root },
        };
        let is_own = ResolvedGraph::segment_root(segment, &trace.hashes) == *root;
        let position = if is_own {
            None
        } else {
            match self.first_leaf(key, &partial, root, claimed) {
                Descent::Demand(demand) => return Ok(Move::Demand(demand)),
                Descent::Nothing(place) => return nothing(place),
                Descent::Leaf(position) => Some(position),
            }
        };
        // The trace is one's own, or differs behind the tensor whose boundary hash differs: that one has two hashes.
        let of_difference = difference.and_then(|difference| {
            let position = trace.slots.iter().position(|slot| *slot == difference.slot)? as u32;
            Some((position, difference))
        });
        if let Some((at, difference)) = of_difference
            && position.is_none_or(|position| position > at)
        {
            return Ok(self
                .mismatch(difference.slot, at, target, boundary, partial)
                .unwrap_or(Move::NoDivergentChild { tree: key, place: tree.top() }));
        }
        let Some(position) = position else { return nothing(tree.top()) };
        let leaf = Place { height: 0, index: position };
        let (Some(slot), Some(hash)) = (trace.slots.get(position as usize).copied(), partial.node(leaf)) else {
            return nothing(leaf);
        };
        let in_boundary = self.graph.boundary_position(slot).map(|at| Place { height: 0, index: u32::from(at) });
        match in_boundary.and_then(|place| boundary.node(place)) {
            Some(other) if other != hash => Ok(self
                .mismatch(slot, position, target, boundary, partial)
                .unwrap_or(Move::NoDivergentChild { tree: key, place: leaf })),
            Some(_) => self.tensor(Source::Boundary, slot, &hash, target, boundary, Some(partial)),
            None => self.tensor(Source::Segment, slot, &hash, target, boundary, Some(partial)),
        }
    }

    fn mismatch(
        &self,
        slot: Slot,
        position: u32,
        target: Target,
        boundary: ClaimedTree,
        segment: ClaimedTree,
    ) -> Option<Move> {
        let at = Place { height: 0, index: u32::from(self.graph.boundary_position(slot)?) };
        let evidence = Evidence::Mismatch {
            boundary: boundary.node(at)?,
            segment: segment.node(Place { height: 0, index: position })?,
        };
        let finding = self.finding(slot, evidence, target, true)?;
        Some(Move::Prove(Box::new(Proved { finding, boundary, segment: Some(segment), tensor: None })))
    }

    /// Down the tree of a tensor whose hash is bound.
    fn tensor(
        &self,
        source: Source,
        slot: Slot,
        bound: &Hash,
        target: Target,
        boundary: ClaimedTree,
        segment: Option<ClaimedTree>,
    ) -> Result<Move, AnswerError> {
        let key = TreeKey::Tensor(source, slot);
        let tree = tensor_tree(self.graph, slot).ok_or(AnswerError::Content)?;
        let own_bytes = self.own.tensors.get(&slot).ok_or(AnswerError::Content)?;
        let own = Levels::of(&tree, Content::Bytes(own_bytes), self.hasher)?;
        let partial = ClaimedTree::new(tree, bound, own, self.answers(key));
        let position = match partial.descend(key, bound, self.answers(key)) {
            Descent::Demand(demand) => return Ok(Move::Demand(demand)),
            Descent::Nothing(place) => return Ok(Move::NoDivergentChild { tree: key, place }),
            Descent::Leaf(position) => position,
        };
        let needs_root = source == Source::Segment
            || self
                .graph
                .tensors
                .get(usize::from(slot))
                .and_then(|tensor| tensor.producer)
                .is_none_or(|(op, _)| !is_self_contained(self.graph, op));
        let finding = self
            .element(slot, source, position, &partial, own_bytes)
            .and_then(|evidence| self.finding(slot, evidence, target, needs_root));
        let place = Place { height: 0, index: position };
        Ok(match finding {
            Some(finding) => Move::Prove(Box::new(Proved { finding, boundary, segment, tensor: Some(partial) })),
            None => Move::NoDivergentChild { tree: key, place },
        })
    }

    /// The leftmost element of a leaf that differs.
    fn element(
        &self,
        slot: Slot,
        source: Source,
        position: u32,
        claimed: &ClaimedTree,
        own: &[u8],
    ) -> Option<Evidence> {
        let tensor = self.graph.tensors.get(usize::from(slot))?;
        let range = tensor.layout.leaf_range(position)?;
        let data = claimed.data(position)?;
        let own = own.get(range.start as usize..range.end as usize)?;
        let (element, differing) = crate::locate::first_difference(tensor.dtype, own, data)?;
        let first = (range.start / u64::from(tensor.dtype.bytes())) as u32;
        Some(Evidence::Element {
            source,
            element: first + element,
            coordinates: coordinates(self.graph, slot, first + element),
            claimed: tensor.dtype.read(data, element as usize)?,
            computed: tensor.dtype.read(own, element as usize)?,
            differing,
        })
    }

    fn finding(&self, slot: Slot, evidence: Evidence, target: Target, needs_segment_root: bool) -> Option<Finding> {
        let (op, output) = self.graph.tensors.get(usize::from(slot))?.producer?;
        let kind = self.graph.ops.get(usize::from(op))?.kind;
        let segment = self.graph.segment_of(op);
        Some(Finding { segment, op, kind, output, slot, evidence, target, needs_segment_root })
    }
}

/// Most demands that any descent needs in a tree of this depth, the segment root not counted.
pub fn most_demands(tree: &Tree) -> u32 {
    let mut demands = 0;
    let mut place = tree.top();
    while let Ok(form) = tree.form(place) {
        demands += 1;
        match form {
            // The data of a tensor, or all that a list consists of.
            Form::Data => break,
            Form::Hashes { height: 0 } => break,
            Form::Hashes { height } => place = Place { height, index: 0 },
        }
    }
    demands
}
