//! What everything that follows the chain by websocket shares.

use crate::chain::{Chain, RawAccount};
use crate::error::{ChainError, Result};
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClientError;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// Whose websocket is taken: that of the endpoint in use, and after a failure the next one's.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// Numbers of the endpoints whose websockets failed since one was good; never all of them.
    failed: Vec<usize>,
}

impl Sockets {
    /// A connection to the endpoint whose websocket to take now, and to no other.
    pub(crate) fn next(&self, chain: &Chain) -> Chain {
        chain.only(chain.pool().choose(&self.failed).unwrap_or_else(|| chain.number()))
    }

    /// A websocket ended; `was_good` if everything could be read once while it lived.
    pub(crate) fn ended(&mut self, chain: &Chain, socket: &Chain, was_good: bool) {
        if was_good {
            self.failed.clear();
        }
        self.failed.push(socket.number());
        if self.failed.len() >= chain.endpoint_count() {
            self.failed.clear();
        }
    }
}

/// Refuses the slot of a websocket that is too far behind what other endpoints tell.
pub(crate) fn check_level(socket: &Chain, slot: u64) -> Result<()> {
    match socket.pool().is_behind(slot) {
        Some(lag) => Err(failed(socket, &format!("it is at slot {slot}, {lag} behind another endpoint"))),
        None => Ok(()),
    }
}

/// One step of making a connection, which must be over within `limit`.
pub(crate) async fn handshake<T>(
    chain: &Chain,
    limit: Duration,
    step: impl Future<Output = std::result::Result<T, PubsubClientError>>,
) -> Result<T> {
    match tokio::time::timeout(limit, step).await {
        Ok(done) => done.map_err(|error| failed(chain, &error.to_string())),
        Err(_) => Err(failed(chain, "it did not answer in time")),
    }
}

/// The error of a subscription that ended.
pub(crate) fn failed(chain: &Chain, reason: &str) -> ChainError {
    ChainError::SubscriptionFailed {
        endpoint: chain.endpoint().shown_websocket(),
        reason: chain.endpoint().conceal(reason),
    }
}

/// An account that still belongs to the program; what was closed within its last slot belongs to the system program.
pub(crate) fn live(account: Option<RawAccount>) -> Option<RawAccount> {
    account.filter(|account| account.owner == assay::ID)
}

/// Until a moment; without one, for ever.
pub(crate) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
