//! A demand: something below a bound hash that has to be opened, and its answer.
//!
//! A demand is a fact about a job, not about a challenge: opened once, its answer serves every dispute of the job.

use super::versioned::versioned_account;
use super::{check_invariant, check_version};
use crate::dispute::Progress;
use crate::error::{AssayError, Checked};
use crate::units::Slot;
use anchor_lang::prelude::*;
use referee::commit::{sha256, Hash};

/// What is demanded. The byte is the position in this list; positions never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DemandTree {
    /// A node of the tree of boundary tensors.
    #[default]
    Boundary,
    /// A node of the tree of a segment's tensors.
    Segment,
    /// A node or leaves of a tensor's tree.
    Tensor,
    /// The root of a segment.
    SegmentRoot,
}

/// What tells one demand of a job from another; the seeds of its address after the job.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DemandKey {
    /// Which tree: see [`DemandKey::origin`]; zero for a segment root.
    pub origin: [u8; 32],
    /// What is demanded.
    pub tree: DemandTree,
    /// Slot of the tensor; number of the segment; 0 for the boundary.
    pub slot: u16,
    /// Height of the demanded place above the leaves.
    pub height: u8,
    /// Index of the demanded place among those of its height.
    pub index: u32,
}

impl DemandKey {
    /// The demand for the root of a segment.
    pub fn segment_root(segment: u16) -> Self {
        Self { tree: DemandTree::SegmentRoot, slot: segment, ..Self::default() }
    }

    /// What names a tree: its bound hash, if the node answers for it; below a root that somebody else posted, also that post,
    /// because then only the poster answers for it.
    pub fn origin(top: &Hash, unsigned_claim: Option<&Pubkey>) -> Hash {
        match unsigned_claim {
            None => *top,
            Some(claim) => sha256(&[b"assay/posted/1", claim.as_ref(), top]),
        }
    }
}

/// Whether a demand is answered.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DemandState {
    /// Not yet; or no longer, when every posted root was refuted.
    #[default]
    Open,
    /// It is.
    Answered,
}

/// The static facts about the tree that a demanded place lies in.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeFacts {
    /// Tensors in a boundary or segment tree.
    pub count: u16,
    /// Element type of a tensor, as the graph encodes it.
    pub dtype: u8,
    /// Kind of a tensor, as the graph encodes it.
    pub kind: u8,
    /// Uid of a tensor.
    pub uid: [u8; 8],
    /// Rows of a tensor.
    pub rows: u32,
    /// Bytes of a row.
    pub row_bytes: u32,
}

/// One demand. Its lamports beyond rent are the fee of whoever answers.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Whether it is answered.
    pub state: DemandState,
    /// The job.
    pub job: Pubkey,
    /// What is demanded.
    pub key: DemandKey,
    /// The hash that the answer has to open; zero for a segment root.
    pub bound: [u8; 32],
    /// What is known about the tree.
    pub facts: TreeFacts,
    /// The unsigned root below which it lies, whose poster answers for it; the zero key if the node does.
    pub claim: Pubkey,
    /// Who made the demand first, paid, and gets the rent back.
    pub payer: Pubkey,
    /// What whoever answers gets; 0 once it was paid.
    pub fee_lamports: u64,
    /// When it was made first.
    pub opened_slot: u64,
    /// When a challenge began to wait for it last.
    pub requested_slot: u64,
    /// When it was answered; 0 while it is open.
    pub answered_slot: u64,
    /// When the last root posted for it was refuted; 0 if that never happened.
    pub reopened_slot: u64,
    /// The buffer that holds the answer; the zero key for a segment root.
    pub answer: Pubkey,
    /// Of a segment root: whether the operator signed one.
    pub signed: bool,
    /// Of a segment root: unsigned roots that were posted and stand.
    pub posted_standing: u16,
}

versioned_account!(Demand, [146, 217, 158, 200, 51, 25, 106, 64]);

impl Demand {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `state` in the account's data, for filters.
    pub const STATE_OFFSET: usize = 10;
    /// Offset of `job` in the account's data, for filters.
    pub const JOB_OFFSET: usize = 11;

    /// Whether the account was just created and holds nothing yet.
    pub fn is_new(&self) -> bool {
        self.version == 0
    }

    /// What a challenge's clocks need to know.
    pub fn progress(&self) -> Progress {
        Progress { reopened_slot: self.reopened_slot, answered_slot: self.answered_slot }
    }

    /// `DemandAnswered` unless it is open.
    pub fn check_open(&self) -> Checked {
        match self.state {
            DemandState::Open => Ok(()),
            DemandState::Answered => Err(AssayError::DemandAnswered),
        }
    }

    /// The answer is there, in `answer` unless it is a segment root. The fee to pay out.
    pub fn answer(&mut self, answer: Pubkey, now: Slot) -> Checked<u64> {
        self.check_open()?;
        self.state = DemandState::Answered;
        self.answered_slot = now.0;
        self.answer = answer;
        Ok(core::mem::take(&mut self.fee_lamports))
    }

    /// The operator signed the demanded root. The fee to pay out.
    pub fn sign(&mut self, now: Slot) -> u64 {
        self.signed = true;
        if self.state == DemandState::Open {
            self.state = DemandState::Answered;
            self.answered_slot = now.0;
        }
        core::mem::take(&mut self.fee_lamports)
    }

    /// Somebody posted an unsigned root: while one stands, nobody is out of time.
    pub fn post(&mut self, now: Slot) -> Checked {
        self.posted_standing = self.posted_standing.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        if self.state == DemandState::Open {
            self.state = DemandState::Answered;
            self.answered_slot = now.0;
        }
        Ok(())
    }

    /// A posted root was refuted; with the last one, the demand is open again unless a signed root answered it.
    pub fn unpost(&mut self, now: Slot) -> Checked {
        self.posted_standing = self.posted_standing.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        if self.posted_standing == 0 && !self.signed {
            self.state = DemandState::Open;
            self.answered_slot = 0;
            self.reopened_slot = now.0;
        }
        Ok(())
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let answered = self.state == DemandState::Answered;
        let holds = match self.key.tree {
            DemandTree::SegmentRoot => {
                answered == (self.signed || self.posted_standing > 0) && self.answer == Pubkey::default()
            }
            _ => !self.signed && self.posted_standing == 0 && answered == (self.answer != Pubkey::default()),
        };
        check_invariant(holds && answered == (self.answered_slot > 0))
    }
}

#[cfg(test)]
mod tests;
