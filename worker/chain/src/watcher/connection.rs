//! One connection of a watcher, from subscribing to the drop.

use super::view::{Difference, View};
use super::{WatcherEvent, WatcherOptions};
use crate::accounts::{SessionFilter, decode_job, decode_node, decode_session};
use crate::chain::Chain;
use crate::error::{ChainError, Result};
use crate::subscription::{check_level, failed, handshake, live, sleep_until};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use solana_account_decoder_client_types::{UiAccount, UiAccountEncoding, UiDataSliceConfig};
use solana_client::rpc_config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use solana_client::rpc_filter::RpcFilterType;
use solana_client::rpc_response::{Response, RpcKeyedAccount};
use solana_commitment_config::CommitmentConfig;
use solana_pubsub_client::nonblocking::pubsub_client::{PubsubClient, PubsubClientError};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeSet;
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
    pub(super) options: &'a WatcherOptions,
    pub(super) view: &'a mut View,
    pub(super) events: &'a mpsc::Sender<WatcherEvent>,
    /// Whether the connection was good enough to read everything once.
    pub(super) resynced: bool,
}

/// Accounts that rang and were not read yet.
#[derive(Default)]
struct Doorbell {
    jobs: BTreeSet<Pubkey>,
    sessions: BTreeSet<Pubkey>,
    nodes: BTreeSet<Pubkey>,
    /// The latest slot of which a notification spoke: what is read must not be from before it.
    slot: u64,
    since: Option<Instant>,
}

impl Doorbell {
    fn ring(&mut self, slot: u64) {
        self.slot = self.slot.max(slot);
        self.since.get_or_insert_with(Instant::now);
    }
}

