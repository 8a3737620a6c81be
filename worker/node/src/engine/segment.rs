//! One segment of a committed result, computed again with everything inside it kept, and guarded before it is shown.

use super::{Engine, EngineError, Slate};
use crate::prepare::Prepared;
use assay_audit::SegmentTrace;
use assay_audit::guard::{GuardError, check_before_signing};
use assay_kernels::audit::{Advice, advice};
use assay_kernels::commit::Hasher;
use assay_kernels::{Keep, TensorSet};
use referee::commit::Hash;

/// The inside of a segment.
#[derive(Debug)]
pub struct SegmentRun {
    /// Every tensor that the segment produces.
    pub tensors: TensorSet,
    /// Their hashes and the root over them: what is signed.
    pub trace: SegmentTrace,
    /// Name of the backend that computed.
    pub backend: &'static str,
}

impl Engine {
    /// Computes a segment again from the boundary tensors of the committed result, on the first backend whose outcome
    /// passes the guard: it agrees with what was committed and, in samples drawn by `seed`, with the scalar reference.
    ///
    /// # Errors
    /// Every backend failed, or gives something else than what was committed: nothing may be signed then.
    pub fn run_segment(
        &self,
        job: &Prepared,
        boundary: &TensorSet,
        segment: u16,
        seed: &[u8; 32],
    ) -> Result<SegmentRun, EngineError> {
        #[cfg(debug_assertions)]
        if let Some(spoiled) = self.spoiled_segment(job, segment)? {
            return Ok(spoiled);
        }
        let committed = Hasher::default().boundary(&job.graph, boundary)?.hashes;
        self.first_for(self.warm_adapter(super::key(job)), |slate| {
            let _held = self.duty(slate, job);
            run_segment_on(slate, job, boundary, &committed, segment, seed)
        })
    }

    /// The sums of a segment's contractions, from the tensors of the boundary and of the segment.
    ///
    /// # Errors
    /// What the last backend said.
    pub fn advice(&self, job: &Prepared, tensors: &TensorSet, segment: u16) -> Result<Advice, EngineError> {
        self.first_that(|slate| {
            let given = |slot| [tensors, &job.params, &job.inputs].into_iter().find_map(|set| set.get(&slot));
            Ok(advice(slate.backend.as_ref(), &job.graph, segment, given)?)
        })
    }
}

fn run_segment_on(
    slate: &Slate,
    job: &Prepared,
    boundary: &TensorSet,
    committed: &[Hash],
    segment: u16,
    seed: &[u8; 32],
) -> Result<SegmentRun, EngineError> {
    let _working = slate.working();
    let model = slate.model(job)?.model;
    let backend = slate.backend.name();
    let mut given = (*job.inputs).clone();
    given.extend(boundary.iter().map(|(slot, bytes)| (*slot, bytes.clone())));
    let tensors = model.run(&given, Keep::Segment(segment))?.tensors;
    // What was computed now stands before what was committed: the guard is to see the former.
    let mut all = boundary.clone();
    all.extend(tensors.iter().map(|(slot, bytes)| (*slot, bytes.clone())));
    let guarded = check_before_signing(&job.subject(), &Hasher::default(), segment, &all, committed, seed);
    let trace = guarded.map_err(|error| match error {
        GuardError::Differs { slot, element, computed, reference } => {
            EngineError::Differs { backend, slot, element, computed, reference }
        }
        error => EngineError::Guard { backend, error },
    })?;
    Ok(SegmentRun { tensors, trace, backend })
}
