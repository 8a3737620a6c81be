use super::support::{progress, refute, succeed, Convicted};
use crate::address::{NETWORK, STAKE_REGISTER};
use crate::dispute::gaps::too_many_slots_are_missing;
use crate::dispute::signature::SLOT_HASHES_SYSVAR;
use crate::dispute::{ChallengeEvent, ChallengeState};
use crate::error::AssayError;
use crate::events::{DefenderTimedOut, TimeOutOutcome};
use crate::state::{Challenge, Demand, Fault, Job, Network, Node, SegmentClaim, Session, StakeRegister};
use crate::state_machine::JobState;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends the wait of a challenge for an answer that does not come.
///
/// Who: anyone, once the defending side's clock is used up. If more than 30 % of the recent slots are missing, the clock is
/// extended by half instead, once.
///
/// 1. A demand that the node answers for: convicts the job of withholding, as `prove` does.
/// 2. A demand below a posted root: refutes that root only, when the poster's clock is used up; half its bond goes to the
///    challenger, half is to be burned. If the root was refuted before, the challenge gets its turn back and nothing else
///    happens.
#[event_cpi]
#[derive(Accounts)]
pub struct TimeOutDefender<'info> {
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh, and what was convicted lately.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The node that claimed.
    #[account(mut, address = job.node @ AssayError::WrongNode)]
    pub node: Box<Account<'info, Node>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The challenge that waits.
    #[account(mut, has_one = job @ AssayError::WrongJob)]
    pub challenge: Box<Account<'info, Challenge>>,
    /// What it waits for.
    pub waiting: Box<Account<'info, Demand>>,
    /// The posted root below which the demand lies, if it does.
    #[account(mut)]
    pub claim: Option<Box<Account<'info, SegmentClaim>>>,
    /// The demand that the posted root answers, if there is one.
    #[account(mut)]
    pub segment_demand: Option<Box<Account<'info, Demand>>>,
    /// The session, if the job is a receipt that was called in.
    #[account(mut)]
    pub session: Option<Box<Account<'info, Session>>>,
    /// CHECK: the sysvar that lists the slots that had a block.
    #[account(address = SLOT_HASHES_SYSVAR)]
    pub slot_hashes: UncheckedAccount<'info>,
}

impl TimeOutDefender<'_> {
    fn validate(&self) -> Result<()> {
        require!(self.challenge.state == ChallengeState::Revealed, AssayError::IllegalChallengeTransition);
        self.challenge.state.after(ChallengeEvent::Win)?;
        require!(self.job.state != JobState::Convicted, AssayError::JobAlreadyConvicted);
        self.job.check_session(self.session.as_ref().map(|session| session.key()))?;
        let claim = self.claim.as_ref().map_or(Pubkey::default(), |claim| claim.key());
        require_keys_eq!(claim, self.waiting.claim, AssayError::WrongSegmentClaim);
        let expected = self.claim.as_ref().map_or(Pubkey::default(), |claim| claim.demand);
        let demand = self.segment_demand.as_ref().map_or(Pubkey::default(), |demand| demand.key());
        require_keys_eq!(demand, expected, AssayError::WrongDemand);
        Ok(())
    }

    fn is_slow(&self) -> Result<bool> {
        Ok(too_many_slots_are_missing(&self.slot_hashes.try_borrow_data()?))
    }

    fn decide(&mut self, now: Slot) -> Result<TimeOutOutcome> {
        let progress = progress(&self.challenge, Some(&self.waiting))?;
        let clock_slots = self.job.dispute.defender_clock_slots;
        let slow = self.is_slow()?;
        if let (Some(claim), Some(demand)) = (self.claim.as_mut(), self.segment_demand.as_mut()) {
            self.waiting.check_open()?;
            if claim.refuted_slot > 0 {
                self.challenge.clocks.resume(now);
                return Ok(TimeOutOutcome::Resumed);
            }
            claim.clock.check_out(now, clock_slots)?;
            if slow && !claim.clock.extended {
                claim.clock.extended = true;
                return Ok(TimeOutOutcome::Extended);
            }
            refute(&mut self.job, &mut self.challenge, claim, demand, now)?;
            return Ok(TimeOutOutcome::RootRefuted);
        }
        self.challenge.clocks.check_defender_is_out(progress, now, clock_slots)?;
        if slow && !self.challenge.clocks.defender_extended {
            self.challenge.clocks.defender_extended = true;
            return Ok(TimeOutOutcome::Extended);
        }
        let parties = Convicted {
            job: &mut self.job,
            node: &mut self.node,
            session: self.session.as_mut().map(|session| &mut ***session),
            register: &mut self.stake_register,
            parameters: &self.network.parameters,
        };
        succeed(parties, &mut self.challenge, Fault::Withheld, now)?;
        Ok(TimeOutOutcome::Convicted)
    }

    /// See [`TimeOutDefender`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let score_before = accounts.node.score;
        let outcome = accounts.decide(Slot(Clock::get()?.slot))?;
        accounts.node.invariant()?;
        accounts.job.invariant()?;
        accounts.challenge.invariant()?;
        if let Some(session) = &accounts.session {
            session.invariant()?;
        }
        if let (Some(claim), Some(demand)) = (&accounts.claim, &accounts.segment_demand) {
            claim.invariant()?;
            demand.invariant()?;
        }
        emit_cpi!(DefenderTimedOut {
            job: ctx.accounts.job.key(),
            node: ctx.accounts.node.key(),
            challenge: ctx.accounts.challenge.key(),
            demand: ctx.accounts.waiting.key(),
            outcome,
            bounty: ctx.accounts.job.record.bounty,
            burn_credit: ctx.accounts.job.record.burn_credit,
            score_before,
            score_after: ctx.accounts.node.score,
        });
        Ok(())
    }
}
