use crate::error::AssayError;
use crate::events::DelegationPoolClosed;
use crate::state::{DelegationPool, Node};
use anchor_lang::prelude::*;

/// Ends delegation to a node.
///
/// Who: the withdraw authority, once no delegation is open and no reward mint is left. What jobs still owe to delegators becomes
/// the node's credit when it is collected.
///
/// 1. Closes the pool; its rent goes to the withdraw authority.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseDelegationPool<'info> {
    /// The cold key; receives the rent.
    #[account(mut)]
    pub withdraw_authority: Signer<'info>,
    /// The node.
    #[account(mut, has_one = withdraw_authority @ AssayError::NotWithdrawAuthority)]
    pub node: Box<Account<'info, Node>>,
    /// The pool of the node.
    #[account(mut, close = withdraw_authority, has_one = node @ AssayError::WrongNode)]
    pub pool: Box<Account<'info, DelegationPool>>,
}

impl CloseDelegationPool<'_> {
    /// See [`CloseDelegationPool`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.pool.check_empty()?;
        accounts.pool.invariant()?;
        accounts.node.close_delegations()?;
        accounts.node.invariant()?;
        emit_cpi!(DelegationPoolClosed {
            node: ctx.accounts.node.key(),
            withdraw_authority: ctx.accounts.withdraw_authority.key(),
        });
        Ok(())
    }
}
