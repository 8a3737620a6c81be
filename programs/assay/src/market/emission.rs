//! How much of the reward pool a job pays its node.

use crate::error::{AssayError, Checked};
use crate::units::TokenAmount;

/// The first job's reward is this fraction of what its fee burned: one in so many.
const FIRST_SHARE: u64 = 2;
/// Each time that so much has burned, in base units of the stake mint, rewards halve: a million tokens of 6 decimals.
pub const FEES_PER_HALVING: u64 = 1_000_000_000_000;

/// What a job earns beside its price when `fee_burned` of its fee burns and `total_fees` burned before, in base units of the
/// stake mint: `floor(fee_burned / 2^(1 + floor(total_fees / FEES_PER_HALVING)))`.
///
/// Never more than half of what burned: who is client and node at once pays the fee and gets less than half of it back, at
/// any price, in any order and number of jobs, so trading with oneself loses.
pub fn emission(total_fees: TokenAmount, fee_burned: TokenAmount) -> Checked<TokenAmount> {
    let halvings = total_fees.0.checked_div(FEES_PER_HALVING).ok_or(AssayError::ArithmeticOverflow)?;
    let first = fee_burned.0.checked_div(FIRST_SHARE).ok_or(AssayError::ArithmeticOverflow)?;
    // After 64 halvings nothing is left of any amount.
    let amount = u32::try_from(halvings).ok().and_then(|halvings| first.checked_shr(halvings)).unwrap_or(0);
    Ok(TokenAmount(amount))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(total: u64, burned: u64) -> u64 {
        emission(TokenAmount(total), TokenAmount(burned)).unwrap().0
    }

    #[test]
    fn rewards_halve_to_the_unit() {
        assert_eq!((of(0, 1_000), of(FEES_PER_HALVING - 1, 1_000)), (500, 500));
        assert_eq!((of(FEES_PER_HALVING, 1_000), of(2 * FEES_PER_HALVING, 1_000)), (250, 125));
        assert_eq!((of(0, 1), of(0, 0), of(0, u64::MAX)), (0, 0, u64::MAX / 2));
        assert_eq!((of(62 * FEES_PER_HALVING, u64::MAX), of(63 * FEES_PER_HALVING, u64::MAX)), (1, 0));
        assert_eq!((of(64 * FEES_PER_HALVING, u64::MAX), of(u64::MAX, u64::MAX)), (0, 0));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// One who trades with itself burns twice what it earns at least, however it cuts its trade into jobs.
        #[test]
        fn trading_with_oneself_never_pays(total in 0..=u64::MAX / 2, fees in prop::collection::vec(0u64..=1_000_000_000_000, 1..20)) {
            let (mut total, mut spent, mut earned) = (total, 0u64, 0u64);
            for fee in fees {
                earned += of(total, fee);
                spent += fee;
                total += fee;
            }
            prop_assert!(earned <= spent / 2);
        }

        #[test]
        fn the_more_burned_before_the_smaller_the_reward(one: u64, other: u64, burned: u64) {
            let (earlier, later) = (one.min(other), one.max(other));
            prop_assert!(of(later, burned) <= of(earlier, burned));
        }
    }
}
