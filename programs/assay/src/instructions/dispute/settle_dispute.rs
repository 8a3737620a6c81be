use crate::dispute::penalty::{BountyShares, ClaimTimes};
use crate::dispute::ChallengeState;
use crate::error::AssayError;
use crate::events::DisputeSettled;
use crate::state::{Challenge, Job};
use crate::state_machine::JobState;
use crate::units::TokenAmount;
use anchor_lang::prelude::*;

/// Shares the bounty of a conviction out.
///
/// Who: anyone, once all challenges of the convicted job have ended. The remaining accounts are all challenges that won, in
/// ascending order of their keys, so that none is left out and none counts twice.
///
/// 1. Those that were committed before the first of them was revealed share the bounty equally.
/// 2. What is left over joins what is to be burned.
#[event_cpi]
#[derive(Accounts)]
pub struct SettleDispute<'info> {
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl<'info> SettleDispute<'info> {
    fn validate(&self) -> Result<()> {
        require!(self.job.state == JobState::Convicted, AssayError::JobNotConvicted);
        require!(!self.job.record.settled, AssayError::DisputeAlreadySettled);
        require!(self.job.record.challenges_open == 0, AssayError::ChallengesOpen);
        Ok(())
    }

    /// Every challenge that won, each once.
    fn claims(&self, accounts: &'info [AccountInfo<'info>]) -> Result<Vec<Account<'info, Challenge>>> {
        require!(accounts.len() == usize::from(self.job.record.valid_claims), AssayError::ClaimsIncomplete);
        let mut claims: Vec<Account<'info, Challenge>> = Vec::with_capacity(accounts.len());
        for info in accounts {
            let claim: Account<'info, Challenge> = Account::try_from(info)?;
            require_keys_eq!(claim.job, Key::key(self.job.as_ref()), AssayError::WrongJob);
            require!(claim.state == ChallengeState::Won, AssayError::ClaimsIncomplete);
            let ascends = claims.last().is_none_or(|last| Key::key(last) < *info.key);
            require!(ascends, AssayError::ClaimsIncomplete);
            require!(info.is_writable, ErrorCode::ConstraintMut);
            claims.push(claim);
        }
        Ok(claims)
    }

    /// See [`SettleDispute`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let mut claims = ctx.accounts.claims(ctx.remaining_accounts)?;
        let job = &mut ctx.accounts.job;
        let bounty = TokenAmount(core::mem::take(&mut job.record.bounty));
        let times: Vec<ClaimTimes> = claims.iter().map(|claim| claim.times()).collect();
        let shares = BountyShares::new(bounty, times.iter().copied())?;
        for claim in &mut claims {
            let share = shares.of(claim.times());
            claim.earn(TokenAmount(share))?;
            claim.settled = true;
            claim.invariant()?;
            claim.exit(&crate::ID)?;
        }
        job.burn(TokenAmount(shares.rest))?;
        job.record.settled = true;
        job.invariant()?;
        emit_cpi!(DisputeSettled {
            job: ctx.accounts.job.key(),
            bounty: bounty.0,
            valid_claims: ctx.accounts.job.record.valid_claims,
            burn_credit: ctx.accounts.job.record.burn_credit,
        });
        Ok(())
    }
}
