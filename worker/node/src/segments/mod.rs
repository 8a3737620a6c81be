//! The inside of committed segments, for whoever disputes a result: computed again on demand, guarded, signed, stored,
//! and from then on served from the store.
//!
//! | module | what it is |
//! |---|---|
//! | `http` | `GET /v1/segments/{job}/{segment}` and `…/advice` |
//! | `advice` | the sums of contractions, beside a trace |
//! | `second` | a second root, signed on purpose: development builds alone |
//!
//! The order in which a trace comes into being is what keeps the node from ever signing two roots of one segment:
//! compute, compare with what was committed, write the root to the journal, sign it, store tensors and manifest, note the
//! manifest. A node that dies anywhere in between computes again and signs the root that the journal has, or none.

mod advice;
mod http;
#[cfg(debug_assertions)]
mod second;

pub(crate) use http::routes;
#[cfg(debug_assertions)]
pub(crate) use second::second_root;

use crate::config::Serving;
use crate::driver::{HintsUnknown, Shared};
use crate::failpoint;
use crate::journal::JournalError;
use crate::market::{Market, Unreachable};
use crate::publish::PublishError;
use crate::rate::Rates;
use crate::steps::JobView;
use assay::state::Job;
use assay_kernels::commit::Hasher;
use assay_models::manifest::{MANIFEST_VERSION, MAX_MANIFEST_BYTES, SegmentManifest};
use assay_store::{ArtifactId, StoreError};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A signed trace, ready to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What is served.
    pub manifest: SegmentManifest,
    /// Root of the segment.
    pub root: [u8; 32],
    /// The operator's signature over it.
    pub signature: [u8; 64],
}

/// Why there is no trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// The job or the segment is not one of this node's.
    #[error("N0702 {0}; ask the node that the job names, for a segment that its graph has")]
    Unknown(String),
    /// There is nothing to dispute.
    #[error("N0703 {0}; traces are given from the commitment to the end of the window and of all challenges")]
    Closed(String),
    /// Something is in the way; it may pass.
    #[error("N0706 the trace cannot be given: {0}; ask again, or demand it on-chain")]
    Unavailable(String),
    /// Computed again, the segment has another root than the one that was promised; nothing is signed.
    #[error("N0707 the trace cannot be given: it is not what was computed before; demand it on-chain")]
    SecondRoot,
    /// The node was told to withhold it.
    #[cfg(debug_assertions)]
    #[error("N0708 the trace is withheld")]
    Withheld,
}

