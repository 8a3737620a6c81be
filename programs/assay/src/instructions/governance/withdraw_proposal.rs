use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::{ChangeDismissed, Dismissal};
use crate::state::{Network, Proposal};
use anchor_lang::prelude::*;

/// Withdraws a proposal, whoever proposed it.
///
/// Who: the network's authority, whenever the proposal exists.
///
/// 1. Closes the proposal; its rent returns to the proposer.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawProposal<'info> {
    /// The network's authority.
    pub authority: Signer<'info>,
    /// The network.
    #[account(
        address = NETWORK,
        has_one = authority @ AssayError::NotNetworkAuthority,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The proposal.
    #[account(mut, close = proposer, has_one = proposer @ AssayError::WrongProposer)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// CHECK: the key that the proposal names; it only receives lamports.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
}

impl WithdrawProposal<'_> {
    /// See [`WithdrawProposal`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.proposal.invariant()?;
        emit_cpi!(ChangeDismissed { number: ctx.accounts.proposal.number, dismissal: Dismissal::Withdrawn });
        Ok(())
    }
}
