//! A market that works for minutes or hours: jobs an hour, and whether what node and validator hold stays flat.
//!
//! | module | what it is |
//! |---|---|
//! | `trend` | samples, their quarters, their slope, and bounds on them; pure |
//! | `watch` | what processes and folders take |

mod trend;
mod watch;

use super::Arguments;
use super::market::clients;
use crate::error::CliError;
use crate::local_market::{Launch, Processes, start_localnet, start_node, start_validator};
use crate::output::{Output, Table};
use assay::state_machine::JobState;
use assay_client::{Client, Terms, Work};
use assay_models::mlp;
use assay_store::{LocalStore, ServerOptions, serve};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trend::Bound;
use watch::{Service, Watched};

/// What the node stakes: enough for the bonds of all jobs that it holds at once.
const STAKE: u64 = 1_000_000_000;
/// The price of a job: a client's purse lasts for days.
const PRICE: u64 = 1_000;
/// Clients that post one job after another.
const CLIENTS: u16 = 4;
/// What memory of the last quarter may be beyond that of the first.
const MEMORY: Bound = Bound { percent: 10, units: 16 << 20 };
/// The same of open files: connections come and go.
const OPEN_FILES: Bound = Bound { percent: 0, units: 8 };
/// How often a closing is tried that the node's own withdrawal makes late.
const CLOSINGS: u32 = 20;

/// How jobs went.
#[derive(Debug, Default)]
struct Tally {
    settled: AtomicU64,
    /// Ended otherwise: expired or missed.
    otherwise: AtomicU64,
}

/// Has the market work, prints what it took, and fails if anything grew beyond its bound.
pub(super) async fn measure(processes: &Processes, arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let minutes = arguments.soak_minutes.unwrap_or(1);
    let progress = output.progress("starting a local chain, a node and a validator", 0);
    let ready = start_localnet(processes, arguments.slot_ms, 1).await?;
    let launch = Launch {
        name: "node",
        owner: 0,
        backend: "cpu",
        stake: STAKE,
        price_floor: 1,
        concurrent_jobs: 8,
        fault: None,
    };
    start_node(processes, &ready, launch).await?;
    start_validator(processes, &ready, "validator").await?;
    progress.done();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let store = LocalStore::open(processes.folder().join("client-store"))?;
    let stop = CancellationToken::new();
    tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));

    let (tally, over) = (Arc::<Tally>::default(), CancellationToken::new());
    let mut posting: JoinSet<Result<(), CliError>> = JoinSet::new();
    let mint: Pubkey = ready.payment_mint.parse()?;
    for (index, client) in (0..).zip(clients(&ready, CLIENTS, &store).await?) {
        let poster = Poster { client, index, mint, store: store.clone(), url: url.clone() };
        posting.spawn(poster.run(Arc::clone(&tally), over.clone()));
    }
    let length = Duration::from_secs(minutes.saturating_mul(60));
    let watched = tokio::select! {
        watched = watch(processes, length, &tally, output) => watched?,
        Some(failed) = posting.join_next() => {
            failed??;
            return Err(CliError::new("A0309", "a client ended before its time"));
        }
    };
    over.cancel();
    let (settled, otherwise) = (tally.settled.load(Ordering::Relaxed), tally.otherwise.load(Ordering::Relaxed));
    // Jobs under way are seen to their end, so that none is left behind by a client that went away.
    while let Some(done) = posting.join_next().await {
        done??;
    }
    stop.cancel();
    let seconds = watched.length.as_secs_f64();
    let rate = settled as f64 * 3_600.0 / seconds;
    let findings = findings(&watched.services, otherwise);
    let value = json!({ "soak": {
        "minutes": minutes,
        "slot_ms": arguments.slot_ms,
        "clients": CLIENTS,
        "seconds": seconds,
        "jobs_settled": settled,
        "jobs_otherwise": otherwise,
        "jobs_per_hour": rate,
        "services": watched.services.iter().map(Service::json).collect::<Vec<Value>>(),
        "bounds": { "memory_bytes": MEMORY, "open_files": OPEN_FILES },
        "beyond": findings,
    }});
    output.result(&value, || {
        format!(
            "{settled} jobs settled in {:.0} minutes, {otherwise} ended otherwise: {rate:.0} jobs an hour, {} ms a slot, {CLIENTS} clients\n{}",
            seconds / 60.0,
            arguments.slot_ms,
            table(&watched.services)
        )
    })?;
    match findings.is_empty() {
        true => Ok(()),
        false => Err(CliError::new(
            "A0310",
            format!("{}; a run of more minutes tells growth from chance", findings.join("; ")),
        )),
    }
}

