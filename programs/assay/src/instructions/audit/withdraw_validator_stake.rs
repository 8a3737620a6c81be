use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ValidatorStakeWithdrawn;
use crate::state::{Network, Validator};
use crate::units::Slot;
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Pays out the withdrawal of a validator once it is released.
///
/// Who: its authority, to any account of the stake mint.
///
/// 1. Empties the place of withdrawals.
/// 2. Moves the amount from the stake vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawValidatorStake<'info> {
    /// The cold key.
    pub authority: Signer<'info>,
    /// The network; signs for the stake vault.
    #[account(
        address = NETWORK,
        has_one = stake_mint @ AssayError::WrongMint,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The validator.
    #[account(mut, has_one = authority @ AssayError::NotValidatorAuthority)]
    pub validator: Box<Account<'info, Validator>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives the stake.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = stake_mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawValidatorStake<'info> {
    fn validate(&self) -> Result<()> {
        let owner = &self.validator.authority;
        check_destination(owner, owner, None, &self.route())
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

    /// See [`WithdrawValidatorStake`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let amount = accounts.validator.withdraw_released(Slot(Clock::get()?.slot))?;
        accounts.network.with_signer_seeds(|seeds| accounts.route().pay(amount.0, seeds))?;
        accounts.validator.invariant()?;
        emit_cpi!(ValidatorStakeWithdrawn {
            validator: ctx.accounts.validator.key(),
            amount: amount.0,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
