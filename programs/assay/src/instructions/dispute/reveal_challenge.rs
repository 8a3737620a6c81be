use crate::dispute::Target;
use crate::error::AssayError;
use crate::events::ChallengeRevealed;
use crate::state::{Challenge, Job};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `reveal_challenge`: what was sealed.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct RevealChallengeArgs {
    /// What is said to be wrong.
    pub target: Target,
    /// The hash that the challenger computed there.
    pub own_hash: [u8; 32],
    /// What hid both.
    pub salt: [u8; 32],
}

/// Opens the seal of a challenge.
///
/// Who: the challenger, from `Sealed`, from the slot after the commit to the last slot of revealing; after a conviction of the
/// job as well, to be counted among the valid claims.
///
/// 1. Records target and own hash, which must be those that were sealed.
/// 2. Starts the challenger's clock.
#[event_cpi]
#[derive(Accounts)]
pub struct RevealChallenge<'info> {
    /// Who committed the challenge.
    pub challenger: Signer<'info>,
    /// The job.
    pub job: Box<Account<'info, Job>>,
    /// The challenge.
    #[account(
        mut,
        has_one = challenger @ AssayError::NotChallenger,
        has_one = job @ AssayError::WrongJob,
    )]
    pub challenge: Box<Account<'info, Challenge>>,
}

impl RevealChallenge<'_> {
    fn validate(&self, args: &RevealChallengeArgs) -> Result<()> {
        args.target.validate_sealed(self.job.output.boundary_count)?;
        Ok(())
    }

    /// See [`RevealChallenge`].
    pub fn handle(ctx: Context<'_, Self>, args: RevealChallengeArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        accounts.challenge.reveal(args.target, args.own_hash, &args.salt, &accounts.job.dispute, now)?;
        accounts.challenge.invariant()?;
        emit_cpi!(ChallengeRevealed {
            job: ctx.accounts.job.key(),
            challenge: ctx.accounts.challenge.key(),
            target: args.target,
            own_hash: args.own_hash,
        });
        Ok(())
    }
}
