//! The market of the demo: who takes part, what is posted, what came of it.

use super::Arguments;
use super::processes::Processes;
use super::verify::reference_output;
use crate::commands::localnet::Ready;
use crate::error::CliError;
use crate::output::{Output, Table, draw_digits};
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::instructions::TokenMint;
use assay_chain::{Chain, Endpoint, SendOptions, Sender, read_keypair};
use assay_client::{Client, Ended, Posted, Terms, Work};
use assay_models::digits::{self, Dataset, Image, Prediction};
use assay_node::status::Status;
use assay_store::{FetchOptions, LocalStore, ServerOptions, serve};
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// One unit of either test mint: 6 decimals.
const UNIT: u64 = 1_000_000;

/// A node that runs.
#[derive(Debug)]
pub(in crate::commands) struct NodeInfo {
    name: &'static str,
    backend: String,
    address: Pubkey,
    owner: Pubkey,
    status: SocketAddr,
}

/// How a node is to be started.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Launch {
    pub(in crate::commands) name: &'static str,
    /// Which of the localnet's node keys owns it.
    pub(in crate::commands) owner: usize,
    pub(in crate::commands) backend: &'static str,
    pub(in crate::commands) price_floor: u64,
    pub(in crate::commands) concurrent_jobs: usize,
}

/// Everything that is running.
#[derive(Debug)]
pub(super) struct Market {
    ready: Ready,
    chain: Chain,
    client: Arc<Client>,
    nodes: Vec<NodeInfo>,
    store: LocalStore,
    store_url: String,
    stop: CancellationToken,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) jobs: usize,
    pub(super) settled: usize,
    pub(super) refunded: usize,
    pub(super) accuracy: f64,
    pub(super) bit_exact: bool,
    pub(super) backends: Vec<String>,
}

/// Jobs on their way to their ends.
type Following = JoinSet<Result<Ended, CliError>>;

/// How a job of the demo is priced, and what should become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Posted at a price that somebody takes, now or as it rises.
    Settle { min: u64, max: u64 },
    /// Too cheap for every node: expires, and everything comes back.
    TooCheap,
    /// Taken back by the client.
    Cancel,
}

/// A job of the demo from posting to its end.
#[derive(Debug)]
struct Entry {
    plan: Plan,
    posted: Posted,
    images: Vec<Image>,
    work: Work,
}

