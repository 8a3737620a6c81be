use super::support::rewrite;
use crate::events::JobMigrated;
use crate::state::{FirstJob, Job};
use anchor_lang::prelude::*;

/// Brings a job to the layout of this program.
///
/// Who: anyone; who does it pays the rent of what is added, which the client gets when the job is closed. Until then every
/// instruction that reads the job is refused, while its deadlines run. A job that has this layout already, and an account that no
/// program before this wrote, are refused.
///
/// 1. Makes the account longer and tops its rent up.
/// 2. Writes what it held in its new places: nobody is invited, all may claim at once, nothing is late, it is no receipt of a
///    session, and if it has ended it says why.
#[event_cpi]
#[derive(Accounts)]
pub struct MigrateJob<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// CHECK: a job in an earlier layout; the owner is checked here, its contents when it is read.
    #[account(mut, owner = crate::ID)]
    pub job: UncheckedAccount<'info>,
    /// Moves the rent.
    pub system_program: Program<'info, System>,
}

impl MigrateJob<'_> {
    fn validate(&self) -> Result<Box<Job>> {
        let job = FirstJob::read(&self.job.try_borrow_data()?)?;
        job.invariant()?;
        Ok(job)
    }

    /// See [`MigrateJob`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let migrated = ctx.accounts.validate()?;
        let mut data = Vec::with_capacity(migrated.space_with_uris());
        migrated.try_serialize(&mut data)?;
        let MigrateJob { payer, job, system_program, .. } = &*ctx.accounts;
        rewrite(job, payer, system_program, &data, migrated.space_with_uris())?;
        emit_cpi!(JobMigrated {
            job: ctx.accounts.job.key(),
            from_version: FirstJob::VERSION,
            to_version: Job::VERSION,
        });
        Ok(())
    }
}
