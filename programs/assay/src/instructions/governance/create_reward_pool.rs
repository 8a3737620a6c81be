use crate::address::{NETWORK, REWARD_POOL_SEED, REWARD_VAULT_SEED};
use crate::error::AssayError;
use crate::events::RewardPoolCreated;
use crate::state::{Network, RewardPool};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Creates the reward pool, empty. Once.
///
/// Who: anyone; who does it pays. It gives nobody any right: only `burn_fee` takes tokens out of the pool.
///
/// 1. Creates the pool and its vault in the stake mint.
#[event_cpi]
#[derive(Accounts)]
pub struct CreateRewardPool<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The network, for its stake mint.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The pool to create.
    #[account(init, payer = payer, space = RewardPool::SPACE, seeds = [REWARD_POOL_SEED], bump)]
    pub reward_pool: Box<Account<'info, RewardPool>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The vault to create.
    #[account(
        init,
        payer = payer,
        seeds = [REWARD_VAULT_SEED],
        bump,
        token::mint = stake_mint,
        token::authority = reward_pool,
        token::token_program = token_program,
    )]
    pub reward_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the accounts.
    pub system_program: Program<'info, System>,
}

impl CreateRewardPool<'_> {
    /// See [`CreateRewardPool`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.reward_pool.set_inner(RewardPool {
            version: RewardPool::VERSION,
            bump: ctx.bumps.reward_pool,
            vault: accounts.reward_vault.key(),
            fees_burned: 0,
            rewards_paid: 0,
        });
        accounts.reward_pool.invariant()?;
        emit_cpi!(RewardPoolCreated { vault: ctx.accounts.reward_vault.key() });
        Ok(())
    }
}
