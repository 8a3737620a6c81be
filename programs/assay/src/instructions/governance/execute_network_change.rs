use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ChangeExecuted;
use crate::state::{Change, Network, Proposal};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Carries out a change of the network itself: parameters, guardian, timelock, or the share of fees that burns.
///
/// Who: anyone, from the proposal's first slot to its last.
///
/// 1. Writes what the proposal says. Jobs that were posted keep the terms that they pinned, and proposals their slots.
/// 2. Closes the proposal; its rent returns to the proposer.
#[event_cpi]
#[derive(Accounts)]
pub struct ExecuteNetworkChange<'info> {
    /// The network.
    #[account(mut, address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The proposal.
    #[account(mut, close = proposer, has_one = proposer @ AssayError::WrongProposer)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// CHECK: the key that the proposal names; it only receives lamports.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
}

impl ExecuteNetworkChange<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.proposal.check_executable(&self.network, now)?;
        Ok(())
    }

    /// See [`ExecuteNetworkChange`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let network = &mut ctx.accounts.network;
        match ctx.accounts.proposal.change {
            Change::Parameters { parameters } => network.parameters = parameters,
            Change::Guardian { guardian } => network.guardian = guardian,
            Change::Timelock { timelock_slots } => network.timelock_slots = timelock_slots,
            Change::FeeBurn { fee_burn_bps } => network.fee_burn_bps = fee_burn_bps,
            Change::AllowPaymentMint { .. } | Change::SetPaymentMint { .. } | Change::WithdrawFees { .. } => {
                return err!(AssayError::WrongChange);
            }
        }
        network.invariant()?;
        let Proposal { number, change, .. } = **ctx.accounts.proposal;
        emit_cpi!(ChangeExecuted { number, change });
        Ok(())
    }
}
