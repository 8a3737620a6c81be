use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::DelegationSlashed;
use crate::state::{DelegationPool, Network, Node};
use crate::vault;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Brings a pool up to date after its node was convicted, or charged for its company.
///
/// Who: anyone. How much goes was decided by the conviction; there is nothing to choose, and nothing leaves the pool before.
///
/// 1. Takes the same share of what is active and of what unbonds.
/// 2. Burns it out of the stake vault: nothing delegated is ever paid to a challenger.
#[event_cpi]
#[derive(Accounts)]
pub struct SettleDelegationSlash<'info> {
    /// The network; signs for the stake vault.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
    /// The pool of the node.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The stake mint.
    #[account(mut, mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> SettleDelegationSlash<'info> {
    /// See [`SettleDelegationSlash`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let burned = accounts.pool.settle_slash(&mut accounts.node)?;
        if burned.0 > 0 {
            let network = accounts.network.to_account_info();
            accounts.network.with_signer_seeds(|seeds| {
                let (mint, vault) = (&accounts.stake_mint, &accounts.stake_vault);
                vault::burn(&accounts.token_program, mint, vault, network, burned.0, seeds)
            })?;
        }
        accounts.node.invariant()?;
        accounts.pool.invariant()?;
        emit_cpi!(DelegationSlashed {
            node: ctx.accounts.node.key(),
            burned: burned.0,
            loss: ctx.accounts.pool.applied_loss,
            delegated_stake: ctx.accounts.node.delegation.stake,
        });
        Ok(())
    }
}
