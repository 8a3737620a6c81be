//! What one owner delegates to one node.

use super::delegation_pool::REWARD_PLACES;
use super::{check_invariant, check_version, DelegationPool};
use crate::error::{AssayError, Checked};
use crate::fairness::delegation::DelegatedShares;
use crate::fairness::reward_share::RewardClaim;
use anchor_lang::prelude::*;

/// One delegation: shares of a pool, and what they have earned.
#[account]
#[derive(InitSpace, Debug, Default, PartialEq, Eq)]
pub struct Delegation {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// The pool.
    pub pool: Pubkey,
    /// Who delegated; all that is left of it goes there.
    pub owner: Pubkey,
    /// The shares.
    pub held: DelegatedShares,
    /// What they have earned, by place of the pool.
    pub rewards: [RewardClaim; REWARD_PLACES],
}

impl Delegation {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `pool` in the account's data, for filters.
    pub const POOL_OFFSET: usize = 10;
    /// Offset of `owner` in the account's data, for filters.
    pub const OWNER_OFFSET: usize = 42;

    /// Whether the account was just created and holds nothing yet.
    pub fn is_new(&self) -> bool {
        self.version == 0
    }

    /// Counts what the shares have earned since they last changed: before each change, and before rewards are paid.
    pub fn settle_rewards(&mut self, pool: &DelegationPool) {
        let shares = self.held.shares;
        for (claim, place) in self.rewards.iter_mut().zip(&pool.rewards) {
            claim.settle(&place.sum, shares);
        }
    }

    /// `DelegationNotEmpty` unless nothing is left of it. Without shares nothing more is earned.
    pub fn check_empty(&self) -> Checked {
        let owed = self.rewards.iter().any(|claim| claim.owed != 0);
        if owed || self.held != DelegatedShares::default() {
            return Err(AssayError::DelegationNotEmpty);
        }
        Ok(())
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant((self.held.unbonding_shares == 0) == (self.held.release_slot == 0))
    }
}
