use crate::error::AssayError;
use crate::events::ReceiptStood;
use crate::state::{Job, Session};
use crate::state_machine::JobEvent;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends a receipt that was called in and whose challenge window has closed: it stood.
///
/// Who: anyone, after the last challenge slot, when no challenge is open. The node's account is not touched: the bond is the
/// session's, and stays locked as long as the session lasts.
///
/// 1. Settles the job, which owes nothing to anybody.
/// 2. Counts it out of the session.
#[event_cpi]
#[derive(Accounts)]
pub struct FinaliseReceipt<'info> {
    /// The session.
    #[account(mut)]
    pub session: Box<Account<'info, Session>>,
    /// The receipt.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl FinaliseReceipt<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.job.check_receipt_of(&self.session.key())?;
        self.job.state.after(JobEvent::Finalise)?;
        require!(self.job.challenge_deadline()?.has_passed(now), AssayError::ChallengeWindowOpen);
        Ok(())
    }

    /// See [`FinaliseReceipt`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let accounts = &mut *ctx.accounts;
        accounts.job.finalise()?;
        accounts.session.end_receipt()?;
        accounts.session.invariant()?;
        accounts.job.invariant()?;
        let job = &ctx.accounts.job;
        emit_cpi!(ReceiptStood { session: job.session, job: job.key(), node: job.node });
        Ok(())
    }
}
