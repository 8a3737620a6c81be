//! The validator as one service: watches the market, drives jobs, serves its status.

use crate::defender::Defender;
use crate::driver::{Driver, Shared};
use crate::duties::Duties;
use crate::journal::{JournalError, Record};
use crate::tidying::keep_tidy;
use crate::{status, vigil, watching};
use assay::state::Job;
use assay_chain::WatcherEvent;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Why a validator ends.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The journal failed: without it nothing may be promised.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A listener failed.
    #[error("V0601 the status server failed: {0}; check that the port is free")]
    Server(String),
    /// The watcher ended although nobody asked it to.
    #[error("V0602 the watcher of the chain ended; start the validator again")]
    WatcherEnded,
    /// A part that works beside the drivers died: without it answers, duties or what watches would be missed without a word.
    #[error("V0606 a part of the validator died: {0}; report it, and start the validator again")]
    PartDied(String),
}

/// A validator that is ready to run.
#[derive(Debug)]
pub struct Service {
    /// What drivers share.
    pub shared: Arc<Shared>,
    /// What the watcher sees.
    pub events: mpsc::Receiver<WatcherEvent>,
    /// Serves status and health.
    pub status_listener: TcpListener,
}

/// Finished records that stay in the journal at least.
const KEPT_RECORDS: usize = 1_000;
/// Slots for which every record stays in the journal: about a day.
const KEPT_SLOTS: u64 = 216_000;
/// Slots between two looks for records to remove.
const PRUNE_SLOTS: u64 = 9_000;

impl Service {
    /// Runs until `cancel`; then every driver ends its step. What is promised is in the journal and goes on after the next
    /// start; clocks of open disputes run meanwhile.
    ///
    /// # Errors
    /// The journal, the listener or the watcher failed.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ServiceError> {
        let servers = CancellationToken::new();
        let mut serving = JoinSet::new();
        serving.spawn(status::serve(Arc::clone(&self.shared), self.status_listener, servers.clone()));
        let mut others = JoinSet::new();
        if self.shared.config.mode.defends() {
            others.spawn(Defender::new(Arc::clone(&self.shared)).run(cancel.child_token()));
        }
        if self.shared.config.mode.audits() {
            others.spawn(keep_tidy(Arc::clone(&self.shared), cancel.child_token()));
            others.spawn(Duties::new(Arc::clone(&self.shared)).run(cancel.child_token()));
            let vigil = vigil::run(Arc::clone(&self.shared), cancel.child_token());
            others.spawn(async move {
                vigil.await;
                Ok(())
            });
        } else {
            let watch = watching::run(Arc::clone(&self.shared), cancel.child_token());
            others.spawn(async move {
                watch.await;
                Ok(())
            });
        }
        let mut drivers = Drivers {
            shared: Arc::clone(&self.shared),
            cancel: cancel.child_token(),
            tasks: JoinSet::new(),
            active: HashMap::new(),
            jobs: HashMap::new(),
        };
        let mut ended = tokio::select! {
            ended = work(&mut drivers, &mut self.events, &mut serving, &cancel) => ended,
            error = first_failure(&mut others) => Err(error),
        };
        others.shutdown().await;
        drivers.cancel.cancel();
        let open = status::open_disputes(&self.shared)?;
        if open > 0 {
            tracing::warn!(open, "disputes are open and their clocks run: start the validator again soon");
        }
        while let Some(done) = drivers.tasks.join_next_with_id().await {
            if let Err(error) = drivers.ended(done) {
                ended = ended.and(Err(error.into()));
            }
        }
        servers.cancel();
        while serving.join_next().await.is_some() {}
        ended
    }
}

/// Waits until one of these parts fails or dies; those that ended because they were told to are none.
async fn first_failure(parts: &mut JoinSet<Result<(), JournalError>>) -> ServiceError {
    loop {
        match parts.join_next().await {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => return error.into(),
            Some(Err(error)) => return ServiceError::PartDied(error.to_string()),
            None => std::future::pending().await,
        }
    }
}

