//! The node as one service: watches the market, drives jobs, serves results and status. Shutting down stops taking work,
//! lets claimed jobs reach their commitment, then ends.

use crate::breaker::watch_breaker;
use crate::defence::watch::watch_reserve;
use crate::driver::{Driver, Shared};
use crate::identity;
use crate::journal::JournalError;
use crate::leaving::{Ended, holds_job};
use crate::market::Market;
use crate::mirror::{self, keep_mirrored};
use crate::presence::keep_present;
use crate::retention::keep_tidy;
use crate::segments;
use crate::sessions;
use crate::sessions::driver::SessionDriver;
use crate::sessions::keep_offers;
use crate::sessions::steps::{Recording, SessionStep, SessionView, next_session_step};
use crate::status;
use crate::steps::{JobView, Step, next_step};
use assay::state::{Job, Session};
use assay_store::ServerOptions;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Between two looks whether a node that leaves is still held.
const LEAVING_LOOK: Duration = Duration::from_millis(500);

/// What the watcher tells the service.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// A job's account, as read at a slot.
    Job(Pubkey, Box<Job>, u64),
    /// A session's account, as read at a slot.
    Session(Pubkey, Box<Session>, u64),
    /// The account of a job or a session is gone.
    Closed(Pubkey),
    /// This node's account changed, as read at a slot.
    Node(u64),
    /// The chain's slot.
    Slot(u64),
}

/// Why a node ends.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The journal failed: without it nothing may be promised.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A listener failed.
    #[error("N0501 the HTTP server failed: {0}; check that the port is free")]
    Server(String),
    /// A result of this node was proved wrong, or withheld; everything else that it had promised is done.
    #[error(
        "N0503 this node was convicted{}: {fault}; it claims no more jobs: find the cause, then register a new node with stake of its own",
        .job.as_ref().map(|job| format!(" over job {job}")).unwrap_or_default()
    )]
    Convicted {
        /// The job, if it is known.
        job: Option<String>,
        /// What was proved.
        fault: String,
    },
    /// The watcher ended although nobody asked it to.
    #[error("N0502 the watcher of the chain ended; start the node again")]
    WatcherEnded,
}

/// A node that is ready to run.
#[derive(Debug)]
pub struct Service<M> {
    /// What drivers share.
    pub shared: Arc<Shared<M>>,
    /// What the watcher sees.
    pub sightings: mpsc::Receiver<Sighting>,
    /// Serves artifacts.
    pub artifacts_listener: TcpListener,
    /// Serves status and health.
    pub status_listener: TcpListener,
}

impl<M: Market> Service<M> {
    /// Runs until `cancel`, then drains: jobs that are claimed are committed first. Where the node leaves, it runs until
    /// nothing of what it promised is open.
    ///
    /// # Errors
    /// The journal, a listener or the watcher failed. Promises stay in the journal.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<Ended, ServiceError> {
        // Before anything can be removed.
        self.shared.adopt_results().await?;
        self.shared.adopt_reserve()?;
        self.shared.adopt_sessions()?;
        self.shared.adopt_breaker()?;
        let servers = CancellationToken::new();
        let mut serving = JoinSet::new();
        {
            let (store, stop) = (self.shared.publisher.store.clone(), servers.clone());
            let routes = segments::routes(Arc::clone(&self.shared))
                .merge(sessions::routes(Arc::clone(&self.shared)))
                .merge(identity::routes(Arc::clone(&self.shared)))
                .merge(mirror::routes(&self.shared));
            let listener = self.artifacts_listener;
            #[cfg(debug_assertions)]
            let listener = (!self.shared.fault.is_some_and(|fault| fault.is_silent())).then_some(listener);
            #[cfg(not(debug_assertions))]
            let listener = Some(listener);
            serving.spawn(async move {
                // A silent node has no server, and its port is closed.
                let Some(listener) = listener else {
                    stop.cancelled().await;
                    return Ok(());
                };
                assay_store::serve_with(store, listener, ServerOptions::default(), routes, stop)
                    .await
                    .map_err(|error| ServiceError::Server(error.to_string()))
            });
            let (shared, stop) = (Arc::clone(&self.shared), servers.clone());
            serving.spawn(async move { Ok(keep_tidy(shared, stop).await?) });
            let (shared, stop) = (Arc::clone(&self.shared), servers.clone());
            serving.spawn(async move { Ok(keep_mirrored(shared, stop).await?) });
            let (shared, stop) = (Arc::clone(&self.shared), servers.clone());
            serving.spawn(async move {
                watch_reserve(shared, stop).await;
                Ok(())
            });
            let (shared, stop) = (Arc::clone(&self.shared), servers.clone());
            serving.spawn(async move { Ok(watch_breaker(shared, stop).await?) });
            let (shared, stop) = (Arc::clone(&self.shared), servers.clone());
            serving.spawn(async move {
                keep_present(shared, stop).await;
                Ok(())
            });
            let (shared, stop) = (Arc::clone(&self.shared), servers.clone());
            serving.spawn(async move {
                keep_offers(shared, stop).await;
                Ok(())
            });
            serving.spawn(status::serve(Arc::clone(&self.shared), self.status_listener, servers.clone()));
        }
        // Drivers stop when the caller says so, and when this service cannot go on.
        let mut drivers = Drivers::new(Arc::clone(&self.shared), cancel.child_token());
        let leaving = tokio::spawn(leave_with(cancel.clone(), self.shared.leaving.clone()));
        let mut ended = work(&mut drivers, &mut self.sightings, &mut serving, &cancel).await;

