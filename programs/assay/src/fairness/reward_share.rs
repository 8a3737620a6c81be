//! Rewards for shares, without touching the account of anybody who holds them.
//!
//! A pool sums up what one share has earned since it began, in parts of 2^-64. Who holds shares remembers where that sum stood
//! when its own shares last changed; the difference, times the shares, is owed. Every division rounds down, so all that is owed
//! is never more than what came in. The sum wraps around: whoever settles within 2^64 base units a share loses nothing by it, and
//! nobody ever gains by it.

use super::error::{FairnessError, Ruled};
use crate::units::TokenAmount;
use anchor_lang::prelude::*;

/// What came in of one mint.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewardSum {
    /// What one share has earned so far, in 2^-64 base units, modulo 2^64 base units.
    pub per_share: u128,
    /// What came in and was not paid out, in base units.
    pub owed: u64,
}

/// What one holder of shares has of it.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewardClaim {
    /// Where the sum stood when the shares last changed.
    pub seen: u128,
    /// What was earned until then and not paid out, in base units.
    pub owed: u64,
}

impl RewardSum {
    /// Adds `amount` for `shares` alike. `NotEnoughShares` where nobody would own it.
    pub fn add(&mut self, amount: TokenAmount, shares: u64) -> Ruled {
        let earned =
            (u128::from(amount.0) << 64).checked_div(u128::from(shares)).ok_or(FairnessError::NotEnoughShares)?;
        self.owed = TokenAmount(self.owed).plus(amount)?.0;
        self.per_share = self.per_share.wrapping_add(earned);
        Ok(())
    }

    /// Pays out all that a claim has, which is settled. `AmountTooSmall` if that is nothing.
    pub fn pay(&mut self, claim: &mut RewardClaim) -> Ruled<TokenAmount> {
        let amount = TokenAmount(claim.owed);
        if amount == TokenAmount::ZERO {
            return Err(FairnessError::AmountTooSmall);
        }
        self.owed = TokenAmount(self.owed).minus(amount)?.0;
        claim.owed = 0;
        Ok(amount)
    }
}

impl RewardClaim {
    /// Counts what `shares` have earned since the last time. Never fails: it stands before every way out.
    pub fn settle(&mut self, sum: &RewardSum, shares: u64) {
        let earned = sum.per_share.wrapping_sub(self.seen);
        let (whole, parts) = (earned >> 64, earned & u128::from(u64::MAX));
        let product = |factor: u128| factor.saturating_mul(u128::from(shares));
        let amount = product(whole).saturating_add(product(parts) >> 64);
        self.owed = self.owed.saturating_add(u64::try_from(amount).unwrap_or(u64::MAX));
        self.seen = sum.per_share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_earn_from_when_they_are_there() {
        let (mut sum, mut first, mut second) = (RewardSum::default(), RewardClaim::default(), RewardClaim::default());
        assert_eq!(sum.add(TokenAmount(1), 0), Err(FairnessError::NotEnoughShares));
        sum.add(TokenAmount(90), 300).unwrap();
        second.settle(&sum, 0);
        sum.add(TokenAmount(90), 900).unwrap();
        first.settle(&sum, 300);
        second.settle(&sum, 600);
        assert_eq!((first.owed, second.owed, sum.owed), (119, 59, 180), "each rounded down");
        assert_eq!(sum.pay(&mut first), Ok(TokenAmount(119)));
        assert_eq!(sum.pay(&mut first), Err(FairnessError::AmountTooSmall));
        first.settle(&sum, 300);
        assert_eq!((first.owed, sum.owed), (0, 61));
    }

    #[test]
    fn the_sum_may_wrap_around() {
        let mut sum = RewardSum { per_share: u128::MAX - 5, owed: 0 };
        let mut claim = RewardClaim { seen: sum.per_share, owed: 0 };
        sum.add(TokenAmount(1_000), 1).unwrap();
        claim.settle(&sum, 1);
        assert_eq!(claim.owed, 1_000);
        let most = RewardSum { per_share: u128::MAX, owed: 0 };
        let mut claim = RewardClaim::default();
        claim.settle(&most, u64::MAX);
        assert_eq!(claim.owed, u64::MAX, "no way out is closed by too much");
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Reward(u64),
        Change(usize, u64),
        Pay(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop_oneof![0u64..1_000, any::<u32>().prop_map(u64::from)].prop_map(Step::Reward),
            (0usize..4, prop_oneof![0u64..5, 0u64..1 << 50]).prop_map(|(who, shares)| Step::Change(who, shares)),
            (0usize..4).prop_map(Step::Pay),
        ]
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// Against a plain sum of shares of rewards: nobody is paid more than the share of each reward at its time, nobody
        /// loses more than a unit each time the shares change, and all of it together is never more than what came in.
        #[test]
        fn never_more_than_came_in(steps in prop::collection::vec(step(), 1..60)) {
            let (mut sum, mut claims, mut shares) = (RewardSum::default(), [RewardClaim::default(); 4], [0u64; 4]);
            let (mut came, mut paid, mut fair, mut settled) = (0u64, [0u64; 4], [0f64; 4], [0f64; 4]);
            for step in steps {
                let all: u64 = shares.iter().sum();
                match step {
                    Step::Reward(amount) => match sum.add(TokenAmount(amount), all) {
                        Ok(()) => {
                            came += amount;
                            for (fair, shares) in fair.iter_mut().zip(shares) {
                                *fair += amount as f64 * shares as f64 / all as f64;
                            }
                        }
                        Err(error) => prop_assert_eq!((error, all), (FairnessError::NotEnoughShares, 0)),
                    },
                    Step::Change(who, after) => {
                        claims[who].settle(&sum, shares[who]);
                        (shares[who], settled[who]) = (after, settled[who] + 1.0);
                    }
                    Step::Pay(who) => {
                        claims[who].settle(&sum, shares[who]);
                        settled[who] += 1.0;
                        paid[who] += sum.pay(&mut claims[who]).map_or(0, |amount| amount.0);
                    }
                }
            }
            for who in 0..4 {
                claims[who].settle(&sum, shares[who]);
                let got = (paid[who] + claims[who].owed) as f64;
                prop_assert!(got <= fair[who] * 1.000_000_1 + 1e-6, "{} of {}", got, fair[who]);
                prop_assert!(got + settled[who] + 2.0 >= fair[who] * 0.999_999_9, "{} of {}", got, fair[who]);
            }
            prop_assert_eq!(sum.owed, came - paid.iter().sum::<u64>());
            prop_assert!(claims.iter().map(|claim| claim.owed).sum::<u64>() <= sum.owed);
        }
    }
}
