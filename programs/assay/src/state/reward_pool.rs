//! The pool out of which work is rewarded.

use super::{check_invariant, check_version};
use crate::address::REWARD_POOL_SEED;
use crate::error::Checked;
use crate::fairness::emission::{self, EmissionRules};
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

    /// The first reward is this share of what a job burned.
    pub const FIRST_SHARE_BPS: u16 = 5_000;
    /// Each time that so much has burned, in base units of the stake mint, rewards halve: a million tokens of 6 decimals.
    pub const FEES_PER_HALVING: u64 = 1_000_000_000_000;

    /// Counts a fee that burns, and returns what a vault that holds `left` pays for it, if the job is `rewarded` at all.
    pub fn burn(
        &mut self,
        burned: TokenAmount,
        rewarded: bool,
        left: TokenAmount,
        rules: &EmissionRules,
    ) -> Checked<TokenAmount> {
        let mut pool = emission::RewardPool { left: left.0, burned: self.fees_burned };
        // More can burn than 64 bits hold only of a mint whose issuer mints again what burned. Rewards are zero long before, and
        // no fee may be stuck for it.
        let reward = match rewarded {
            true => pool.emit(burned, rules).unwrap_or(TokenAmount::ZERO),
            false => TokenAmount::ZERO,
        };
        self.fees_burned = self.fees_burned.saturating_add(burned.0);
        self.rewards_paid = TokenAmount(self.rewards_paid).plus(reward)?.0;
        Ok(reward)
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
    use crate::state::Network;

    fn rules() -> EmissionRules {
        Network { fee_burn_bps: 5_000, ..Network::default() }.emission_rules()
    }

    fn pool(fees_burned: u64) -> RewardPool {
        RewardPool { version: 1, fees_burned, ..RewardPool::default() }
    }

    #[test]
    fn half_of_what_burned_is_paid_and_less_later() {
        let reward = |burned_before, burned, left| {
            let mut pool = pool(burned_before);
            let reward = pool.burn(TokenAmount(burned), true, TokenAmount(left), &rules()).unwrap().0;
            assert_eq!((pool.fees_burned, pool.rewards_paid), (burned_before + burned, reward));
            reward
        };
        let halving = RewardPool::FEES_PER_HALVING;
        assert_eq!(
            (reward(0, 1_000, 9_999), reward(halving, 1_000, 9_999), reward(2 * halving, 1_000, 9_999)),
            (500, 250, 125)
        );
        assert_eq!((reward(0, 1_000, 7), reward(0, 1_000, 0), reward(0, 1, 9_999)), (7, 0, 0));
        assert_eq!(rules().validate(), Ok(()));
    }

    #[test]
    fn what_is_not_rewarded_burns_all_the_same() {
        let mut pool = pool(5);
        assert_eq!(pool.burn(TokenAmount(10), false, TokenAmount(100), &rules()), Ok(TokenAmount(0)));
        assert_eq!((pool.fees_burned, pool.rewards_paid), (15, 0));
    }

    #[test]
    fn no_fee_is_stuck_because_too_much_burned() {
        let mut pool = pool(u64::MAX);
        assert_eq!(pool.burn(TokenAmount(u64::MAX), true, TokenAmount(9), &rules()), Ok(TokenAmount(0)));
        assert_eq!((pool.fees_burned, pool.invariant()), (u64::MAX, Ok(())));
    }

    #[test]
    fn more_paid_than_burned_breaks_the_books() {
        let pool = RewardPool { rewards_paid: 6, ..pool(5) };
        assert_eq!(pool.invariant(), Err(AssayError::InvariantBroken));
    }
}
