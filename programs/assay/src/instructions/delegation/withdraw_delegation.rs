use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::DelegationWithdrawn;
use crate::state::{Delegation, DelegationPool, Network, Node};
use crate::units::Slot;
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Pays out all that has unbonded of a delegation.
///
/// Who: the owner, to any account of the stake mint but the vault; or anyone, to the owner's associated token account. Once it is
/// released, every slash of the node has reached the pool, and the node is neither frozen nor to be charged for its company.
///
/// 1. Gives the unbonding shares up.
/// 2. Moves what they are worth from the stake vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawDelegation<'info> {
    /// Who delegated, or anyone who helps.
    pub authority: Signer<'info>,
    /// The network; signs for the stake vault.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    pub node: Box<Account<'info, Node>>,
    /// The pool of the node.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The delegation.
    #[account(mut, has_one = pool @ AssayError::WrongDelegationPool)]
    pub delegation: Box<Account<'info, Delegation>>,
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

impl<'info> WithdrawDelegation<'info> {
    fn validate(&self) -> Result<()> {
        check_destination(self.authority.key, &self.delegation.owner, None, &self.route())
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

    /// See [`WithdrawDelegation`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let now = Slot(Clock::get()?.slot);
        let amount = accounts.pool.withdraw(&mut accounts.delegation, &accounts.node, now)?;
        if amount.0 > 0 {
            accounts.network.with_signer_seeds(|seeds| accounts.route().pay(amount.0, seeds))?;
        }
        accounts.pool.invariant()?;
        accounts.delegation.invariant()?;
        emit_cpi!(DelegationWithdrawn {
            node: ctx.accounts.node.key(),
            owner: ctx.accounts.delegation.owner,
            amount: amount.0,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
