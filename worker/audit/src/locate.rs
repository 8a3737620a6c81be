//! From two traces to the one element, or the one pair of hashes, that proves which of them is wrong.
//!
//! Both sides agree on the graph, the params and the inputs, because the job pins them. The first boundary tensor that
//! differs names its segment, and both sides agree on all that the segment reads: boundary tensors stand in the order of
//! their ops. Within the segment's trace the first tensor that differs has operands that agree; so its op, computed on
//! them, gives the challenger's value. A tensor that has two hashes in the two trees needs no recomputing at all.

use crate::claim::{ClaimedBoundary, ClaimedSegment};
use crate::finding::{Evidence, Finding, Source, Target, coordinates};
use crate::trace::SegmentTrace;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use referee::commit::Hash;
use referee::graph::{Dtype, ResolvedGraph, Slot, TensorKind};

/// The challenger's own values.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// Hashes of its boundary tensors. A challenger that replayed one segment alone takes the claimed ones of all other
    /// segments: it does not dispute them.
    pub boundary: &'a [Hash],
    /// Its own trace of the segment in question, computed from what that segment reads.
    pub segment: Option<&'a SegmentTrace>,
    /// Its own bytes: at least of the boundary tensors and of that segment.
    pub tensors: &'a TensorSet,
}

/// The first boundary tensor that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundaryDifference {
    /// Its position in the tree.
    pub position: u16,
    /// The tensor.
    pub slot: Slot,
    /// The segment that produces it; all that this segment reads agrees.
    pub segment: u16,
    /// The op that produces it.
    pub op: u16,
    /// The challenger's own hash.
    pub own: Hash,
    /// The claimed hash.
    pub claimed: Hash,
    /// All operands of its op are given or stand in the boundary: a proof needs no segment root.
    pub self_contained: bool,
}

/// What locating came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that was compared differs.
    Agrees,
    /// A wrong tensor, ready to be proved.
    Found(Box<Finding>),
    /// A boundary tensor differs, and the trace of its segment is needed to say which op went wrong. If it is not
    /// served, its root and then the way down to the tensor must be forced.
    NeedsSegment(BoundaryDifference),
    /// The claimed bytes of a tensor are not at hand, or not those of its hash. If they are not served, the way down
    /// its tree must be forced.
    NeedsTensor {
        /// The tree in which the tensor stands.
        source: Source,
        /// The tensor.
        slot: Slot,
        /// The claimed hash.
        claimed: Hash,
        /// What a challenge names.
        target: Target,
    },
}

impl Outcome {
    /// What was found, if it is ready to be proved.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Found(finding) => Some(finding),
            _ => None,
        }
    }
}

/// The first boundary tensor whose hashes differ; lists of different lengths count as equal where one has ended.
pub fn locate_boundary(graph: &ResolvedGraph, own: &[Hash], claimed: &[Hash]) -> Option<BoundaryDifference> {
    let position = own.iter().zip(claimed).position(|(own, claimed)| own != claimed)?;
    let entry = graph.boundary.get(position)?;
    let (op, _) = graph.tensors.get(usize::from(entry.slot))?.producer?;
    Some(BoundaryDifference {
        position: position as u16,
        slot: entry.slot,
        segment: entry.segment,
        op,
        own: own[position],
        claimed: claimed[position],
        self_contained: is_self_contained(graph, op),
    })
}

/// Whether every operand of the op is given or stands in the boundary tree.
pub fn is_self_contained(graph: &ResolvedGraph, op: u16) -> bool {
    let Some(op) = graph.ops.get(usize::from(op)) else { return false };
    op.operands.iter().all(|view| {
        let kind = graph.tensors.get(usize::from(view.slot)).map(|tensor| tensor.kind);
        kind != Some(TensorKind::Temp) || graph.boundary_position(view.slot).is_some()
    })
}

/// Finds the first thing that is provably wrong.
///
/// `segment`, if there is one, should be the trace of the segment of the first boundary tensor that differs, or of any
/// segment that is being audited. If an earlier segment has the first difference, the trace is left aside and that
/// segment asked for: this one merely computed on.
pub fn locate(
    graph: &ResolvedGraph,
    hasher: &Hasher,
    own: Own<'_>,
    boundary: &ClaimedBoundary,
    segment: Option<&ClaimedSegment>,
) -> Outcome {
    let difference = locate_boundary(graph, own.boundary, boundary.hashes());
    let segment = segment.filter(|segment| difference.is_none_or(|difference| difference.segment >= segment.segment()));
    if let (Some(claimed), Some(own_trace)) = (segment, own.segment)
        && own_trace.segment == claimed.segment()
    {
        let target = match difference {
            Some(difference) => Target::Boundary { position: difference.position, own: difference.own },
            None => Target::Segment { segment: own_trace.segment, own: own_trace.root },
        };
        let inside = Inside { graph, hasher, own, own_trace, boundary, claimed, target };
        if let Some(outcome) = inside.locate() {
            return outcome;
        }
    }
    let Some(difference) = difference else { return Outcome::Agrees };
    if !difference.self_contained {
        return Outcome::NeedsSegment(difference);
    }
    let target = Target::Boundary { position: difference.position, own: difference.own };
    let bytes = boundary.tensor(graph, hasher, difference.slot);
    element(graph, own, Source::Boundary, difference.slot, bytes, target, false).unwrap_or(Outcome::NeedsTensor {
        source: Source::Boundary,
        slot: difference.slot,
        claimed: difference.claimed,
        target,
    })
}

