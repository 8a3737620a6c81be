use crate::error::AssayError;
use crate::events::RewardMintRemoved;
use crate::state::{DelegationPool, Node};
use crate::vault::{self, check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Ends the sharing of rewards in a mint.
///
/// Who: the withdraw authority, while no delegation is open.
///
/// 1. Moves what the vault holds, which rounding left or somebody sent, to the destination.
/// 2. Closes the vault; its rent goes to the withdraw authority.
#[event_cpi]
#[derive(Accounts)]
pub struct RemoveRewardMint<'info> {
    /// The cold key; receives the rent.
    #[account(mut)]
    pub withdraw_authority: Signer<'info>,
    /// The node.
    #[account(has_one = withdraw_authority @ AssayError::NotWithdrawAuthority)]
    pub node: Box<Account<'info, Node>>,
    /// The pool of the node; signs for its vaults.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The mint.
    #[account(mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The vault of the pool in this mint.
    #[account(mut, address = pool.vault_of(&mint.key())? @ AssayError::WrongVault)]
    pub reward_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives what is left.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> RemoveRewardMint<'info> {
    fn validate(&self) -> Result<()> {
        let owner = self.withdraw_authority.key;
        check_destination(owner, owner, None, &self.route())
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

    fn empty_and_close(&self, dust: u64, seeds: &[&[u8]]) -> Result<()> {
        if dust > 0 {
            self.route().pay(dust, seeds)?;
        }
        let (pool, rent_receiver) = (self.pool.to_account_info(), self.withdraw_authority.to_account_info());
        vault::close(&self.token_program, &self.reward_vault, pool, rent_receiver, seeds)
    }

    /// See [`RemoveRewardMint`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let (mint, dust) = (accounts.mint.key(), accounts.reward_vault.amount);
        accounts.pool.remove_mint(&mint)?;
        accounts.pool.with_signer_seeds(|seeds| accounts.empty_and_close(dust, seeds))?;
        accounts.pool.invariant()?;
        emit_cpi!(RewardMintRemoved {
            pool: ctx.accounts.pool.key(),
            mint,
            dust,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