impl Connection<'_> {
    pub(super) async fn run(&mut self) -> Result<Infallible> {
        // One of another cluster would tell of other jobs.
        self.socket.identify().await?;
        let websocket = &self.socket.endpoint().websocket_url;
        let client = self.handshake(PubsubClient::new(websocket.as_str())).await?;

        // Subscribe first, then read everything: what changes in between is told by one or the other.
        let filters = Some(self.options.jobs.filter().to_rpc());
        let jobs_config = RpcProgramAccountsConfig { filters, account_config: doorbell_config(), ..Default::default() };
        let (mut jobs, _) = self.handshake(client.program_subscribe(&assay::ID, Some(jobs_config))).await?;
        // Without a node whose sessions are watched the stream must wait forever instead of ending.
        let mut sessions: BoxStream<'_, Response<RpcKeyedAccount>> = match self.session_filters() {
            Some(filters) => {
                let filters = Some(filters);
                let config =
                    RpcProgramAccountsConfig { filters, account_config: doorbell_config(), ..Default::default() };
                self.handshake(client.program_subscribe(&assay::ID, Some(config))).await?.0
            }
            None => stream::pending().boxed(),
        };
        let (mut slots, _) = self.handshake(client.slot_subscribe()).await?;
        let mut node_streams: Vec<BoxStream<'_, (Pubkey, Response<UiAccount>)>> = Vec::new();
        for node in self.options.nodes.iter().copied() {
            let (stream, _) = self.handshake(client.account_subscribe(&node, Some(doorbell_config()))).await?;
            node_streams.push(stream.map(move |notification| (node, notification)).boxed());
        }
        // Without nodes the stream must wait forever instead of ending.
        node_streams.push(stream::pending().boxed());
        let mut nodes = stream::select_all(node_streams);

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
                notification = jobs.next() => {
                    let notification = notification.ok_or_else(|| self.failed("the server ended the stream of jobs"))?;
                    heard = Instant::now();
                    if let Ok(address) = notification.value.pubkey.parse() {
                        doorbell.jobs.insert(address);
                        doorbell.ring(notification.context.slot);
                    }
                }
                notification = sessions.next() => {
                    let notification =
                        notification.ok_or_else(|| self.failed("the server ended the stream of sessions"))?;
                    heard = Instant::now();
                    if let Ok(address) = notification.value.pubkey.parse() {
                        doorbell.sessions.insert(address);
                        doorbell.ring(notification.context.slot);
                    }
                }
                Some((node, notification)) = nodes.next() => {
                    heard = Instant::now();
                    doorbell.nodes.insert(node);
                    doorbell.ring(notification.context.slot);
                }
                slot = slots.next() => {
                    let slot = slot.ok_or_else(|| self.failed("the server ended the stream of slots"))?.slot;
                    check_level(self.socket, slot)?;
                    heard = Instant::now();
                    if self.view.announce(slot) {
                        self.send(WatcherEvent::Slot(slot)).await;
                    }
                }
                () = tokio::time::sleep_until(heard + self.options.silence_limit) => {
                    return Err(self.failed("the socket was silent for too long"));
                }
            }
        }
    }

    /// Reads everything that is watched.
    async fn resync(&mut self) -> Result<()> {
        let filters = self.options.jobs.filter().to_rpc();
        let jobs = self.chain.program_accounts(&assay::ID, &filters, self.view.read_slot).await?;
        self.view.read_at(jobs.slot);
        let differences = self.view.jobs.observe_all(jobs.slot, jobs.value);
        self.tell_jobs(jobs.slot, differences).await;
        if let Some(filters) = self.session_filters() {
            let sessions = self.chain.program_accounts(&assay::ID, &filters, self.view.read_slot).await?;
            self.view.read_at(sessions.slot);
            let differences = self.view.sessions.observe_all(sessions.slot, sessions.value);
            self.tell_sessions(sessions.slot, differences).await;
        }
        let nodes: BTreeSet<_> = self.options.nodes.iter().copied().collect();
        self.read_nodes(nodes, self.view.read_slot).await?;
        self.resynced = true;
        self.send(WatcherEvent::Resynced { slot: self.view.read_slot }).await;
        Ok(())
    }

    /// Reads what rang.
    async fn answer(&mut self, doorbell: Doorbell) -> Result<()> {
        let minimum_slot = self.view.read_slot.max(doorbell.slot);
        if !doorbell.jobs.is_empty() {
            let addresses: Vec<_> = doorbell.jobs.into_iter().collect();
            let read = self.chain.accounts(&addresses, minimum_slot).await?;
            self.view.read_at(read.slot);
            let differences = addresses
                .into_iter()
                .zip(read.value)
                .filter_map(|(address, account)| self.view.jobs.observe(read.slot, address, live(account)))
                .collect();
            self.tell_jobs(read.slot, differences).await;
        }
        if !doorbell.sessions.is_empty() {
            let addresses: Vec<_> = doorbell.sessions.into_iter().collect();
            let read = self.chain.accounts(&addresses, minimum_slot).await?;
            self.view.read_at(read.slot);
            let differences = addresses
                .into_iter()
                .zip(read.value)
                .filter_map(|(address, account)| self.view.sessions.observe(read.slot, address, live(account)))
                .collect();
            self.tell_sessions(read.slot, differences).await;
        }
        self.read_nodes(doorbell.nodes, minimum_slot).await
    }

    async fn read_nodes(&mut self, nodes: BTreeSet<Pubkey>, minimum_slot: u64) -> Result<()> {
        if nodes.is_empty() {
            return Ok(());
        }
        let addresses: Vec<_> = nodes.into_iter().collect();
        let read = self.chain.accounts(&addresses, minimum_slot).await?;
        self.view.read_at(read.slot);
        for (address, account) in addresses.into_iter().zip(read.value) {
            let event = match self.view.nodes.observe(read.slot, address, live(account)) {
                Some(Difference::Changed(address, account)) => match decode_node(&address, &account) {
                    Ok(node) => WatcherEvent::NodeChanged { address, node: Box::new(node), slot: read.slot },
                    Err(error) => {
                        tracing::warn!(%error, "a watched node cannot be read");
                        continue;
                    }
                },
                Some(Difference::Closed(address)) => WatcherEvent::NodeClosed { address },
                None => continue,
            };
            self.send(event).await;
        }
        Ok(())
    }

    async fn tell_jobs(&self, slot: u64, differences: Vec<Difference>) {
        for difference in differences {
            let event = match difference {
                Difference::Changed(address, account) => match decode_job(&address, &account) {
                    Ok(job) => WatcherEvent::JobChanged { address, job: Box::new(job), slot },
                    Err(error) => {
                        tracing::warn!(%error, "a job cannot be read");
                        continue;
                    }
                },
                Difference::Closed(address) => WatcherEvent::JobClosed { address },
            };
            self.send(event).await;
        }
    }

    async fn tell_sessions(&self, slot: u64, differences: Vec<Difference>) {
        for difference in differences {
            let event = match difference {
                Difference::Changed(address, account) => match decode_session(&address, &account) {
                    Ok(session) => WatcherEvent::SessionChanged { address, session: Box::new(session), slot },
                    Err(error) => {
                        tracing::warn!(%error, "a session cannot be read");
                        continue;
                    }
                },
                Difference::Closed(address) => WatcherEvent::SessionClosed { address },
            };
            self.send(event).await;
        }
    }

    /// Which sessions are watched, if any are.
    fn session_filters(&self) -> Option<Vec<RpcFilterType>> {
        self.options.sessions_of.map(|node| SessionFilter { node: Some(node), ..SessionFilter::default() }.to_rpc())
    }

    /// A receiver that is gone ends the whole watcher, so there is nothing to do about it here.
    async fn send(&self, event: WatcherEvent) {
        let _ = self.events.send(event).await;
    }

    async fn handshake<T>(&self, step: impl Future<Output = std::result::Result<T, PubsubClientError>>) -> Result<T> {
        handshake(self.socket, self.options.silence_limit, step).await
    }

    fn failed(&self, reason: &str) -> ChainError {
        failed(self.socket, reason)
    }
}

/// A notification needs no data: it only says what to read.
fn doorbell_config() -> RpcAccountInfoConfig {
    RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        data_slice: Some(UiDataSliceConfig { offset: 0, length: 0 }),
        commitment: Some(CommitmentConfig::confirmed()),
        min_context_slot: None,
    }
}
