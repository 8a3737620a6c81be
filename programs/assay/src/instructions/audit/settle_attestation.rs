use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::AttestationSettled;
use crate::state::{Attestation, Job, JobAudit, Network, Validator};
use crate::state_machine::JobState;
use crate::units::TokenAmount;
use anchor_lang::prelude::*;

/// Ends what an attestation has at risk. No token moves, so no account of anybody can stop it.
///
/// Who: anyone, once the job is `Settled` or `Convicted`.
///
/// 1. The result stood: frees the bond. If the attestation earned nothing it is closed, else when its fee is collected.
/// 2. The result was proved wrong: takes the bond out of the validator's stake, to be burned with what the node lost, and
///    closes the attestation.
/// 3. The rent of a closed attestation goes to whoever paid it.
#[event_cpi]
#[derive(Accounts)]
pub struct SettleAttestation<'info> {
    /// The network; counts the stake of all validators.
    #[account(mut, address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The validator that attested.
    #[account(mut)]
    pub validator: Box<Account<'info, Validator>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The attestation.
    #[account(mut)]
    pub attestation: Box<Account<'info, Attestation>>,
    /// CHECK: the key that the attestation names; it only receives lamports.
    #[account(mut, address = attestation.payer @ AssayError::WrongAttestation)]
    pub payer: UncheckedAccount<'info>,
}

impl SettleAttestation<'_> {
    fn validate(&self) -> Result<()> {
        JobAudit::check_attestation(&self.attestation, &self.job.key(), &self.validator.key())?;
        let has_verdict = matches!(self.job.state, JobState::Settled | JobState::Convicted);
        require!(has_verdict, AssayError::VerdictOutstanding);
        require!(!self.attestation.released, AssayError::NothingOwed);
        Ok(())
    }

    /// See [`SettleAttestation`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let (validator, job, attestation) = (&mut accounts.validator, &mut accounts.job, &mut accounts.attestation);
        let bond = TokenAmount(attestation.bond);
        let upheld = job.state == JobState::Settled;
        if upheld {
            validator.release_bond(bond)?;
            attestation.released = true;
        } else {
            validator.slash_bond(bond)?;
            accounts.network.remove_validator_stake(bond)?;
            job.burn(bond)?;
        }
        let is_done = !upheld || job.audit.fee == 0;
        if is_done {
            job.audit.close()?;
        }
        validator.invariant()?;
        job.invariant()?;
        attestation.invariant()?;
        accounts.network.invariant()?;
        if is_done {
            accounts.attestation.close(accounts.payer.to_account_info())?;
        }
        emit_cpi!(AttestationSettled {
            job: ctx.accounts.job.key(),
            validator: ctx.accounts.validator.key(),
            upheld,
            bond: bond.0,
            fee: if upheld { ctx.accounts.job.audit.fee } else { 0 },
        });
        Ok(())
    }
}
