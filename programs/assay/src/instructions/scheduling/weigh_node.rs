use crate::address::{NETWORK, STAKE_REGISTER};
use crate::events::NodeWeighed;
use crate::state::{Network, Node, StakeRegister};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Weighs a node anew: after a slash, a conviction, a change of its score, or when it has been without a heartbeat for long.
///
/// Who: anyone. What a node weighs follows from its account; there is nothing to choose.
///
/// 1. Writes what the node weighs, and the difference in the register. A node that was convicted or is absent weighs nothing,
///    so that its share of claims goes to the others.
#[event_cpi]
#[derive(Accounts)]
pub struct WeighNode<'info> {
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The node.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
}

impl WeighNode<'_> {
    /// See [`WeighNode`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let now = Slot(Clock::get()?.slot);
        accounts.node.weigh(&mut accounts.stake_register, now, &accounts.network.parameters)?;
        accounts.node.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(NodeWeighed {
            node: ctx.accounts.node.key(),
            weight: ctx.accounts.node.weights.present(),
            total_weight: ctx.accounts.stake_register.weights.present(),
        });
        Ok(())
    }
}
