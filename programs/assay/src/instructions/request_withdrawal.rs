use crate::address::{NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::WithdrawalRequested;
use crate::state::{Network, Node, StakeRegister};
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
///    the node claimed are beyond challenge; and weighs the node anew.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestWithdrawal<'info> {
    /// The cold key.
    pub withdraw_authority: Signer<'info>,
    /// The network, for the length of unbonding.
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

impl RequestWithdrawal<'_> {
    /// See [`RequestWithdrawal`].
    pub fn handle(ctx: Context<'_, Self>, args: RequestWithdrawalArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let parameters = &accounts.network.parameters;
        let (now, unbonding) = (Slot(Clock::get()?.slot), Slots(parameters.unbonding_slots));
        let node = &mut accounts.node;
        let release = node.request_withdrawal(TokenAmount(args.amount), now, unbonding)?;
        node.weigh(&mut accounts.stake_register, now, parameters)?;
        node.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(WithdrawalRequested {
            node: ctx.accounts.node.key(),
            amount: args.amount,
            release_slot: release.0,
            stake: ctx.accounts.node.stake,
        });
        Ok(())
    }
}
