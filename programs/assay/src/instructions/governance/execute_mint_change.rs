use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ChangeExecuted;
use crate::state::{Change, Network, PaymentMint, Proposal};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Switches a payment mint on or off for new jobs and sets its bond rate.
///
/// Who: anyone, from the proposal's first slot to its last.
///
/// 1. Writes both. Jobs that were posted go on and pay out as before.
/// 2. Closes the proposal; its rent returns to the proposer.
#[event_cpi]
#[derive(Accounts)]
pub struct ExecuteMintChange<'info> {
    /// The network.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The proposal.
    #[account(mut, close = proposer, has_one = proposer @ AssayError::WrongProposer)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// CHECK: the key that the proposal names; it only receives lamports.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
    /// The record of the mint that the proposal names.
    #[account(mut)]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
}

impl ExecuteMintChange<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.proposal.check_executable(&self.network, now)?;
        Ok(())
    }

    /// See [`ExecuteMintChange`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let Proposal { number, change, .. } = **ctx.accounts.proposal;
        let Change::SetPaymentMint { mint, enabled, bond_numerator, bond_denominator } = change else {
            return err!(AssayError::WrongChange);
        };
        let record = &mut ctx.accounts.payment_mint;
        require_keys_eq!(record.mint, mint, AssayError::WrongMint);
        record.enabled = enabled;
        record.bond_numerator = bond_numerator;
        record.bond_denominator = bond_denominator;
        record.invariant()?;
        emit_cpi!(ChangeExecuted { number, change });
        Ok(())
    }
}
