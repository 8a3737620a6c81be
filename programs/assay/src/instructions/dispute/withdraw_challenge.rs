use super::support::lose;
use crate::dispute::ChallengeEvent;
use crate::error::AssayError;
use crate::events::ChallengeEnded;
use crate::state::{Challenge, Job, Node};
use crate::state_machine::JobState;
use anchor_lang::prelude::*;

/// Gives a challenge up.
///
/// Who: the challenger, from `Sealed` or `Revealed`.
///
/// 1. Ends the challenge. Its bond is lost as if its time were over: half to the node's stake if it was revealed, the rest to
///    be burned. If the job is convicted, it is moot instead and the bond goes back.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawChallenge<'info> {
    /// Who committed the challenge.
    pub challenger: Signer<'info>,
    /// The node that claimed.
    #[account(mut, address = job.node @ AssayError::WrongNode)]
    pub node: Box<Account<'info, Node>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The challenge.
    #[account(
        mut,
        has_one = challenger @ AssayError::NotChallenger,
        has_one = job @ AssayError::WrongJob,
    )]
    pub challenge: Box<Account<'info, Challenge>>,
}

impl WithdrawChallenge<'_> {
    /// See [`WithdrawChallenge`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let (job, node, challenge) = (&mut accounts.job, &mut accounts.node, &mut accounts.challenge);
        if job.state == JobState::Convicted {
            challenge.keep(ChallengeEvent::Excuse)?;
            job.end_challenge(challenge.target)?;
        } else {
            lose(job, node, challenge, ChallengeEvent::Withdraw)?;
        }
        node.invariant()?;
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
