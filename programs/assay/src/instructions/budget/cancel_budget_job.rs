use crate::error::AssayError;
use crate::instructions::cancel_job::cancel;
use crate::state::{Budget, Job};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Takes a job of a budget back that nobody has claimed.
///
/// Who: the budget's agent until its last slot, or its owner; from `Posted`, at any time.
///
/// 1. Owes the whole escrow to the budget. The budget's period counts it all the same.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelBudgetJob<'info> {
    /// The agent or the owner.
    pub authority: Signer<'info>,
    /// The budget.
    pub budget: Box<Account<'info, Budget>>,
    /// The job.
    #[account(mut, constraint = job.client == budget.key() @ AssayError::WrongBudget)]
    pub job: Box<Account<'info, Job>>,
}

impl CancelBudgetJob<'_> {
    /// See [`CancelBudgetJob`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.budget.check_actor(ctx.accounts.authority.key, now)?;
        ctx.accounts.budget.invariant()?;
        emit_cpi!(cancel(&mut ctx.accounts.job)?);
        Ok(())
    }
}
