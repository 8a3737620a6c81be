use crate::address::{NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::Undelegated;
use crate::state::{Delegation, DelegationPool, Network, Node, StakeRegister};
use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;

/// Arguments of `undelegate`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndelegateArgs {
    /// Shares of the pool's active stake.
    pub shares: u64,
}

/// Starts to unbond delegated stake.
///
/// Who: the owner, always, once every slash of the node has reached the pool. Nobody else: who could send others away before a reward
/// is collected would share it alone.
///
/// 1. Settles what the shares have earned, and moves what they are worth on its way out: released as the node's own stake would be,
///    `unbonding_slots` from now and never before the jobs that the node claimed are beyond challenge. Until it is withdrawn it
///    earns nothing and can still be slashed. Shares that are worth nothing are dropped.
/// 2. Weighs the node anew.
#[event_cpi]
#[derive(Accounts)]
pub struct Undelegate<'info> {
    /// Who delegated.
    pub owner: Signer<'info>,
    /// The network, for the length of unbonding.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The node.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
    /// The pool of the node.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The delegation.
    #[account(
        mut,
        has_one = owner @ AssayError::NotDelegator,
        has_one = pool @ AssayError::WrongDelegationPool,
    )]
    pub delegation: Box<Account<'info, Delegation>>,
}

impl Undelegate<'_> {
    /// See [`Undelegate`].
    pub fn handle(ctx: Context<'_, Self>, args: UndelegateArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let (now, parameters) = (Slot(Clock::get()?.slot), &accounts.network.parameters);
        let node = &mut accounts.node;
        let release = node.release_slot(now, Slots(parameters.unbonding_slots))?;
        let amount = accounts.pool.undelegate(&mut accounts.delegation, node, args.shares, release)?;
        node.weigh(&mut accounts.stake_register, now, parameters)?;
        node.invariant()?;
        accounts.pool.invariant()?;
        accounts.delegation.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(Undelegated {
            node: ctx.accounts.node.key(),
            owner: ctx.accounts.owner.key(),
            shares: args.shares,
            amount: amount.0,
            release_slot: ctx.accounts.delegation.held.release_slot,
            delegated_stake: ctx.accounts.node.delegation.stake,
        });
        Ok(())
    }
}
