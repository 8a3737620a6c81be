use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::WithdrawalRequested;
use crate::state::{Network, Node};
use crate::units::{Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// Arguments of `request_withdrawal`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RequestWithdrawalArgs {
    /// Base units of the stake mint.
    pub amount: u64,
}

/// Starts to unbond free stake.
///
/// Who: the withdraw authority. Bonds of open jobs cannot be requested, and at most four requests are under way at once.
///
/// 1. Moves `amount` from the active stake to the queue, released `unbonding_slots` from now and never before the jobs that
///    the node claimed are beyond challenge.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestWithdrawal<'info> {
    /// The cold key.
    pub withdraw_authority: Signer<'info>,
    /// The network, for the length of unbonding.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(
        mut,
        has_one = withdraw_authority @ AssayError::NotWithdrawAuthority,
    )]
    pub node: Box<Account<'info, Node>>,
}

impl RequestWithdrawal<'_> {
    /// See [`RequestWithdrawal`].
    pub fn handle(ctx: Context<'_, Self>, args: RequestWithdrawalArgs) -> Result<()> {
        let unbonding = Slots(ctx.accounts.network.parameters.unbonding_slots);
        let now = Slot(Clock::get()?.slot);
        let node = &mut ctx.accounts.node;
        let release = node.request_withdrawal(TokenAmount(args.amount), now, unbonding)?;
        node.invariant()?;
        emit_cpi!(WithdrawalRequested {
            node: ctx.accounts.node.key(),
            amount: args.amount,
            release_slot: release.0,
            stake: ctx.accounts.node.stake,
        });
        Ok(())
    }
}