impl Market {
    /// Starts localnet, nodes and store.
    pub(super) async fn open(
        processes: &mut Processes,
        arguments: &Arguments,
        output: Output,
    ) -> Result<Self, CliError> {
        let progress =
            output.progress("starting a localnet: program deployed by loader transactions, network initialised", 0);
        let ready = start_localnet(processes, arguments.slot_ms).await?;
        let endpoint = Endpoint::parse_with_websocket(&ready.rpc_url, &ready.ws_url)?;
        let chain = Chain::new(endpoint);
        progress.done();
        output
            .say(format!("localnet   {} (program {}, {} ms a slot)", ready.rpc_url, ready.program, arguments.slot_ms));

        let mut nodes = Vec::new();
        for launch in [
            Launch { name: "node-a", owner: 0, backend: "wgpu", price_floor: 3 * UNIT, concurrent_jobs: 2 },
            Launch { name: "node-b", owner: 1, backend: "cpu", price_floor: UNIT, concurrent_jobs: 2 },
        ] {
            nodes.push(start_node(processes, &ready, launch, output).await?);
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let store_url = format!("http://{}", listener.local_addr()?);
        let store = LocalStore::open(processes.folder().join("client-store"))?;
        let stop = CancellationToken::new();
        tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        let key = read_keypair(&ready.keys.client)?;
        let client = Client::new(Sender::new(chain.clone(), SendOptions::default()), key, store.clone(), fetch)?;
        Ok(Self { ready, chain, client: Arc::new(client), nodes, store, store_url, stop })
    }

    /// Posts, follows, verifies, pays out.
    pub(super) async fn run(&self, arguments: &Arguments, output: Output) -> Result<Summary, CliError> {
        let before = self.balances().await?;
        let (entries, following) = self.post(arguments, output).await?;
        let ended = self.ends(following, output).await?;
        let statuses = self.wait_until_paid(&entries).await;
        output.say("");
        output.say(self.table(&entries, &ended, &statuses).render());

        let checked = self.check(&entries, &ended, output).await?;
        for entry in &entries {
            self.client.reclaim(&entry.posted.address).await?;
        }
        let after = self.balances().await?;
        output.say("");
        output.say(balance_table(&before, &after).render());
        self.stop.cancel();

        let settled = ended.values().filter(|job| job.state == JobState::Settled).count();
        let backends = backends_used(&statuses);
        Ok(Summary {
            jobs: entries.len(),
            settled,
            refunded: entries.len() - settled,
            accuracy: checked.accuracy,
            bit_exact: checked.bit_exact,
            backends,
        })
    }

    /// Posts every job and follows it from that moment on.
    async fn post(&self, arguments: &Arguments, output: Output) -> Result<(Vec<Entry>, Following), CliError> {
        let model = digits::model()?;
        let (graph, params) = (Arc::new(model.graph), Arc::new(model.params));
        let dataset = Dataset::embedded();
        let batches: Vec<&[Image]> = dataset.held_out.chunks(arguments.images_per_job as usize).collect();
        let mut plans: Vec<(Plan, &[Image])> =
            batches.iter().enumerate().map(|(index, images)| (price(index), *images)).collect();
        if let Some(first) = batches.first() {
            plans.push((Plan::TooCheap, first));
            plans.push((Plan::Cancel, first));
        }
        output.say(format!(
            "posting {} jobs over {} held-out images, each for a price that rises until a node takes it",
            plans.len(),
            dataset.held_out.len()
        ));
        let mut entries = Vec::new();
        let mut following = JoinSet::new();
        for (plan, images) in plans {
            let work = Work::new(graph.clone(), params.clone(), digits::inputs(images), &digits::symbols(images))?;
            let artifacts = work.store(&self.store, &self.store_url).await?;
            let posted = self.client.post(&work, &artifacts, &self.terms(plan)?).await?;
            if plan == Plan::Cancel {
                self.client.cancel(&posted.address).await?;
            }
            following.spawn(self.follow(posted, output));
            entries.push(Entry { plan, posted, images: images.to_vec(), work });
        }
        Ok((entries, following))
    }

    fn terms(&self, plan: Plan) -> Result<Terms, CliError> {
        let mint: Pubkey = self.ready.payment_mint.parse()?;
        let (min, max) = match plan {
            Plan::Settle { min, max } => (min, max),
            Plan::TooCheap | Plan::Cancel => (UNIT / 10, UNIT / 2),
        };
        let claim_slots = if plan == Plan::TooCheap { 20 } else { 100 };
        let ramp_slots = if plan == Plan::TooCheap { 10 } else { 24 };
        Ok(Terms { ramp_hold_slots: 4, ramp_slots, claim_slots, run_slots: 250, ..Terms::new(mint, min, max) })
    }

    /// Waits for the end of one job and says what happens to it on the way.
    fn follow(&self, posted: Posted, output: Output) -> impl Future<Output = Result<Ended, CliError>> + Send + use<> {
        let client = Arc::clone(&self.client);
        let names: HashMap<Pubkey, &'static str> = self.nodes.iter().map(|node| (node.address, node.name)).collect();
        async move {
            let mut last = JobState::Posted;
            let ended = client
                .wait(&posted.address, |seen| {
                    if seen.job.state != last {
                        last = seen.job.state;
                        output.say(happening(posted.job_id, seen.slot, &seen.job, &names));
                    }
                })
                .await?;
            Ok(ended)
        }
    }

    /// Collects the ends of all jobs.
    async fn ends(&self, mut following: Following, output: Output) -> Result<HashMap<Pubkey, Job>, CliError> {
        let progress = output.progress("jobs ended", following.len() as u64);
        let mut ended = HashMap::new();
        while let Some(done) = following.join_next().await {
            let done = done??;
            ended.insert(done.address, done.job);
            progress.set(ended.len() as u64);
        }
        progress.done();
        Ok(ended)
    }

    /// Nodes withdraw by themselves shortly after the end.
    async fn wait_until_paid(&self, entries: &[Entry]) -> Vec<Status> {
        let http = reqwest::Client::new();
        let expected = entries.iter().filter(|entry| matches!(entry.plan, Plan::Settle { .. })).count() as u64;
        let mut statuses = Vec::new();
        for _ in 0..100 {
            statuses.clear();
            for node in &self.nodes {
                let url = format!("http://{}/v1/status", node.status);
                if let Ok(answer) = http.get(url).send().await
                    && let Ok(status) = answer.json::<Status>().await
                {
                    statuses.push(status);
                }
            }
            if statuses.iter().map(|status| status.totals.paid).sum::<u64>() >= expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        statuses
    }

    fn table(&self, entries: &[Entry], ended: &HashMap<Pubkey, Job>, statuses: &[Status]) -> Table {
        let mut table = Table::new(&[
            "job",
            "images",
            "asked",
            "paid",
            "node",
            "backend",
            "kernels",
            "hashing",
            "slots to settle",
            "commitment",
            "ended",
        ]);
        for entry in entries {
            let Some(job) = ended.get(&entry.posted.address) else { continue };
            let address = entry.posted.address.to_string();
            let record = statuses
                .iter()
                .flat_map(|status| &status.jobs)
                .find(|record| record.job == address && record.computed.is_some());
            let computed = record.and_then(|record| record.computed.as_ref());
            let claimed = job.claimed_slot != 0;
            let name = self.nodes.iter().find(|node| node.address == job.node).map_or("-", |node| node.name);
            let millis = |micros: u64| format!("{:.2} ms", micros as f64 / 1000.0);
            table.row([
                entry.posted.job_id.to_string(),
                entry.images.len().to_string(),
                format!("{} to {}", units(job.price_min), units(job.price_max)),
                if claimed { units(job.price) } else { "-".to_owned() },
                name.to_owned(),
                computed.map_or("-".to_owned(), |computed| computed.backend.clone()),
                computed.map_or("-".to_owned(), |computed| millis(computed.kernel_micros)),
                computed.map_or("-".to_owned(), |computed| millis(computed.commit_micros)),
                if claimed {
                    (job.committed_slot + job.window_slots - job.posted_slot).to_string()
                } else {
                    "-".to_owned()
                },
                if claimed { hex::encode(&job.commitment[..6]) } else { "-".to_owned() },
                format!("{:?}", job.state).to_lowercase(),
            ]);
        }
        table
    }

    async fn check(
        &self,
        entries: &[Entry],
        ended: &HashMap<Pubkey, Job>,
        output: Output,
    ) -> Result<Checked, CliError> {
        let progress = output.progress("checking every output against the scalar reference", entries.len() as u64);
        let (mut right, mut total, mut bit_exact) = (0usize, 0usize, true);
        let mut shown: Vec<(Image, Prediction)> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            progress.set(index as u64);
            let Some(job) = ended.get(&entry.posted.address).filter(|job| job.state == JobState::Settled) else {
                continue;
            };
            let bytes = self.client.result(&entry.posted.address, &entry.work, job).await?;
            let work = entry.work.clone();
            let reference = tokio::task::spawn_blocking(move || reference_output(&work)).await??;
            bit_exact &= bytes == reference;
            let predictions = digits::decode(&bytes)?;
            total += entry.images.len();
            let hits = |(image, prediction): (&Image, &Prediction)| image.label == prediction.class;
            right += entry.images.iter().zip(&predictions).filter(|pair| hits(*pair)).count();
            shown.extend(entry.images.iter().copied().zip(predictions));
        }
        progress.done();
        // Mistakes say more than successes: they come first.
        shown.sort_by_key(|(image, prediction)| image.label == prediction.class);
        let picture: Vec<(&Image, &Prediction)> = shown
            .iter()
            .take(2)
            .chain(shown.iter().rev().take(3))
            .map(|(image, prediction)| (image, prediction))
            .collect();
        output.say("");
        output.say(draw_digits(&picture));
        Ok(Checked { accuracy: right as f64 / total.max(1) as f64, bit_exact: bit_exact && total > 0 })
    }

    /// Tokens of everybody who takes part.
    async fn balances(&self) -> Result<Vec<Balance>, CliError> {
        let mint = TokenMint::spl_token(self.ready.payment_mint.parse()?);
        let mut owners = vec![("client".to_owned(), self.client.address())];
        owners.extend(self.nodes.iter().map(|node| (format!("{} ({})", node.name, node.backend), node.owner)));
        let mut balances = Vec::new();
        for (name, owner) in owners {
            let tokens = self.chain.token_balance(&mint.associated_account(&owner)).await?.unwrap_or(0);
            let stake = match self.nodes.iter().find(|node| node.owner == owner) {
                Some(node) => Some(self.chain.node(&node.address).await?.stake),
                None => None,
            };
            balances.push(Balance { name, tokens, stake, lamports: self.chain.balance_lamports(&owner).await? });
        }
        let fees = self.chain.token_balance(&assay::address::fee_vault(&mint.address)).await?.unwrap_or(0);
        balances.push(Balance { name: "protocol fees".to_owned(), tokens: fees, stake: None, lamports: 0 });
        Ok(balances)
    }
}

struct Checked {
    accuracy: f64,
    bit_exact: bool,
}

struct Balance {
    name: String,
    tokens: u64,
    stake: Option<u64>,
    lamports: u64,
}

/// Prices differ, so that both nodes find what they want: cheap jobs for the low floor, dear ones for both.
fn price(index: usize) -> Plan {
    match index % 4 {
        0 => Plan::Settle { min: 4 * UNIT, max: 6 * UNIT },
        1 => Plan::Settle { min: UNIT / 2, max: 5 * UNIT },
        2 => Plan::Settle { min: 3 * UNIT, max: 8 * UNIT },
        _ => Plan::Settle { min: UNIT, max: 2 * UNIT },
    }
}

fn units(amount: u64) -> String {
    format!("{:.2}", amount as f64 / UNIT as f64)
}

fn happening(number: u64, slot: u64, job: &Job, names: &HashMap<Pubkey, &'static str>) -> String {
    let node = names.get(&job.node).copied().unwrap_or("a node");
    let what = match job.state {
        JobState::Claimed => format!("claimed by {node} for {}", units(job.price)),
        JobState::Committed => format!("{node} committed to {}", hex::encode(&job.commitment[..6])),
        JobState::Settled => {
            format!("settled: {} for {node}, {} back to the client", units(job.price), units(job.price_max - job.price))
        }
        JobState::Expired => "expired: nobody wanted it, everything goes back".to_owned(),
        JobState::Cancelled => "cancelled: everything goes back".to_owned(),
        JobState::Missed => format!("{node} did not deliver: everything goes back, and a charge from the bond"),
        JobState::Posted => "posted".to_owned(),
    };
    format!("slot {slot:>6}  job {number:>2}  {what}")
}

fn balance_table(before: &[Balance], after: &[Balance]) -> Table {
    let mut table = Table::new(&["who", "tokens before", "tokens after", "change", "stake", "fees paid (lamports)"]);
    for (before, after) in before.iter().zip(after) {
        let change = after.tokens as f64 / UNIT as f64 - before.tokens as f64 / UNIT as f64;
        table.row([
            after.name.clone(),
            units(before.tokens),
            units(after.tokens),
            format!("{change:+.2}"),
            after.stake.map_or("-".to_owned(), units),
            before.lamports.saturating_sub(after.lamports).to_string(),
        ]);
    }
    table
}

fn backends_used(statuses: &[Status]) -> Vec<String> {
    let computed = statuses.iter().flat_map(|status| &status.jobs).filter_map(|record| record.computed.as_ref());
    let mut backends: Vec<String> = computed.map(|computed| computed.backend.clone()).collect();
    backends.sort();
    backends.dedup();
    backends
}

/// Starts a localnet in the folder of `processes` and waits until it is ready.
pub(in crate::commands) async fn start_localnet(processes: &mut Processes, slot_ms: u64) -> Result<Ready, CliError> {
    let folder = processes.folder().join("localnet");
    let ready_file = folder.join("ready.json");
    let arguments = [
        "localnet".to_owned(),
        "--folder".to_owned(),
        folder.display().to_string(),
        "--rpc-port".to_owned(),
        "0".to_owned(),
        "--ws-port".to_owned(),
        "0".to_owned(),
        "--slot-ms".to_owned(),
        slot_ms.to_string(),
        "--ready-file".to_owned(),
        ready_file.display().to_string(),
    ];
    processes.spawn("localnet", &arguments)?;
    processes
        .until("the localnet", Duration::from_secs(120), async || {
            let text = std::fs::read_to_string(&ready_file).ok()?;
            serde_json::from_str(&text).ok()
        })
        .await
}

/// Registers, stakes and starts a node and waits until it answers.
pub(in crate::commands) async fn start_node(
    processes: &mut Processes,
    ready: &Ready,
    launch: Launch,
    output: Output,
) -> Result<NodeInfo, CliError> {
    let Launch { name, owner, price_floor, .. } = launch;
    let backend = match launch.backend {
        "wgpu" if !has_adapter(processes).await? => {
            output.note("no GPU adapter here: both nodes compute on the CPU");
            "cpu"
        }
        backend => backend,
    };
    let progress = output.progress(&format!("starting {name} on {backend}"), 0);
    let key =
        ready.keys.nodes.get(owner).ok_or_else(|| CliError::new("A0306", "the localnet has no key for a node"))?;
    let data = processes.folder().join(name).display().to_string();
    let (artifacts, status) = (free_address().await?, free_address().await?);
    let common = [
        "--url".to_owned(),
        ready.rpc_url.clone(),
        "--ws".to_owned(),
        ready.ws_url.clone(),
        "--keypair".to_owned(),
        key.display().to_string(),
        "--data".to_owned(),
        data,
    ];
    let with = |first: &[&str], rest: &[String]| -> Vec<String> {
        first.iter().map(|word| (*word).to_owned()).chain(common.iter().cloned()).chain(rest.iter().cloned()).collect()
    };
    let init = [
        "--listen".to_owned(),
        artifacts.to_string(),
        "--status-listen".to_owned(),
        status.to_string(),
        "--backend".to_owned(),
        backend.to_owned(),
        "--price-floor".to_owned(),
        price_floor.to_string(),
        "--concurrent-jobs".to_owned(),
        launch.concurrent_jobs.to_string(),
        "--allow-private".to_owned(),
    ];
    let registered = processes.call(&with(&["node", "init"], &init)).await?;
    processes.call(&with(&["node", "stake", &(1_000 * UNIT).to_string()], &[])).await?;
    processes.spawn(name, &with(&["node", "run"], &[]))?;
    let http = reqwest::Client::new();
    let running: Status = processes
        .until(name, Duration::from_secs(120), async || {
            http.get(format!("http://{status}/v1/status")).send().await.ok()?.json().await.ok()
        })
        .await?;
    progress.done();
    let description = running.backends.first().map_or(String::new(), |(name, text)| format!("{name}: {text}"));
    output.say(format!("{name}     {description} · takes jobs from {} on", units(price_floor)));
    Ok(NodeInfo {
        name,
        backend: backend.to_owned(),
        address: registered["node"].as_str().unwrap_or_default().parse()?,
        owner: registered["withdraw_authority"].as_str().unwrap_or_default().parse()?,
        status,
    })
}

/// Asked of a process of its own: drivers write what they like to stderr.
async fn has_adapter(processes: &Processes) -> Result<bool, CliError> {
    let adapters = processes.call(&["node".to_owned(), "adapters".to_owned()]).await?;
    Ok(adapters.as_array().is_some_and(|adapters| !adapters.is_empty()))
}

/// An address that was free a moment ago.
async fn free_address() -> Result<SocketAddr, CliError> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?)
}
