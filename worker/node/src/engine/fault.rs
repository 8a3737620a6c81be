//! Runs with a fault in them. Development builds alone.

use super::{Engine, EngineError, Run, SegmentRun};
use crate::prepare::Prepared;
use assay_audit::fault::{Fault, FaultError, Faulty, apply};
use assay_audit::segment_trace;
use assay_kernels::Keep;
use assay_kernels::commit::Hasher;

impl Engine {
    /// The same engine with a fault in every run.
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Has the device of a backend be lost in the middle of its next run.
    pub fn lose_in_next_run(&self, backend: &str) {
        for slate in self.backends.iter().filter(|slate| slate.backend.name() == backend) {
            slate.backend.lose_in_next_run();
        }
    }

    /// Whether the fault, if the node is to make one, changes anything in this job. A session has no inputs to try it on.
    ///
    /// # Errors
    /// It changes nothing, or every backend failed.
    pub fn rehearse(&self, job: &Prepared) -> Result<(), EngineError> {
        self.faulty(job).map(|_| ())
    }

    /// What the fault makes of a right run: another boundary, most of the time.
    pub(super) fn spoil(&self, job: &Prepared, mut run: Run) -> Result<Run, EngineError> {
        let Some(faulty) = self.faulty(job)? else { return Ok(run) };
        run.tensors.retain(|_, _| false);
        for slot in &run.boundary_slots {
            run.tensors.extend(faulty.committed.get(slot).map(|bytes| (*slot, bytes.clone())));
        }
        let right = run.boundary.root;
        run.boundary = Hasher::default().boundary(&job.graph, &run.tensors)?;
        if run.boundary.root == right {
            tracing::warn!(
                op = faulty.op,
                slot = faulty.slot,
                "the fault ends inside its segment: what is committed to is right, and only the trace that is signed is wrong"
            );
        }
        Ok(run)
    }

    /// The trace that a node with the fault signs, without any guard.
    pub(super) fn spoiled_segment(&self, job: &Prepared, segment: u16) -> Result<Option<SegmentRun>, EngineError> {
        let Some(faulty) = self.faulty(job)? else { return Ok(None) };
        let trace = segment_trace(&job.graph, segment, &faulty.inside, &Hasher::default())?;
        let of_segment = |slot| faulty.inside.get(slot).map(|bytes| (*slot, bytes.clone()));
        let tensors = trace.slots.iter().filter_map(of_segment).collect();
        Ok(Some(SegmentRun { tensors, trace, backend: "fault" }))
    }

    fn faulty(&self, job: &Prepared) -> Result<Option<Faulty>, EngineError> {
        let Some(fault) = &self.fault else { return Ok(None) };
        self.first_that(|slate| {
            let honest = slate.model(job)?.model.run(&job.inputs, Keep::Everything)?.tensors;
            match apply(&job.subject(), slate.backend.as_ref(), &honest, fault) {
                Ok(faulty) => {
                    let Faulty { op, slot, element, .. } = faulty;
                    tracing::error!(%fault, op, slot, element, "a fault was made on purpose");
                    Ok(Some(faulty))
                }
                Err(FaultError::Kernel(error)) => Err(error.into()),
                Err(error) => Err(EngineError::Fault(error)),
            }
        })
    }
}
