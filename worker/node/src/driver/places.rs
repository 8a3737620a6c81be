//! Memory, a place in the queue of an adapter, and room on the disk: what a job needs before it is claimed.

use super::{DriveError, Driver, LONGEST_WAIT, Shared};
use crate::engine::{NotBooked, Terms};
use crate::estimate;
use crate::market::Market;
use crate::prepare::NotWhole;
use crate::refusal::Refusal;
use crate::retention::SweepError;
use crate::schedule::choice::Obstacle;
use crate::schedule::memory::Lack;
use assay::state::Job;
use referee::graph::ResolvedGraph;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Slots between two looks at what does not ring: some four seconds.
const LOOK_SLOTS: u32 = 10;

impl<M: Market> Shared<M> {
    /// The terms of a run that has to have ended by `deadline_slot`, as of `slot`.
    pub(crate) fn terms(&self, deadline_slot: u64, slot: u64) -> Terms {
        let config = self.config.now();
        let sessions = &config.sessions;
        let runs_of_sessions = if sessions.enabled { sessions.concurrent_runs } else { 0 };
        Terms {
            deadline_slot,
            slot,
            slot_time: self.board.slot_time(),
            runs_beside: u32::try_from(runs_of_sessions).unwrap_or(u32::MAX),
            machine_bytes: config.total_memory_bytes(),
        }
    }

    /// Why nothing more is stored for new jobs, if so many bytes more are too many; what may be removed is removed first.
    ///
    /// # Errors
    /// The journal failed.
    pub(crate) async fn full_store(&self, bytes: u64, slot: u64) -> Result<Option<Refusal>, DriveError> {
        let most = self.config.now().retention.most_bytes;
        if most == 0 {
            return Ok(None);
        }
        let keeper = &self.publisher.keeper;
        let is_full = |stored: u64| stored.saturating_add(bytes) > most;
        let mut stored = keeper.count().await;
        if stored.as_ref().is_ok_and(|stored| is_full(*stored)) && keeper.may_tidy(slot) {
            match self.tidy(slot).await {
                Ok(_) => {}
                Err(SweepError::Journal(error)) => return Err(error.into()),
                Err(SweepError::Store(error)) => tracing::warn!(%error, "artifacts cannot be removed"),
            }
            stored = keeper.count().await;
        }
        match stored {
            Ok(stored) if is_full(stored) => Ok(Some(full_store(stored, most))),
            Ok(_) => Ok(None),
            Err(error) => {
                tracing::warn!(%error, "artifacts cannot be counted");
                Ok(None)
            }
        }
    }
}

impl<M: Market> Driver<M> {
    /// Leaves the place in work, memory and the adapter's queue to others.
    pub(super) fn let_go(&mut self) {
        self.progress.permit = None;
        self.progress.prepared = None;
        self.progress.booking = None;
    }

    /// Skips a job whose artifacts are wrong, and tries again later with one whose artifacts are out of reach.
    pub(super) fn not_whole(&mut self, error: NotWhole) -> Result<(), DriveError> {
        match error {
            NotWhole::Refused(refusal) => self.skip(refusal),
            NotWhole::Passing(refusal) => {
                self.let_go();
                self.progress.fetched = false;
                self.progress.trouble = Some(refusal.clone());
                Err(DriveError::Artifacts(refusal))
            }
        }
    }

    /// Skips a job that fits nowhere, and waits with one that does not at present. `freed` changes when something was given back.
    pub(super) async fn not_booked(
        &mut self,
        job: &Job,
        error: NotBooked,
        freed: Option<watch::Receiver<u64>>,
        cancel: &CancellationToken,
    ) -> Result<(), DriveError> {
        let obstacle = match error {
            NotBooked::Obstacle(obstacle) => obstacle,
            NotBooked::Engine(error) => {
                let remedy = "post a smaller graph, or use another node";
                return self.skip(Refusal::new("N0210", error.to_string(), remedy));
            }
        };
        let margin_slots = self.shared.config.now().limits.margin_slots;
        let refusal = match obstacle {
            Obstacle::Memory(lack) => no_memory(lack),
            Obstacle::Queue(late) => {
                Refusal::new("N0247", late.to_string(), "give the job more run slots, or add an adapter")
            }
            Obstacle::Slow { run } => {
                let slots = estimate::slots(run, self.shared.board.slot_time());
                too_slow(job.run_slots, margin_slots, slots)
            }
        };
        if !obstacle.is_passing() {
            return self.skip(refusal);
        }
        self.wait_for_room(refusal, freed, cancel).await;
        Ok(())
    }

    /// Leaves everything to others until something is given back. What was in the way is why the job was not taken, if it never is.
    pub(super) async fn wait_for_room(
        &mut self,
        refusal: Refusal,
        freed: Option<watch::Receiver<u64>>,
        cancel: &CancellationToken,
    ) {
        if self.progress.trouble.as_ref().is_none_or(|known| known.code != refusal.code) {
            tracing::info!(job = %self.address, code = refusal.code, reason = refusal.reason, "job waits");
        }
        self.progress.trouble = Some(refusal);
        self.let_go();
        let look = self.shared.board.slot_time().saturating_mul(LOOK_SLOTS).min(LONGEST_WAIT);
        let pause = if freed.is_some() { LONGEST_WAIT } else { look };
        let rung = async {
            let changed = match freed {
                Some(mut freed) => freed.changed().await.is_ok(),
                None => false,
            };
            if !changed {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = rung => {}
            () = self.ears.job() => {}
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The slot by which the run of a job has to have ended that was, or is, claimed in `claimed_slot`.
pub(super) fn run_deadline(job: &Job, claimed_slot: u64, margin_slots: u64) -> u64 {
    claimed_slot.saturating_add(job.run_slots).saturating_sub(margin_slots)
}

/// Bytes of a result.
pub(super) fn result_bytes(graph: &ResolvedGraph) -> u64 {
    let bytes = |slot: u16| graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes() as u64);
    graph.boundary.iter().map(|entry| bytes(entry.slot)).fold(0, u64::saturating_add)
}

/// Too little memory, at present or at all.
pub(crate) fn no_memory(lack: Lack) -> Refusal {
    let remedy = "raise limits.max_total_memory_bytes, or the adapter's memory_bytes, if the machine has it";
    let code = match lack {
        Lack::Never { .. } => "N0205",
        Lack::Now { .. } => "N0246",
    };
    Refusal::new(code, format!("model, artifacts, run and result: {lack}"), remedy)
}

pub(super) fn too_slow(run_slots: u64, margin_slots: u64, estimated_slots: u64) -> Refusal {
    Refusal::new(
        "N0207",
        format!(
            "the job allows {run_slots} slots to run; the run needs about {estimated_slots}, the margin is {margin_slots}"
        ),
        "give the job more run slots",
    )
}

/// The store holds as much as it may.
pub(crate) fn full_store(stored: u64, most: u64) -> Refusal {
    Refusal::new(
        "N0248",
        format!(
            "artifacts and results take {stored} bytes on the disk, {most} are allowed; all of them are needed still"
        ),
        "raise retention.most_bytes, or lower retention.results_slots or retention.unused_seconds",
    )
}
