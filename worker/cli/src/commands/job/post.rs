//! `assay job post`: escrow, and, if asked, wait.

use super::offer::{Offer, can_pay};
use super::show::{describe, words};
use super::{Local, ModelFiles, client, work};
use crate::commands::store::remote::Remote;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields_of};
use assay::state::Job;
use assay::state_machine::JobState;
use assay_store::LocalStore;
use clap::Args;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Post {
    #[command(flatten)]
    model: ModelFiles,
    /// The inputs bundle
    #[arg(long)]
    inputs: PathBuf,
    /// Base URL at which nodes reach the store's folder, or what is in --remote
    #[arg(long)]
    store_url: String,
    #[command(flatten)]
    offer: Offer,
    /// Address of a budget that pays, within its limits; the keypair of -k is its agent or its owner
    #[arg(long)]
    budget: Option<Pubkey>,
    /// Wait until the job has ended; the exit status is 3 if it ended without a result
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    local: Local,
}

pub(super) async fn post(context: &Context, arguments: Post, output: Output) -> Result<(), CliError> {
    arguments.offer.check()?;
    let work = work(&arguments.model, &arguments.inputs)?;
    let mut client = client(context, &arguments.local)?;
    let store = LocalStore::open(&arguments.local.store)?;
    let artifacts = work.store(&store, &arguments.store_url).await?;
    // Before anything is escrowed.
    let uris = [&artifacts.graph, &artifacts.params, &artifacts.inputs].map(String::as_str);
    arguments.remote.publish(&store, uris, arguments.local.allow_private).await?;
    let terms = match arguments.budget {
        Some(budget) => {
            client = client.out_of(budget);
            arguments.offer.terms_out_of(context, &budget).await?
        }
        None => arguments.offer.terms(context).await?,
    };
    can_pay(context, &client.account(), &terms, 1).await?;
    let posted = client.post(&work, &artifacts, &terms).await?;
    if !arguments.wait {
        let value = json!({ "job": posted.address.to_string(), "job_id": posted.job_id, "slot": posted.slot });
        return output.result(&value, || fields_of(&value, &["job", "job_id", "slot"]));
    }
    output.say(format!("posted job {} in slot {}", posted.address, posted.slot));
    let progress = output.progress("posted", 0);
    let ended = client
        .wait(&posted.address, |seen| {
            let state = format!("{:?}", seen.job.state).to_lowercase();
            progress.message(format!("slot {} · {state} · price {}", seen.slot, price(&seen.job, seen.slot)));
        })
        .await?;
    progress.done();
    let value = describe(&posted.address, &ended.job);
    output.result(&value, || words(&value))?;
    let why = match ended.job.state {
        JobState::Settled => return Ok(()),
        JobState::Missed => "its node did not deliver in time",
        JobState::Convicted => "its result was proved wrong",
        JobState::Cancelled => "it was cancelled",
        _ => "nobody took it; offer more, or more time",
    };
    let address = posted.address;
    let text =
        format!("job {address} ended without a result: {why}; `assay job reclaim {address}` brings the escrow back");
    Err(CliError::new("A0601", text).with_status(ExitStatus::NoResult))
}

/// The fixed price, or what a claim would fix now.
fn price(job: &Job, slot: u64) -> u64 {
    if job.claimed_slot != 0 { job.price } else { job.price_at(assay::units::Slot(slot)).map_or(0, |price| price.0) }
}
