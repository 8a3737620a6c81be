use crate::beacon::seed_at;
use crate::events::SeedSealed;
use crate::fairness::sortition::SeedRecord;
use crate::state::Job;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Records the slot hash that decides who may claim a job, while the chain remembers it.
///
/// Who: anyone, from `Posted`, once the decisive slot is over. Everybody who calls finds the same hash, or that it is
/// forgotten; then the job is open to all.
///
/// 1. Writes the hash of the first slot present at or after the one that was fixed when the job was posted.
#[event_cpi]
#[derive(Accounts)]
pub struct SealSeed<'info> {
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl SealSeed<'_> {
    /// See [`SealSeed`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let job = &mut ctx.accounts.job;
        job.check_ordinary()?;
        let found = seed_at(Slot(job.sortition.seed_slot))?;
        job.record_seed(found)?;
        job.invariant()?;
        let seed = match job.seed {
            SeedRecord::Sealed(hash) => Some(hash),
            SeedRecord::Open | SeedRecord::Forgotten => None,
        };
        emit_cpi!(SeedSealed { job: ctx.accounts.job.key(), seed });
        Ok(())
    }
}
