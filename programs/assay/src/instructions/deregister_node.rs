use crate::error::AssayError;
use crate::events::NodeDeregistered;
use crate::state::Node;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Removes a node that owns and owes nothing: no stake, no withdrawal under way, no open job.
///
/// Who: the withdraw authority.
///
/// 1. Closes the node; its rent returns to the withdraw authority. Credits of its ended jobs stay withdrawable, because
///    each job pinned its payee.
#[event_cpi]
#[derive(Accounts)]
pub struct DeregisterNode<'info> {
    /// The cold key; receives the rent.
    #[account(mut)]
    pub withdraw_authority: Signer<'info>,
    /// The node.
    #[account(
        mut,
        close = withdraw_authority,
        has_one = withdraw_authority @ AssayError::NotWithdrawAuthority,
    )]
    pub node: Box<Account<'info, Node>>,
}

impl DeregisterNode<'_> {
    fn validate(&self) -> Result<()> {
        self.node.check_empty(Slot(Clock::get()?.slot))?;
        Ok(())
    }

    /// See [`DeregisterNode`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        ctx.accounts.node.invariant()?;
        emit_cpi!(NodeDeregistered {
            node: ctx.accounts.node.key(),
            withdraw_authority: ctx.accounts.withdraw_authority.key(),
        });
        Ok(())
    }
}
