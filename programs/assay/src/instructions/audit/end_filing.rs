use crate::dispute::{ChallengeEvent, TargetKind};
use crate::error::AssayError;
use crate::events::ChallengeEnded;
use crate::state::{Challenge, Demand, Job};
use anchor_lang::prelude::*;

/// Ends a filing that the output is unavailable, because everything that was demanded is answered.
///
/// Who: whoever filed, once the demand that the filing waits for is answered. At least one demand has to have been made: who
/// files and asks for nothing can only give up (`withdraw_challenge`) and lose the bond.
///
/// 1. Ends the filing with its bond kept; the answers stay readable until the dispute is over.
#[event_cpi]
#[derive(Accounts)]
pub struct EndFiling<'info> {
    /// Who filed.
    pub challenger: Signer<'info>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The filing.
    #[account(
        mut,
        has_one = challenger @ AssayError::NotChallenger,
        has_one = job @ AssayError::WrongJob,
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// The demand that it waits for.
    #[account(address = challenge.clocks.demand @ AssayError::WrongDemand)]
    pub waiting: Box<Account<'info, Demand>>,
}

impl EndFiling<'_> {
    fn validate(&self) -> Result<()> {
        require!(self.challenge.target.kind == TargetKind::Output, AssayError::NotAFiling);
        require!(self.waiting.check_open().is_err(), AssayError::DemandPending);
        Ok(())
    }

    /// See [`EndFiling`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        accounts.challenge.keep(ChallengeEvent::Excuse)?;
        accounts.job.end_challenge(accounts.challenge.target)?;
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
