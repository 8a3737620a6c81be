//! One connection of a follower, from subscribing to the drop.

use super::{AccountKind, ClockReading, FollowerEvent, FollowerOptions, Sighting};
use crate::chain::{Chain, RawAccount};
use crate::error::{ChainError, Result};
use crate::subscription::{check_level, failed, handshake, live, sleep_until};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_client::rpc_config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use solana_client::rpc_response::{Response, RpcKeyedAccount};
use solana_commitment_config::CommitmentConfig;
use solana_pubsub_client::nonblocking::pubsub_client::{PubsubClient, PubsubClientError};
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::sysvar::clock;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

/// One connection. It ends with an error, always: either the socket or the endpoint failed.
pub(super) struct Connection<'a> {
    /// Reads go over whichever endpoint is fit.
    pub(super) chain: &'a Chain,
    /// The endpoint whose websocket this is.
    pub(super) socket: &'a Chain,
    pub(super) options: &'a FollowerOptions,
    pub(super) events: &'a mpsc::Sender<FollowerEvent>,
    /// Latest slot at which anything was read: no later read may be from before it.
    pub(super) read_slot: u64,
    /// Latest slot that the socket announced.
    pub(super) announced_slot: u64,
    /// Whether the connection was good enough to read everything once.
    pub(super) resynced: bool,
}

/// Accounts that rang and were not read yet, as the notification had them.
#[derive(Default)]
struct Doorbell {
    rang: BTreeMap<Pubkey, (AccountKind, u64, Option<RawAccount>)>,
    /// The latest slot of which a notification spoke: what is read must not be from before it.
    slot: u64,
    since: Option<Instant>,
}

type Notification = (AccountKind, Response<RpcKeyedAccount>);

impl Connection<'_> {
    pub(super) async fn run(&mut self) -> Result<Infallible> {
        // One of another cluster would tell of other jobs.
        self.socket.identify().await?;
        let websocket = &self.socket.endpoint().websocket_url;
        let client = self.handshake(PubsubClient::new(websocket.as_str())).await?;
        // Subscribe first, then read everything: what changes in between is told by one or the other.
        let mut streams: Vec<BoxStream<'_, Option<Notification>>> = Vec::new();
        for kind in AccountKind::ALL {
            let (stream, _) =
                self.handshake(client.program_subscribe(&assay::ID, Some(subscription_config(kind)))).await?;
            // The end of one stream must not hide among the others.
            let ending = stream::once(async { None });
            streams.push(stream.map(move |notification| Some((kind, notification))).chain(ending).boxed());
        }
        let mut notifications = stream::select_all(streams);
        let (mut slots, _) = self.handshake(client.slot_subscribe()).await?;

        let mut resync = tokio::time::interval(self.options.resync_interval.max(Duration::from_millis(1)));
        resync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut doorbell = Doorbell::default();
        let mut heard = Instant::now();
        loop {
            let gathered = doorbell.since.map(|since| since + self.options.gather);
            tokio::select! {
                // The first tick comes at once.
                _ = resync.tick() => self.resync().await?,
                () = sleep_until(gathered) => self.answer(std::mem::take(&mut doorbell)).await?,
                notification = notifications.next() => {
                    let (kind, notification) =
                        notification.flatten().ok_or_else(|| self.failed("the server ended a stream of accounts"))?;
                    heard = Instant::now();
                    doorbell.ring(kind, notification);
                }
                slot = slots.next() => {
                    let slot = slot.ok_or_else(|| self.failed("the server ended the stream of slots"))?.slot;
                    check_level(self.socket, slot)?;
                    heard = Instant::now();
                    if self.lost_before(slot) {
                        tracing::warn!(slot, announced = self.announced_slot, "slots were lost: reading everything again");
                        resync.reset_immediately();
                    }
                    if slot > self.announced_slot {
                        self.announced_slot = slot;
                        self.send(FollowerEvent::Slot(slot)).await;
                    }
                }
                () = tokio::time::sleep_until(heard + self.options.silence_limit) => {
                    return Err(self.failed("the socket was silent for too long"));
                }
            }
        }
    }

    /// Whether so many slots are missing before this one that notifications may be missing too.
    fn lost_before(&self, slot: u64) -> bool {
        self.announced_slot > 0 && slot.saturating_sub(self.announced_slot) > self.options.lost_slots
    }

    /// Reads everything.
    async fn resync(&mut self) -> Result<()> {
        let clock = self.clock().await?;
        self.send(FollowerEvent::Clock(clock)).await;
        for kind in AccountKind::ALL {
            let read = self.chain.program_accounts(&assay::ID, &[kind.filter()], self.read_slot).await?;
            self.read_slot = self.read_slot.max(read.slot);
            self.send(FollowerEvent::All { kind, slot: read.slot, accounts: read.value }).await;
        }
        self.resynced = true;
        self.send(FollowerEvent::Complete { slot: self.read_slot }).await;
        Ok(())
    }

    async fn clock(&self) -> Result<ClockReading> {
        let account = self.chain.account(&clock::ID).await?;
        account
            .as_ref()
            .and_then(|account| read_clock(&account.data))
            .ok_or_else(|| self.failed("the endpoint has no readable clock"))
    }

    /// Reads what rang.
    async fn answer(&mut self, doorbell: Doorbell) -> Result<()> {
        let minimum_slot = self.read_slot.max(doorbell.slot);
        let addresses: Vec<_> = doorbell.rang.keys().copied().collect();
        let read = self.chain.accounts(&addresses, minimum_slot).await?;
        self.read_slot = self.read_slot.max(read.slot);
        let mut seen = Vec::with_capacity(addresses.len());
        for ((address, (kind, told_slot, told)), account) in doorbell.rang.into_iter().zip(read.value) {
            // What becomes of an address whose account is closed is no account of this kind.
            let account = live(account).filter(|account| account.data.starts_with(kind.discriminator()));
            if account.is_none() && told.is_some() {
                seen.push(Sighting { kind, address, slot: told_slot, account: told });
            }
            seen.push(Sighting { kind, address, slot: read.slot, account });
        }
        self.send(FollowerEvent::Seen(seen)).await;
        Ok(())
    }

    /// A receiver that is gone ends the whole follower, so there is nothing to do about it here.
    async fn send(&self, event: FollowerEvent) {
        let _ = self.events.send(event).await;
    }

    async fn handshake<T>(&self, step: impl Future<Output = std::result::Result<T, PubsubClientError>>) -> Result<T> {
        handshake(self.socket, self.options.silence_limit, step).await
    }

    fn failed(&self, reason: &str) -> ChainError {
        failed(self.socket, reason)
    }
}

