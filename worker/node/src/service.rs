//! The node as one service: watches the market, drives jobs, serves results and status. Shutting down stops taking work,
//! lets claimed jobs reach their commitment, then ends.

use crate::breaker::watch_breaker;
use crate::defence::watch::watch_reserve;
use crate::driver::Shared;
pub use crate::drivers::Considering;
use crate::drivers::{Drivers, Kind};
use crate::identity;
use crate::journal::{JournalError, Stage};
use crate::leaving::{Ended, Leaving, holds_job};
use crate::market::Market;
use crate::mirror::{self, keep_mirrored};
use crate::presence::keep_present;
use crate::retention::keep_tidy;
use crate::segments;
use crate::sessions;
use crate::sessions::keep_offers;
use crate::status;
use assay::state::{Job, Session};
use assay_store::ServerOptions;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Between two looks whether a node that leaves is still held, and whether a job has had its place for long enough.
const LOOK: Duration = Duration::from_millis(500);

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
    /// How many jobs that nothing is promised to are considered at a time.
    pub considering: Considering,
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
        let mut drivers = Drivers::new(Arc::clone(&self.shared), cancel.child_token(), self.considering);
        let leaving = tokio::spawn(leave_with(cancel.clone(), self.shared.leaving.clone()));
        let mut ended = work(&mut drivers, &mut self.sightings, &mut serving, &cancel).await;

        leaving.abort();
        self.shared.leaving.end();
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
    for (address, record) in open {
        match record.binds() || record.stage != Stage::Admitted {
            true => drivers.drive(Kind::Job, address, 0),
            // All of it is here: it comes before what would have to be fetched.
            false => drivers.note(address, 0, u64::MAX),
        }
    }
    for (address, record) in drivers.shared.journal.live_sessions()? {
        if !record.is_finished() {
            drivers.drive(Kind::Session, address, 0);
        }
    }
    let leaving = drivers.shared.leaving.clone();
    let places = drivers.places();
    let mut looks = tokio::time::interval(LOOK);
    // Nobody looks before the node leaves or places are scarce: months of looks are not made up for.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_leaving = false;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(Ended::Asked),
            _ = looks.tick(), if is_leaving || drivers.want_places() => {
                if cancel.is_cancelled() {
                    return Ok(Ended::Asked);
                }
                drivers.recall();
                if is_leaving && leaving.is_under_way() && drivers.tasks.is_empty() && !drivers.shared.is_held()? {
                    return Ok(Ended::Left);
                }
            }
            place = places.acquire(), if drivers.want_places() => {
                // Whose turn it is, is not decided here.
                drop(place);
                drivers.fill();
            }
            () = leaving.begun(), if !is_leaving => {
                is_leaving = true;
                drivers.pause();
                if !cancel.is_cancelled() {
                    tracing::info!("leaving: nothing new is taken, and the node ends when nothing that it promised is open");
                }
            }
            () = leaving.taken_back(), if is_leaving => {
                is_leaving = false;
                tracing::info!("leaving was taken back: the node takes jobs again");
                drivers.resume();
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
async fn leave_with(cancel: CancellationToken, leaving: Leaving) {
    cancel.cancelled().await;
    leaving.end();
}

impl<M: Market> Shared<M> {
    /// Whether anything that was promised is not over.
    fn is_held(&self) -> Result<bool, JournalError> {
        let jobs = self.journal.live()?;
        let sessions = self.journal.live_sessions()?;
        Ok(jobs.iter().any(|(_, record)| holds_job(record)) || sessions.iter().any(|(_, record)| record.may_be_bound()))
    }
}
