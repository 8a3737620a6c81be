use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ChangeExecuted;
use crate::state::{Change, Network, PaymentMint, Proposal};
use crate::units::Slot;
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Pays fees out of the treasury, which is the fee vault of each mint.
///
/// Who: anyone, from the proposal's first slot to its last.
///
/// 1. Moves the amount that the proposal names from the fee vault to the token account that it names.
/// 2. Closes the proposal; its rent returns to the proposer.
#[event_cpi]
#[derive(Accounts)]
pub struct ExecuteFeeWithdrawal<'info> {
    /// The network; signs for the fee vault.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The proposal.
    #[account(mut, close = proposer, has_one = proposer @ AssayError::WrongProposer)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// CHECK: the key that the proposal names; it only receives lamports.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
    /// The record of the mint.
    #[account(
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The mint.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The fee vault of the mint.
    #[account(
        mut,
        address = payment_mint.fee_vault @ AssayError::WrongVault,
    )]
    pub fee_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives the fees.
    // `dup` leaves it to `validate` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> ExecuteFeeWithdrawal<'info> {
    /// What to pay.
    fn validate(&self, now: Slot) -> Result<u64> {
        self.proposal.check_executable(&self.network, now)?;
        let Change::WithdrawFees { mint, destination, amount } = self.proposal.change else {
            return err!(AssayError::WrongChange);
        };
        require_keys_eq!(mint, self.mint.key(), AssayError::WrongMint);
        require_keys_neq!(self.destination.key(), self.fee_vault.key(), AssayError::DestinationIsVault);
        require_keys_eq!(destination, self.destination.key(), AssayError::WrongDestination);
        Ok(amount)
    }

    /// See [`ExecuteFeeWithdrawal`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        let amount = ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let accounts = &*ctx.accounts;
        let route = Route {
            token_program: &accounts.token_program,
            mint: &accounts.mint,
            from: &accounts.fee_vault,
            to: &accounts.destination,
            authority: accounts.network.to_account_info(),
        };
        accounts.network.with_signer_seeds(|seeds| route.pay(amount, seeds))?;
        let Proposal { number, change, .. } = **ctx.accounts.proposal;
        emit_cpi!(ChangeExecuted { number, change });
        Ok(())
    }
}
