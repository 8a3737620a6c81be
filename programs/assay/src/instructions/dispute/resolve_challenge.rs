use super::support::win;
use crate::dispute::{ChallengeEvent, ChallengeState};
use crate::error::AssayError;
use crate::events::ChallengeEnded;
use crate::state::{Challenge, Job};
use crate::state_machine::JobState;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends a revealed challenge after the job was convicted through another one.
///
/// Who: anyone. A challenge that claims exactly what was proved wins at once; any other one is moot when the time in which it
/// could have been proved as well is over.
///
/// 1. Ends the challenge; its bond goes back in both cases.
#[event_cpi]
#[derive(Accounts)]
pub struct ResolveChallenge<'info> {
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The challenge.
    #[account(mut, has_one = job @ AssayError::WrongJob)]
    pub challenge: Box<Account<'info, Challenge>>,
}

impl ResolveChallenge<'_> {
    fn validate(&self) -> Result<()> {
        require!(self.job.state == JobState::Convicted, AssayError::JobNotConvicted);
        require!(self.challenge.state == ChallengeState::Revealed, AssayError::IllegalChallengeTransition);
        Ok(())
    }

    /// See [`ResolveChallenge`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        let (job, challenge) = (&mut accounts.job, &mut accounts.challenge);
        if challenge.claim_key() == job.record.proven_key {
            win(job, challenge)?;
        } else {
            let deadline = challenge.proof_deadline(&job.dispute, Slot(job.record.convicted_slot))?;
            require!(deadline.has_passed(now), AssayError::ProofTimeLeft);
            challenge.keep(ChallengeEvent::Excuse)?;
            job.end_challenge(challenge.target)?;
        }
        job.invariant()?;
        challenge.invariant()?;
        emit_cpi!(ChallengeEnded {
            job: ctx.accounts.job.key(),
            challenge: ctx.accounts.challenge.key(),
            state: ctx.accounts.challenge.state,
        });
        Ok(())
    }
}
