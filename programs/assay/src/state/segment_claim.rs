//! A segment root that somebody stands for: the node's operator by its signature, anybody else by a bond.

use super::versioned::versioned_account;
use super::{check_invariant, check_version};
use crate::dispute::RunningClock;
use crate::error::{AssayError, Checked};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// What the inside of one segment is said to be. A signed root binds the node; an unsigned one only who posted it.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentClaim {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Whether the operator that the job pinned signed it.
    pub signed: bool,
    /// The job.
    pub job: Pubkey,
    /// Number of the segment.
    pub segment: u16,
    /// Who stands for it: the operator, or who posted it.
    pub author: Pubkey,
    /// The outer hash of the segment's tree.
    pub root: [u8; 32],
    /// Who paid the rent and gets it back.
    pub payer: Pubkey,
    /// When it was recorded or posted.
    pub posted_slot: u64,
    /// When it was refuted; 0 while it stands. A signed one never is: what it gets wrong convicts the node.
    pub refuted_slot: u64,
    /// What the poster has at stake, base units of the stake mint; 0 for a signed root.
    pub bond: u64,
    /// The demand that it answers; the zero key for a signed root.
    pub demand: Pubkey,
    /// The poster's clock for what is demanded below this root.
    pub clock: RunningClock,
}

versioned_account!(SegmentClaim, [224, 64, 254, 244, 126, 64, 189, 122]);

impl SegmentClaim {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `job` in the account's data, for filters.
    pub const JOB_OFFSET: usize = 11;

    /// `SegmentClaimRefuted` unless it stands.
    pub fn check_stands(&self) -> Checked {
        if self.refuted_slot == 0 {
            Ok(())
        } else {
            Err(AssayError::SegmentClaimRefuted)
        }
    }

    /// Refutes an unsigned root and returns the bond that is lost.
    pub fn refute(&mut self, now: Slot) -> Checked<TokenAmount> {
        self.check_stands()?;
        if self.signed {
            return Err(AssayError::InvariantBroken);
        }
        self.refuted_slot = now.0;
        Ok(TokenAmount(core::mem::take(&mut self.bond)))
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let stands = self.refuted_slot == 0;
        let bonded = self.bond > 0;
        check_invariant(match self.signed {
            true => stands && !bonded && self.clock.open_demands == 0,
            false => stands == bonded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsigned_root_is_refuted_once_and_a_signed_one_never() {
        let mut claim = SegmentClaim { version: 1, bond: 7, ..SegmentClaim::default() };
        claim.invariant().unwrap();
        assert_eq!(claim.refute(Slot(5)), Ok(TokenAmount(7)));
        claim.invariant().unwrap();
        assert_eq!(claim.refute(Slot(6)), Err(AssayError::SegmentClaimRefuted));
        let mut signed = SegmentClaim { version: 1, signed: true, ..SegmentClaim::default() };
        assert_eq!(signed.refute(Slot(5)), Err(AssayError::InvariantBroken));
        signed.invariant().unwrap();
    }

    #[test]
    fn broken_books_are_noticed() {
        for claim in [
            SegmentClaim { version: 1, ..SegmentClaim::default() },
            SegmentClaim { version: 1, bond: 1, refuted_slot: 1, ..SegmentClaim::default() },
            SegmentClaim { version: 1, signed: true, bond: 1, ..SegmentClaim::default() },
            SegmentClaim { version: 1, signed: true, refuted_slot: 1, ..SegmentClaim::default() },
        ] {
            assert_eq!(claim.invariant(), Err(AssayError::InvariantBroken), "{claim:?}");
        }
    }
}
