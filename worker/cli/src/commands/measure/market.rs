//! How long a job takes and how many a market takes, through a localnet with two nodes.
//!
//! The work itself is tiny, so that what is measured is the market: transactions, subscriptions, artifacts, journals.

use super::Arguments;
use crate::commands::localnet::Ready;
use crate::error::CliError;
use crate::local_market::{Launch, NodeInfo, Processes, start_localnet, start_node};
use crate::output::{Output, Table};
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::instructions::TokenMint;
use assay_chain::{Chain, Endpoint, SendOptions, Sender, read_keypair};
use assay_client::{Client, Terms, Work};
use assay_localnet::fund;
use assay_localnet::market::mint_tokens;
use assay_models::mlp;
use assay_node::status::Status;
use assay_store::{FetchOptions, LocalStore, ServerOptions, serve};
use serde_json::json;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What each client of the measurement has, in base units of the payment mint.
const PURSE: u64 = 1_000_000_000;
/// What each node stakes: enough for the bonds of all jobs that it holds at once.
const STAKE: u64 = 1_000_000_000;
/// The price of every job.
const PRICE: u64 = 100_000;

/// Runs the market and prints what it took.
pub(super) async fn measure(processes: &Processes, arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let progress = output.progress("starting a local chain and two nodes", 0);
    let ready = start_localnet(processes, arguments.slot_ms, 2).await?;
    let mut nodes = Vec::new();
    for (owner, name) in ["node-a", "node-b"].into_iter().enumerate() {
        let launch =
            Launch { name, owner, backend: "cpu", stake: STAKE, price_floor: 1, concurrent_jobs: 8, fault: None };
        nodes.push(start_node(processes, &ready, launch).await?);
    }
    progress.done();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let store = LocalStore::open(processes.folder().join("client-store"))?;
    let stop = CancellationToken::new();
    tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
    let clients = clients(&ready, arguments.clients, &store).await?;

    let total = u64::from(arguments.clients) * u64::from(arguments.jobs);
    let progress = output.progress("jobs settled", total);
    let started = Instant::now();
    let mut running: JoinSet<Result<Vec<Job>, CliError>> = JoinSet::new();
    for (index, client) in clients.into_iter().enumerate() {
        let (store, url, ready, jobs) = (store.clone(), url.clone(), ready.clone(), arguments.jobs);
        running.spawn(async move { one_client(client, index as u64, jobs, &ready, &store, &url).await });
    }
    let mut ended = Vec::new();
    while let Some(done) = running.join_next().await {
        ended.extend(done??);
        progress.set(ended.len() as u64);
    }
    let seconds = started.elapsed().as_secs_f64();
    progress.done();
    stop.cancel();
    let lost = claims_lost(&nodes).await?;
    let idle = Idle::measure(&ready, &nodes, output).await?;

    let settled: Vec<&Job> = ended.iter().filter(|job| job.state == JobState::Settled).collect();
    let phase = |of: fn(&Job) -> u64| Quantiles::of(settled.iter().map(|job| of(job)).collect());
    let claim = phase(|job| job.claimed_slot.saturating_sub(job.posted_slot));
    let commit = phase(|job| job.committed_slot.saturating_sub(job.claimed_slot));
    let whole = phase(|job| (job.committed_slot + job.window_slots + 1).saturating_sub(job.posted_slot));
    let window = settled.first().map_or(0, |job| job.window_slots);
    let rate = settled.len() as f64 / seconds;
    let value = json!({ "market": {
        "jobs": ended.len(),
        "settled": settled.len(),
        "seconds": (seconds * 10.0).round() / 10.0,
        "jobs_per_second": (rate * 100.0).round() / 100.0,
        "slot_ms": arguments.slot_ms,
        "window_slots": window,
        "post_to_claim_slots": claim.json(),
        "claim_to_commit_slots": commit.json(),
        "post_to_final_slots": whole.json(),
        "claims_lost": lost,
        "heartbeat_lamports": idle.heartbeat_lamports(),
        "idle_lamports_a_day": idle.lamports_a_day(LIVE_EPOCH_SLOTS),
    }});
    output.result(&value, || {
        let mut table = Table::new(&["slots", "median", "p99", "most"]);
        for (name, quantiles) in
            [("post to claim", &claim), ("claim to commit", &commit), ("post to the end of the window", &whole)]
        {
            table.row([
                name.to_owned(),
                quantiles.median.to_string(),
                quantiles.p99.to_string(),
                quantiles.most.to_string(),
            ]);
        }
        format!(
            "{} of {} jobs settled in {seconds:.1} s: {rate:.2} jobs a second, {} ms a slot, window {window} slots\n{}\n{}",
            settled.len(),
            ended.len(),
            arguments.slot_ms,
            table.render(),
            idle.words(lost)
        )
    })
}

/// Length of epochs on a network with something at stake, as its scheduling begins.
const LIVE_EPOCH_SLOTS: u64 = 21_600;
/// Slots of nominal 400 ms in a day.
const SLOTS_A_DAY: u64 = 216_000;
/// Whole epochs in which nothing but heartbeats is sent.
const IDLE_EPOCHS: u64 = 3;

/// Claims that another node won, of all nodes together.
async fn claims_lost(nodes: &[NodeInfo]) -> Result<u64, CliError> {
    let http = reqwest::Client::new();
    let mut lost = 0u64;
    for node in nodes {
        let status: Status = http.get(format!("http://{}/v1/status", node.status)).send().await?.json().await?;
        lost = lost.saturating_add(status.totals.lost);
    }
    Ok(lost)
}

/// What nodes without work spend.
struct Idle {
    spent_lamports: u64,
    heartbeats: u64,
}

