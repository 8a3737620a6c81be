//! A job with both sides' tensors.

use assay_audit::fault::{Fault, FaultError, Faulty, apply};
use assay_audit::{ClaimedBoundary, ClaimedSegment, Subject};
use assay_kernels::commit::{Boundary, Hasher};
use assay_kernels::conformance::Vector;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, Model, TensorSet};
use std::sync::Arc;

/// One job, run honestly.
pub(crate) struct Bench {
    pub(crate) subject: Subject,
    pub(crate) backend: CpuBackend,
    pub(crate) model: Box<dyn Model>,
    pub(crate) hasher: Hasher,
    /// Every Temp.
    pub(crate) honest: TensorSet,
}

impl Bench {
    /// `None` for vectors whose graphs are stretched: a referee cannot open them.
    pub(crate) fn new(vector: &Vector, backend: &CpuBackend) -> Option<Self> {
        if vector.stretch.is_some() {
            return None;
        }
        let subject = Subject::new(
            Arc::new(vector.graph.clone()),
            &vector.symbols,
            Arc::new(vector.params.clone()),
            vector.inputs.clone(),
        )
        .unwrap();
        let model = backend.load(Arc::clone(&subject.resolved), &subject.params).unwrap();
        let honest = model.run(&subject.inputs, Keep::Everything).unwrap().tensors;
        Some(Self { subject, backend: backend.clone(), model, hasher: Hasher::default(), honest })
    }

    pub(crate) fn backend() -> CpuBackend {
        CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap()
    }

    pub(crate) fn fault(&self, fault: &Fault) -> Result<Faulty, FaultError> {
        apply(&self.subject, &self.backend, &self.honest, fault)
    }

    pub(crate) fn boundary(&self, tensors: &TensorSet) -> Boundary {
        self.hasher.boundary(&self.subject.resolved, tensors).unwrap()
    }

    /// What the boundary of these tensors claims.
    pub(crate) fn claim(&self, tensors: &TensorSet) -> ClaimedBoundary {
        let root = self.boundary(tensors).root;
        ClaimedBoundary::from_tensors(&self.subject.resolved, &self.hasher, tensors.clone(), &root).unwrap()
    }

    /// What the signed trace of a segment of these tensors claims.
    pub(crate) fn claim_segment(&self, segment: u16, tensors: &TensorSet) -> ClaimedSegment {
        let root = self.hasher.segment_root(&self.subject.resolved, segment, tensors).unwrap();
        ClaimedSegment::from_tensors(&self.subject.resolved, &self.hasher, segment, tensors.clone(), &root).unwrap()
    }
}
