use crate::error::AssayError;
use crate::events::DelegationClosed;
use crate::state::{Delegation, DelegationPool};
use anchor_lang::prelude::*;

/// Removes a delegation of which nothing is left.
///
/// Who: anyone; the owner gets the rent.
///
/// 1. Counts the delegation out of the pool and closes it.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseDelegation<'info> {
    /// CHECK: the key that the delegation names; it only receives lamports.
    #[account(mut)]
    pub owner: UncheckedAccount<'info>,
    /// The pool.
    #[account(mut)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The delegation.
    #[account(
        mut,
        close = owner,
        has_one = owner @ AssayError::NotDelegator,
        has_one = pool @ AssayError::WrongDelegationPool,
    )]
    pub delegation: Box<Account<'info, Delegation>>,
}

impl CloseDelegation<'_> {
    /// See [`CloseDelegation`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.delegation.invariant()?;
        accounts.delegation.check_empty()?;
        accounts.pool.close_delegation()?;
        accounts.pool.invariant()?;
        emit_cpi!(DelegationClosed { pool: ctx.accounts.pool.key(), owner: ctx.accounts.owner.key() });
        Ok(())
    }
}
