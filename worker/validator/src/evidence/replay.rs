//! A job computed again on this machine.

use super::{OwnTrace, Sources};
use assay::state::Job;
use assay_audit::depth::{OutputAudit, output};
use assay_audit::{segment_reads, segment_trace};
use assay_client::{ClientError, Work};
use assay_kernels::commit::Hasher;
use assay_kernels::{Keep, KernelError, Model};
use assay_store::StoreError;
use referee::graph::{OpKind, ResolvedGraph, ResolvedOp};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A job with this machine's own result.
pub struct Replay {
    /// What was computed.
    pub work: Work,
    /// The loaded model, for further segments.
    pub model: Box<dyn Model>,
    /// The own boundary tensors and hashes.
    pub own: OutputAudit,
    /// Time of fetching, loading, running and hashing.
    pub took: Duration,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("took", &self.took).finish_non_exhaustive()
    }
}

/// A job that takes more operations than this validator is set to spend.
pub const TOO_MANY_OPERATIONS: &str = "V0204";

/// Why a job could not be replayed. It says nothing about the result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It never can be by this validator: the job is left to others.
    #[error("{code} {reason}")]
    Refused {
        /// Stable code.
        code: String,
        /// Why.
        reason: String,
    },
    /// The network or the machine is in the way: it may work later.
    #[error("{code} {reason}")]
    Passing {
        /// Stable code.
        code: String,
        /// Why.
        reason: String,
    },
}

impl ReplayError {
    fn passing(code: &str, reason: impl std::fmt::Display) -> Self {
        Self::Passing { code: code.to_owned(), reason: reason.to_string() }
    }

    /// An error of the libraries, whose text starts with its code.
    pub(super) fn split(text: &str, refused: bool) -> Self {
        let (code, reason) = text.split_once(' ').unwrap_or(("V0201", text));
        let (code, reason) = (code.trim_end_matches(':').to_owned(), reason.to_owned());
        if refused { Self::Refused { code, reason } } else { Self::Passing { code, reason } }
    }
}

impl From<ClientError> for ReplayError {
    fn from(error: ClientError) -> Self {
        let passing = match &error {
            ClientError::Chain(chain) => return Self::passing(chain.code(), chain),
            ClientError::Store(error) => {
                error.is_transient() || matches!(error, StoreError::Io { .. } | StoreError::Corrupt { .. })
            }
            _ => false,
        };
        Self::split(&error.to_string(), !passing)
    }
}

impl From<KernelError> for ReplayError {
    fn from(error: KernelError) -> Self {
        let passing = matches!(error, KernelError::Device { .. });
        Self::split(&error.to_string(), !passing)
    }
}

impl From<assay_chain::ChainError> for ReplayError {
    fn from(error: assay_chain::ChainError) -> Self {
        Self::passing(error.code(), error)
    }
}

impl Sources {
    /// Fetches a job, checks it against what its account pins, and computes it.
    ///
    /// # Errors
    /// The artifacts are out of reach or wrong, or the job is beyond the limits.
    pub async fn replay(&self, job: &Job, max_operations: u64) -> Result<Replay, ReplayError> {
        let started = Instant::now();
        let work = Work::fetch(job, &self.fetcher, &self.store, &self.limits).await?;
        let needed = operations(&work.resolved);
        if needed > max_operations {
            return Err(ReplayError::Refused {
                code: TOO_MANY_OPERATIONS.to_owned(),
                reason: format!(
                    "a replay takes {needed} operations, selection.max_operations is {max_operations}; raise it to take such jobs"
                ),
            });
        }
        let backend = Arc::clone(&self.backend);
        blocking(move || {
            let model = backend.load(work.resolved.clone(), &work.params)?;
            let own = output(&work.resolved, &Hasher::default(), model.as_ref(), &work.inputs)?;
            Ok(Replay { work, model, own, took: started.elapsed() })
        })
        .await
    }

    /// Computes every tensor of one segment from the own boundary.
    ///
    /// # Errors
    /// The backend fails, or the graph has no such segment.
    pub async fn own_trace(&self, replay: &Arc<Replay>, segment: u16) -> Result<OwnTrace, ReplayError> {
        let replay = Arc::clone(replay);
        blocking(move || {
            let graph = &replay.work.resolved;
            let mut given = replay.work.inputs.clone();
            for slot in segment_reads(graph, segment) {
                let bytes = replay.own.tensors.get(&slot).ok_or(KernelError::Missing { slot })?;
                given.insert(slot, Arc::clone(bytes));
            }
            let mut tensors = replay.model.run(&given, Keep::Segment(segment))?.tensors;
            let trace = segment_trace(graph, segment, &tensors, &Hasher::default())?;
            for (slot, bytes) in &replay.own.tensors {
                tensors.entry(*slot).or_insert_with(|| Arc::clone(bytes));
            }
            Ok(OwnTrace { trace, tensors })
        })
        .await
    }
}

/// Work of seconds would stall every other job on the asynchronous threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReplayError> + Send + 'static,
) -> Result<T, ReplayError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(ReplayError::passing("V0202", error)))
}

/// Operations of one run: a product of a contraction and an instruction of a program count as one each.
fn operations(graph: &ResolvedGraph) -> u64 {
    let of_op = |op: &ResolvedOp| {
        let products = if op.kind == OpKind::Contract { u64::from(op.reduction_points()) } else { 0 };
        u64::from(op.output_elements()).saturating_mul(products.saturating_add(graph.steps(op)).max(1))
    };
    graph.ops.iter().map(of_op).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let refused = |error: ReplayError| matches!(error, ReplayError::Refused { .. });
        assert!(refused(ClientError::IrVersion { pinned: 9, known: 1 }.into()));
        assert!(refused(KernelError::Missing { slot: 1 }.into()));
        assert!(!refused(KernelError::Device { device: "x".into(), reason: "y".into() }.into()));
        let away = StoreError::Unreachable { uri: "u".into(), attempts: 1, reason: "r".into() };
        let error = ReplayError::from(ClientError::Store(away));
        assert!(matches!(&error, ReplayError::Passing { code, .. } if code == "S0301"), "{error:?}");
    }
}
