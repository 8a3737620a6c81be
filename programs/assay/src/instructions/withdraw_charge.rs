use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ChargeWithdrawn;
use crate::state::{Job, Network};
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Pays the client the charge of a missed claim out of the stake vault.
///
/// Who: the client, to any account of the stake mint but the vault; or anyone, to the client's associated token account.
///
/// 1. Clears the charge.
/// 2. Moves it from the stake vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawCharge<'info> {
    /// The client, or anyone who helps.
    pub authority: Signer<'info>,
    /// The network; signs for the stake vault.
    #[account(
        address = NETWORK,
        has_one = stake_mint @ AssayError::WrongMint,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives the charge.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = stake_mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawCharge<'info> {
    fn validate(&self) -> Result<()> {
        require!(self.job.charge_credit > 0, AssayError::NothingOwed);
        check_destination(self.authority.key, &self.job.client, None, &self.route())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.stake_mint,
            from: &self.stake_vault,
            to: &self.destination,
            authority: self.network.to_account_info(),
        }
    }

    /// See [`WithdrawCharge`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let amount = core::mem::take(&mut accounts.job.charge_credit);
        accounts.network.with_signer_seeds(|seeds| accounts.route().pay(amount, seeds))?;
        accounts.job.invariant()?;
        emit_cpi!(ChargeWithdrawn {
            job: ctx.accounts.job.key(),
            payee: ctx.accounts.job.client,
            amount,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