impl From<JournalError> for SegmentError {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<HintsUnknown> for SegmentError {
    fn from(error: HintsUnknown) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Unreachable> for SegmentError {
    fn from(error: Unreachable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<PublishError> for SegmentError {
    fn from(error: PublishError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<StoreError> for SegmentError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

type Key = (Pubkey, u16);
type Outcome = Option<Result<Trace, SegmentError>>;

/// The traces that are being computed.
#[derive(Debug)]
pub struct Segments {
    /// One permit for each trace that waits or is computed.
    places: Arc<Semaphore>,
    /// One permit for each that is computed.
    working: Arc<Semaphore>,
    in_work: Mutex<HashMap<Key, watch::Receiver<Outcome>>>,
    /// Held by the request that looks whether its segment is under way and begins it if not.
    entrance: Mutex<()>,
    rates: Rates,
    /// What a node that signs two roots has served.
    #[cfg(debug_assertions)]
    served: Mutex<std::collections::HashSet<Key>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Segments {
    /// Nothing is computed yet.
    pub fn new(limits: &Serving) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.queued_segments.saturating_add(limits.concurrent_segments))),
            working: Arc::new(Semaphore::new(limits.concurrent_segments)),
            in_work: Mutex::default(),
            entrance: Mutex::default(),
            rates: Rates::new(limits.segments_per_minute),
            #[cfg(debug_assertions)]
            served: Mutex::default(),
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// Gives up what is being computed, and waits until it has ended.
    pub(crate) async fn close(&self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// A turn of those who compute results again: traces, and receipts that were called in.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.working).acquire_owned().await.ok()
    }

    /// What a computation that is under way will give.
    fn under_way(&self, job: &Pubkey, segment: u16) -> Option<watch::Receiver<Outcome>> {
        self.in_work().get(&(*job, segment)).cloned()
    }

    fn entrance(&self) -> MutexGuard<'_, ()> {
        self.entrance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_work(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Outcome>>> {
        self.in_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Market> Shared<M> {
    /// The signed trace of a segment, from the store if it is there, else computed now, behind those that were asked for
    /// before.
    ///
    /// # Errors
    /// There is none, for any of the reasons of [`SegmentError`].
    pub async fn segment(self: &Arc<Self>, job: Pubkey, segment: u16) -> Result<Trace, SegmentError> {
        if let Some(trace) = self.stored_segment(&job, segment).await? {
            return Ok(trace);
        }
        let outcome = match self.segments.under_way(&job, segment) {
            Some(outcome) => outcome,
            None => {
                let place = Arc::clone(&self.segments.places).acquire_owned().await.ok();
                self.begin_segment(job, segment, place)
            }
        };
        awaited(outcome).await
    }

    /// As [`segment`](Self::segment), for whoever holds a place already.
    async fn segment_within_place(self: &Arc<Self>, job: Pubkey, segment: u16) -> Result<Trace, SegmentError> {
        match self.stored_segment(&job, segment).await? {
            Some(trace) => Ok(trace),
            None => awaited(self.begin_segment(job, segment, None)).await,
        }
    }

    /// The trace if it was computed before and all of its manifest is at hand.
    pub(crate) async fn stored_segment(&self, job: &Pubkey, segment: u16) -> Result<Option<Trace>, SegmentError> {
        let Some(known) = self.journal.segment(job, segment)? else { return Ok(None) };
        let Some(manifest) = known.manifest else { return Ok(None) };
        match self.publisher.store.read(&ArtifactId(manifest), MAX_MANIFEST_BYTES).await {
            Ok(bytes) => {
                let unreadable = |error: String| SegmentError::Unavailable(error);
                let manifest: SegmentManifest =
                    serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
                let signature: Signature =
                    manifest.signature.parse().map_err(|_| unreadable("the signature is damaged".to_owned()))?;
                Ok(Some(Trace { manifest, root: known.root, signature: signature.into() }))
            }
            // Computed again, it is the same.
            Err(StoreError::NotFound { .. } | StoreError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Computes a trace in a task of its own, or joins the one that does already.
    pub(crate) fn begin_segment(
        self: &Arc<Self>,
        job: Pubkey,
        segment: u16,
        place: Option<OwnedSemaphorePermit>,
    ) -> watch::Receiver<Outcome> {
        let mut in_work = self.segments.in_work();
        if let Some(outcome) = in_work.get(&(job, segment)) {
            return outcome.clone();
        }
        let (sender, outcome) = watch::channel(None);
        in_work.insert((job, segment), outcome.clone());
        let shared = Arc::clone(self);
        self.segments.tasks.spawn(async move {
            let _place = place;
            let cancel = shared.segments.cancel.clone();
            let computed = cancel.run_until_cancelled(async {
                let _turn = shared.segments.working.acquire().await;
                shared.make_segment(&job, segment).await
            });
            let result = computed.await;
            shared.segments.in_work().remove(&(job, segment));
            if let Some(Err(error)) = &result {
                tracing::warn!(%job, segment, %error, "a segment cannot be given");
            }
            sender.send_replace(result);
        });
        outcome
    }

    /// Computes, promises, signs and stores a trace.
    async fn make_segment(&self, address: &Pubkey, segment: u16) -> Result<Trace, SegmentError> {
        // It may have been made while this one waited.
        if let Some(trace) = self.stored_segment(address, segment).await? {
            return Ok(trace);
        }
        let seen = self.job_with_own_hints(address).await?;
        let job = seen.account.ok_or_else(|| SegmentError::Unknown(format!("there is no job {address}")))?;
        disputable(address, &job, &self.node, seen.slot)?;
        let prepared = self.artifacts.prepare(&job).await;
        let prepared = prepared.map_err(|error| SegmentError::Unavailable(error.refusal().to_string()))?;
        if usize::from(segment) >= prepared.graph.segments.len() {
            let segments = prepared.graph.segments.len();
            return Err(SegmentError::Unknown(format!("the graph has {segments} segments, counted from 0")));
        }
        let boundary = self.publisher.result(&job.result_manifest, &prepared.graph).await?;
        let root = Hasher::default().boundary(&prepared.graph, &boundary);
        if !root.is_ok_and(|boundary| boundary.root == job.boundary_root) {
            return Err(SegmentError::Unavailable("the stored result is not the committed one".to_owned()));
        }
        let node = self.node;
        let run = {
            // Nobody knows the commitment before the boundary is computed: a good seed for what the guard looks at.
            let (engine, seed) = (Arc::clone(&self.engine), job.commitment);
            let _at_work = self.breaker.run_begins();
            tokio::task::spawn_blocking(move || engine.run_segment(&prepared, &boundary, segment, &seed))
                .await
                .map_err(|error| SegmentError::Unavailable(error.to_string()))?
                .map_err(|error| SegmentError::Unavailable(error.to_string()))?
        };
        failpoint::reach("after_segment_run");
        let promised = self.journal.promise_root(address, segment, run.trace.root, seen.slot)?;
        if promised.root != run.trace.root {
            tracing::error!(job = %address, segment, "computed again, a segment has another root: nothing is signed");
            return Err(SegmentError::SecondRoot);
        }
        failpoint::reach("after_segment_promised");
        let signature = self.market.sign_segment(address, &job, segment, &run.trace.root).ok_or_else(|| {
            SegmentError::Unavailable(format!("the job's operator is {}, not this node's key of today", job.operator))
        })?;
        let manifest = |tensors| SegmentManifest {
            version: MANIFEST_VERSION,
            job: address.to_string(),
            node: node.to_string(),
            segment,
            root: hex::encode(run.trace.root),
            signature: Signature::from(signature).to_string(),
            tensors,
        };
        let mut made = None;
        let stored = self
            .publisher
            .store_listed(&run.trace.slots, &run.tensors, |tensors| made.insert(manifest(tensors)).encode())
            .await?;
        failpoint::reach("after_segment_stored");
        self.journal.hold(address, &stored.artifacts)?;
        self.journal.put_segment_manifest(address, segment, stored.manifest)?;
        failpoint::reach("after_segment_noted");
        let manifest = made.ok_or_else(|| SegmentError::Unavailable("the manifest was not written".to_owned()))?;
        tracing::info!(job = %address, segment, backend = run.backend, "segment computed again and signed");
        Ok(Trace { manifest, root: run.trace.root, signature })
    }
}

/// What a computation under way gives.
async fn awaited(mut outcome: watch::Receiver<Outcome>) -> Result<Trace, SegmentError> {
    let gone = || SegmentError::Unavailable("the node is shutting down".to_owned());
    let ended = outcome.wait_for(Option::is_some).await.map_err(|_| gone())?;
    ended.clone().unwrap_or_else(|| Err(gone()))
}

/// Whether a segment of the job can still be disputed, and this node has to answer for it.
fn disputable(address: &Pubkey, job: &Job, node: &Pubkey, slot: u64) -> Result<(), SegmentError> {
    let view = JobView::of(job, node);
    if !view.ours {
        return Err(SegmentError::Unknown(format!("job {address} is not this node's")));
    }
    if view.is_disputable(slot) {
        return Ok(());
    }
    Err(SegmentError::Closed(format!("job {address} is not committed, or its window and all challenges are over")))
}
