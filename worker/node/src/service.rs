//! The node as one service: watches the market, drives jobs, serves results and status. Shutting down stops taking work,
//! lets claimed jobs reach their commitment, then ends.

use crate::driver::{Driver, Shared};
use crate::journal::JournalError;
use crate::market::Market;
use crate::status;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_store::ServerOptions;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What the watcher tells the service.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// A job's account as of now.
    Job(Pubkey, Box<Job>),
    /// A job's account is gone.
    Closed(Pubkey),
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
    /// Runs until `cancel`, then drains: jobs that are claimed are committed first.
    ///
    /// # Errors
    /// The journal or a listener failed. Promises stay in the journal.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ServiceError> {
        let servers = CancellationToken::new();
        let mut serving = JoinSet::new();
        {
            let (store, stop) = (self.shared.publisher.store.clone(), servers.clone());
            let listener = self.artifacts_listener;
            serving.spawn(async move {
                assay_store::serve(store, listener, ServerOptions::default(), stop)
                    .await
                    .map_err(|error| ServiceError::Server(error.to_string()))
            });
            serving.spawn(status::serve(Arc::clone(&self.shared), self.status_listener, servers.clone()));
        }

        let mut drivers: JoinSet<(Pubkey, Result<(), JournalError>)> = JoinSet::new();
        let mut active: HashSet<Pubkey> = HashSet::new();
        // Promises first: they hold bonds.
        for (address, record) in self.shared.journal.all()? {
            if !record.is_finished() {
                drive(&self.shared, &mut drivers, &mut active, address, &cancel);
            }
        }
        let ended = loop {
            tokio::select! {
                () = cancel.cancelled() => break Ok(()),
                sighting = self.sightings.recv() => match sighting {
                    Some(Sighting::Slot(slot)) => self.shared.board.saw_slot(slot),
                    Some(Sighting::Closed(_)) => self.shared.board.ring(),
                    Some(Sighting::Job(address, job)) => {
                        self.shared.board.ring();
                        if is_of_interest(&self.shared, &job)
                            && !finished(&self.shared, &address)?
                        {
                            drive(&self.shared, &mut drivers, &mut active, address, &cancel);
                        }
                    }
                    None if cancel.is_cancelled() => break Ok(()),
                    None => break Err(ServiceError::WatcherEnded),
                },
                Some(done) = drivers.join_next() => {
                    if let Ok((address, result)) = done {
                        active.remove(&address);
                        result?;
                    }
                }
                Some(server) = serving.join_next() => {
                    break server.unwrap_or_else(|error| Err(ServiceError::Server(error.to_string())));
                }
            }
        };
        // Drain. The watcher may already be gone; drivers then look by themselves every few seconds.
        cancel.cancel();
        self.shared.board.ring();
        tracing::info!(jobs = active.len(), "draining: claimed jobs are committed before the node ends");
        loop {
            tokio::select! {
                done = drivers.join_next() => match done {
                    Some(Ok((_, result))) => result?,
                    Some(Err(_)) => {}
                    None => break,
                },
                Some(sighting) = self.sightings.recv() => if let Sighting::Slot(slot) = sighting {
                    self.shared.board.saw_slot(slot);
                },
            }
        }
        servers.cancel();
        while serving.join_next().await.is_some() {}
        ended
    }
}

/// Jobs that are open to claims, and this node's own.
fn is_of_interest<M>(shared: &Shared<M>, job: &Job) -> bool {
    job.state == JobState::Posted || job.node == shared.node
}

fn finished<M>(shared: &Shared<M>, address: &Pubkey) -> Result<bool, JournalError> {
    Ok(shared.journal.get(address)?.is_some_and(|record| record.is_finished()))
}

fn drive<M: Market>(
    shared: &Arc<Shared<M>>,
    drivers: &mut JoinSet<(Pubkey, Result<(), JournalError>)>,
    active: &mut HashSet<Pubkey>,
    address: Pubkey,
    cancel: &CancellationToken,
) {
    if active.insert(address) {
        let (driver, cancel) = (Driver::new(Arc::clone(shared), address), cancel.clone());
        drivers.spawn(async move { (address, driver.run(cancel).await) });
    }
}
