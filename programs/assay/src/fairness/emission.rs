//! What the reward pool adds to the pay of work.
//!
//! A part of each protocol fee is burned. The pool pays a share of what was burned to the node that did the job. The share
//! starts at `first_share` and halves each time the burned fees of all jobs have grown by `halving_fees`; so what is ever
//! paid stays below `2 * first_share * halving_fees`. No payment reaches what the job burned: who trades with itself burns
//! more than it gets, whatever it calls itself.
//!
//! A job that reaches over a halving is paid for each part at that part's share. So it makes no difference, but for
//! rounding down, whether work comes in one job or in many.

use super::error::{FairnessError, Ruled};
use super::ratio::floor_of;
use crate::units::{BasisPoints, TokenAmount};
use anchor_lang::prelude::*;

/// What governance decides about emissions.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmissionRules {
    /// The part of a protocol fee that is burned; the rest is the treasury's.
    pub burn_bps: u16,
    /// The share of burned fees that the pool pays before the first halving.
    pub first_share_bps: u16,
    /// Burned fees, in base units of the stake mint, after which the share halves.
    pub halving_fees: u64,
}

impl EmissionRules {
    /// The largest first share: always less than was burned.
    pub const MAXIMUM_FIRST_SHARE_BPS: u16 = 9_000;

    /// `RuleOutOfBounds` unless the shares are at most the whole and 90 %, and fees can grow by a halving.
    pub fn validate(&self) -> Ruled {
        let sane = u32::from(self.burn_bps) <= BasisPoints::WHOLE.0
            && self.first_share_bps <= Self::MAXIMUM_FIRST_SHARE_BPS
            && self.halving_fees > 0;
        if sane {
            Ok(())
        } else {
            Err(FairnessError::RuleOutOfBounds)
        }
    }

    /// A protocol fee in two parts: what is burned, rounded down, and what the treasury gets.
    pub fn split_fee(&self, fee: TokenAmount) -> Ruled<(TokenAmount, TokenAmount)> {
        let burned = fee.portion(BasisPoints(u32::from(self.burn_bps)))?;
        Ok((burned, fee.minus(burned)?))
    }
}

/// The pool that pays, and what was burned so far.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewardPool {
    /// What is left, in base units of the stake mint.
    pub left: u64,
    /// Fees burned by all jobs, in the same unit.
    pub burned: u64,
}

impl RewardPool {
    /// Records that a job burned `fee` and takes its emission out of the pool: never more than is left.
    ///
    /// `RuleOutOfBounds` for rules that could pay as much as was burned.
    pub fn emit(&mut self, fee: TokenAmount, rules: &EmissionRules) -> Ruled<TokenAmount> {
        rules.validate()?;
        let after = self.burned.checked_add(fee.0).ok_or(FairnessError::ArithmeticOverflow)?;
        let emission = emission(self.burned, fee.0, rules)?.min(self.left);
        self.left = self.left.checked_sub(emission).ok_or(FairnessError::InvariantBroken)?;
        self.burned = after;
        Ok(TokenAmount(emission))
    }
}

