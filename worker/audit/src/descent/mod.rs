//! The way down to a lie that nobody serves: which opening to demand next.
//!
//! A node that is bound to a hash can be made to open what lies below it, eight levels at a time. The challenger compares
//! each answer with its own tree and goes on at the leftmost node that differs, until it has the data of the leaves
//! around the first wrong element. All of it is a function of what is bound and of the answers that stand on-chain, so
//! that a challenger that was restarted, or one that joins, goes on from there.

mod claimed_tree;
mod planner;

pub use claimed_tree::ClaimedTree;

use crate::answer::AnswerError;
use crate::finding::{Finding, Source};
use crate::locate::BoundaryDifference;
use crate::trace::SegmentTrace;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use planner::Planner;
use referee::commit::Hash;
use referee::graph::{ResolvedGraph, Slot};
use referee::opening::{Form, Place, Tree};
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
    /// The siblings from the place up to that parent; at the top of a tensor's tree, those of its hash in the list that it
    /// is entered through.
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
        None => planner.begin_at_boundary(),
        Some(segment) => planner.begin_at_segment(segment),
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
