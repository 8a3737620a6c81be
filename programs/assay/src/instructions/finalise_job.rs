use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::JobSettled;
use crate::state::{Job, Network, Node};
use crate::state_machine::JobEvent;
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Settles a job whose challenge window has closed.
///
/// Who: anyone, from `Committed` or `Accepted`, after the last challenge slot. No token moves, so no account of anybody can stop it.
///
/// 1. Shares the escrow out in credits: price, less what lateness takes off, less fee to the node and its delegators, fee to the protocol, the rest to the client; unless the
///    client accepted before. Shares the audit pot out among the attestations, up to the cap each; the rest to the client.
/// 2. Frees the bond.
/// 3. Records the result in the node's reputation, by the fee that it pays; a late one costs a part of it, and in time a tier.
#[event_cpi]
#[derive(Accounts)]
pub struct FinaliseJob<'info> {
    /// CHECK: the network, of which only the rules of scheduling are read; address and owner are checked here, the layout when
    /// they are read.
    #[account(address = NETWORK, owner = crate::ID)]
    pub network: UncheckedAccount<'info>,
    /// The node that claimed.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl FinaliseJob<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.job.check_ordinary()?;
        self.job.state.after(JobEvent::Finalise)?;
        require_keys_eq!(self.node.key(), self.job.node, AssayError::WrongNode);
        require!(self.job.challenge_deadline()?.has_passed(now), AssayError::ChallengeWindowOpen);
        Ok(())
    }

    /// See [`FinaliseJob`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        accounts.job.finalise()?;
        accounts.node.settle_job(TokenAmount(accounts.job.bond))?;
        let rules = Network::read_scheduling(&accounts.network.try_borrow_data()?)?;
        let score = accounts.node.record_result(&accounts.job, now, &rules)?;
        accounts.node.invariant()?;
        accounts.job.invariant()?;

        let job = &ctx.accounts.job;
        emit_cpi!(JobSettled {
            job: job.key(),
            node: job.node,
            node_credit: job.credits.node,
            client_credit: job.credits.client,
            fee_credit: job.credits.fee,
            audit_credit: job.credits.audits,
            delegators_credit: job.credits.delegators,
            reason: job.reason,
            late_bps: job.late_bps,
            score_before: score.before,
            score_after: score.after,
        });
        Ok(())
    }
}
