//! What governance may change about audits, and within which hard bounds.

use super::limits;
use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;

/// The hard bounds. No governance can leave them without an upgrade of the program.
pub mod audit_limits {
    use core::ops::RangeInclusive;

    /// Up to a day of 400 ms slots.
    pub const EPOCH_SLOTS: RangeInclusive<u32> = 2..=216_000;
    /// Auditors of one job on average.
    pub const AUDITS_PER_JOB: RangeInclusive<u16> = 1..=16;
    /// Multiple of the largest fee: from twice to a thousand times. Who attests without looking loses wherever more than one
    /// lie in so many is proved.
    pub const ATTESTATION_BOND_BPS: RangeInclusive<u32> = 20_000..=10_000_000;
}

/// The governed parameters of paid audits. A job pins those that concern it when it is posted.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditParameters {
    /// Length of an epoch: a validator has one seed for each. A change leaves every chain behind; its validator commits to
    /// another, which counts two epochs later.
    pub epoch_slots: u32,
    /// Auditors that are drawn for a job on average, if all validators have a chain.
    pub audits_per_job: u16,
    /// What an attestation locks, as a multiple of the largest fee that it can earn, converted by the mint's bond rate.
    pub attestation_bond_bps: u32,
    /// Least active stake of a validator that attests, in base units of the stake mint.
    pub minimum_validator_stake: u64,
}

impl AuditParameters {
    /// Checks every bound; the error names the parameter.
    pub fn validate(&self) -> Checked {
        let rules = [
            (audit_limits::EPOCH_SLOTS.contains(&self.epoch_slots), AssayError::EpochSlotsOutOfBounds),
            (audit_limits::AUDITS_PER_JOB.contains(&self.audits_per_job), AssayError::AuditsPerJobOutOfBounds),
            (
                audit_limits::ATTESTATION_BOND_BPS.contains(&self.attestation_bond_bps),
                AssayError::AttestationBondOutOfBounds,
            ),
            (
                limits::MINIMUM_STAKE.contains(&self.minimum_validator_stake),
                AssayError::MinimumValidatorStakeOutOfBounds,
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_exact() {
        type Set = fn(&mut AuditParameters, u64);
        let valid = AuditParameters {
            epoch_slots: 100,
            audits_per_job: 2,
            attestation_bond_bps: 100_000,
            minimum_validator_stake: 1_000,
        };
        let cases: [(Set, u64, u64, AssayError); 4] = [
            (|p, v| p.epoch_slots = v as u32, 2, 216_000, AssayError::EpochSlotsOutOfBounds),
            (|p, v| p.audits_per_job = v as u16, 1, 16, AssayError::AuditsPerJobOutOfBounds),
            (|p, v| p.attestation_bond_bps = v as u32, 20_000, 10_000_000, AssayError::AttestationBondOutOfBounds),
            (|p, v| p.minimum_validator_stake = v, 1, 10u64.pow(18), AssayError::MinimumValidatorStakeOutOfBounds),
        ];
        for (set, least, most, error) in cases {
            let with = |value| {
                let mut parameters = valid;
                set(&mut parameters, value);
                parameters.validate()
            };
            assert_eq!((with(least), with(most)), (Ok(()), Ok(())));
            assert_eq!((with(least - 1), with(most + 1)), (Err(error), Err(error)));
        }
    }
}