impl Doorbell {
    /// A notification that names no address, or carries no readable bytes, is left to the next reading of everything.
    fn ring(&mut self, kind: AccountKind, notification: Response<RpcKeyedAccount>) {
        let Ok(address) = notification.value.pubkey.parse::<Pubkey>() else { return };
        let slot = notification.context.slot;
        let account = told(kind, &notification.value);
        // The last word before an account is gone is worth more than none.
        let account = account.or_else(|| self.rang.remove(&address).and_then(|(_, _, earlier)| earlier));
        self.rang.insert(address, (kind, slot, account));
        self.slot = self.slot.max(slot);
        self.since.get_or_insert_with(Instant::now);
    }
}

/// The account as the notification has it, if it is one of the program's.
fn told(kind: AccountKind, keyed: &RpcKeyedAccount) -> Option<RawAccount> {
    let data = keyed.account.data.decode()?;
    let account = RawAccount {
        owner: keyed.account.owner.parse().ok()?,
        lamports: keyed.account.lamports,
        data,
        executable: keyed.account.executable,
    };
    live(Some(account)).filter(|account| account.data.starts_with(kind.discriminator()))
}

/// Slot and time as the clock sysvar has them: slot, start of the epoch, epoch, epoch of the leader schedule, time.
fn read_clock(data: &[u8]) -> Option<ClockReading> {
    let slot = data.get(0..8)?.try_into().ok().map(u64::from_le_bytes)?;
    let unix_seconds = data.get(32..40)?.try_into().ok().map(i64::from_le_bytes)?;
    Some(ClockReading { slot, unix_seconds })
}

fn subscription_config(kind: AccountKind) -> RpcProgramAccountsConfig {
    RpcProgramAccountsConfig {
        filters: Some(vec![kind.filter()]),
        account_config: RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            data_slice: None,
            commitment: Some(CommitmentConfig::confirmed()),
            min_context_slot: None,
        },
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_client::rpc_response::RpcResponseContext;

    fn notification(address: Pubkey, slot: u64, owner: Pubkey, data: &[u8]) -> Response<RpcKeyedAccount> {
        let account = serde_json::from_value(serde_json::json!({
            "lamports": 1, "owner": owner.to_string(), "executable": false, "rentEpoch": 0, "space": data.len(),
            "data": [base64_of_triples(data), "base64"],
        }))
        .unwrap();
        Response {
            context: RpcResponseContext { slot, api_version: None },
            value: RpcKeyedAccount { pubkey: address.to_string(), account },
        }
    }

    /// Base64 of what is a multiple of three bytes long.
    fn base64_of_triples(data: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        assert_eq!(data.len() % 3, 0);
        data.chunks(3)
            .flat_map(|three| {
                let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
                [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
            })
            .collect()
    }

    #[test]
    fn the_last_words_of_an_account_outlive_its_closing() {
        let address = Pubkey::new_unique();
        let data = [AccountKind::Job.discriminator(), &[7]].concat();
        let mut doorbell = Doorbell::default();
        doorbell.ring(AccountKind::Job, notification(address, 5, assay::ID, &data));
        doorbell.ring(AccountKind::Job, notification(address, 6, Pubkey::default(), &[]));
        let (kind, slot, account) = &doorbell.rang[&address];
        assert_eq!((*kind, *slot, doorbell.slot), (AccountKind::Job, 6, 6));
        assert_eq!(account.as_ref().map(|account| account.data.as_slice()), Some(data.as_slice()));
    }

    #[test]
    fn what_is_no_account_of_the_kind_is_not_told() {
        let address = Pubkey::new_unique();
        let data = [AccountKind::Node.discriminator(), &[7]].concat();
        assert!(told(AccountKind::Node, &notification(address, 5, assay::ID, &data).value).is_some());
        assert!(told(AccountKind::Job, &notification(address, 5, assay::ID, &data).value).is_none());
        assert!(told(AccountKind::Node, &notification(address, 5, Pubkey::default(), &data).value).is_none());
    }

    #[test]
    fn the_clock_is_read_whole_or_not_at_all() {
        let mut data = vec![0; 40];
        data[..8].copy_from_slice(&9u64.to_le_bytes());
        data[32..].copy_from_slice(&1_700_000_000i64.to_le_bytes());
        assert_eq!(read_clock(&data), Some(ClockReading { slot: 9, unix_seconds: 1_700_000_000 }));
        assert_eq!(read_clock(&data[..39]), None);
    }
}
