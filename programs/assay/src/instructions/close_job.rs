use crate::error::AssayError;
use crate::events::JobClosed;
use crate::state::{Client, Job, PaymentMint};
use crate::vault::{self, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Removes a job that has ended and owes nothing, and its vault.
///
/// Who: anyone. The client that paid the rent gets all of it, whoever calls.
///
/// 1. Counts the job out of the client's counter.
/// 2. Moves what the vault holds beyond its debts (somebody sent it there) to the fee vault, so that a gift of one base unit
///    cannot keep a job from closing.
/// 3. Closes vault and job; their lamports go to the client.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseJob<'info> {
    /// The job; signs for its vault.
    #[account(
        mut,
        close = client,
        has_one = client @ AssayError::NotClient,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The vault of the job.
    #[account(mut, address = job.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// CHECK: the key that the job names; it only receives lamports.
    #[account(mut)]
    pub client: UncheckedAccount<'info>,
    /// The client's counter.
    #[account(mut, has_one = client @ AssayError::NotClient)]
    pub client_account: Box<Account<'info, Client>>,
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

impl<'info> CloseJob<'info> {
    fn validate(&self) -> Result<()> {
        self.job.check_ordinary()?;
        self.job.check_closable()?;
        Ok(())
    }

    /// See [`CloseJob`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let surplus = accounts.vault.amount;
        accounts.client_account.close_job()?;
        accounts.client_account.invariant()?;
        accounts.job.with_signer_seeds(|seeds| accounts.empty_and_close_vault(surplus, seeds))?;
        emit_cpi!(JobClosed { job: ctx.accounts.job.key(), client: ctx.accounts.job.client, surplus });
        Ok(())
    }

    fn empty_and_close_vault(&self, surplus: u64, seeds: &[&[u8]]) -> Result<()> {
        if surplus > 0 {
            let route = Route {
                token_program: &self.token_program,
                mint: &self.mint,
                from: &self.vault,
                to: &self.fee_vault,
                authority: self.job.to_account_info(),
            };
            route.pay(surplus, seeds)?;
        }
        vault::close(&self.token_program, &self.vault, self.job.to_account_info(), self.client.to_account_info(), seeds)
    }
}
