//! Depth `freivalds`: one segment is checked from its committed trace, without computing its contractions.
//!
//! The node sends the sums of the contractions beside the trace. They are advice: nobody is bound to them. Each
//! contraction is checked against its sums by random weights that the node cannot know, and everything else is computed
//! again from the committed tensors: epilogues on the sums, maps and reductions on their operands. So every op is compared
//! on its own; a wrong one cannot hide behind another.
//!
//! The chance that a wrong contraction passes is at most 2^-71; see `assay_kernels::audit` for how it is bounded.

use super::segment::AuditError;
use crate::claim::{ClaimedBoundary, ClaimedSegment};
use crate::locate::first_difference;
use crate::subject::Subject;
use crate::trace::segment_reads;
use assay_kernels::audit::{Advice, Checker, Coverage, LoadedExcerpt, Secret, epilogues};
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, KernelError, TensorSet};
use referee::graph::Slot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every tensor of the trace is what its op gives.
    Passes,
    /// Something is wrong; only a replay of the segment says what, and whether the node is bound to it.
    Suspect {
        /// The op.
        op: u16,
        /// What is wrong there.
        suspicion: Suspicion,
    },
}

/// What is wrong with an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// The sums are missing, of the wrong size or not those of the operands: the advice is wrong, the trace may be right.
    Advice,
    /// A stored tensor is not what the op gives.
    Stored {
        /// The tensor.
        slot: Slot,
        /// The first element that differs.
        element: u32,
    },
    /// A tensor has another hash in the boundary than in the trace.
    Mismatch {
        /// The tensor.
        slot: Slot,
    },
}

/// An auditor of one job's graph.
#[derive(Debug)]
pub struct Freivalds<'a> {
    subject: &'a Subject,
    checker: Checker,
}

/// One segment, ready to be checked again and again.
#[derive(Debug)]
pub struct FreivaldsSegment<'a> {
    auditor: &'a Freivalds<'a>,
    segment: u16,
    /// Ops whose sums are checked, with the names of the sums.
    by_sums: BTreeMap<u16, Slot>,
    /// All ops on what is committed; none if the segment is empty, which no checked graph's is.
    recomputed: Option<LoadedExcerpt>,
}

impl<'a> Freivalds<'a> {
    /// Prepares what params contribute. The secret must be unknown to whoever serves traces and advice.
    ///
    /// # Errors
    /// A param that is missing or has the wrong size.
    pub fn new(subject: &'a Subject, secret: &Secret, coverage: Coverage) -> Result<Self, KernelError> {
        Ok(Self { subject, checker: Checker::new(&subject.resolved, &subject.params, secret, coverage)? })
    }

    /// The contractions that are checked by their sums; the others are computed again.
    pub fn contractions(&self) -> impl Iterator<Item = u16> + '_ {
        self.checker.ops()
    }

    /// Prepares a segment.
    ///
    /// # Errors
    /// No such segment; a backend that cannot hold it.
    pub fn segment(&'a self, backend: &dyn Backend, segment: u16) -> Result<FreivaldsSegment<'a>, KernelError> {
        let graph = &self.subject.resolved;
        let range = graph
            .segments
            .get(usize::from(segment))
            .ok_or(KernelError::Segment { segment, segments: graph.segments.len() })?;
        let checked = self.checker.ops().filter(|op| (range.first..range.end).contains(op));
        // Names above all slots of the graph.
        let names = graph.tensors.len() as Slot..;
        let by_sums: BTreeMap<u16, Slot> = checked.zip(names).collect();
        let recomputed = epilogues(graph, segment, &by_sums)?.map(|excerpt| excerpt.load(backend)).transpose()?;
        Ok(FreivaldsSegment { auditor: self, segment, by_sums, recomputed })
    }
}

