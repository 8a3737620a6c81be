use crate::error::AssayError;
use crate::events::SessionClosed;
use crate::state::{Client, PaymentMint, Session};
use crate::vault::{self, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Removes a session that has ended and owes nothing to node and client, and its vault.
///
/// Who: anyone, when no receipt that was called in is open. The client that paid the rent gets all of it, whoever calls.
///
/// 1. Counts the session out of the client's counter.
/// 2. Moves what the vault holds, the fee and what somebody may have sent there, to the fee vault.
/// 3. Closes vault and session; their lamports go to the client.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseSession<'info> {
    /// The session; signs for its vault.
    #[account(mut, close = client, has_one = client @ AssayError::NotClient)]
    pub session: Box<Account<'info, Session>>,
    /// The vault of the session.
    #[account(mut, address = session.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// CHECK: the key that the session names; it only receives lamports.
    #[account(mut)]
    pub client: UncheckedAccount<'info>,
    /// The client's counter.
    #[account(mut, has_one = client @ AssayError::NotClient)]
    pub client_account: Box<Account<'info, Client>>,
    /// The record of the payment mint.
    #[account(
        constraint = payment_mint.mint == session.payment_mint @ AssayError::WrongMint,
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The payment mint of the session.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The fee vault of the mint.
    #[account(mut, address = payment_mint.fee_vault @ AssayError::WrongVault)]
    pub fee_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> CloseSession<'info> {
    fn validate(&self) -> Result<()> {
        self.session.check_closable()?;
        require_gte!(self.vault.amount, self.session.credits.fee, AssayError::VaultShort);
        Ok(())
    }

    /// See [`CloseSession`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let fee = core::mem::take(&mut accounts.session.credits.fee);
        let swept = accounts.vault.amount;
        accounts.client_account.close_job()?;
        accounts.client_account.invariant()?;
        accounts.session.with_signer_seeds(|seeds| accounts.empty_and_close_vault(swept, seeds))?;
        accounts.session.invariant()?;
        let session = &ctx.accounts.session;
        emit_cpi!(SessionClosed {
            session: session.key(),
            client: session.client,
            fee,
            surplus: swept.saturating_sub(fee),
        });
        Ok(())
    }

    fn empty_and_close_vault(&self, amount: u64, seeds: &[&[u8]]) -> Result<()> {
        if amount > 0 {
            let route = Route {
                token_program: &self.token_program,
                mint: &self.mint,
                from: &self.vault,
                to: &self.fee_vault,
                authority: self.session.to_account_info(),
            };
            route.pay(amount, seeds)?;
        }
        let (session, client) = (self.session.to_account_info(), self.client.to_account_info());
        vault::close(&self.token_program, &self.vault, session, client, seeds)
    }
}
