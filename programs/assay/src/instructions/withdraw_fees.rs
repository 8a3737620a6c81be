use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::FeesWithdrawn;
use crate::state::{Network, PaymentMint};
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `withdraw_fees`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct WithdrawFeesArgs {
    /// Base units of the mint.
    pub amount: u64,
}

/// Pays fees out of a fee vault.
///
/// Who: the network's authority, to any account of the mint.
///
/// 1. Moves `amount` from the fee vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawFees<'info> {
    /// The network's authority.
    pub authority: Signer<'info>,
    /// The network; signs for the fee vault.
    #[account(
        address = NETWORK,
        has_one = authority @ AssayError::NotNetworkAuthority,
    )]
    pub network: Box<Account<'info, Network>>,
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
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawFees<'info> {
    fn validate(&self, args: &WithdrawFeesArgs) -> Result<()> {
        require!(args.amount > 0, AssayError::AmountZero);
        let authority = &self.network.authority;
        check_destination(authority, authority, None, &self.route())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.mint,
            from: &self.fee_vault,
            to: &self.destination,
            authority: self.network.to_account_info(),
        }
    }

    /// See [`WithdrawFees`].
    pub fn handle(ctx: Context<'info, Self>, args: WithdrawFeesArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let accounts = &*ctx.accounts;
        accounts.network.with_signer_seeds(|seeds| accounts.route().pay(args.amount, seeds))?;
        emit_cpi!(FeesWithdrawn {
            mint: ctx.accounts.mint.key(),
            amount: args.amount,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
