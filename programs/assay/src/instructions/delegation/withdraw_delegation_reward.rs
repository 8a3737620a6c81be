use crate::error::AssayError;
use crate::events::DelegationRewardWithdrawn;
use crate::state::{Delegation, DelegationPool};
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Pays out all that a delegation has earned in one mint.
///
/// Who: the owner, to any account of the mint but the vault; or anyone, to the owner's associated token account. Neither slashes
/// nor the state of the node stop it.
///
/// 1. Settles what the shares have earned, and clears it.
/// 2. Moves it from the pool's vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawDelegationReward<'info> {
    /// Who delegated, or anyone who helps.
    pub authority: Signer<'info>,
    /// The pool; signs for its vaults.
    #[account(mut)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The delegation.
    #[account(mut, has_one = pool @ AssayError::WrongDelegationPool)]
    pub delegation: Box<Account<'info, Delegation>>,
    /// The mint.
    #[account(mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The vault of the pool in this mint.
    #[account(mut, address = pool.vault_of(&mint.key())? @ AssayError::WrongVault)]
    pub reward_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives the reward.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawDelegationReward<'info> {
    fn validate(&self) -> Result<()> {
        check_destination(self.authority.key, &self.delegation.owner, None, &self.route())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.mint,
            from: &self.reward_vault,
            to: &self.destination,
            authority: self.pool.to_account_info(),
        }
    }

    /// See [`WithdrawDelegationReward`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let mint = accounts.mint.key();
        let amount = accounts.pool.pay_reward(&mut accounts.delegation, &mint)?;
        accounts.pool.with_signer_seeds(|seeds| accounts.route().pay(amount.0, seeds))?;
        accounts.pool.invariant()?;
        accounts.delegation.invariant()?;
        emit_cpi!(DelegationRewardWithdrawn {
            pool: ctx.accounts.pool.key(),
            owner: ctx.accounts.delegation.owner,
            mint,
            amount: amount.0,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
