//! An attestation: a drawn validator's word, under a bond, that the committed result of a job is right.

use super::{check_invariant, check_version};
use crate::error::Checked;
use anchor_lang::prelude::*;

/// One attestation. Closed when its fee was collected or its bond slashed.
#[account]
#[derive(InitSpace, Debug, Default, PartialEq, Eq)]
pub struct Attestation {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// The job.
    pub job: Pubkey,
    /// The validator's account.
    pub validator: Pubkey,
    /// The validator's authority, which the fee is owed to.
    pub payee: Pubkey,
    /// Who paid the rent and gets it back.
    pub payer: Pubkey,
    /// What the validator locked, in base units of the stake mint.
    pub bond: u64,
    /// Whether the bond is free again.
    pub released: bool,
    /// When the validator attested.
    pub attested_slot: u64,
}

impl Attestation {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `job` in the account's data, for filters.
    pub const JOB_OFFSET: usize = 10;
    /// Offset of `validator` in the account's data, for filters.
    pub const VALIDATOR_OFFSET: usize = 42;

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.job != Pubkey::default() && self.validator != Pubkey::default() && self.bond > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_filters_look() {
        let attestation = Attestation {
            version: Attestation::VERSION,
            job: Pubkey::new_from_array([1; 32]),
            validator: Pubkey::new_from_array([2; 32]),
            bond: 1,
            ..Attestation::default()
        };
        attestation.invariant().unwrap();
        let mut data = Vec::new();
        attestation.try_serialize(&mut data).unwrap();
        assert_eq!(data.len(), Attestation::SPACE);
        assert_eq!(data[Attestation::JOB_OFFSET..][..32], attestation.job.to_bytes());
        assert_eq!(data[Attestation::VALIDATOR_OFFSET..][..32], attestation.validator.to_bytes());
    }
}
