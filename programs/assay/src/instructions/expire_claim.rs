use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ClaimMissed;
use crate::state::{Job, Network, Node};
use crate::state_machine::JobEvent;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends a job whose node did not commit in time.
///
/// Who: anyone, from `Claimed`, after the last run slot. No token moves.
///
/// 1. Owes the whole escrow to the client.
/// 2. Frees the bond, takes the charge that was pinned at posting out of the node's stake, and owes it to the client. If it is
///    not the first miss that has not healed, up to one percent of the bond burns besides.
/// 3. Unless declared maintenance excuses it, the node claims nothing until a heartbeat accounts for it.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireClaim<'info> {
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

impl ExpireClaim<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.job.state.after(JobEvent::Miss)?;
        require_keys_eq!(self.node.key(), self.job.node, AssayError::WrongNode);
        require!(self.job.run_deadline()?.has_passed(now), AssayError::RunDeadlineNotPassed);
        Ok(())
    }

    /// See [`ExpireClaim`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        let rules = Network::read_scheduling(&accounts.network.try_borrow_data()?)?;
        let (cost, score) = accounts.node.record_miss(&accounts.job, now, &rules)?;
        accounts.job.miss(&cost)?;
        accounts.node.invariant()?;
        accounts.job.invariant()?;

        let job = &ctx.accounts.job;
        emit_cpi!(ClaimMissed {
            job: job.key(),
            node: job.node,
            client_credit: job.credits.client,
            charge: job.charge_credit,
            burned: cost.burned.0,
            reason: job.reason,
            score_before: score.before,
            score_after: score.after,
        });
        Ok(())
    }
}