/// Takes on what is seen until the caller cancels or something fails.
async fn work(
    drivers: &mut Drivers,
    events: &mut mpsc::Receiver<WatcherEvent>,
    serving: &mut JoinSet<Result<(), ServiceError>>,
    cancel: &CancellationToken,
) -> Result<(), ServiceError> {
    // Disputes first: their clocks run.
    let mut open: Vec<(Pubkey, Record)> = drivers.shared.journal.live()?;
    open.sort_by_key(|(_, record)| record.dispute.is_none());
    for (address, _) in open {
        drivers.drive(address, 0);
    }
    let mut next_prune = 0;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            event = events.recv() => match event {
                Some(WatcherEvent::JobChanged { address, job, slot }) => drivers.consider(address, &job, slot)?,
                Some(WatcherEvent::JobClosed { address }) => drivers.shared.board.ring(&address),
                Some(WatcherEvent::Slot(slot) | WatcherEvent::Resynced { slot }) => drivers.shared.board.saw_slot(slot),
                Some(_) => {}
                None if cancel.is_cancelled() => return Ok(()),
                None => return Err(ServiceError::WatcherEnded),
            },
            Some(done) = drivers.tasks.join_next_with_id() => drivers.ended(done)?,
            Some(server) = serving.join_next() => {
                return server.unwrap_or_else(|error| Err(ServiceError::Server(error.to_string())));
            }
        }
        let slot = drivers.shared.board.slot();
        if slot >= next_prune {
            next_prune = slot.saturating_add(PRUNE_SLOTS);
            let removed = drivers.shared.journal.prune(slot.saturating_sub(KEPT_SLOTS), KEPT_RECORDS)?;
            tracing::debug!(removed, "old records removed from the journal");
        }
    }
}

/// The drivers at work, at most one for each job.
struct Drivers {
    shared: Arc<Shared>,
    cancel: CancellationToken,
    tasks: JoinSet<Result<u64, JournalError>>,
    /// The slot of the last sighting of each job in work.
    active: HashMap<Pubkey, u64>,
    jobs: HashMap<Id, Pubkey>,
}

impl Drivers {
    /// Wakes the driver of a job, or starts one if there may be something to do.
    fn consider(&mut self, address: Pubkey, job: &Job, slot: u64) -> Result<(), JournalError> {
        if let Some(seen) = self.active.get_mut(&address) {
            *seen = (*seen).max(slot);
            self.shared.board.ring(&address);
            return Ok(());
        }
        let known = self.shared.journal.get(&address)?;
        let open = known.as_ref().map(|record| record.ending.is_none());
        if open.unwrap_or(job.state.can_be_challenged()) {
            self.drive(address, slot);
        }
        Ok(())
    }

    fn drive(&mut self, address: Pubkey, seen_slot: u64) {
        // Watching moves nothing, not even what an earlier run began.
        if !self.shared.config.mode.audits() {
            return;
        }
        let driver = Driver::new(Arc::clone(&self.shared), address, seen_slot);
        let task = self.tasks.spawn(driver.run(self.cancel.clone()));
        self.jobs.insert(task.id(), address);
        self.active.insert(address, seen_slot);
    }

    /// Forgets a driver that ended. If it panicked, another one takes over, because a bond may depend on it.
    fn ended(&mut self, done: Result<(Id, Result<u64, JournalError>), JoinError>) -> Result<(), JournalError> {
        let (id, result) = match done {
            Ok((id, result)) => (id, Some(result)),
            Err(error) => {
                tracing::error!(%error, "a driver died");
                (error.id(), None)
            }
        };
        let Some(address) = self.jobs.remove(&id) else { return Ok(()) };
        let seen = self.active.remove(&address).unwrap_or(0);
        let again = match result {
            Some(looked) => {
                looked?;
                false
            }
            None => self.shared.journal.get(&address)?.is_some_and(|record| record.dispute.is_some()),
        };
        if again && !self.cancel.is_cancelled() {
            self.drive(address, seen);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_dies_is_told_whatever_ended_before_it() {
        let mut parts = JoinSet::new();
        parts.spawn(std::future::pending());
        parts.spawn(std::future::ready(Ok(())));
        parts.spawn(async { panic!("the vigil is out of its bounds") });
        let error = first_failure(&mut parts).await.to_string();
        assert!(error.starts_with("V0606") && error.contains("out of its bounds"), "{error}");
    }
}