        leaving.abort();
        self.shared.leaving.cancel();
        drivers.cancel.cancel();
        self.shared.sessions.close_payments();
        tracing::info!(
            jobs = drivers.active.len(),
            "draining: claimed jobs are committed, and vouchers recorded, before the node ends"
        );
        while !drivers.tasks.is_empty() {
            tokio::select! {
                Some(done) = drivers.tasks.join_next_with_id() => {
                    if let Err(error) = drivers.ended(done) {
                        ended = ended.and_then(|_| Err(error.into()));
                    }
                }
                Some(sighting) = self.sightings.recv() => drivers.hear(&sighting),
            }
        }
        self.shared.sessions.close().await;
        self.shared.segments.close().await;
        servers.cancel();
        while serving.join_next().await.is_some() {}
        ended
    }
}

/// Takes on what is seen until the caller cancels or something fails.
async fn work<M: Market>(
    drivers: &mut Drivers<M>,
    sightings: &mut mpsc::Receiver<Sighting>,
    serving: &mut JoinSet<Result<(), ServiceError>>,
    cancel: &CancellationToken,
) -> Result<Ended, ServiceError> {
    // Promises first: they hold bonds.
    let mut open: Vec<_> =
        drivers.shared.journal.live()?.into_iter().filter(|(_, record)| !record.is_finished()).collect();
    open.sort_by_key(|(_, record)| !record.binds());
    for (address, _) in open {
        drivers.drive(Kind::Job, address, 0);
    }
    for (address, record) in drivers.shared.journal.live_sessions()? {
        if !record.is_finished() {
            drivers.drive(Kind::Session, address, 0);
        }
    }
    let leaving = drivers.shared.leaving.clone();
    let mut looks = tokio::time::interval(LEAVING_LOOK);
    // Nobody looks before the node leaves: months of looks are not made up for.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(Ended::Asked),
            _ = looks.tick(), if leaving.is_cancelled() => {
                if cancel.is_cancelled() {
                    return Ok(Ended::Asked);
                }
                if drivers.tasks.is_empty() && !drivers.shared.is_held()? {
                    return Ok(Ended::Left);
                }
            }
            () = leaving.cancelled(), if !leaving.is_cancelled() => {
                if !cancel.is_cancelled() {
                    tracing::info!("leaving: nothing new is taken, and the node ends when nothing that it promised is open");
                }
            }
            sighting = sightings.recv() => match sighting {
                Some(Sighting::Job(address, job, slot)) => drivers.consider(address, &job, slot)?,
                Some(Sighting::Session(address, session, slot)) => {
                    drivers.consider_session(address, &session, slot)?;
                }
                Some(sighting) => drivers.hear(&sighting),
                None if cancel.is_cancelled() => return Ok(Ended::Asked),
                None => return Err(ServiceError::WatcherEnded),
            },
            Some(done) = drivers.tasks.join_next_with_id() => drivers.ended(done)?,
            conviction = drivers.shared.alarm.convicted(), if drivers.tasks.is_empty() => {
                return Err(ServiceError::Convicted { job: conviction.job, fault: conviction.fault });
            }
            Some(server) = serving.join_next() => {
                let ended = server.unwrap_or_else(|error| Err(ServiceError::Server(error.to_string())));
                return ended.map(|()| Ended::Asked);
            }
        }
    }
}

/// Whoever ends takes nothing new either.
async fn leave_with(cancel: CancellationToken, leaving: CancellationToken) {
    cancel.cancelled().await;
    leaving.cancel();
}

impl<M: Market> Shared<M> {
    /// Whether anything that was promised is not over.
    fn is_held(&self) -> Result<bool, JournalError> {
        let jobs = self.journal.live()?;
        let sessions = self.journal.live_sessions()?;
        Ok(jobs.iter().any(|(_, record)| holds_job(record)) || sessions.iter().any(|(_, record)| record.may_be_bound()))
    }
}

