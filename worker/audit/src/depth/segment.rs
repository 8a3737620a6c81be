//! Depth `segment`: one segment is replayed from the boundary tensors that it reads.

use crate::claim::{ClaimedBoundary, ClaimedSegment};
use crate::locate::{Outcome, Own, locate};
use crate::trace::{SegmentTrace, segment_reads, segment_trace};
use assay_kernels::commit::Hasher;
use assay_kernels::{Keep, KernelError, Model, TensorSet};
use referee::commit::Hash;
use referee::graph::{ResolvedGraph, Slot};

/// Why an audit could not be done. None of these says that the result is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// A boundary tensor that the segment reads is not at hand, or its bytes are not those of its hash.
    #[error(
        "F0301 the boundary tensor {slot} that segment {segment} reads is not at hand as it was committed to; fetch it again or force its opening"
    )]
    Operand {
        /// The segment.
        segment: u16,
        /// The tensor.
        slot: Slot,
    },
    /// The backend failed.
    #[error("F0302 the segment cannot be replayed: {0}")]
    Kernel(#[from] KernelError),
}

/// What replaying one segment gave.
#[derive(Clone, Debug)]
pub struct SegmentAudit {
    /// The auditor's own tensors of the segment, computed from the committed ones that it reads.
    pub tensors: TensorSet,
    /// Their hashes and root.
    pub trace: SegmentTrace,
    /// The auditor's own boundary hashes; those of other segments are taken as committed.
    pub boundary: Vec<Hash>,
}

/// Replays one segment on a loaded model, from the boundary tensors that the node committed to: whether those are right
/// is for the audits of other segments to say.
///
/// # Errors
/// A boundary tensor that the segment reads is not at hand; the backend fails.
pub fn segment(
    graph: &ResolvedGraph,
    hasher: &Hasher,
    model: &dyn Model,
    inputs: &TensorSet,
    claimed: &ClaimedBoundary,
    segment: u16,
) -> Result<SegmentAudit, AuditError> {
    let mut given = inputs.clone();
    for slot in segment_reads(graph, segment) {
        let bytes = claimed.tensor(graph, hasher, slot).ok_or(AuditError::Operand { segment, slot })?;
        given.insert(slot, bytes.clone());
    }
    let tensors = model.run(&given, Keep::Segment(segment))?.tensors;
    let trace = segment_trace(graph, segment, &tensors, hasher)?;
    let boundary = graph
        .boundary
        .iter()
        .zip(claimed.hashes())
        .map(|(entry, claimed)| trace.hash(entry.slot).unwrap_or(*claimed))
        .collect();
    Ok(SegmentAudit { tensors, trace, boundary })
}

impl SegmentAudit {
    /// What is wrong with the committed boundary of this segment or, where it is at hand, with its signed trace.
    pub fn judge(
        &self,
        graph: &ResolvedGraph,
        hasher: &Hasher,
        boundary: &ClaimedBoundary,
        trace: Option<&ClaimedSegment>,
    ) -> Outcome {
        let own = Own { boundary: &self.boundary, segment: Some(&self.trace), tensors: &self.tensors };
        locate(graph, hasher, own, boundary, trace)
    }
}
