//! The changes of jobs, sessions and nodes as a stream that misses nothing.
//!
//! A websocket can drop, lag, or say things twice, and it does not announce closed accounts. So its notifications are only
//! a doorbell: whatever rings is read from the chain, and after every (re)connection, and at intervals, everything is read.
//! Reads never go back in time. An event is sent when, and only when, what was read differs from what was known.

mod connection;
mod view;

use crate::accounts::JobFilter;
use crate::backoff::Backoff;
use crate::chain::Chain;
use crate::subscription::Sockets;
use assay::state::{Job, Node, Session};
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Events that may wait for a slow receiver before the watcher waits too.
const EVENT_QUEUE: usize = 1_024;

/// Which jobs to watch. None of these conditions can change for a job that meets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobScope {
    /// All jobs of the program.
    #[default]
    All,
    /// Jobs that this key posted.
    OfClient(Pubkey),
    /// Jobs that this node account claimed.
    OfNode(Pubkey),
}

impl JobScope {
    fn filter(self) -> JobFilter {
        match self {
            Self::All => JobFilter::default(),
            Self::OfClient(client) => JobFilter { client: Some(client), ..JobFilter::default() },
            Self::OfNode(node) => JobFilter { node: Some(node), ..JobFilter::default() },
        }
    }
}

/// What to watch and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherOptions {
    /// Which jobs.
    pub jobs: JobScope,
    /// Addresses of node accounts to watch besides.
    pub nodes: Vec<Pubkey>,
    /// The node account whose sessions to watch besides: those that are offered to it, and those that it accepted.
    pub sessions_of: Option<Pubkey>,
    /// How often everything is read even though the socket lives; also the longest that a closed job stays unnoticed.
    pub resync_interval: Duration,
    /// How long the socket may be silent before it counts as dead, while connecting too. It carries every slot, so it is
    /// never silent in health.
    pub silence_limit: Duration,
    /// How long notifications are gathered before their accounts are read together.
    pub gather: Duration,
}

impl Default for WatcherOptions {
    fn default() -> Self {
        Self {
            jobs: JobScope::All,
            nodes: Vec::new(),
            sessions_of: None,
            resync_interval: Duration::from_secs(30),
            silence_limit: Duration::from_secs(15),
            gather: Duration::from_millis(20),
        }
    }
}

/// What a watcher saw.
#[derive(Clone, Debug)]
pub enum WatcherEvent {
    /// A job is new or different.
    JobChanged {
        /// Its address.
        address: Pubkey,
        /// The job as it is now.
        job: Box<Job>,
        /// The slot at which it was read.
        slot: u64,
    },
    /// A job that was known is closed.
    JobClosed {
        /// Its address.
        address: Pubkey,
    },
    /// A watched session is new or different.
    SessionChanged {
        /// Its address.
        address: Pubkey,
        /// The session as it is now.
        session: Box<Session>,
        /// The slot at which it was read.
        slot: u64,
    },
    /// A watched session that was known is closed.
    SessionClosed {
        /// Its address.
        address: Pubkey,
    },
    /// A watched node is new or different.
    NodeChanged {
        /// Its address.
        address: Pubkey,
        /// The node as it is now.
        node: Box<Node>,
        /// The slot at which it was read.
        slot: u64,
    },
    /// A watched node that was known is deregistered.
    NodeClosed {
        /// Its address.
        address: Pubkey,
    },
    /// The chain came to a higher slot (not yet confirmed).
    Slot(u64),
    /// Everything was read and every difference was sent: from here on, what the receiver knows is complete.
    Resynced {
        /// The slot at which it was read.
        slot: u64,
    },
}

/// Watches jobs, sessions and nodes over one endpoint.
#[derive(Clone, Debug)]
pub struct Watcher {
    chain: Chain,
    options: WatcherOptions,
}

impl Watcher {
    /// A watcher; nothing is sent before [`Watcher::spawn`].
    pub fn new(chain: Chain, options: WatcherOptions) -> Self {
        Self { chain, options }
    }

    /// Watches in a task of its own until `stop`, or until the receiver is dropped. The channel ends with the task.
    pub fn spawn(self, stop: CancellationToken) -> mpsc::Receiver<WatcherEvent> {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = events.closed() => {}
                () = self.watch(&events) => {}
            }
        });
        receiver
    }

    /// One connection after another, each beginning with everything that changed since.
    async fn watch(&self, events: &mpsc::Sender<WatcherEvent>) {
        let mut view = view::View::default();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let mut sockets = Sockets::default();
        loop {
            let socket = sockets.next(&self.chain);
            let mut connection = connection::Connection {
                chain: &self.chain,
                socket: &socket,
                options: &self.options,
                view: &mut view,
                events,
                resynced: false,
            };
            let Err(error) = connection.run().await;
            sockets.ended(&self.chain, &socket, connection.resynced);
            if connection.resynced {
                backoff.reset();
            }
            let delay = backoff.advance();
            tracing::warn!(%error, ?delay, "the subscription ended: connecting again");
            tokio::time::sleep(delay).await;
        }
    }
}