/// What a driver drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Job,
    Session,
}

/// The drivers at work, at most one for each job and each session.
struct Drivers<M> {
    shared: Arc<Shared<M>>,
    cancel: CancellationToken,
    tasks: JoinSet<Result<u64, JournalError>>,
    /// The job or session of each task, and the slot of its last sighting.
    active: HashMap<Pubkey, u64>,
    driven: HashMap<Id, (Kind, Pubkey)>,
}

impl<M: Market> Drivers<M> {
    fn new(shared: Arc<Shared<M>>, cancel: CancellationToken) -> Self {
        Self { shared, cancel, tasks: JoinSet::new(), active: HashMap::new(), driven: HashMap::new() }
    }

    /// Rings the bells that a sighting concerns.
    fn hear(&mut self, sighting: &Sighting) {
        match sighting {
            Sighting::Slot(slot) => self.shared.board.saw_slot(*slot),
            Sighting::Node(slot) => self.shared.board.saw_node(*slot),
            Sighting::Closed(address) => self.shared.board.saw_job(address, 0),
            Sighting::Job(address, _, slot) | Sighting::Session(address, _, slot) => {
                self.wake(address, *slot);
            }
        }
    }

    /// Wakes the driver of a job or a session; `false` if there is none.
    fn wake(&mut self, address: &Pubkey, slot: u64) -> bool {
        let driven = self.active.get_mut(address);
        let is_driven = driven.is_some();
        if let Some(seen) = driven {
            *seen = (*seen).max(slot);
        }
        self.shared.board.saw_job(address, slot);
        is_driven
    }

    /// Wakes the driver of a job, or starts one if there is something to do.
    fn consider(&mut self, address: Pubkey, job: &Job, slot: u64) -> Result<(), JournalError> {
        if self.wake(&address, slot) {
            return Ok(());
        }
        let view = JobView::of(job, &self.shared.node);
        if !view.ours && (self.shared.leaving.is_cancelled() || self.shared.alarm.conviction().is_some()) {
            return Ok(());
        }
        if next_step(Some(&view), self.shared.journal.get(&address)?.as_ref(), slot) != Step::Done {
            self.drive(Kind::Job, address, slot);
        }
        Ok(())
    }

    /// Wakes the driver of a session, or starts one if there is something to do.
    fn consider_session(&mut self, address: Pubkey, session: &Session, slot: u64) -> Result<(), JournalError> {
        if self.wake(&address, slot) {
            return Ok(());
        }
        let view = SessionView::of(session, &self.shared.node);
        let record = self.shared.journal.session(&address)?;
        let recording = Recording { every_slots: self.shared.config.now().sessions.record_slots, is_draining: false };
        if next_session_step(Some(&view), record.as_ref(), slot, recording) != SessionStep::Done {
            self.drive(Kind::Session, address, slot);
        }
        Ok(())
    }

    fn drive(&mut self, kind: Kind, address: Pubkey, seen_slot: u64) {
        let (shared, cancel) = (Arc::clone(&self.shared), self.cancel.clone());
        let task = match kind {
            Kind::Job => self.tasks.spawn(Driver::new(shared, address, seen_slot).run(cancel)),
            Kind::Session => self.tasks.spawn(SessionDriver::new(shared, address, seen_slot).run(cancel)),
        };
        self.driven.insert(task.id(), (kind, address));
        self.active.insert(address, seen_slot);
    }

    /// Forgets a driver that ended. If its job or session was seen later than the driver looked, another one takes over; so
    /// too if it panicked, because a bond may depend on it.
    fn ended(&mut self, done: Result<(Id, Result<u64, JournalError>), JoinError>) -> Result<(), JournalError> {
        let (id, result) = match done {
            Ok((id, result)) => (id, Some(result)),
            Err(error) => {
                tracing::error!(%error, "a driver died");
                (error.id(), None)
            }
        };
        let Some((kind, address)) = self.driven.remove(&id) else { return Ok(()) };
        let seen = self.active.remove(&address).unwrap_or(0);
        let again = match (result, kind) {
            (Some(looked), _) => seen > looked?,
            (None, Kind::Job) => self.shared.journal.get(&address)?.is_some_and(|record| record.binds()),
            (None, Kind::Session) => self.shared.journal.session(&address)?.is_some_and(|record| !record.is_finished()),
        };
        if again && !self.cancel.is_cancelled() {
            self.drive(kind, address, seen);
        }
        Ok(())
    }
}
