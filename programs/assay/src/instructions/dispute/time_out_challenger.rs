use super::support::{lose, progress};
use crate::dispute::clocks::allowance;
use crate::dispute::gaps::too_many_slots_are_missing;
use crate::dispute::signature::SLOT_HASHES_SYSVAR;
use crate::dispute::{ChallengeEvent, ChallengeState};
use crate::error::AssayError;
use crate::events::ChallengeEnded;
use crate::state::{Challenge, Demand, Job, Node};
use crate::state_machine::JobState;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends a challenge that was not revealed in time, or whose challenger has used up its clock.
///
/// Who: anyone. After a conviction, only what was never revealed is timed out; the rest is resolved. If more than 30 % of the
/// recent slots are missing, the time is extended by half instead, once.
///
/// 1. Ends the challenge with its bond lost. Unrevealed, all of it is to be burned; else half goes to the node's stake.
#[event_cpi]
#[derive(Accounts)]
pub struct TimeOutChallenger<'info> {
    /// The node that claimed.
    #[account(mut, address = job.node @ AssayError::WrongNode)]
    pub node: Box<Account<'info, Node>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The challenge.
    #[account(mut, has_one = job @ AssayError::WrongJob)]
    pub challenge: Box<Account<'info, Challenge>>,
    /// The demand that the challenge waits for, if it waits for one.
    pub waiting: Option<Box<Account<'info, Demand>>>,
    /// CHECK: the sysvar that lists the slots that had a block.
    #[account(address = SLOT_HASHES_SYSVAR)]
    pub slot_hashes: UncheckedAccount<'info>,
}

impl TimeOutChallenger<'_> {
    /// By which event the challenge ends.
    fn validate(&self, now: Slot) -> Result<ChallengeEvent> {
        let (job, challenge) = (&self.job, &self.challenge);
        if challenge.state == ChallengeState::Sealed {
            require!(challenge.reveal_deadline(&job.dispute)?.has_passed(now), AssayError::RevealTimeLeft);
            return Ok(ChallengeEvent::Lapse);
        }
        challenge.state.after(ChallengeEvent::TimeOut)?;
        require!(job.state != JobState::Convicted, AssayError::JobAlreadyConvicted);
        let progress = progress(challenge, self.waiting.as_deref())?;
        let used = challenge.clocks.challenger_time(progress, now)?;
        let allowed = allowance(job.dispute.challenger_clock_slots, challenge.clocks.challenger_extended);
        require!(used > allowed, AssayError::ChallengerHasTime);
        Ok(ChallengeEvent::TimeOut)
    }

    /// Extends the time that is over, if the chain was slow and it was not extended before.
    fn extends(&mut self, event: ChallengeEvent) -> Result<bool> {
        let extended = match event {
            ChallengeEvent::Lapse => &mut self.challenge.reveal_extended,
            _ => &mut self.challenge.clocks.challenger_extended,
        };
        if *extended || !too_many_slots_are_missing(&self.slot_hashes.try_borrow_data()?) {
            return Ok(false);
        }
        *extended = true;
        Ok(true)
    }

    /// See [`TimeOutChallenger`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let event = ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let accounts = &mut *ctx.accounts;
        if !accounts.extends(event)? {
            lose(&mut accounts.job, &mut accounts.node, &mut accounts.challenge, event)?;
        }
        accounts.node.invariant()?;
        accounts.job.invariant()?;
        accounts.challenge.invariant()?;
        emit_cpi!(ChallengeEnded {
            job: ctx.accounts.job.key(),
            challenge: ctx.accounts.challenge.key(),
            state: ctx.accounts.challenge.state,
        });
        Ok(())
    }
}
