use crate::error::AssayError;
use crate::events::WithdrawalCancelled;
use crate::state::Node;
use anchor_lang::prelude::*;

/// Arguments of `cancel_withdrawal`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CancelWithdrawalArgs {
    /// Place in the node's `unbonding`.
    pub index: u8,
}

/// Takes a request back: the stake becomes active again, released or not.
///
/// Who: the withdraw authority.
///
/// 1. Moves the amount at `index` from the queue to the active stake.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelWithdrawal<'info> {
    /// The cold key.
    pub withdraw_authority: Signer<'info>,
    /// The node.
    #[account(
        mut,
        has_one = withdraw_authority @ AssayError::NotWithdrawAuthority,
    )]
    pub node: Box<Account<'info, Node>>,
}

impl CancelWithdrawal<'_> {
    /// See [`CancelWithdrawal`].
    pub fn handle(ctx: Context<'_, Self>, args: CancelWithdrawalArgs) -> Result<()> {
        let node = &mut ctx.accounts.node;
        let amount = node.cancel_withdrawal(args.index)?;
        node.invariant()?;
        emit_cpi!(WithdrawalCancelled {
            node: ctx.accounts.node.key(),
            amount: amount.0,
            stake: ctx.accounts.node.stake,
        });
        Ok(())
    }
}
