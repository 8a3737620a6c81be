use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::SlashBurned;
use crate::state::{Job, Network};
use crate::vault;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Burns what was slashed, and what challengers lost, over one job.
///
/// Who: anyone, whenever there is something.
///
/// 1. Clears what is to be burned.
/// 2. Burns it out of the stake vault.
#[event_cpi]
#[derive(Accounts)]
pub struct BurnSlash<'info> {
    /// The network; signs for the stake vault.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The stake mint.
    #[account(mut, mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> BurnSlash<'info> {
    fn validate(&self) -> Result<()> {
        require!(self.job.record.burn_credit > 0, AssayError::NothingToBurn);
        Ok(())
    }

    /// See [`BurnSlash`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let amount = core::mem::take(&mut accounts.job.record.burn_credit);
        accounts.network.with_signer_seeds(|seeds| {
            vault::burn(
                &accounts.token_program,
                &accounts.stake_mint,
                &accounts.stake_vault,
                accounts.network.to_account_info(),
                amount,
                seeds,
            )
        })?;
        accounts.job.invariant()?;
        emit_cpi!(SlashBurned { job: ctx.accounts.job.key(), amount });
        Ok(())
    }
}
