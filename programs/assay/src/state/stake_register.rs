//! What all nodes weigh together: the whole of which each one's weight is its share in sortition.

use super::versioned::versioned_account;
use super::{check_invariant, check_version};
use crate::error::Checked;
use crate::fairness::correlation::ConvictedStake;
use crate::fairness::weight::StakeSnapshot;
use anchor_lang::prelude::*;

/// The weight and stake of all nodes, and what was convicted lately. There is one.
///
/// Written where stake moves, by heartbeats and by convictions; a post reads it, and a claim does not need it.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct StakeRegister {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// The sum of the weights of all nodes, by epoch.
    pub weights: StakeSnapshot,
    /// The sum of the stake that nodes with a weight had when they were last weighed, in base units of the stake mint.
    pub stake: u64,
    /// Stake that was convicted lately.
    pub convicted: ConvictedStake,
}

versioned_account!(StakeRegister, [102, 169, 81, 216, 132, 70, 45, 32]);

impl StakeRegister {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// What must always be true: a reputation doubles a weight at most, and a weight is never above the stake.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.weights.present() <= self.stake)
    }
}
