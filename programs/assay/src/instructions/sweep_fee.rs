use crate::address::{FEE_VAULT_SEED, JOB_SEED, PAYMENT_MINT_SEED, VAULT_SEED};
use crate::error::AssayError;
use crate::events::FeeSwept;
use crate::state::{Job, PaymentMint};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Moves the fee of a settled job to the fee vault of its mint.
///
/// Who: anyone.
///
/// 1. Clears the fee.
/// 2. Moves it from the job's vault to the fee vault.
#[event_cpi]
#[derive(Accounts)]
pub struct SweepFee<'info> {
    /// The job; signs for its vault.
    #[account(
        mut,
        seeds = [JOB_SEED, job.client.as_ref(), job.job_id.to_le_bytes().as_ref()],
        bump = job.bump,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The vault of the job.
    #[account(mut, seeds = [VAULT_SEED, job.key().as_ref()], bump = job.vault_bump)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The record of the payment mint.
    #[account(
        seeds = [PAYMENT_MINT_SEED, job.payment_mint.as_ref()],
        bump = payment_mint.bump,
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The payment mint of the job.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The fee vault of the mint.
    #[account(mut, seeds = [FEE_VAULT_SEED, job.payment_mint.as_ref()], bump = payment_mint.fee_vault_bump)]
    pub fee_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> SweepFee<'info> {
    fn validate(&self) -> Result<()> {
        require!(self.job.credits.fee > 0, AssayError::NothingOwed);
        Ok(())
    }

    /// See [`SweepFee`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        // The vault must cover all that is owed, not only the fee.
        require_gte!(accounts.vault.amount, accounts.job.credits.total()?.0, AssayError::VaultShort);
        let amount = core::mem::take(&mut accounts.job.credits.fee);
        let route = Route {
            token_program: &accounts.token_program,
            mint: &accounts.mint,
            from: &accounts.vault,
            to: &accounts.fee_vault,
            authority: accounts.job.to_account_info(),
        };
        accounts.job.with_signer_seeds(|seeds| route.pay(amount, seeds))?;
        accounts.job.invariant()?;
        emit_cpi!(FeeSwept { job: ctx.accounts.job.key(), mint: ctx.accounts.mint.key(), amount });
        Ok(())
    }
}