impl FreivaldsSegment<'_> {
    /// Checks the segment's trace. Whatever it needs of the trace and the boundary is compared with its hash first.
    ///
    /// # Errors
    /// A tensor of the trace, or a boundary tensor that the segment reads, is not at hand as it was committed to.
    pub fn check(
        &self,
        hasher: &Hasher,
        boundary: &ClaimedBoundary,
        trace: &ClaimedSegment,
        advice: &Advice,
    ) -> Result<Verdict, AuditError> {
        let graph = &self.auditor.subject.resolved;
        let op_of = |slot: Slot| {
            graph.tensors.get(usize::from(slot)).and_then(|tensor| tensor.producer).map_or(0, |(op, _)| op)
        };
        for (slot, traced) in trace.slots().iter().zip(trace.hashes()) {
            if boundary.hash(graph, *slot).is_some_and(|committed| committed != *traced) {
                return Ok(Verdict::Suspect { op: op_of(*slot), suspicion: Suspicion::Mismatch { slot: *slot } });
            }
        }
        let committed = self.committed(hasher, boundary, trace)?;
        self.judge(&committed, advice, trace.slots())
    }

    /// The committed tensors that the segment reads and produces.
    fn committed(
        &self,
        hasher: &Hasher,
        boundary: &ClaimedBoundary,
        trace: &ClaimedSegment,
    ) -> Result<TensorSet, AuditError> {
        use rayon::prelude::*;
        let (graph, segment) = (&self.auditor.subject.resolved, self.segment);
        let read = segment_reads(graph, segment);
        let slots: Vec<(Slot, bool)> =
            read.into_iter().map(|slot| (slot, false)).chain(trace.slots().iter().map(|slot| (*slot, true))).collect();
        let verified = |(slot, own): (Slot, bool)| {
            let bytes = if own { trace.tensor(graph, hasher, slot) } else { boundary.tensor(graph, hasher, slot) };
            bytes.map(|bytes| (slot, Arc::clone(bytes))).ok_or(AuditError::Operand { segment, slot })
        };
        // On the caller's threads, if it has any: hashing is a good part of the check.
        if rayon::current_thread_index().is_some() {
            slots.into_par_iter().map(verified).collect()
        } else {
            slots.into_iter().map(verified).collect()
        }
    }

    /// Checks tensors that are known to be those that were committed to; `slots` are the segment's in order.
    ///
    /// # Errors
    /// The backend fails.
    pub fn judge(&self, committed: &TensorSet, advice: &Advice, slots: &[Slot]) -> Result<Verdict, AuditError> {
        let subject = self.auditor.subject;
        let graph = &subject.resolved;
        if let Some(op) = self.wrong_advice(committed, advice)? {
            return Ok(Verdict::Suspect { op, suspicion: Suspicion::Advice });
        }
        let Some(recomputed) = &self.recomputed else { return Ok(Verdict::Passes) };
        let sums: BTreeMap<Slot, &Arc<[u8]>> =
            self.by_sums.iter().filter_map(|(op, name)| Some((*name, advice.get(op)?))).collect();
        let own = recomputed.run(|slot| {
            sums.get(&slot).copied().or_else(|| committed.get(&slot)).or_else(|| subject.given(slot).ok())
        })?;
        for slot in slots {
            let (Some(own), Some(bytes)) = (own.get(slot), committed.get(slot)) else { continue };
            let Some(tensor) = graph.tensors.get(usize::from(*slot)) else { continue };
            if let Some((element, _)) = first_difference(tensor.dtype, own, bytes) {
                let op = tensor.producer.map_or(0, |(op, _)| op);
                return Ok(Verdict::Suspect { op, suspicion: Suspicion::Stored { slot: *slot, element } });
            }
        }
        Ok(Verdict::Passes)
    }

    /// The first contraction whose sums are not those of its operands.
    ///
    /// # Errors
    /// An operand is missing or has the wrong size.
    pub fn wrong_advice(&self, committed: &TensorSet, advice: &Advice) -> Result<Option<u16>, AuditError> {
        let subject = self.auditor.subject;
        let graph = &subject.resolved;
        for op in self.by_sums.keys() {
            let Some(body) = graph.ops.get(usize::from(*op)) else { continue };
            let operand = |index: usize| -> Result<&Arc<[u8]>, KernelError> {
                let slot = body.operands[index].slot;
                committed.get(&slot).map_or_else(|| subject.given(slot), Ok)
            };
            let expected = 4 * body.output_elements() as usize;
            let right = match advice.get(op).filter(|sums| sums.len() == expected) {
                Some(sums) => self.auditor.checker.check(graph, *op, [operand(0)?, operand(1)?], sums)?,
                None => false,
            };
            if !right {
                return Ok(Some(*op));
            }
        }
        Ok(None)
    }
}