/// A trace beside one's own of the same segment.
struct Inside<'a> {
    graph: &'a ResolvedGraph,
    hasher: &'a Hasher,
    own: Own<'a>,
    own_trace: &'a SegmentTrace,
    boundary: &'a ClaimedBoundary,
    claimed: &'a ClaimedSegment,
    target: Target,
}

impl Inside<'_> {
    fn locate(&self) -> Option<Outcome> {
        // Two hashes and their paths are the smallest proof, and need nobody's bytes.
        if let Some(mismatch) = self.mismatch() {
            return Some(Outcome::Found(Box::new(mismatch)));
        }
        let hashes = self.own_trace.hashes.iter().zip(self.claimed.hashes());
        let (slot, claimed) = self
            .claimed
            .slots()
            .iter()
            .zip(hashes)
            .find_map(|(slot, (own, claimed))| (own != claimed).then_some((*slot, *claimed)))?;
        let (op, _) = self.graph.tensors.get(usize::from(slot))?.producer?;
        // The boundary tree holds it under the same hash, or there would be a mismatch.
        let in_boundary = self.graph.boundary_position(slot).is_some();
        let source = if in_boundary { Source::Boundary } else { Source::Segment };
        let bytes = match source {
            Source::Boundary => self.boundary.tensor(self.graph, self.hasher, slot),
            Source::Segment => None,
        };
        let bytes = bytes.or_else(|| self.claimed.tensor(self.graph, self.hasher, slot));
        let needs_segment_root = !in_boundary || !is_self_contained(self.graph, op);
        let found = element(self.graph, self.own, source, slot, bytes, self.target, needs_segment_root);
        Some(found.unwrap_or(Outcome::NeedsTensor { source, slot, claimed, target: self.target }))
    }

    fn mismatch(&self) -> Option<Finding> {
        self.claimed.slots().iter().zip(self.claimed.hashes()).find_map(|(slot, segment)| {
            let boundary = self.boundary.hash(self.graph, *slot)?;
            if boundary == *segment {
                return None;
            }
            let evidence = Evidence::Mismatch { boundary, segment: *segment };
            finding(self.graph, *slot, evidence, self.target, true)
        })
    }
}

/// The leftmost element at which one's own bytes differ from the claimed ones.
fn element(
    graph: &ResolvedGraph,
    own: Own<'_>,
    source: Source,
    slot: Slot,
    claimed: Option<&std::sync::Arc<[u8]>>,
    target: Target,
    needs_segment_root: bool,
) -> Option<Outcome> {
    let dtype = graph.tensors.get(usize::from(slot))?.dtype;
    let (own, claimed) = (own.tensors.get(&slot)?, claimed?);
    let (element, differing) = first_difference(dtype, own, claimed)?;
    let evidence = Evidence::Element {
        source,
        element,
        coordinates: coordinates(graph, slot, element),
        claimed: dtype.read(claimed, element as usize)?,
        computed: dtype.read(own, element as usize)?,
        differing,
    };
    finding(graph, slot, evidence, target, needs_segment_root).map(|finding| Outcome::Found(Box::new(finding)))
}

fn finding(
    graph: &ResolvedGraph,
    slot: Slot,
    evidence: Evidence,
    target: Target,
    needs_segment_root: bool,
) -> Option<Finding> {
    let (op, output) = graph.tensors.get(usize::from(slot))?.producer?;
    let kind = graph.ops.get(usize::from(op))?.kind;
    Some(Finding { segment: graph.segment_of(op), op, kind, output, slot, evidence, target, needs_segment_root })
}

/// Index of the first element that differs, and how many do; `None` if all are equal or the lengths differ.
pub fn first_difference(dtype: Dtype, one: &[u8], other: &[u8]) -> Option<(u32, u64)> {
    if one.len() != other.len() {
        return None;
    }
    let size = dtype.bytes() as usize;
    let mut pairs = one.chunks_exact(size).zip(other.chunks_exact(size));
    let first = pairs.position(|(one, other)| one != other)?;
    let rest = pairs.filter(|(one, other)| one != other).count();
    Some((first as u32, 1 + rest as u64))
}