/// Looks at the processes again and again until the time is over.
async fn watch(processes: &Processes, length: Duration, tally: &Tally, output: Output) -> Result<Watched, CliError> {
    let progress = output.progress("seconds of work", length.as_secs());
    let mut watched = Watched::of(processes, &["node", "validator"])?;
    let (started, mut looks) = (Instant::now(), tokio::time::interval(watch::interval(length)));
    while started.elapsed() < length {
        looks.tick().await;
        watched = tokio::task::spawn_blocking(move || watched.after_another_look(started.elapsed())).await?;
        progress.set(started.elapsed().as_secs().min(length.as_secs()));
        tracing::info!(settled = tally.settled.load(Ordering::Relaxed), "the market works");
    }
    progress.done();
    Ok(watched)
}

/// What is not as it should be.
fn findings(services: &[Service], otherwise: u64) -> Vec<String> {
    let mut findings = Vec::new();
    for service in services {
        for (what, trend, bound) in
            [("bytes of memory", service.memory(), MEMORY), ("open files", service.open_files(), OPEN_FILES)]
        {
            if let Some(limit) = trend.beyond(bound) {
                let [first, .., last] = trend.quarters;
                findings.push(format!(
                    "the {} has {last} {what} in the last quarter, {first} in the first, and may have {limit}",
                    service.name
                ));
            }
        }
    }
    if otherwise > 0 {
        findings.push(format!("{otherwise} jobs were not settled"));
    }
    findings
}

fn table(services: &[Service]) -> String {
    let mut table = Table::new(&["medians of the quarters", "first", "second", "third", "last", "most", "an hour"]);
    for service in services {
        for (what, trend, unit) in
            [("MiB of memory", service.memory(), 1 << 20), ("open files", service.open_files(), 1)]
        {
            let shown = |value: u64| format!("{:.1}", value as f64 / f64::from(unit));
            let [first, second, third, last] = trend.quarters.map(shown);
            let per_hour = format!("{:+.1}", trend.per_hour / f64::from(unit));
            table.row([
                format!("{} of the {}", what, service.name),
                first,
                second,
                third,
                last,
                shown(trend.most),
                per_hour,
            ]);
        }
    }
    let mut disk = Table::new(&["KiB on disk at the end", "journal", "artifacts"]);
    for service in services {
        disk.row([
            service.name.clone(),
            (service.journal_bytes >> 10).to_string(),
            (service.artifact_bytes >> 10).to_string(),
        ]);
    }
    format!("{}\n\n{}", table.render(), disk.render())
}

/// A client that posts one job after another, waits for each, and closes it.
struct Poster {
    client: Client,
    index: u64,
    mint: Pubkey,
    store: LocalStore,
    url: String,
}

impl Poster {
    async fn run(self, tally: Arc<Tally>, over: CancellationToken) -> Result<(), CliError> {
        let shape = mlp::Shape::tiny();
        let model = mlp::model(&shape, 7)?;
        let (graph, params) = (Arc::new(model.graph), Arc::new(model.params));
        let terms =
            Terms { ramp_hold_slots: 0, ramp_slots: 0, claim_slots: 400, ..Terms::new(self.mint, PRICE, PRICE) };
        let mut seed = self.index << 32;
        while !over.is_cancelled() {
            seed += 1;
            let inputs = mlp::inputs(&shape, 1, seed);
            let work = Work::new(graph.clone(), params.clone(), inputs, &[1])?;
            let artifacts = work.store(&self.store, &self.url).await?;
            let posted = self.client.post(&work, &artifacts, &terms).await?;
            let ended = self.client.wait(&posted.address, |_| {}).await?.job;
            let counter = if ended.state == JobState::Settled { &tally.settled } else { &tally.otherwise };
            counter.fetch_add(1, Ordering::Relaxed);
            self.close(&posted.address).await?;
        }
        Ok(())
    }

    /// Closes the job's account once the node has taken its payment: a chain that only grows would be measured instead.
    async fn close(&self, job: &Pubkey) -> Result<(), CliError> {
        for _ in 0..CLOSINGS {
            if self.client.reclaim(job).await.is_ok_and(|reclaimed| reclaimed.closed) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tracing::warn!(%job, "a job's account stays open");
        Ok(())
    }
}
