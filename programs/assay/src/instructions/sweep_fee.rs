use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::FeeSwept;
use crate::state::{Job, Network, PaymentMint};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Moves the fee of a settled job to the fee vault of its mint.
///
/// Who: anyone; but a fee in the stake mint goes through `burn_fee`.
///
/// 1. Clears the fee.
/// 2. Moves it from the job's vault to the fee vault.
#[event_cpi]
#[derive(Accounts)]
pub struct SweepFee<'info> {
    /// The network, for its stake mint.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The job; signs for its vault.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The vault of the job.
    #[account(mut, address = job.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The record of the payment mint.
    #[account(
        constraint = payment_mint.mint == job.payment_mint @ AssayError::WrongMint,
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The payment mint of the job.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The fee vault of the mint.
    #[account(mut, address = payment_mint.fee_vault @ AssayError::WrongVault)]
    pub fee_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> SweepFee<'info> {
    fn validate(&self) -> Result<()> {
        require_keys_neq!(self.job.payment_mint, self.network.stake_mint, AssayError::FeeMustBurn);
        require!(self.job.credits.fee > 0, AssayError::NothingOwed);
        Ok(())
    }

    /// See [`SweepFee`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        // The vault must cover all that is owed, not only the fee.
        require_gte!(accounts.vault.amount, accounts.job.liabilities()?.0, AssayError::VaultShort);
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
