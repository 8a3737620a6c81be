use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::{ChangeDismissed, Dismissal};
use crate::state::{Network, Proposal};
use anchor_lang::prelude::*;

/// Vetoes a proposal.
///
/// Who: the network's guardian, whenever the proposal exists; but not its own replacement, or nobody could ever be rid of it.
///
/// 1. Closes the proposal; its rent returns to the proposer.
#[event_cpi]
#[derive(Accounts)]
pub struct VetoProposal<'info> {
    /// The network's guardian.
    pub guardian: Signer<'info>,
    /// The network.
    #[account(
        address = NETWORK,
        has_one = guardian @ AssayError::NotGuardian,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The proposal.
    #[account(mut, close = proposer, has_one = proposer @ AssayError::WrongProposer)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// CHECK: the key that the proposal names; it only receives lamports.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
}

impl VetoProposal<'_> {
    fn validate(&self) -> Result<()> {
        require!(self.proposal.change.can_be_vetoed(), AssayError::ChangeNotVetoable);
        Ok(())
    }

    /// See [`VetoProposal`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        ctx.accounts.proposal.invariant()?;
        emit_cpi!(ChangeDismissed { number: ctx.accounts.proposal.number, dismissal: Dismissal::Vetoed });
        Ok(())
    }
}
