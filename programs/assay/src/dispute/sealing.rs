//! What a challenge commits to before it is revealed.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;
use referee::commit::{sha256, Hash};

/// What kind of thing a challenge says is wrong. The byte is the position in this list.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// The tensor at a position of the boundary tree.
    #[default]
    Boundary,
    /// The inside of a segment, as the node signed it.
    Segment,
    /// The output cannot be had. Only `file_unavailable` makes such a challenge.
    Output,
}

/// What a challenge says is wrong.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Target {
    /// Which list `index` counts in.
    pub kind: TargetKind,
    /// Position in the boundary tree, or number of the segment; 0 for the output.
    pub index: u16,
}

impl Target {
    /// The tensor at `index` of the boundary tree.
    pub const fn boundary(index: u16) -> Self {
        Self { kind: TargetKind::Boundary, index }
    }

    /// The segment `index`.
    pub const fn segment(index: u16) -> Self {
        Self { kind: TargetKind::Segment, index }
    }

    /// The output of the job.
    pub const OUTPUT: Self = Self { kind: TargetKind::Output, index: 0 };

    /// `ChallengeTargetInvalid` unless a sealed challenge of a job with `boundary_count` boundary tensors may name it.
    pub fn validate_sealed(&self, boundary_count: u16) -> Checked {
        let valid = match self.kind {
            TargetKind::Boundary => self.index < boundary_count,
            TargetKind::Segment => true,
            TargetKind::Output => false,
        };
        if valid {
            Ok(())
        } else {
            Err(AssayError::ChallengeTargetInvalid)
        }
    }

    fn bytes(&self) -> [u8; 3] {
        let [low, high] = self.index.to_le_bytes();
        [self.kind as u8, low, high]
    }
}

/// What `commit_challenge` takes: binds challenger, job, target and the challenger's own hash there, hidden by `salt`.
///
/// The challenger's key is hashed in, so a seal that somebody else copies can never be opened by the copier.
pub fn seal(challenger: &Pubkey, job: &Pubkey, target: Target, own_hash: &Hash, salt: &[u8; 32]) -> Hash {
    sha256(&[b"assay/challenge/1", challenger.as_ref(), job.as_ref(), &target.bytes(), own_hash, salt])
}

/// What two challenges have in common that claim the same: honest challengers of one fault compute the same key.
pub fn claim_key(target: Target, own_hash: &Hash) -> Hash {
    sha256(&[b"assay/claim/1", &target.bytes(), own_hash])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_part_of_a_seal_counts() {
        let key = |byte| Pubkey::new_from_array([byte; 32]);
        let seals = [
            seal(&key(1), &key(2), Target::boundary(3), &[4; 32], &[5; 32]),
            seal(&key(9), &key(2), Target::boundary(3), &[4; 32], &[5; 32]),
            seal(&key(1), &key(9), Target::boundary(3), &[4; 32], &[5; 32]),
            seal(&key(1), &key(2), Target::segment(3), &[4; 32], &[5; 32]),
            seal(&key(1), &key(2), Target::boundary(9), &[4; 32], &[5; 32]),
            seal(&key(1), &key(2), Target::boundary(3), &[9; 32], &[5; 32]),
            seal(&key(1), &key(2), Target::boundary(3), &[4; 32], &[9; 32]),
        ];
        assert_eq!(HashSet::from(seals).len(), seals.len());
    }

    #[test]
    fn a_claim_is_the_same_for_all_who_make_it() {
        assert_eq!(claim_key(Target::boundary(3), &[4; 32]), claim_key(Target::boundary(3), &[4; 32]));
        let others =
            [(Target::segment(3), [4; 32]), (Target::boundary(0x300), [4; 32]), (Target::boundary(3), [5; 32])];
        for (target, hash) in others {
            assert_ne!(claim_key(target, &hash), claim_key(Target::boundary(3), &[4; 32]));
        }
    }

    #[test]
    fn targets_lie_in_the_job() {
        let invalid = Err(AssayError::ChallengeTargetInvalid);
        assert_eq!(Target::boundary(4).validate_sealed(5), Ok(()));
        assert_eq!(Target::boundary(5).validate_sealed(5), invalid);
        assert_eq!(Target::segment(u16::MAX).validate_sealed(1), Ok(()));
        assert_eq!(Target::OUTPUT.validate_sealed(5), invalid);
    }
}
