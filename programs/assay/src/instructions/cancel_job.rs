use crate::error::AssayError;
use crate::events::JobCancelled;
use crate::state::Job;
use crate::state_machine::JobEvent;
use anchor_lang::prelude::*;

/// Takes a job back that nobody has claimed.
///
/// Who: the client, from `Posted`, at any time.
///
/// 1. Owes the whole escrow to the client.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelJob<'info> {
    /// The client.
    pub client: Signer<'info>,
    /// The job.
    #[account(
        mut,
        has_one = client @ AssayError::NotClient,
    )]
    pub job: Box<Account<'info, Job>>,
}

impl CancelJob<'_> {
    /// See [`CancelJob`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        emit_cpi!(cancel(&mut ctx.accounts.job)?);
        Ok(())
    }
}

/// Takes a job back in the name of its client; gives what is to be announced.
pub(super) fn cancel(job: &mut Account<'_, Job>) -> Result<JobCancelled> {
    job.refund(JobEvent::Cancel)?;
    job.invariant()?;
    Ok(JobCancelled { job: job.key(), client_credit: job.credits.client })
}
