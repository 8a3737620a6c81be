use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::MaintenanceAnnounced;
use crate::state::{Network, Node};
use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;

/// Arguments of `announce_maintenance`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct AnnounceMaintenanceArgs {
    /// The first slot of the window.
    pub start_slot: u64,
    /// How long it lasts.
    pub length_slots: u64,
}

/// Declares ahead that the node will be away.
///
/// Who: the node's operator. Only jobs that are claimed afterwards, and whose time ends within the window, are excused; the
/// client's charge is paid for them all the same. A node with a miss that is not accounted for sends a heartbeat first.
///
/// 1. Writes the window; one that has not begun is replaced.
#[event_cpi]
#[derive(Accounts)]
pub struct AnnounceMaintenance<'info> {
    /// The hot key of the node.
    pub operator: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(mut, has_one = operator @ AssayError::NotOperator)]
    pub node: Box<Account<'info, Node>>,
}

impl AnnounceMaintenance<'_> {
    /// See [`AnnounceMaintenance`].
    pub fn handle(ctx: Context<'_, Self>, args: AnnounceMaintenanceArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let rules = &accounts.network.parameters.scheduling;
        let (start, length) = (Slot(args.start_slot), Slots(args.length_slots));
        accounts.node.announce_maintenance(start, length, Slot(Clock::get()?.slot), rules)?;
        accounts.node.invariant()?;
        let window = ctx.accounts.node.standing.maintenance;
        emit_cpi!(MaintenanceAnnounced {
            node: ctx.accounts.node.key(),
            start_slot: window.start_slot,
            end_slot: window.end_slot,
        });
        Ok(())
    }
}
