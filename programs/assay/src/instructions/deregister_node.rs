use crate::address::{NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::NodeDeregistered;
use crate::state::{Network, Node, StakeRegister};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Removes a node that owns and owes nothing: no stake, no withdrawal under way, no open job, and nothing that it did which has
/// not faded. A convicted node stays.
///
/// Who: the withdraw authority.
///
/// 1. Takes what the register still counts of the node out of it: a slash may have taken the stake since.
/// 2. Closes the node; its rent returns to the withdraw authority. Credits of its ended jobs stay withdrawable, because
///    each job pinned its payee.
#[event_cpi]
#[derive(Accounts)]
pub struct DeregisterNode<'info> {
    /// The cold key; receives the rent.
    #[account(mut)]
    pub withdraw_authority: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The node.
    #[account(
        mut,
        close = withdraw_authority,
        has_one = withdraw_authority @ AssayError::NotWithdrawAuthority,
    )]
    pub node: Box<Account<'info, Node>>,
}

impl DeregisterNode<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.node.check_empty(now, &self.network.parameters.scheduling)?;
        Ok(())
    }

    /// See [`DeregisterNode`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        accounts.node.weigh(&mut accounts.stake_register, now, &accounts.network.parameters)?;
        accounts.node.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(NodeDeregistered {
            node: ctx.accounts.node.key(),
            withdraw_authority: ctx.accounts.withdraw_authority.key(),
        });
        Ok(())
    }
}
