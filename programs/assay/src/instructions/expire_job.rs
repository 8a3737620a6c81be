use crate::error::AssayError;
use crate::events::JobExpired;
use crate::state::Job;
use crate::state_machine::JobEvent;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends a job that nobody claimed in time.
///
/// Who: anyone, from `Posted`, after the last claim slot.
///
/// 1. Owes the whole escrow to the client.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireJob<'info> {
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl ExpireJob<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.job.state.after(JobEvent::Expire)?;
        require!(self.job.claim_deadline()?.has_passed(now), AssayError::ClaimWindowOpen);
        Ok(())
    }

    /// See [`ExpireJob`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let job = &mut ctx.accounts.job;
        job.refund(JobEvent::Expire)?;
        job.invariant()?;
        emit_cpi!(JobExpired { job: ctx.accounts.job.key(), client_credit: ctx.accounts.job.credits.client });
        Ok(())
    }
}
