//! `assay job post`: escrow, and, if asked, wait.

use super::show::{describe, words};
use super::{Local, ModelFiles, client, work};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields_of};
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::instructions::TokenMint;
use assay_client::Terms;
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
    /// Base URL at which nodes reach the store's folder
    #[arg(long)]
    store_url: String,
    /// Payment mint [default: the network's, if it has enabled one only]
    #[arg(long)]
    mint: Option<Pubkey>,
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
    /// For validators that attest the result, in base units of the payment mint; what they do not earn returns
    #[arg(long, default_value_t = 0)]
    audit_pot: u64,
    /// Most that one attestation earns [default: half of the pot]
    #[arg(long)]
    audit_cap: Option<u64>,
    /// Least stake of the node [default: the network's]
    #[arg(long)]
    minimum_stake: Option<u64>,
    /// Base URL of a store to which the node uploads the result [default: the node serves it]
    #[arg(long)]
    result_store: Option<String>,
    /// Wait until the job has ended; the exit status is 3 if it ended without a result
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    local: Local,
}

pub(super) async fn post(context: &Context, arguments: Post, output: Output) -> Result<(), CliError> {
    if arguments.price_min > arguments.price_max {
        return Err(CliError::new("A0602", "--price-min is above --price-max; the price only rises")
            .with_status(ExitStatus::Usage));
    }
    let work = work(&arguments.model, &arguments.inputs)?;
    let client = client(context, &arguments.local)?;
    let store = LocalStore::open(&arguments.local.store)?;
    let artifacts = work.store(&store, &arguments.store_url).await?;
    let mint = match arguments.mint {
        Some(mint) => mint,
        None => only_mint(context).await?,
    };
    let terms = Terms {
        ramp_hold_slots: arguments.hold_slots,
        ramp_slots: arguments.ramp_slots,
        claim_slots: arguments.claim_slots,
        run_slots: arguments.run_slots,
        window_slots: arguments.window_slots,
        minimum_stake: arguments.minimum_stake,
        bond: arguments.bond,
        audit_pot: arguments.audit_pot,
        audit_cap: arguments.audit_cap.unwrap_or(arguments.audit_pot.div_ceil(2)),
        store_uri: arguments.result_store,
        ..Terms::new(mint, arguments.price_min, arguments.price_max)
    };
    can_pay(context, &client.address(), &mint, arguments.price_max.saturating_add(arguments.audit_pot)).await?;
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

/// The payment mint, where there is no choice.
async fn only_mint(context: &Context) -> Result<Pubkey, CliError> {
    let mints = context.chain().payment_mints().await?;
    let enabled: Vec<Pubkey> = mints.iter().filter(|mint| mint.enabled).map(|mint| mint.mint).collect();
    match enabled[..] {
        [only] => Ok(only),
        [] => Err(CliError::new("A0604", "the network has enabled no payment mint; its authority has to")),
        _ => {
            let names: Vec<String> = enabled.iter().map(ToString::to_string).collect();
            let text =
                format!("the network has enabled several payment mints; give --mint, one of {}", names.join(", "));
            Err(CliError::new("A0604", text).with_status(ExitStatus::Usage))
        }
    }
}

/// Refuses what the token program would refuse, with the numbers.
async fn can_pay(context: &Context, payer: &Pubkey, mint: &Pubkey, escrow: u64) -> Result<(), CliError> {
    let Some(account) = context.chain().find_payment_mint(mint).await? else {
        // The client explains which mints there are.
        return Ok(());
    };
    let token = TokenMint { address: account.mint, token_program: account.token_program };
    let held = context.chain().token_balance(&token.associated_account(payer)).await?.unwrap_or(0);
    if held >= escrow {
        return Ok(());
    }
    let text =
        format!("{payer} holds {held} base units of {mint} and {escrow} are escrowed; send it more, or offer less");
    Err(CliError::new("A0603", text))
}

/// The fixed price, or what a claim would fix now.
fn price(job: &Job, slot: u64) -> u64 {
    if job.claimed_slot != 0 { job.price } else { job.price_at(assay::units::Slot(slot)).map_or(0, |price| price.0) }
}
