use super::support::is_over;
use crate::error::AssayError;
use crate::events::DemandClosed;
use crate::state::{Buffer, Demand};
use anchor_lang::prelude::*;

/// Removes a demand once the dispute is over, and lets the buffer of its answer go.
///
/// Who: anyone, once the job has ended (after a conviction: is settled) or is gone.
///
/// 1. The buffer that answered it can be closed by its owner again.
/// 2. Closes the demand; rent, and a fee that nobody earned, return to who made it first.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseDemand<'info> {
    /// CHECK: the job that the demand names, or what is left at its address.
    #[account(address = demand.job @ AssayError::WrongJob)]
    pub job: UncheckedAccount<'info>,
    /// The demand.
    #[account(mut, close = payer, has_one = payer @ AssayError::WrongDemand)]
    pub demand: Box<Account<'info, Demand>>,
    /// CHECK: the key that the demand names; it only receives lamports.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
    /// The buffer that answered it, if one did.
    #[account(mut)]
    pub answer: Option<Box<Account<'info, Buffer>>>,
}

impl CloseDemand<'_> {
    fn validate(&self) -> Result<()> {
        require!(is_over(&self.job)?, AssayError::DisputeNotOver);
        let answer = self.answer.as_ref().map_or(Pubkey::default(), |answer| answer.key());
        require_keys_eq!(answer, self.demand.answer, AssayError::WrongBuffer);
        Ok(())
    }

    /// See [`CloseDemand`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        if let Some(buffer) = accounts.answer.as_mut() {
            buffer.held_by = Pubkey::default();
            buffer.invariant()?;
        }
        accounts.demand.invariant()?;
        emit_cpi!(DemandClosed { job: ctx.accounts.job.key(), demand: ctx.accounts.demand.key() });
        Ok(())
    }
}
