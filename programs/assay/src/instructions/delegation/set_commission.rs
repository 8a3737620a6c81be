use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::CommissionSet;
use crate::state::{Network, Node};
use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;

/// Arguments of `set_commission`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetCommissionArgs {
    /// What the node keeps of its delegators' share of fees.
    pub commission_bps: u16,
}

/// Decides what a node keeps of its delegators' share of fees.
///
/// Who: the withdraw authority, while the node has a pool. Jobs that are claimed keep the share that they pinned.
///
/// 1. A fall holds at once; a raise from `unbonding_slots` after now, so that whoever does not like it can leave before.
#[event_cpi]
#[derive(Accounts)]
pub struct SetCommission<'info> {
    /// The cold key.
    pub withdraw_authority: Signer<'info>,
    /// The network, for the length of unbonding.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(mut, has_one = withdraw_authority @ AssayError::NotWithdrawAuthority)]
    pub node: Box<Account<'info, Node>>,
}

impl SetCommission<'_> {
    /// See [`SetCommission`].
    pub fn handle(ctx: Context<'_, Self>, args: SetCommissionArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let notice = Slots(accounts.network.parameters.unbonding_slots);
        accounts.node.set_commission(args.commission_bps, Slot(Clock::get()?.slot), notice)?;
        accounts.node.invariant()?;
        let commission = accounts.node.delegation.commission;
        emit_cpi!(CommissionSet {
            node: ctx.accounts.node.key(),
            present_bps: commission.present_bps,
            next_bps: commission.next_bps,
            next_slot: commission.next_slot,
        });
        Ok(())
    }
}
