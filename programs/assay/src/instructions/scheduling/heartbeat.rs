use crate::address::{NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::HeartbeatRecorded;
use crate::state::{Network, Node, StakeRegister};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Says that a node is there: once an epoch, and after each miss.
///
/// Who: the node's operator. Nothing that it costs or spares depends on what the operator says; only on when.
///
/// 1. Accounts for the misses before it. A node that was silent since before the deadline, and for long, was away; any other did
///    not show up, climbs the ladder, and from the second step on goes to jail for a time.
/// 2. Counts the epochs without a heartbeat, and lets the evidence fade.
/// 3. Weighs the node anew.
#[event_cpi]
#[derive(Accounts)]
pub struct Heartbeat<'info> {
    /// The hot key of the node.
    pub operator: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The node.
    #[account(mut, has_one = operator @ AssayError::NotOperator)]
    pub node: Box<Account<'info, Node>>,
}

impl Heartbeat<'_> {
    /// See [`Heartbeat`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let (now, parameters) = (Slot(Clock::get()?.slot), &accounts.network.parameters);
        let life = accounts.node.record_heartbeat(now, &parameters.scheduling)?;
        accounts.node.weigh(&mut accounts.stake_register, now, parameters)?;
        accounts.node.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(HeartbeatRecorded {
            node: ctx.accounts.node.key(),
            missed_epochs: life.missed_epochs,
            misses: life.resolution.map_or(0, |resolution| resolution.misses),
            outage: life.resolution.is_some_and(|resolution| resolution.outage),
            jailed_until_slot: ctx.accounts.node.standing.jailed_until_slot,
            score_before: life.score.before,
            score_after: life.score.after,
        });
        Ok(())
    }
}
