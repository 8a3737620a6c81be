use crate::address::DELEGATION_REWARDS_SEED;
use crate::error::AssayError;
use crate::events::RewardMintAdded;
use crate::state::{DelegationPool, PaymentMint};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Lets a pool share rewards in one more mint, of four.
///
/// Who: anyone; who does it pays the rent of the vault, which the withdraw authority gets when the mint is removed. Only mints
/// that the network has allowed for payments, so that places are not taken by others.
///
/// 1. Creates the vault and notes it in a free place.
#[event_cpi]
#[derive(Accounts)]
pub struct AddRewardMint<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The pool.
    #[account(mut)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The record of the payment mint.
    #[account(
        constraint = payment_mint.enabled @ AssayError::PaymentMintDisabled,
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The mint.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The vault to create.
    #[account(
        init,
        payer = payer,
        seeds = [DELEGATION_REWARDS_SEED, pool.key().as_ref(), mint.key().as_ref()],
        bump,
        token::mint = mint,
        token::authority = pool,
        token::token_program = token_program,
    )]
    pub reward_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

impl AddRewardMint<'_> {
    /// See [`AddRewardMint`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let (mint, vault) = (accounts.mint.key(), accounts.reward_vault.key());
        accounts.pool.add_mint(mint, vault)?;
        accounts.pool.invariant()?;
        emit_cpi!(RewardMintAdded { pool: ctx.accounts.pool.key(), mint, vault });
        Ok(())
    }
}
