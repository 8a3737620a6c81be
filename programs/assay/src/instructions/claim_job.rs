use crate::address::NETWORK;
use crate::audit::Epoch;
use crate::error::AssayError;
use crate::events::JobClaimed;
use crate::state::{Job, JobNode, Network, Node};
use crate::state_machine::JobEvent;
use crate::units::{BasisPoints, Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Claims a posted job for a node.
///
/// Who: the node's operator, from `Posted`, until the last claim slot. The node needs the stake that network and job ask
/// for, free stake for the bond and for what a conviction would take besides, and a free place among its open jobs; it was
/// never convicted, has accounted for its misses, and is neither in jail nor in maintenance; it is one that the client wants;
/// and it was drawn, unless the job invites it. Only node and job are written, so claims of different jobs by different nodes
/// never wait for each other. Not while the guardian pauses new work.
///
/// 1. Fixes the price on the ramp; pins node, operator and payee, how long the node should take by its own speed, and its
///    delegators' share.
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
        let (node, job, parameters) = (&self.node, &self.job, &self.network.parameters);
        require!(job.invites(&node.key()), AssayError::NotInvited);
        node.check_may_take(now, parameters)?;
        require!(node.stake >= job.minimum_stake, AssayError::StakeBelowJobMinimum);
        job.filter.check(&node.shown_profile(now, &parameters.scheduling))?;
        if !job.is_invitation() {
            let weight = node.claimable_weight(Epoch(job.sortition.epoch), parameters)?;
            job.sortition.check(&job.seed, &job.key(), &node.key(), weight, now)?;
        }
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
        job.expect_by(node.profile.units_per_slot)?;
        job.share_with_delegators(node.delegators_share(now, &accounts.network.parameters)?)?;
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
            delegators_bps: job.delegators_bps,
        });
        Ok(())
    }
}
