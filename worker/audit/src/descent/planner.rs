//! From the boundary down to the element.

use super::claimed_tree::{ClaimedTree, Descent};
use super::{Demand, Known, Move, OwnTrace, Proved, TreeKey};
use crate::answer::{AnswerError, Content, Levels, boundary_tree, segment_tree, tensor_tree};
use crate::finding::{Evidence, Finding, Source, Target, coordinates};
use crate::locate::{BoundaryDifference, first_difference, is_self_contained};
use assay_kernels::commit::Hasher;
use referee::commit::Hash;
use referee::graph::{ResolvedGraph, Slot};
use referee::opening::{Place, Tree};
use std::collections::BTreeMap;

/// Plans one move.
pub(super) struct Planner<'a> {
    pub(super) graph: &'a ResolvedGraph,
    pub(super) hasher: &'a Hasher,
    pub(super) own: OwnTrace<'a>,
    pub(super) known: &'a Known,
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
            return wrong
                .next()
                .map_or(Descent::Nothing(partial.tree().top()), |(place, _)| Descent::Leaf(place.index));
        }
        partial.descend(key, bound, self.answers(key))
    }

    fn boundary(&self) -> Result<ClaimedTree, AnswerError> {
        let tree = boundary_tree(self.graph);
        let (root, claimed) = (&self.known.boundary_root, self.known.boundary.as_ref());
        self.list(TreeKey::Boundary, tree, root, self.own.boundary, claimed)
    }

    pub(super) fn begin_at_boundary(&self) -> Result<Move, AnswerError> {
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

    pub(super) fn begin_at_segment(&self, segment: u16) -> Result<Move, AnswerError> {
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
            Descent::Demand(demand) if demand.parent.is_some() => return Ok(Move::Demand(demand)),
            Descent::Demand(top) => {
                let path = self.entrance(source, slot, &boundary, segment.as_ref()).ok_or(AnswerError::Content)?;
                return Ok(Move::Demand(Demand { path, ..top }));
            }
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

    /// The siblings of a tensor's hash in the list through which its tree is entered.
    fn entrance(
        &self,
        source: Source,
        slot: Slot,
        boundary: &ClaimedTree,
        segment: Option<&ClaimedTree>,
    ) -> Option<Vec<Hash>> {
        let placement = self.graph.tensors.get(usize::from(slot))?.placement;
        match source {
            Source::Boundary => boundary.path(u32::from(placement.boundary_position()?)),
            Source::Segment => segment?.path(u32::from(placement.position)),
        }
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
        let (element, differing) = first_difference(tensor.dtype, own, data)?;
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
