//! `assay job`: post, follow, fetch, take back.

use super::model::{load, read};
use crate::context::{ChainArguments, Context};
use crate::error::CliError;
use crate::output::{Output, Table};
use assay::state::Job;
use assay_chain::accounts::JobFilter;
use assay_client::{Client, Terms, Work};
use assay_models::artifact::decode_bundle;
use assay_store::{FetchOptions, LocalStore};
use clap::{Args, Subcommand};
use referee::graph::TensorKind;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Escrow the maximum price and open a job to claims
    Post(Post),
    /// Jobs on-chain
    List {
        /// Only this client's [default: everybody's]
        #[arg(long)]
        client: Option<Pubkey>,
    },
    /// One job
    Show {
        /// Address of the job
        job: Pubkey,
    },
    /// Fetch a job's output, check it against the committed root, and write it to a file
    Result {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        model: ModelFiles,
        /// The inputs bundle that the job was posted with
        #[arg(long)]
        inputs: PathBuf,
        /// File for the output tensor's bytes
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        local: Local,
    },
    /// Take an unclaimed job back
    Cancel {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        local: Local,
    },
    /// Withdraw what an ended job owes to this client and close it
    Reclaim {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        local: Local,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ModelFiles {
    /// The encoded graph
    #[arg(long)]
    graph: PathBuf,
    /// The params bundle
    #[arg(long)]
    params: PathBuf,
    /// Symbol values [default: each symbol's minimum]
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct Local {
    /// Folder in which artifacts are kept
    #[arg(long, default_value = "assay-store")]
    store: PathBuf,
    /// Fetch results from loopback and private addresses too
    #[arg(long)]
    allow_private: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Post {
    #[command(flatten)]
    model: ModelFiles,
    /// The inputs bundle
    #[arg(long)]
    inputs: PathBuf,
    /// Base URL at which nodes reach the store's folder
    #[arg(long)]
    store_url: String,
    /// Payment mint
    #[arg(long)]
    mint: Pubkey,
    /// Price while the hold lasts, in base units
    #[arg(long)]
    price_min: u64,
    /// Price at the end of the ramp, in base units: escrowed
    #[arg(long)]
    price_max: u64,
    /// Slots for which the price stays at its minimum
    #[arg(long, default_value_t = 10)]
    hold_slots: u64,
    /// Slots within which it then rises to its maximum
    #[arg(long, default_value_t = 50)]
    ramp_slots: u64,
    /// Slots for which the job can be claimed
    #[arg(long, default_value_t = 150)]
    claim_slots: u64,
    /// Slots that the node gets to compute
    #[arg(long, default_value_t = 750)]
    run_slots: u64,
    /// Slots of the challenge window [default: the network's shortest]
    #[arg(long)]
    window_slots: Option<u64>,
    /// What the node locks, in base units of the stake mint [default: the network's least]
    #[arg(long)]
    bond: Option<u64>,
    /// Least stake of the node [default: the network's]
    #[arg(long)]
    minimum_stake: Option<u64>,
    /// Base URL of a store to which the node uploads the result [default: the node serves it]
    #[arg(long)]
    result_store: Option<String>,
    /// Wait until the job has ended
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    local: Local,
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.context()?;
    match command {
        Command::Post(post_arguments) => post(&context, post_arguments, output).await,
        Command::List { client } => list(&context, client, output).await,
        Command::Show { job } => {
            let account = context.chain().job(&job).await?;
            let value = describe(&job, &account);
            output.result(&value, || lines(&value))
        }
        Command::Result { job, model, inputs, out, local } => {
            let client = client(&context, &local)?;
            let work = work(&model, &inputs)?;
            let account = context.chain().job(&job).await?;
            let bytes = client.result(&job, &work, &account).await?;
            std::fs::write(&out, &bytes)?;
            let value = json!({ "job": job.to_string(), "bytes": bytes.len(), "file": out });
            output.result(&value, || {
                format!("{} bytes, checked against the committed root, in {}", bytes.len(), out.display())
            })
        }
        Command::Cancel { job, local } => {
            client(&context, &local)?.cancel(&job).await?;
            output.result(&json!({ "job": job.to_string(), "cancelled": true }), || {
                format!("cancelled; `assay job reclaim {job}` brings the escrow and the rent back")
            })
        }
        Command::Reclaim { job, local } => {
            let reclaimed = client(&context, &local)?.reclaim(&job).await?;
            let value = json!({
                "job": job.to_string(),
                "refund": reclaimed.refund,
                "charge": reclaimed.charge,
                "closed": reclaimed.closed,
            });
            output.result(&value, || lines(&value))
        }
    }
}

fn client(context: &Context, local: &Local) -> Result<Client, CliError> {
    let fetch = FetchOptions { allow_private: local.allow_private, ..FetchOptions::default() };
    Ok(Client::new(context.sender.clone(), context.keypair()?, LocalStore::open(&local.store)?, fetch)?)
}

fn work(model: &ModelFiles, inputs: &Path) -> Result<Work, CliError> {
    let (graph, resolved) = load(&model.graph, &model.symbols)?;
    let params = decode_bundle(&read(&model.params)?, &resolved, TensorKind::Param)?;
    let inputs = decode_bundle(&read(inputs)?, &resolved, TensorKind::Input)?;
    Ok(Work::new(Arc::new(graph), Arc::new(params), inputs, &resolved.symbols)?)
}

async fn post(context: &Context, arguments: Post, output: Output) -> Result<(), CliError> {
    let work = work(&arguments.model, &arguments.inputs)?;
    let client = client(context, &arguments.local)?;
    let store = LocalStore::open(&arguments.local.store)?;
    let artifacts = work.store(&store, &arguments.store_url).await?;
    let terms = Terms {
        ramp_hold_slots: arguments.hold_slots,
        ramp_slots: arguments.ramp_slots,
        claim_slots: arguments.claim_slots,
        run_slots: arguments.run_slots,
        window_slots: arguments.window_slots,
        minimum_stake: arguments.minimum_stake,
        bond: arguments.bond,
        store_uri: arguments.result_store,
        ..Terms::new(arguments.mint, arguments.price_min, arguments.price_max)
    };
    let posted = client.post(&work, &artifacts, &terms).await?;
    if !arguments.wait {
        let value = json!({ "job": posted.address.to_string(), "job_id": posted.job_id, "slot": posted.slot });
        return output.result(&value, || lines(&value));
    }
    let progress = output.progress("posted", 0);
    let ended = client
        .wait(&posted.address, |seen| {
            progress.message(format!(
                "slot {} · {:?} · price {}",
                seen.slot,
                seen.job.state,
                price(&seen.job, seen.slot)
            ));
        })
        .await?;
    progress.done();
    let value = describe(&posted.address, &ended.job);
    output.result(&value, || lines(&value))
}

/// The fixed price, or what a claim would fix now.
fn price(job: &Job, slot: u64) -> u64 {
    if job.claimed_slot != 0 { job.price } else { job.price_at(assay::units::Slot(slot)).map_or(0, |price| price.0) }
}

async fn list(context: &Context, client: Option<Pubkey>, output: Output) -> Result<(), CliError> {
    let mut jobs = context.chain().jobs(JobFilter { client, ..JobFilter::default() }).await?;
    jobs.sort_by_key(|(_, job)| (job.posted_slot, job.job_id));
    let values: Vec<Value> = jobs.iter().map(|(address, job)| describe(address, job)).collect();
    output.result(&values, || {
        let mut table = Table::new(&["job", "state", "price", "min", "max", "posted", "claimed", "committed"]);
        for (address, job) in &jobs {
            table.row([
                address.to_string(),
                format!("{:?}", job.state),
                job.price.to_string(),
                job.price_min.to_string(),
                job.price_max.to_string(),
                job.posted_slot.to_string(),
                job.claimed_slot.to_string(),
                job.committed_slot.to_string(),
            ]);
        }
        table.render()
    })
}

/// A job as JSON: everything that a person asks of it.
fn describe(address: &Pubkey, job: &Job) -> Value {
    json!({
        "job": address.to_string(),
        "state": format!("{:?}", job.state).to_lowercase(),
        "client": job.client.to_string(),
        "job_id": job.job_id,
        "payment_mint": job.payment_mint.to_string(),
        "price": job.price,
        "price_min": job.price_min,
        "price_max": job.price_max,
        "bond": job.bond,
        "node": (job.claimed_slot != 0).then(|| job.node.to_string()),
        "posted_slot": job.posted_slot,
        "claim_until_slot": job.posted_slot.saturating_add(job.claim_slots),
        "claimed_slot": job.claimed_slot,
        "commit_until_slot": job.claimed_slot.saturating_add(job.run_slots),
        "committed_slot": job.committed_slot,
        "challenge_until_slot": job.committed_slot.saturating_add(job.window_slots),
        "graph_root": hex::encode(job.graph_root),
        "commitment": hex::encode(job.commitment),
        "output_root": hex::encode(job.output_root),
        "credit_node": job.credits.node,
        "credit_client": job.credits.client,
        "credit_fee": job.credits.fee,
        "charge_credit": job.charge_credit,
    })
}

fn lines(value: &Value) -> String {
    let mut table = Table::new(&[]);
    for (name, field) in value.as_object().into_iter().flatten() {
        let text = field.as_str().map_or_else(|| field.to_string(), str::to_owned);
        table.row([name.replace('_', " "), text]);
    }
    table.render().trim_start_matches('\n').to_owned()
}
