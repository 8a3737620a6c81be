use crate::address::{NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::WithdrawalCancelled;
use crate::state::{Network, Node, StakeRegister};
use crate::units::Slot;
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
/// 1. Moves the amount at `index` from the queue to the active stake, and weighs the node anew.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelWithdrawal<'info> {
    /// The cold key.
    pub withdraw_authority: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
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
        let accounts = &mut *ctx.accounts;
        let (now, node) = (Slot(Clock::get()?.slot), &mut accounts.node);
        let amount = node.cancel_withdrawal(args.index)?;
        node.weigh(&mut accounts.stake_register, now, &accounts.network.parameters)?;
        node.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(WithdrawalCancelled {
            node: ctx.accounts.node.key(),
            amount: amount.0,
            stake: ctx.accounts.node.stake,
        });
        Ok(())
    }
}
