//! Whether an endpoint is fit to be relied on: what its clock says, and whether its websocket speaks.

use crate::chain::Chain;
use crate::error::{ChainError, Result};
use crate::subscription::{failed, handshake};
use futures_util::StreamExt;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use std::time::Duration;

/// Where the seconds since 1970 lie in the clock's account: after slot, start of the epoch, epoch and leader schedule.
const UNIX_TIME: std::ops::Range<usize> = 32..40;

impl Chain {
    /// The cluster's own time, in seconds since 1970: what its validators agree on, some seconds beside everybody's clock.
    ///
    /// # Errors
    /// The endpoint does not answer, or its clock cannot be read (`C0132`).
    pub async fn unix_seconds(&self) -> Result<i64> {
        let address = solana_sdk_ids::sysvar::clock::ID;
        let account = self.account(&address).await?.ok_or(ChainError::AccountMissing { what: "clock", address })?;
        let seconds = account.data.get(UNIX_TIME).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes);
        seconds.ok_or_else(|| ChainError::AccountMalformed {
            what: "clock",
            address,
            reason: "it is too short".to_owned(),
        })
    }

    /// The first slot that the endpoint's websocket tells within `limit` for each step: connecting, subscribing, hearing.
    ///
    /// # Errors
    /// `C0112`.
    pub async fn hear_slot(&self, limit: Duration) -> Result<u64> {
        let client = handshake(self, limit, PubsubClient::new(self.endpoint().websocket_url.as_str())).await?;
        let (mut slots, _) = handshake(self, limit, client.slot_subscribe()).await?;
        match tokio::time::timeout(limit, slots.next()).await {
            Ok(Some(told)) => Ok(told.slot),
            Ok(None) => Err(failed(self, "the server ended the stream of slots")),
            Err(_) => Err(failed(self, &format!("no slot was told within {} s", limit.as_secs()))),
        }
    }

    /// Whether the program is deployed here.
    ///
    /// # Errors
    /// The endpoint does not answer.
    pub async fn has_program(&self) -> Result<bool> {
        Ok(self.account(&assay::ID).await?.is_some_and(|account| account.executable))
    }
}
