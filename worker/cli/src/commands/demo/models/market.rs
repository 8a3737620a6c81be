//! A localnet with two nodes, and one client that has batches computed.

use super::MarketArguments;
use crate::commands::localnet::Ready;
use crate::error::CliError;
use crate::local_market::{Launch, NodeInfo, Processes, start_localnet, start_node};
use crate::output::Output;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::{Chain, Endpoint, SendOptions, Sender, read_keypair};
use assay_client::{ArtifactUris, Client, Posted, Terms, Work};
use assay_kernels::{Backend, CpuBackend, CpuOptions};
use assay_localnet::market::TOKEN;
use assay_pretrained::network::{JobInputs, Network};
use assay_store::{FetchOptions, LocalStore, ServerOptions, serve};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Items a job, if nobody says otherwise.
const USUAL_BATCH: u32 = 32;
/// The price of every job.
const PRICE: u64 = TOKEN;
/// Slots for which jobs can be claimed: the last of them waits for all others.
const CLAIM_SLOTS: u64 = 2_000;

/// Everything that is running.
pub(super) struct ModelMarket {
    ready: Ready,
    client: Client,
    nodes: Vec<NodeInfo>,
    store: LocalStore,
    store_url: String,
    stop: CancellationToken,
    /// Recomputes what the nodes computed.
    checker: Arc<CpuBackend>,
}

/// A job whose result was paid.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) job_id: u64,
    /// Who computed it.
    pub(super) node: &'static str,
    /// Slots from posting to the commitment.
    pub(super) slots: u64,
    /// The symbols' values, without which the output has no shape.
    pub(super) symbols: Vec<u32>,
    /// The output's bytes.
    pub(super) output: Vec<u8>,
    /// Whether computing it again gave the same boundary, bit for bit.
    pub(super) bit_exact: bool,
}

/// What a run of jobs took.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) done: Vec<Done>,
    /// From the first post to the last result.
    pub(super) time: Duration,
}

impl Run {
    pub(super) fn bit_exact(&self) -> bool {
        self.done.iter().all(|done| done.bit_exact)
    }
}

impl ModelMarket {
    /// Starts localnet, nodes and store.
    pub(super) async fn open(
        processes: &Processes,
        arguments: &MarketArguments,
        output: Output,
    ) -> Result<Self, CliError> {
        let progress = output.progress("starting a local chain and two nodes", 0);
        let ready = start_localnet(processes, arguments.slot_ms, 2).await?;
        let backend = if arguments.backend == "wgpu" { "wgpu" } else { "cpu" };
        let launch = |name, owner| Launch {
            name,
            owner,
            backend,
            stake: 1_000 * TOKEN,
            price_floor: 1,
            concurrent_jobs: 1,
            fault: None,
        };
        let (first, second) = tokio::try_join!(
            start_node(processes, &ready, launch("node-a", 0)),
            start_node(processes, &ready, launch("node-b", 1)),
        )?;
        progress.done();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let store_url = format!("http://{}", listener.local_addr()?);
        let store = LocalStore::open(processes.folder().join("client-store"))?;
        let stop = CancellationToken::new();
        tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
        let chain = Chain::new(Endpoint::parse_with_websocket(&ready.rpc_url, &ready.ws_url)?);
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        let key = read_keypair(&ready.keys.client)?;
        let client = Client::new(Sender::new(chain, SendOptions::default()), key, store.clone(), fetch)?;
        let checker = Arc::new(CpuBackend::new(CpuOptions::default())?);
        Ok(Self { ready, client, nodes: vec![first, second], store, store_url, stop, checker })
    }

    /// Posts a job for each of `inputs`, waits for all of them, and brings and checks their results, in the same order.
    pub(super) async fn compute(
        &self,
        network: &Network,
        inputs: Vec<JobInputs>,
        what: &str,
        output: Output,
    ) -> Result<Run, CliError> {
        let started = Instant::now();
        let terms = Terms {
            ramp_hold_slots: 0,
            ramp_slots: 0,
            claim_slots: CLAIM_SLOTS,
            ..Terms::new(self.ready.payment_mint.parse()?, PRICE, PRICE)
        };
        let progress = output.progress(what, inputs.len() as u64);
        let mut shared: Option<ArtifactUris> = None;
        let mut posted = Vec::new();
        for JobInputs { symbols, tensors } in inputs {
            let work = Work::new(Arc::clone(&network.graph), Arc::clone(&network.params), tensors, &symbols)?;
            // Graph and params are the same for all jobs, and large.
            let artifacts = match &shared {
                None => work.store(&self.store, &self.store_url).await?,
                Some(shared) => {
                    ArtifactUris { inputs: work.store_inputs(&self.store, &self.store_url).await?, ..shared.clone() }
                }
            };
            let job = self.client.post(&work, &artifacts, &terms).await?;
            shared = Some(artifacts);
            posted.push((job, work, symbols));
        }
        let mut done = Vec::new();
        for (job, work, symbols) in posted {
            let one = self.finish(job, work, symbols).await?;
            output.say(format!("  job {}: by {}, {} slots after it was posted", one.job_id, one.node, one.slots));
            done.push(one);
            progress.set(done.len() as u64);
        }
        progress.done();
        Ok(Run { done, time: started.elapsed() })
    }

    /// Waits for one job, brings its output and computes it again.
    async fn finish(&self, posted: Posted, work: Work, symbols: Vec<u32>) -> Result<Done, CliError> {
        let job = self.client.wait(&posted.address, |_| {}).await?.job;
        if job.state != JobState::Settled {
            let state = format!("{:?}", job.state).to_lowercase();
            return Err(CliError::new(
                "A0311",
                format!("job {} ended as {state}, without a result; see the nodes' logs with --keep", posted.job_id),
            ));
        }
        let output = self.client.result(&posted.address, &work, &job).await?;
        let (checker, checked) = (Arc::clone(&self.checker), job.clone());
        let verified =
            tokio::task::spawn_blocking(move || Client::verify(&work, &checked, &*checker as &dyn Backend)).await?;
        self.client.reclaim(&posted.address).await?;
        Ok(Done {
            job_id: posted.job_id,
            node: self.name(&job),
            slots: job.committed_slot.saturating_sub(job.posted_slot),
            symbols,
            output,
            bit_exact: verified.is_ok(),
        })
    }

    fn name(&self, job: &Job) -> &'static str {
        self.nodes.iter().find(|node| node.address == job.node).map_or("a node", |node| node.name)
    }
}

impl Drop for ModelMarket {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Items a job: as asked, if the network can.
pub(super) fn batch_size(network: &Network, asked: Option<u32>) -> Result<usize, CliError> {
    let most = network.io.symbols.first().map_or(1, |symbol| symbol.max);
    match asked {
        None => Ok(most.min(USUAL_BATCH) as usize),
        Some(asked) if (1..=most).contains(&asked) => Ok(asked as usize),
        Some(asked) => {
            let text = format!("--batch {asked}: one job of this model carries 1 to {most}");
            Err(CliError::new("A0312", text).with_status(crate::error::ExitStatus::Usage))
        }
    }
}

/// The exit of a demo whose results differ from what computing again gives.
pub(super) fn expect_exact(exact: bool) -> Result<(), CliError> {
    if exact {
        return Ok(());
    }
    Err(CliError::new(
        "A0302",
        "a result differs from what computing it again gives; run again with --keep and report the folder",
    ))
}
