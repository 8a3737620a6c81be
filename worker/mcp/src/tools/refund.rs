//! `cancel` and `reclaim`: getting back what a job of the budget does not need.

use super::{Call, Effect, tool};
use crate::error::Refusal;
use crate::offer::address;
use crate::purse::Purse;
use crate::view::state;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_client::ClientError;
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;

/// How long `reclaim` may take to end a job whose deadline has passed.
const ENDING_TIME: Duration = Duration::from_secs(30);

/// Which job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Address of a job of the budget
    job: String,
}

/// A job that was taken back.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Cancelled {
    /// Address of the job
    job: String,
    /// Its state now; `reclaim` brings escrow and rent back
    state: String,
}

/// What came back to the budget.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Returned {
    /// Address of the job
    job: String,
    /// What returned to the budget's vault, in base units of its payment mint
    refund_base_units: u64,
    /// The charge of a missed claim, in base units of the stake mint
    charge_base_units: u64,
    /// Whether the job is closed and its rent is back; if not, something in it is still owed to others: call again later
    is_closed: bool,
}

pub(super) fn cancel_definition() -> Tool {
    tool::<Arguments, Cancelled>(
        "cancel",
        "Cancel a job",
        Effect::Spends,
        "Takes a job of the budget back while no node has claimed it. Everything that it escrowed can be reclaimed then.",
    )
}

pub(super) fn reclaim_definition() -> Tool {
    tool::<Arguments, Returned>(
        "reclaim",
        "Reclaim a job",
        Effect::Adds,
        "Returns to the budget what an ended job does not owe to others, and closes it. Ends a job first whose deadline has passed. The \
         bytes of a result stay where they are served.",
    )
}

pub(super) async fn cancel(call: &Call, arguments: Arguments) -> Result<Cancelled, Refusal> {
    let purse = call.context.purse()?;
    let (address, job) = own_job(call, purse, &arguments.job).await?;
    if job.state != JobState::Cancelled {
        purse.client.cancel(&address).await?;
    }
    let now = call.context.chain.find_job(&address).await?.unwrap_or(job);
    Ok(Cancelled { job: address.to_string(), state: state(&now) })
}

pub(super) async fn reclaim(call: &Call, arguments: Arguments) -> Result<Returned, Refusal> {
    let purse = call.context.purse()?;
    let (address, job) = own_job(call, purse, &arguments.job).await?;
    if !job.state.is_end() && has_run_out(&job, call.context.chain.slot().await?) {
        // Ends it, unless its node does; what is still open afterwards is said by the reclaiming.
        match tokio::time::timeout(ENDING_TIME, purse.client.wait(&address, |_| ())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => tracing::debug!(job = %address, "not ended in time"),
        }
    }
    let reclaimed = purse.client.reclaim(&address).await?;
    Ok(Returned {
        job: address.to_string(),
        refund_base_units: reclaimed.refund,
        charge_base_units: reclaimed.charge,
        is_closed: reclaimed.closed,
    })
}

/// Whether nothing but its ending is left to wait for.
fn has_run_out(job: &Job, slot: u64) -> bool {
    let (start, length) = match job.state {
        JobState::Posted => (job.posted_slot, job.claim_slots),
        JobState::Claimed => (job.claimed_slot, job.run_slots),
        _ => (job.committed_slot, job.window_slots),
    };
    slot > start.saturating_add(length)
}

/// A job of the budget, if this server may act for it here and now.
///
/// # Errors
/// As of [`Purse::open`]; `Y0313` for a job of somebody else.
async fn own_job(call: &Call, purse: &Purse, job: &str) -> Result<(Pubkey, Job), Refusal> {
    let address = address("job", job)?;
    purse.open().await?;
    let Some(job) = call.context.chain.find_job(&address).await? else {
        return Err(ClientError::NoJob { job: address }.into());
    };
    check_own(&purse.budget, &job)?;
    Ok((address, job))
}

fn check_own(budget: &Pubkey, job: &Job) -> Result<(), Refusal> {
    match job.client == *budget {
        true => Ok(()),
        false => Err(Refusal::new("Y0313", "the job is not one of this server's budget; `jobs` lists those")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_jobs_of_the_budget_are_acted_on() {
        let budget = Pubkey::new_unique();
        check_own(&budget, &Job { client: budget, ..Job::default() }).unwrap();
        let others = Job { client: Pubkey::new_unique(), ..Job::default() };
        assert_eq!(check_own(&budget, &others).unwrap_err().code, "Y0313");
    }

    #[test]
    fn a_deadline_has_passed_after_its_last_slot() {
        let job = |state| Job {
            state,
            posted_slot: 100,
            claim_slots: 10,
            claimed_slot: 200,
            run_slots: 20,
            committed_slot: 300,
            window_slots: 30,
            ..Job::default()
        };
        for (state, last) in
            [(JobState::Posted, 110), (JobState::Claimed, 220), (JobState::Committed, 330), (JobState::Accepted, 330)]
        {
            assert!(!has_run_out(&job(state), last) && has_run_out(&job(state), last + 1), "{state:?}");
        }
    }
}
