use crate::address::DELEGATION_POOL_SEED;
use crate::error::AssayError;
use crate::events::DelegationPoolOpened;
use crate::state::{DelegationPool, Node};
use anchor_lang::prelude::*;

/// Arguments of `open_delegation_pool`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenDelegationPoolArgs {
    /// What the node keeps of its delegators' share of fees.
    pub commission_bps: u16,
}

/// Lets others delegate to a node.
///
/// Who: the withdraw authority, which pays the rent and gets it back. Not for a node that was convicted.
///
/// 1. Creates the pool, empty.
#[event_cpi]
#[derive(Accounts)]
pub struct OpenDelegationPool<'info> {
    /// The cold key; pays.
    #[account(mut)]
    pub withdraw_authority: Signer<'info>,
    /// The node.
    #[account(mut, has_one = withdraw_authority @ AssayError::NotWithdrawAuthority)]
    pub node: Box<Account<'info, Node>>,
    /// The pool to create.
    #[account(
        init,
        payer = withdraw_authority,
        space = DelegationPool::SPACE,
        seeds = [DELEGATION_POOL_SEED, node.key().as_ref()],
        bump,
    )]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

impl OpenDelegationPool<'_> {
    /// See [`OpenDelegationPool`].
    pub fn handle(ctx: Context<'_, Self>, args: OpenDelegationPoolArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let (node, pool) = (&mut accounts.node, &mut accounts.pool);
        node.open_delegations(args.commission_bps)?;
        pool.version = DelegationPool::VERSION;
        pool.bump = ctx.bumps.pool;
        pool.node = node.key();
        pool.applied_loss = node.delegation.loss.taken;
        node.invariant()?;
        pool.invariant()?;
        emit_cpi!(DelegationPoolOpened {
            node: ctx.accounts.node.key(),
            pool: ctx.accounts.pool.key(),
            commission_bps: args.commission_bps,
        });
        Ok(())
    }
}
