//! The pool out of which work is rewarded.

use super::{check_invariant, check_version};
use crate::address::REWARD_POOL_SEED;
use crate::error::Checked;
use crate::units::TokenAmount;
use anchor_lang::prelude::*;

/// What burned so far, and what the pool has paid. Anybody may fill its vault by sending tokens to it.
#[account]
#[derive(InitSpace, Debug, Default, PartialEq, Eq)]
pub struct RewardPool {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// The token account that holds the pool, in the stake mint.
    pub vault: Pubkey,
    /// Fees that burned so far, in base units of the stake mint: the more, the smaller the rewards.
    pub fees_burned: u64,
    /// Rewards that were paid so far, in base units of the stake mint.
    pub rewards_paid: u64,
}

impl RewardPool {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// Counts a fee that burns and what is paid for it.
    pub fn count(&mut self, burned: TokenAmount, reward: TokenAmount) -> Checked {
        // More can burn than 64 bits hold only of a mint whose issuer mints again what burned. Rewards are zero long before, and
        // no fee may be stuck for it.
        self.fees_burned = self.fees_burned.saturating_add(burned.0);
        self.rewards_paid = TokenAmount(self.rewards_paid).plus(reward)?.0;
        Ok(())
    }

    /// Hands `sign` the seeds, bump included, that let the pool sign for its vault.
    pub fn with_signer_seeds<T>(&self, sign: impl FnOnce(&[&[u8]]) -> T) -> T {
        sign(&[REWARD_POOL_SEED, &[self.bump]])
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.rewards_paid <= self.fees_burned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AssayError;

    #[test]
    fn no_more_is_ever_paid_than_burned() {
        let mut pool = RewardPool { version: 1, ..RewardPool::default() };
        pool.count(TokenAmount(10), TokenAmount(10)).unwrap();
        assert_eq!(pool.invariant(), Ok(()));
        pool.count(TokenAmount(1), TokenAmount(2)).unwrap();
        assert_eq!(pool.invariant(), Err(AssayError::InvariantBroken));
        let mut pool = RewardPool { version: 1, fees_burned: u64::MAX, ..RewardPool::default() };
        pool.count(TokenAmount(u64::MAX), TokenAmount(0)).unwrap();
        assert_eq!((pool.fees_burned, pool.invariant()), (u64::MAX, Ok(())));
    }
}