impl Idle {
    /// Watches the operators' lamports for some epochs.
    async fn measure(ready: &Ready, nodes: &[NodeInfo], output: Output) -> Result<Self, CliError> {
        let chain = Chain::new(Endpoint::parse_with_websocket(&ready.rpc_url, &ready.ws_url)?);
        let epoch_slots = u64::from(chain.network().await?.parameters.scheduling.epoch_slots);
        let progress = output.progress("epochs in which nodes have nothing to do", IDLE_EPOCHS);
        // From the middle of an epoch to the middle of another: each heartbeat of the epochs between is in.
        let first = chain.slot().await?.checked_div(epoch_slots).unwrap_or(0).saturating_add(1);
        let half = async |epoch: u64| {
            let middle = epoch.saturating_mul(epoch_slots).saturating_add(epoch_slots / 2);
            while chain.slot().await? < middle {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok::<(), CliError>(())
        };
        half(first).await?;
        let before = operators(&chain, nodes).await?;
        for done in 1..=IDLE_EPOCHS {
            half(first.saturating_add(done)).await?;
            progress.set(done);
        }
        let after = operators(&chain, nodes).await?;
        progress.done();
        Ok(Self {
            spent_lamports: before.saturating_sub(after),
            heartbeats: IDLE_EPOCHS.saturating_mul(nodes.len() as u64),
        })
    }

    fn heartbeat_lamports(&self) -> u64 {
        self.spent_lamports.checked_div(self.heartbeats).unwrap_or(0)
    }

    /// What a node spends in a day with epochs of this length.
    fn lamports_a_day(&self, epoch_slots: u64) -> u64 {
        let heartbeats = SLOTS_A_DAY.checked_div(epoch_slots).unwrap_or(0);
        self.heartbeat_lamports().saturating_mul(heartbeats)
    }

    fn words(&self, lost: u64) -> String {
        format!(
            "claims that lost: {lost}\na node without work: {} lamports a heartbeat, {} a day with epochs of {LIVE_EPOCH_SLOTS} slots",
            self.heartbeat_lamports(),
            self.lamports_a_day(LIVE_EPOCH_SLOTS)
        )
    }
}

/// What the operators of all nodes have together.
async fn operators(chain: &Chain, nodes: &[NodeInfo]) -> Result<u64, CliError> {
    let mut sum = 0u64;
    for node in nodes {
        let operator = chain.node(&node.address).await?.operator;
        sum = sum.saturating_add(chain.balance_lamports(&operator).await?);
    }
    Ok(sum)
}

/// Funded clients.
pub(super) async fn clients(ready: &Ready, count: u16, store: &LocalStore) -> Result<Vec<Client>, CliError> {
    let endpoint = Endpoint::parse_with_websocket(&ready.rpc_url, &ready.ws_url)?;
    let sender = Sender::new(Chain::new(endpoint), SendOptions::default());
    let authority = read_keypair(&ready.keys.authority)?;
    let mint = TokenMint::spl_token(ready.payment_mint.parse()?);
    let mut clients = Vec::new();
    for _ in 0..count {
        let key = Keypair::new();
        fund(sender.chain(), &key.pubkey(), 10_000_000_000).await?;
        mint_tokens(&sender, &authority, mint, &key.pubkey(), PURSE).await?;
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        clients.push(Client::new(sender.clone(), key, store.clone(), fetch)?);
    }
    Ok(clients)
}

/// Posts all jobs of one client, one after the other, then waits for all of them.
async fn one_client(
    client: Client,
    index: u64,
    jobs: u16,
    ready: &Ready,
    store: &LocalStore,
    url: &str,
) -> Result<Vec<Job>, CliError> {
    let shape = mlp::Shape::tiny();
    let model = mlp::model(&shape, 7)?;
    let (graph, params) = (Arc::new(model.graph), Arc::new(model.params));
    let terms = Terms {
        ramp_hold_slots: 0,
        ramp_slots: 0,
        claim_slots: 400,
        ..Terms::new(ready.payment_mint.parse()?, PRICE, PRICE)
    };
    let mut posted = Vec::new();
    for job in 0..jobs {
        let inputs = mlp::inputs(&shape, 1, index * 1_000 + u64::from(job));
        let work = Work::new(graph.clone(), params.clone(), inputs, &[1])?;
        let artifacts = work.store(store, url).await?;
        posted.push(client.post(&work, &artifacts, &terms).await?);
    }
    let mut ended = Vec::new();
    for one in posted {
        ended.push(client.wait(&one.address, |_| {}).await?.job);
    }
    Ok(ended)
}

struct Quantiles {
    median: u64,
    p99: u64,
    most: u64,
}

impl Quantiles {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let index = (values.len() * percent).div_ceil(100).saturating_sub(1);
            values.get(index).copied().unwrap_or(0)
        };
        Self { median: at(50), p99: at(99), most: at(100) }
    }

    fn json(&self) -> serde_json::Value {
        json!({ "median": self.median, "p99": self.p99, "most": self.most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let quantiles = Quantiles::of((1..=200).rev().collect());
        assert_eq!((quantiles.median, quantiles.p99, quantiles.most), (100, 198, 200));
        let none = Quantiles::of(Vec::new());
        assert_eq!((none.median, none.p99, none.most), (0, 0, 0));
    }

    #[test]
    fn a_day_has_as_many_heartbeats_as_epochs() {
        let idle = Idle { spent_lamports: 30_000, heartbeats: 6 };
        assert_eq!((idle.heartbeat_lamports(), idle.lamports_a_day(21_600)), (5_000, 50_000));
        assert_eq!(Idle { spent_lamports: 0, heartbeats: 0 }.lamports_a_day(0), 0);
    }
}
