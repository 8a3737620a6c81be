//! The trace of one segment: what a node signs and serves.

use assay_kernels::commit::Hasher;
use assay_kernels::{KernelError, TensorSet};
use referee::commit::Hash;
use referee::graph::{ResolvedGraph, Slot, TensorKind};
use std::collections::BTreeSet;

/// Hashes of every tensor that a segment produces, and the root over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentTrace {
    /// The segment.
    pub segment: u16,
    /// Slots of its tensors in (op, output) order.
    pub slots: Vec<Slot>,
    /// Their hashes, in that order.
    pub hashes: Vec<Hash>,
    /// What is signed: [`ResolvedGraph::segment_root`] of the hashes.
    pub root: Hash,
}

impl SegmentTrace {
    /// The hash of a tensor of the segment.
    pub fn hash(&self, slot: Slot) -> Option<Hash> {
        let position = self.slots.iter().position(|own| *own == slot)?;
        self.hashes.get(position).copied()
    }
}

/// Hashes what a segment produced.
///
/// # Errors
/// The graph has no such segment; a tensor is missing or has the wrong size.
pub fn segment_trace(
    graph: &ResolvedGraph,
    segment: u16,
    tensors: &TensorSet,
    hasher: &Hasher,
) -> Result<SegmentTrace, KernelError> {
    if usize::from(segment) >= graph.segments.len() {
        return Err(KernelError::Segment { segment, segments: graph.segments.len() });
    }
    let slots = graph.segment_slots(segment);
    let hashes = hasher.hashes(graph, tensors, &slots)?;
    let root = ResolvedGraph::segment_root(segment, &hashes);
    Ok(SegmentTrace { segment, slots, hashes, root })
}

/// Slots of the Temps that a segment reads from earlier segments, in slot order: with params and inputs, all that its
/// replay needs.
pub fn segment_reads(graph: &ResolvedGraph, segment: u16) -> Vec<Slot> {
    let Some(range) = graph.segments.get(usize::from(segment)) else { return Vec::new() };
    let ops = graph.ops.get(usize::from(range.first)..usize::from(range.end)).unwrap_or(&[]);
    let slots: BTreeSet<Slot> = ops.iter().flat_map(|op| op.operands.iter().map(|view| view.slot)).collect();
    let from_earlier = |slot: &Slot| {
        let tensor = graph.tensors.get(usize::from(*slot));
        tensor.is_some_and(|tensor| {
            tensor.kind == TensorKind::Temp && tensor.producer.is_some_and(|(op, _)| op < range.first)
        })
    };
    slots.into_iter().filter(from_earlier).collect()
}
