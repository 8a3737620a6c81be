//! Faults of one job, judged as an auditor judges them, without a chain.

use super::{Fault, FaultError, apply};
use crate::claim::{ClaimError, ClaimedBoundary, ClaimedSegment};
use crate::depth::{self, AuditError};
use crate::finding::Finding;
use crate::locate::Outcome;
use crate::proof::{Proof, ProofError, Prover};
use crate::subject::Subject;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, Keep, KernelError, Model, TensorSet};
use referee::proof::Rejection;
use std::sync::Arc;

/// One job, run honestly, ready for faults.
pub struct Drill<'a> {
    subject: &'a Subject,
    backend: &'a dyn Backend,
    hasher: &'a Hasher,
    model: Box<dyn Model>,
    prover: Prover<'a>,
    honest: TensorSet,
    boundary: ClaimedBoundary,
}

/// A fault that was proved.
#[derive(Clone, Debug)]
pub struct Convicted {
    /// What was found.
    pub finding: Finding,
    /// What proves it.
    pub proof: Proof,
    /// Why the referee refuses the same proof of the honest result.
    pub honest: Rejection,
    /// Whether the lie can be seen in what the node commits to: else it ends inside its segment, and only an audit of the
    /// segment's trace finds it.
    pub reaches_boundary: bool,
}

/// Why a fault was not proved, or an honest result was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrillError {
    /// The fault cannot be made.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// A tensor is missing or has the wrong size.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// What is claimed is not what its root binds.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The segment cannot be audited.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The audit of the segment finds nothing that can be proved.
    #[error("F0904 the audit of segment {segment} came to {outcome:?}; the auditor overlooks the fault")]
    Overlooked {
        /// The segment.
        segment: u16,
        /// What the audit came to.
        outcome: Box<Outcome>,
    },
    /// What was found cannot be proved.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The referee does not refuse the proof of an honest result.
    #[error("F0905 the referee does not refuse the same proof of the honest result: {0}; the referee is wrong")]
    HonestConvicted(String),
}

impl<'a> Drill<'a> {
    /// Runs the job.
    ///
    /// # Errors
    /// The backend does not load or run it.
    pub fn new(subject: &'a Subject, backend: &'a dyn Backend, hasher: &'a Hasher) -> Result<Self, DrillError> {
        let model = backend.load(Arc::clone(&subject.resolved), &subject.params)?;
        let honest = model.run(&subject.inputs, Keep::Everything)?.tensors;
        let prover = Prover::new(subject, hasher)?;
        let boundary = claimed(subject, hasher, &honest)?;
        Ok(Self { subject, backend, hasher, model, prover, honest, boundary })
    }

    /// Every Temp of the honest run.
    pub fn honest(&self) -> &TensorSet {
        &self.honest
    }

    /// Makes the fault, audits the segment that it is in from what is claimed then, proves what is found under the referee, and
    /// tries the same proof on the honest result.
    ///
    /// # Errors
    /// The fault changes nothing, is overlooked or not proved; or the honest result is not acquitted.
    pub fn convict(&self, fault: &Fault) -> Result<Convicted, DrillError> {
        let graph = &self.subject.resolved;
        let faulty = apply(self.subject, self.backend, &self.honest, fault)?;
        let boundary = claimed(self.subject, self.hasher, &faulty.committed)?;
        let segment = graph.segment_of(faulty.op);
        let trace = self.trace(segment, &faulty.inside)?;
        let audit = depth::segment(graph, self.hasher, &*self.model, &self.subject.inputs, &boundary, segment)?;
        let outcome = audit.judge(graph, self.hasher, &boundary, Some(&trace));
        let Outcome::Found(finding) = outcome else {
            return Err(DrillError::Overlooked { segment, outcome: Box::new(outcome) });
        };
        // Everything before the wrong op is honest.
        let proof = self.prover.prove(&finding, &boundary, Some(&trace), &self.honest)?;
        let honest = self.trace(segment, &self.honest)?;
        match self.prover.prove(&finding, &self.boundary, Some(&honest), &self.honest) {
            Err(ProofError::Rejected(honest)) => {
                let reaches_boundary = boundary.hashes() != self.boundary.hashes();
                Ok(Convicted { finding: *finding, proof, honest, reaches_boundary })
            }
            Err(error) => Err(error.into()),
            Ok(proof) => Err(DrillError::HonestConvicted(format!("{:?}", proof.finding))),
        }
    }

    fn trace(&self, segment: u16, tensors: &TensorSet) -> Result<ClaimedSegment, DrillError> {
        let graph = &self.subject.resolved;
        let root = self.hasher.segment_root(graph, segment, tensors)?;
        Ok(ClaimedSegment::from_tensors(graph, self.hasher, segment, tensors.clone(), &root)?)
    }
}

impl std::fmt::Debug for Drill<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drill").field("temps", &self.honest.len()).finish_non_exhaustive()
    }
}

fn claimed(subject: &Subject, hasher: &Hasher, tensors: &TensorSet) -> Result<ClaimedBoundary, DrillError> {
    let graph = &subject.resolved;
    let root = hasher.boundary(graph, tensors)?.root;
    Ok(ClaimedBoundary::from_tensors(graph, hasher, tensors.clone(), &root)?)
}
