//! Every account of the market as a stream, for whoever keeps its history.
//!
//! Where the [watcher](crate::watcher) tells its receiver what differs from what it told before, a follower tells everything and
//! leaves the comparison to a receiver that remembers longer than one process lives: after each (re)connection, at intervals, and when
//! slots were lost, all accounts of each kind are read together; in between, whatever a notification speaks of is read by itself.
//! Reads never go back in time. An account that is gone when it is read is told as it was in the notification, and then as gone.

mod connection;
mod kind;

pub use kind::{AccountKind, FollowedAccount};

use crate::backoff::Backoff;
use crate::chain::{Chain, RawAccount};
use crate::subscription::Sockets;
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Events that may wait for a slow receiver before the follower waits too. Each can hold all accounts of a kind.
const EVENT_QUEUE: usize = 16;

/// How to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowerOptions {
    /// How often everything is read even though the socket lives; also the longest that a closed account stays unnoticed.
    pub resync_interval: Duration,
    /// How long the socket may be silent before it counts as dead, while connecting too.
    pub silence_limit: Duration,
    /// How long notifications are gathered before their accounts are read together.
    pub gather: Duration,
    /// Slots that may be missing between two that the socket announces before everything is read again.
    pub lost_slots: u64,
}

impl Default for FollowerOptions {
    fn default() -> Self {
        Self {
            resync_interval: Duration::from_secs(60),
            silence_limit: Duration::from_secs(15),
            gather: Duration::from_millis(50),
            lost_slots: 32,
        }
    }
}

/// One account as it was at a slot; nothing where it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What it is.
    pub kind: AccountKind,
    /// Its address.
    pub address: Pubkey,
    /// The slot at which it was read.
    pub slot: u64,
    /// Its bytes.
    pub account: Option<RawAccount>,
}

/// What a chain's clock said at a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The slot.
    pub slot: u64,
    /// Seconds since 1970, UTC.
    pub unix_seconds: i64,
}

/// What a follower saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowerEvent {
    /// Some accounts changed.
    Seen(Vec<Sighting>),
    /// All accounts of a kind: what is not among them is gone.
    All {
        /// The kind.
        kind: AccountKind,
        /// The slot at which they were read together.
        slot: u64,
        /// All of them.
        accounts: Vec<(Pubkey, RawAccount)>,
    },
    /// Everything is about to be told; the chain's clock says so.
    Clock(ClockReading),
    /// All kinds were told: from here on, what the receiver knows is complete.
    Complete {
        /// The slot of the last reading.
        slot: u64,
    },
    /// The chain came to a higher slot (not yet confirmed).
    Slot(u64),
    /// The connection ended; the next one begins with everything.
    Dropped {
        /// Why.
        reason: String,
    },
}

/// Follows all accounts over one endpoint.
#[derive(Clone, Debug)]
pub struct Follower {
    chain: Chain,
    options: FollowerOptions,
}

impl Follower {
    /// A follower; nothing is sent before [`Follower::spawn`].
    pub fn new(chain: Chain, options: FollowerOptions) -> Self {
        Self { chain, options }
    }

    /// Follows in a task of its own until `stop`, or until the receiver is dropped. The channel ends with the task.
    pub fn spawn(self, stop: CancellationToken) -> mpsc::Receiver<FollowerEvent> {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = events.closed() => {}
                () = self.follow(&events) => {}
            }
        });
        receiver
    }

    /// One connection after another.
    async fn follow(&self, events: &mpsc::Sender<FollowerEvent>) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let mut read_slot = 0;
        let mut sockets = Sockets::default();
        loop {
            let socket = sockets.next(&self.chain);
            let mut connection = connection::Connection {
                chain: &self.chain,
                socket: &socket,
                options: &self.options,
                events,
                read_slot,
                announced_slot: 0,
                resynced: false,
            };
            let Err(error) = connection.run().await;
            read_slot = connection.read_slot;
            sockets.ended(&self.chain, &socket, connection.resynced);
            if connection.resynced {
                backoff.reset();
            }
            let delay = backoff.advance();
            tracing::warn!(%error, ?delay, "the subscription ended: connecting again");
            // A receiver that is gone ends the whole follower.
            let _ = events.send(FollowerEvent::Dropped { reason: error.to_string() }).await;
            tokio::time::sleep(delay).await;
        }
    }
}
