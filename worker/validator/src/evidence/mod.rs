//! From a job's account to what is wrong with its result: artifacts, replay, the node's claims.
//!
//! | module | what it is |
//! |---|---|
//! | [`replay`] | a job computed again on this machine |
//! | [`claims`] | what the node says it computed: boundary tensors, and the signed trace of a segment |
//! | [`by_sums`] | segments checked by the sums of their contractions, without a replay of the job |
//! | [`proving`] | the bytes that prove a finding; the next opening to force where a trace is withheld |
//!
//! Everything that is fetched is checked against what binds it: the job's account, or the operator's signature.

pub mod by_sums;
pub mod claims;
pub mod proving;
pub mod replay;

pub use claims::{ServedTrace, Withheld};
pub use replay::{Replay, ReplayError, TOO_MANY_OPERATIONS};

use crate::equivocation::SeenRoots;
use assay_audit::{BoundaryDifference, ClaimedBoundary, Outcome, Own, SegmentTrace, locate, locate_boundary};
use assay_chain::Chain;
use assay_client::FetchLimits;
use assay_kernels::Backend;
use assay_kernels::commit::Hasher;
use assay_store::{Fetcher, LocalStore};
use std::sync::Arc;
use std::time::Duration;

/// Everything that evidence is gathered with; cheap to clone.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The chain.
    pub chain: Chain,
    /// Brings artifacts.
    pub fetcher: Fetcher,
    /// Keeps them.
    pub store: LocalStore,
    /// Replays.
    pub backend: Arc<dyn Backend>,
    /// Bounds on what a job may ask of this machine.
    pub limits: FetchLimits,
    /// How long a node may take to serve a trace before it counts as withheld.
    pub trace_limit: Duration,
    /// Signed roots that were seen.
    pub seen: SeenRoots,
}

/// What comparing a replay with the node's claims came to.
#[derive(Clone, Debug)]
pub enum Comparison {
    /// The committed result is right.
    Agrees,
    /// Something is wrong and can be proved from what was served.
    Found {
        /// The finding.
        finding: Box<assay_audit::Finding>,
        /// The boundary that the node committed to.
        boundary: Arc<ClaimedBoundary>,
        /// The signed trace that was compared, if one was.
        trace: Option<Arc<ServedTrace>>,
        /// The own trace of that segment.
        own_trace: Option<Arc<OwnTrace>>,
    },
    /// Something is wrong, and what would prove it was not served: it has to be forced open on-chain.
    Withheld {
        /// The boundary that the node committed to, where it was served.
        boundary: Option<Arc<ClaimedBoundary>>,
        /// The first wrong boundary tensor, where the boundary was served.
        difference: Option<BoundaryDifference>,
        /// What was not served, and why.
        withheld: Withheld,
    },
}

/// The own trace of one segment with its tensors.
#[derive(Clone, Debug)]
pub struct OwnTrace {
    /// Hashes and root.
    pub trace: SegmentTrace,
    /// All own tensors of the segment and of the boundary.
    pub tensors: assay_kernels::TensorSet,
}

impl Sources {
    /// Compares a replay with what the node committed to, asking for the trace of the segment in question if it is needed.
    ///
    /// # Errors
    /// The chain does not answer, or the replay of a segment fails. None of these says that the result is wrong.
    pub async fn compare(&self, replay: &Arc<Replay>, job: &claims::JobRef) -> Result<Comparison, ReplayError> {
        if replay.own.agrees(&job.account.boundary_root) {
            return Ok(Comparison::Agrees);
        }
        let boundary = match self.committed_boundary(&replay.work, job).await? {
            Ok(boundary) => Arc::new(boundary),
            Err(withheld) => return Ok(Comparison::Withheld { boundary: None, difference: None, withheld }),
        };
        let own_hashes = &replay.own.boundary.hashes;
        let Some(difference) = locate_boundary(&replay.work.resolved, own_hashes, boundary.hashes()) else {
            // The roots differ and every hash below them agrees: impossible, as the root is a function of the hashes.
            return Err(ReplayError::Passing {
                code: "V0203".to_owned(),
                reason: "the boundary roots differ while all hashes agree".to_owned(),
            });
        };
        if difference.self_contained {
            let outcome = judge(replay, &boundary, None, None);
            if let Outcome::Found(finding) = outcome {
                return Ok(Comparison::Found { finding, boundary, trace: None, own_trace: None });
            }
        }
        let own_trace = Arc::new(self.own_trace(replay, difference.segment).await?);
        let trace = match self.served_trace(&replay.work, job, difference.segment).await? {
            Ok(trace) => Arc::new(trace),
            Err(withheld) => {
                return Ok(Comparison::Withheld { boundary: Some(boundary), difference: Some(difference), withheld });
            }
        };
        match judge(replay, &boundary, Some(&own_trace), Some(&trace)) {
            Outcome::Found(finding) => {
                Ok(Comparison::Found { finding, boundary, trace: Some(trace), own_trace: Some(own_trace) })
            }
            _ => Ok(Comparison::Withheld {
                boundary: Some(boundary),
                difference: Some(difference),
                withheld: Withheld::new("V0211", "the served trace does not hold the bytes of its first wrong tensor"),
            }),
        }
    }

    /// Replays one segment and compares every tensor of it with the trace that the node signs for it.
    ///
    /// # Errors
    /// As [`Sources::compare`].
    pub async fn compare_segment(
        &self,
        replay: &Arc<Replay>,
        job: &claims::JobRef,
        segment: u16,
    ) -> Result<Comparison, ReplayError> {
        let boundary = match self.committed_boundary(&replay.work, job).await? {
            Ok(boundary) => Arc::new(boundary),
            Err(withheld) => return Ok(Comparison::Withheld { boundary: None, difference: None, withheld }),
        };
        let own_trace = Arc::new(self.own_trace(replay, segment).await?);
        let trace = match self.served_trace(&replay.work, job, segment).await? {
            Ok(trace) => Arc::new(trace),
            Err(withheld) => {
                return Ok(Comparison::Withheld { boundary: Some(boundary), difference: None, withheld });
            }
        };
        match judge(replay, &boundary, Some(&own_trace), Some(&trace)) {
            Outcome::Agrees => Ok(Comparison::Agrees),
            Outcome::Found(finding) => {
                Ok(Comparison::Found { finding, boundary, trace: Some(trace), own_trace: Some(own_trace) })
            }
            Outcome::NeedsSegment(difference) => Ok(Comparison::Withheld {
                boundary: Some(boundary),
                difference: Some(difference),
                withheld: Withheld::new("V0212", "an earlier segment went wrong first, its trace is needed"),
            }),
            Outcome::NeedsTensor { slot, .. } => Ok(Comparison::Withheld {
                boundary: Some(boundary),
                difference: None,
                withheld: Withheld::new("V0211", &format!("the bytes of tensor {slot} were not served")),
            }),
        }
    }
}

/// Locates what is wrong among what is at hand.
pub fn judge(
    replay: &Replay,
    boundary: &ClaimedBoundary,
    own_trace: Option<&OwnTrace>,
    trace: Option<&ServedTrace>,
) -> Outcome {
    let own = Own {
        boundary: &replay.own.boundary.hashes,
        segment: own_trace.map(|own| &own.trace),
        tensors: own_trace.map_or(&replay.own.tensors, |own| &own.tensors),
    };
    let claimed = trace.map(|trace| &trace.claimed);
    locate(&replay.work.resolved, &Hasher::default(), own, boundary, claimed)
}