/// What `fee` earns when `burned` was burned before: each part at the share of its halving, the sum rounded down.
fn emission(burned: u64, fee: u64, rules: &EmissionRules) -> Ruled<u64> {
    let overflow = FairnessError::ArithmeticOverflow;
    let whole = u64::from(BasisPoints::WHOLE.0);
    let (mut at, mut left, mut sum) = (burned, fee, 0u128);
    while left > 0 {
        let halvings = at.checked_div(rules.halving_fees).ok_or(overflow)?;
        if halvings >= 64 {
            break;
        }
        let gone = at.checked_rem(rules.halving_fees).ok_or(overflow)?;
        let part = rules.halving_fees.checked_sub(gone).ok_or(overflow)?.min(left);
        // In 2^-63, so that no halving loses what the next part needs: a part is below 2^64 and shares fall.
        sum = sum.checked_add((u128::from(part) << 63) >> halvings).ok_or(overflow)?;
        (at, left) = (at.checked_add(part).ok_or(overflow)?, left.saturating_sub(part));
    }
    let weighted = u64::try_from(sum >> 63).map_err(|_| overflow)?;
    floor_of(weighted, u64::from(rules.first_share_bps), whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: EmissionRules = EmissionRules { burn_bps: 5_000, first_share_bps: 9_000, halving_fees: 1_000 };

    #[test]
    fn shares_halve_as_fees_grow() {
        let mut pool = RewardPool { left: 1_000_000, burned: 0 };
        let mut emit = |fee| pool.emit(TokenAmount(fee), &RULES).unwrap().0;
        assert_eq!([1_000, 1_000, 1_000].map(&mut emit), [900, 450, 225]);
        assert_eq!(emit(2_000), (1_000 / 8 + 1_000 / 16) * 9 / 10);
        assert_eq!([emit(1 << 40), emit(1_000)], [62 * 9 / 10, 0]);
        assert_eq!(pool.left, 1_000_000 - 900 - 450 - 225 - 168 - 55);
    }

    #[test]
    fn an_empty_pool_pays_nothing_and_still_counts() {
        let mut pool = RewardPool { left: 100, burned: 0 };
        assert_eq!(pool.emit(TokenAmount(500), &RULES), Ok(TokenAmount(100)));
        assert_eq!(pool.emit(TokenAmount(500), &RULES), Ok(TokenAmount(0)));
        assert_eq!(pool, RewardPool { left: 0, burned: 1_000 });
        assert_eq!(pool.emit(TokenAmount(u64::MAX), &RULES), Err(FairnessError::ArithmeticOverflow));
        assert_eq!(pool, RewardPool { left: 0, burned: 1_000 }, "an error changes nothing");
    }

    #[test]
    fn rules_that_could_pay_what_was_burned_are_refused() {
        assert_eq!(RULES.validate(), Ok(()));
        for rules in [
            EmissionRules { first_share_bps: 9_001, ..RULES },
            EmissionRules { burn_bps: 10_001, ..RULES },
            EmissionRules { halving_fees: 0, ..RULES },
        ] {
            assert_eq!(rules.validate(), Err(FairnessError::RuleOutOfBounds));
            let mut pool = RewardPool { left: 9, burned: 0 };
            assert_eq!(pool.emit(TokenAmount(1), &rules), Err(FairnessError::RuleOutOfBounds));
        }
        assert_eq!(RULES.split_fee(TokenAmount(101)), Ok((TokenAmount(50), TokenAmount(51))));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// Trading with oneself never pays: whoever is client and node in one burns at least a tenth more than it is paid,
        /// in one job or many, whoever else trades in between.
        #[test]
        fn trading_with_oneself_never_pays(
            fees in prop::collection::vec((1u64..1 << 50, any::<bool>()), 1..40), share in 0u16..=9_000, halving in 1u64..1 << 52, left: u64,
        ) {
            let rules = EmissionRules { first_share_bps: share, halving_fees: halving, ..RULES };
            let mut pool = RewardPool { left, burned: 0 };
            let (mut burned, mut earned, mut all) = (0, 0, 0);
            for (fee, own) in fees {
                let emission = pool.emit(TokenAmount(fee), &rules).unwrap().0;
                prop_assert!(emission < fee && emission <= (u128::from(fee) * u128::from(share) / 10_000) as u64);
                all += u128::from(emission);
                if own {
                    (burned, earned) = (burned + u128::from(fee), earned + u128::from(emission));
                }
            }
            prop_assert!(earned * 10 <= burned * 9);
            prop_assert_eq!(u128::from(pool.left) + all, u128::from(left), "what the pool loses is paid");
            prop_assert!(all <= u128::from(halving) * 2 * u128::from(share) / 10_000 + 1, "and all of it is bounded");
        }

        /// Later jobs are paid no better, and cutting a job into parts gains nothing.
        #[test]
        fn cutting_jobs_gains_nothing(burned in 0u64..1 << 50, parts in prop::collection::vec(0u64..1 << 44, 1..20), halving in 1u64..1 << 52, more in 0u64..1 << 50) {
            let rules = EmissionRules { halving_fees: halving, ..RULES };
            let whole: u64 = parts.iter().sum();
            let one = emission(burned, whole, &rules).unwrap();
            let mut at = burned;
            let many: u64 = parts.iter().map(|part| { let paid = emission(at, *part, &rules).unwrap(); at += part; paid }).sum();
            prop_assert!(many <= one && one - many <= 2 * parts.len() as u64, "{many} in parts, {one} in one");
            prop_assert!(emission(burned + more, whole, &rules).unwrap() <= one);
        }
    }
}
