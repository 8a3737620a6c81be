use crate::address::DELEGATION_REWARDS_SEED;
use crate::error::AssayError;
use crate::events::RewardMintAdded;
use crate::state::{DelegationPool, Job, Node, PaymentMint};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Lets a pool share rewards in one more mint, of four.
///
/// Who: the withdraw authority, for any mint in which jobs can be paid; or anyone, for the mint of a job of the node that owes
/// something to delegators, so that nobody fills the places with what nobody earns. Who does it pays the rent of the vault, which
/// the withdraw authority gets when the mint is removed.
///
/// 1. Creates the vault and notes it in a free place.
#[event_cpi]
#[derive(Accounts)]
pub struct AddRewardMint<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The node.
    pub node: Box<Account<'info, Node>>,
    /// The pool of the node.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// A job of the node that owes something to delegators; the withdraw authority does without.
    pub job: Option<Box<Account<'info, Job>>>,
    /// The record of the payment mint.
    #[account(
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
    fn validate(&self) -> Result<()> {
        if let Some(job) = &self.job {
            require_keys_eq!(job.node, self.node.key(), AssayError::WrongNode);
            require_keys_eq!(job.payment_mint, self.mint.key(), AssayError::WrongMint);
            require!(job.credits.delegators > 0, AssayError::NothingOwed);
            return Ok(());
        }
        require_keys_eq!(*self.payer.key, self.node.withdraw_authority, AssayError::NotWithdrawAuthority);
        require!(self.payment_mint.enabled, AssayError::PaymentMintDisabled);
        Ok(())
    }

    /// See [`AddRewardMint`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let (mint, vault) = (accounts.mint.key(), accounts.reward_vault.key());
        accounts.pool.add_mint(mint, vault)?;
        accounts.pool.invariant()?;
        emit_cpi!(RewardMintAdded { pool: ctx.accounts.pool.key(), mint, vault });
        Ok(())
    }
}
