use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::NewWorkPaused;
use crate::state::Network;
use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;

/// Arguments of `pause_new_work`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct PauseNewWorkArgs {
    /// How long, from this slot on.
    pub slots: u64,
}

/// Pauses new work: no job is posted or claimed. Everything that exists goes on: results, settlements, disputes, audits,
/// withdrawals, governance.
///
/// Who: the network's guardian; not before the last pause has been over for as long as it was.
///
/// 1. Records until when, and from when on the guardian may pause again. Nothing else is needed for the pause to end.
#[event_cpi]
#[derive(Accounts)]
pub struct PauseNewWork<'info> {
    /// The network's guardian.
    pub guardian: Signer<'info>,
    /// The network.
    #[account(
        mut,
        address = NETWORK,
        has_one = guardian @ AssayError::NotGuardian,
    )]
    pub network: Box<Account<'info, Network>>,
}

impl PauseNewWork<'_> {
    /// See [`PauseNewWork`].
    pub fn handle(ctx: Context<'_, Self>, args: PauseNewWorkArgs) -> Result<()> {
        let network = &mut ctx.accounts.network;
        network.pause(Slot(Clock::get()?.slot), Slots(args.slots))?;
        network.invariant()?;
        let network = &ctx.accounts.network;
        emit_cpi!(NewWorkPaused {
            guardian: network.guardian,
            paused_until_slot: network.paused_until_slot,
            pause_allowed_slot: network.pause_allowed_slot,
        });
        Ok(())
    }
}
