use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::JobClaimed;
use crate::state::{Job, JobNode, Network, Node};
use crate::state_machine::JobEvent;
use crate::units::{BasisPoints, Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Claims a posted job for a node.
///
/// Who: the node's operator, from `Posted`, until the last claim slot. The node needs the stake that network and job ask
/// for, free stake for the bond and for what a conviction would take besides, and a free place among its open jobs; it is the
/// one that the job invites, if it invites one; and it was never convicted. Not while the guardian pauses new work.
///
/// 1. Fixes the price on the ramp; pins node, operator and payee.
/// 2. Locks the bond in the node's stake.
#[event_cpi]
#[derive(Accounts)]
pub struct ClaimJob<'info> {
    /// The hot key of the node.
    pub operator: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(
        mut,
        has_one = operator @ AssayError::NotOperator,
    )]
    pub node: Box<Account<'info, Node>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl ClaimJob<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.network.check_takes_work(now)?;
        self.job.state.after(JobEvent::Claim)?;
        require!(!self.job.claim_deadline()?.has_passed(now), AssayError::ClaimWindowClosed);
        require!(self.job.invites(&self.node.key()), AssayError::NotInvited);
        self.node.check_may_take(&self.network.parameters)?;
        require!(self.node.stake >= self.job.minimum_stake, AssayError::StakeBelowJobMinimum);
        Ok(())
    }

    /// See [`ClaimJob`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        let (node, job) = (&mut accounts.node, &mut accounts.job);
        job.claim(JobNode { node: node.key(), operator: node.operator, payee: node.withdraw_authority }, now)?;
        let slash = BasisPoints(u32::from(job.dispute.slash_bps));
        node.lock_bond(TokenAmount(job.bond), slash, now, job.last_obligation()?)?;
        node.invariant()?;
        job.invariant()?;

        let job = &ctx.accounts.job;
        emit_cpi!(JobClaimed {
            job: job.key(),
            node: job.node,
            price: job.price,
            bond: job.bond,
            last_run_slot: job.run_deadline()?.last().0,
        });
        Ok(())
    }
}
