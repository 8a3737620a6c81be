use crate::address::ATTESTATION_SEED;
use crate::error::AssayError;
use crate::events::Attested;
use crate::state::{Attestation, Job, Network, Validator};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Arguments of `attest`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct AttestArgs {
    /// The seed of the epoch in which the result was committed.
    pub seed: [u8; 32],
}

/// Attests, under a bond, that the committed result of a job is right.
///
/// Who: the auditor of a validator that is drawn for the job, from `Committed` or `Accepted`, until the last challenge slot
/// and once the epoch in which the result was committed is over. The auditor pays the rent and gets it back.
///
/// 1. Checks seed and draw, and remembers the seed as the last one shown.
/// 2. Locks the bond that was pinned at posting in the validator's stake, for longer than the result can be disputed.
/// 3. Creates the attestation and counts it in the job.
#[event_cpi]
#[derive(Accounts)]
pub struct Attest<'info> {
    /// The hot key; pays.
    #[account(mut)]
    pub auditor: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = crate::address::NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The validator.
    #[account(mut, has_one = auditor @ AssayError::NotAuditor)]
    pub validator: Box<Account<'info, Validator>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The attestation to create.
    #[account(
        init,
        payer = auditor,
        space = Attestation::SPACE,
        seeds = [ATTESTATION_SEED, job.key().as_ref(), validator.key().as_ref()],
        bump,
    )]
    pub attestation: Box<Account<'info, Attestation>>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

impl Attest<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        require!(self.job.state.can_be_challenged(), AssayError::IllegalTransition);
        require!(!self.job.challenge_deadline()?.has_passed(now), AssayError::AttestationWindowClosed);
        let least = self.network.parameters.audit.minimum_validator_stake;
        require!(self.validator.stake >= least, AssayError::ValidatorStakeTooLow);
        Ok(())
    }

    /// See [`Attest`].
    pub fn handle(ctx: Context<'_, Self>, args: AttestArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        let (job, validator) = (&mut accounts.job, &mut accounts.validator);
        let (address, posted, committed) = (job.key(), Slot(job.posted_slot), Slot(job.committed_slot));
        job.audit.check_drawn(&address, posted, committed, validator, args.seed, now)?;
        validator.lock_bond(TokenAmount(job.audit.attestation_bond), job.last_dispute()?)?;
        job.audit.open()?;
        accounts.attestation.set_inner(Attestation {
            version: Attestation::VERSION,
            bump: ctx.bumps.attestation,
            job: address,
            validator: validator.key(),
            payee: validator.authority,
            payer: accounts.auditor.key(),
            bond: job.audit.attestation_bond,
            released: false,
            attested_slot: now.0,
        });
        validator.invariant()?;
        job.invariant()?;
        accounts.attestation.invariant()?;
        emit_cpi!(Attested {
            job: address,
            validator: ctx.accounts.validator.key(),
            commitment: ctx.accounts.job.commitment,
            seed: args.seed,
            bond: ctx.accounts.attestation.bond,
            attestations: ctx.accounts.job.audit.attestations,
        });
        Ok(())
    }
}
