//! `assay job list` and `show`.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields_of};
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::accounts::JobFilter;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

pub(super) async fn list(context: &Context, client: Option<Pubkey>, output: Output) -> Result<(), CliError> {
    let mut jobs = context.chain().jobs(JobFilter { client, ..JobFilter::default() }).await?;
    jobs.sort_by_key(|(_, job)| (job.posted_slot, job.job_id));
    let values: Vec<Value> = jobs.iter().map(|(address, job)| describe(address, job)).collect();
    output.result(&values, || {
        let mut table = Table::new(&["job", "state", "price", "posted", "claimed", "committed"]);
        for (address, job) in &jobs {
            let price = match job.claimed_slot {
                0 => format!("{}–{}", job.price_min, job.price_max),
                _ => job.price.to_string(),
            };
            table.row([
                address.to_string(),
                state(job),
                price,
                job.posted_slot.to_string(),
                reached(job.claimed_slot).map_or("-".to_owned(), |slot| slot.to_string()),
                reached(job.committed_slot).map_or("-".to_owned(), |slot| slot.to_string()),
            ]);
        }
        if jobs.is_empty() {
            return "no jobs".to_owned();
        }
        table.render()
    })
}

/// What the text form shows of a job, in the order in which a person asks.
const SHOWN: [&str; 30] = [
    "job",
    "state",
    "session",
    "client",
    "job_id",
    "node",
    "invited_node",
    "payment_mint",
    "price",
    "price_min",
    "price_max",
    "bond",
    "posted_slot",
    "claim_until_slot",
    "claimed_slot",
    "commit_until_slot",
    "committed_slot",
    "challenge_until_slot",
    "credit_node",
    "credit_client",
    "credit_fee",
    "credit_audits",
    "credit_delegators",
    "delegators_bps",
    "charge_credit",
    "audit_pot",
    "audit_cap",
    "attestations",
    "filings_open",
    "commitment",
];

/// What [`describe`] gives, for people.
pub(super) fn words(value: &Value) -> String {
    fields_of(value, &SHOWN)
}

/// A job as JSON: everything that a person asks of it.
pub(super) fn describe(address: &Pubkey, job: &Job) -> Value {
    let claimed = reached(job.claimed_slot);
    let committed = reached(job.committed_slot);
    let ended = job.state.is_end() || job.state == JobState::Accepted;
    let audited = job.audit.pot > 0;
    json!({
        "job": address.to_string(),
        "state": state(job),
        "session": job.is_receipt().then(|| job.session.to_string()),
        "client": job.client.to_string(),
        "job_id": job.job_id,
        "payment_mint": job.payment_mint.to_string(),
        "price": claimed.map(|_| job.price),
        "price_min": job.price_min,
        "price_max": job.price_max,
        "bond": job.bond,
        "node": claimed.map(|_| job.node.to_string()),
        "invited_node": (job.invited_node != Pubkey::default()).then(|| job.invited_node.to_string()),
        "posted_slot": job.posted_slot,
        "claim_until_slot": job.posted_slot.saturating_add(job.claim_slots),
        "claimed_slot": claimed,
        "commit_until_slot": claimed.map(|slot| slot.saturating_add(job.run_slots)),
        "committed_slot": committed,
        "challenge_until_slot": committed.map(|slot| slot.saturating_add(job.window_slots)),
        "graph_root": hex::encode(job.graph_root),
        "commitment": committed.map(|_| hex::encode(job.commitment)),
        "output_root": committed.map(|_| hex::encode(job.output_root)),
        "credit_node": ended.then_some(job.credits.node),
        "credit_client": ended.then_some(job.credits.client),
        "credit_fee": ended.then_some(job.credits.fee),
        "credit_audits": ended.then_some(job.credits.audits),
        "credit_delegators": (job.delegators_bps > 0).then_some(job.credits.delegators),
        "delegators_bps": (job.delegators_bps > 0).then_some(job.delegators_bps),
        "audit_pot": audited.then_some(job.audit.pot),
        "audit_cap": audited.then_some(job.audit.cap),
        "attestations": audited.then_some(job.audit.attestations),
        "filings_open": (job.unavailable_open > 0).then_some(job.unavailable_open),
        "charge_credit": (job.state == JobState::Missed).then_some(job.charge_credit),
    })
}

fn state(job: &Job) -> String {
    format!("{:?}", job.state).to_lowercase()
}

/// A slot that is 0 as long as the job has not come so far.
fn reached(slot: u64) -> Option<u64> {
    (slot != 0).then_some(slot)
}
