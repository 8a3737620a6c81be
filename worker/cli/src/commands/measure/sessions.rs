//! How long a request of a session takes, beside posting the same work as a job, through a localnet with one node.
//!
//! The work itself is tiny, so that what is measured is everything around it: HTTP, hashing, the journal's disk, two signatures; and
//! for jobs the transactions.

use super::Arguments;
use super::market::clients;
use crate::error::CliError;
use crate::local_market::{Launch, Processes, start_localnet, start_node};
use crate::output::{Output, Table};
use assay::state_machine::JobState;
use assay_client::session::{Ledger, Model, SessionTerms};
use assay_client::{Client, Terms, Work};
use assay_models::mlp;
use assay_store::{LocalStore, ServerOptions, serve};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the node stakes.
const STAKE: u64 = 1_000_000_000;
/// The price of a request, and of a job.
const PRICE: u64 = 10_000;
/// Jobs that are posted one after another.
const JOBS: u64 = 10;
/// How long a job may take to have a result.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks and posts, and prints what each took.
pub(super) async fn measure(processes: &Processes, arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let progress = output.progress("starting a local chain and a node", 0);
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
    let node = start_node(processes, &ready, launch).await?;
    progress.done();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let store = LocalStore::open(processes.folder().join("client-store"))?;
    let stop = CancellationToken::new();
    tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
    let client = clients(&ready, 1, &store).await?.pop();
    let client = client.ok_or_else(|| CliError::new("A0306", "there is no client"))?;
    let (shape, mint) = (mlp::Shape::tiny(), ready.payment_mint.parse()?);
    let made = mlp::model(&shape, 7)?;
    let model = Model::new(Arc::new(made.graph), Arc::new(made.params))?;
    let first = model.work(mlp::inputs(&shape, 1, 0), &[1])?;

    let requests = u64::from(arguments.requests);
    let uris = model.store(&store, &url).await?;
    let terms = SessionTerms {
        window_slots: Some(50),
        ..SessionTerms::new(node.address, mint, PRICE, PRICE.saturating_mul(requests + 1))
    };
    let voucher_key = Keypair::new();
    let opening = Instant::now();
    let opened = client.open_session(&model, &uris, &terms, &voucher_key.pubkey()).await?;
    client.await_acceptance(&opened.address, |_| {}).await?;
    let opening = opening.elapsed();
    let session = client.session(&opened.address, voucher_key, Ledger::in_memory()).await?;
    // The first request loads the model's form for these symbols.
    session.ask(&first).await?;
    let progress = output.progress("requests answered", requests);
    let (mut whole, mut served) = (Vec::new(), Vec::new());
    for seed in 1..=requests {
        let work = first.with_inputs(mlp::inputs(&shape, 1, seed))?;
        let asked = Instant::now();
        let answer = session.ask(&work).await?;
        whole.push(asked.elapsed());
        served.push(answer.served_in);
        progress.set(seed);
    }
    progress.done();
    client.end_session(&opened.address).await?;

    let progress = output.progress("jobs with a result", JOBS);
    let mut jobs = Vec::new();
    for seed in 1..=JOBS {
        let work = first.with_inputs(mlp::inputs(&shape, 1, seed))?;
        jobs.push(one_job(&client, &work, &store, &url, &mint).await?);
        progress.set(seed);
    }
    progress.done();
    stop.cancel();
    let value = json!({ "sessions": {
        "requests": requests,
        "slot_ms": arguments.slot_ms,
        "open_to_accepted_ms": milliseconds(opening),
        "request": Spread::of(whole.clone()).json(),
        "request_at_the_node": Spread::of(served.clone()).json(),
        "jobs": JOBS,
        "job_from_post_to_output": Spread::of(jobs.clone()).json(),
    }});
    output.result(&value, || {
        let mut table = Table::new(&["milliseconds", "median", "p99", "most"]);
        for (name, times) in [
            ("a request of a warm session, checked", whole),
            ("of it at the node", served),
            ("the same work as a job, from post to output", jobs),
        ] {
            let spread = Spread::of(times);
            table.row([name.to_owned(), text(spread.median), text(spread.p99), text(spread.most)]);
        }
        let opening = text(opening);
        format!(
            "{requests} requests one after another, {JOBS} jobs, {} ms a slot; from opening to acceptance {opening} ms\n{}",
            arguments.slot_ms,
            table.render()
        )
    })
}

/// Posts one job and waits for its output, as a client that does not wait for the end of the window.
async fn one_job(
    client: &Client,
    work: &Work,
    store: &LocalStore,
    url: &str,
    mint: &Pubkey,
) -> Result<Duration, CliError> {
    let terms = Terms { ramp_hold_slots: 0, ramp_slots: 0, claim_slots: 400, ..Terms::new(*mint, PRICE, PRICE) };
    let begun = Instant::now();
    let artifacts = work.store(store, url).await?;
    let posted = client.post(work, &artifacts, &terms).await?;
    loop {
        let job = client.chain().job(&posted.address).await?;
        if matches!(job.state, JobState::Committed | JobState::Settled) {
            client.result(&posted.address, work, &job).await?;
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > PATIENCE {
            return Err(CliError::new("A0308", format!("job {} has no result: it is {:?}", posted.address, job.state)));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Median, p99 and the greatest of some times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spread {
    median: Duration,
    p99: Duration,
    most: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).copied().unwrap_or_default()
        };
        Self { median: at(50), p99: at(99), most: at(100) }
    }

    fn json(&self) -> Value {
        let Self { median, p99, most } = *self;
        json!({ "median_ms": milliseconds(median), "p99_ms": milliseconds(p99), "most_ms": milliseconds(most) })
    }
}

/// To the hundredth.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

fn text(time: Duration) -> String {
    format!("{:.2}", milliseconds(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_those_of_the_nearest_rank() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_millis).collect());
        let ms = Duration::from_millis;
        assert_eq!(spread, Spread { median: ms(100), p99: ms(198), most: ms(200) });
        assert_eq!(Spread::of(Vec::new()), Spread::default());
        assert_eq!(milliseconds(Duration::from_micros(1_234)), 1.23);
    }
}
