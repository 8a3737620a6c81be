use crate::error::AssayError;
use crate::events::{ChangeDismissed, Dismissal};
use crate::state::Proposal;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Removes a proposal that nobody carried out in time.
///
/// Who: anyone, after its last slot.
///
/// 1. Closes the proposal; its rent returns to the proposer.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseProposal<'info> {
    /// The proposal.
    #[account(mut, close = proposer, has_one = proposer @ AssayError::WrongProposer)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// CHECK: the key that the proposal names; it only receives lamports.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
}

impl CloseProposal<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        require!(self.proposal.schedule().has_expired(now), AssayError::ProposalNotExpired);
        Ok(())
    }

    /// See [`CloseProposal`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        ctx.accounts.proposal.invariant()?;
        emit_cpi!(ChangeDismissed { number: ctx.accounts.proposal.number, dismissal: Dismissal::Expired });
        Ok(())
    }
}
