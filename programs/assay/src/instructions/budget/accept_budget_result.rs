use crate::error::AssayError;
use crate::instructions::audit::accept;
use crate::state::{Budget, Job};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Accepts a result of a budget's job before its window closes: the node is paid now.
///
/// Who: the budget's agent until its last slot, or its owner; else as `accept_result`.
///
/// 1. As `accept_result`; what the client gets is owed to the budget.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptBudgetResult<'info> {
    /// The agent or the owner.
    pub authority: Signer<'info>,
    /// The budget.
    pub budget: Box<Account<'info, Budget>>,
    /// The job.
    #[account(mut, constraint = job.client == budget.key() @ AssayError::WrongBudget)]
    pub job: Box<Account<'info, Job>>,
}

impl AcceptBudgetResult<'_> {
    /// See [`AcceptBudgetResult`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.budget.check_actor(ctx.accounts.authority.key, now)?;
        ctx.accounts.budget.invariant()?;
        emit_cpi!(accept(&mut ctx.accounts.job)?);
        Ok(())
    }
}
