use crate::error::AssayError;
use crate::events::ClaimMissed;
use crate::market::miss_charge;
use crate::state::{Job, Node};
use crate::state_machine::JobEvent;
use crate::units::{BasisPoints, Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Ends a job whose node did not commit in time.
///
/// Who: anyone, from `Claimed`, after the last run slot. No token moves.
///
/// 1. Owes the whole escrow to the client.
/// 2. Frees the bond, takes the charge that was pinned at posting out of the node's stake, and owes it to the client.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireClaim<'info> {
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
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let accounts = &mut *ctx.accounts;
        let bond = TokenAmount(accounts.job.bond);
        let charge = miss_charge(bond, BasisPoints(u32::from(accounts.job.miss_charge_bps)))?;
        accounts.job.refund(JobEvent::Miss)?;
        accounts.job.charge_credit = charge.0;
        accounts.node.miss_job(bond, charge)?;
        accounts.node.invariant()?;
        accounts.job.invariant()?;

        let job = &ctx.accounts.job;
        emit_cpi!(ClaimMissed {
            job: job.key(),
            node: job.node,
            client_credit: job.credits.client,
            charge: job.charge_credit,
        });
        Ok(())
    }
}
