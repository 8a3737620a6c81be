use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::StakeWithdrawn;
use crate::state::{Network, Node};
use crate::units::Slot;
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Pays out every withdrawal that has been released.
///
/// Who: the withdraw authority, to any account of the stake mint.
///
/// 1. Empties the released places of the queue.
/// 2. Moves their sum from the stake vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawStake<'info> {
    /// The cold key.
    pub withdraw_authority: Signer<'info>,
    /// The network; signs for the stake vault.
    #[account(
        address = NETWORK,
        has_one = stake_mint @ AssayError::WrongMint,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(
        mut,
        has_one = withdraw_authority @ AssayError::NotWithdrawAuthority,
    )]
    pub node: Box<Account<'info, Node>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(
        mut,
        address = network.stake_vault @ AssayError::WrongVault,
    )]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives the stake.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = stake_mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawStake<'info> {
    fn validate(&self) -> Result<()> {
        let owner = &self.node.withdraw_authority;
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

    /// See [`WithdrawStake`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let amount = accounts.node.withdraw_released(Slot(Clock::get()?.slot))?;
        accounts.network.with_signer_seeds(|seeds| accounts.route().pay(amount.0, seeds))?;
        accounts.node.invariant()?;
        emit_cpi!(StakeWithdrawn {
            node: ctx.accounts.node.key(),
            amount: amount.0,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
