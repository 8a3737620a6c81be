//! How much is escrowed within a period.

use crate::error::{AssayError, Checked};
use crate::units::{Slot, Slots, TokenAmount};

/// The period in which something was escrowed last, and how much.
///
/// Periods are fixed windows: the first begins with the budget, or when its owner changes their length, and each begins where
/// the one before ended. So two limits can be escrowed in a short time around an end, and never more than one within a
/// period.
///
/// What a job escrows counts when it is posted, whatever becomes of it. A refund gives no allowance back. It would come in a
/// later period as often as not, and raise that one above its limit; and an agent that posts and cancels could have the
/// whole vault locked in jobs at any time, over and over, at the owner's cost in rent and in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first slot.
    pub start: Slot,
    /// Escrowed within it.
    pub escrowed: TokenAmount,
}

impl Period {
    /// The period that contains `now`, with what is escrowed in it, when each is `length` long. A length of zero is one slot.
    pub fn at(self, now: Slot, length: Slots) -> Checked<Self> {
        let length = length.0.max(1);
        let over = now.since(self.start).0.checked_div(length).ok_or(AssayError::ArithmeticOverflow)?;
        if over == 0 {
            return Ok(self);
        }
        let passed = over.checked_mul(length).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(Self { start: self.start.plus(Slots(passed))?, escrowed: TokenAmount::ZERO })
    }

    /// The period after `amount` is escrowed at `now`. `BudgetPeriodExhausted` if it would hold more than `limit`.
    pub fn escrow(self, amount: TokenAmount, now: Slot, length: Slots, limit: TokenAmount) -> Checked<Self> {
        let period = self.at(now, length)?;
        let escrowed = period.escrowed.plus(amount)?;
        if escrowed > limit {
            return Err(AssayError::BudgetPeriodExhausted);
        }
        Ok(Self { escrowed, ..period })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const LENGTH: Slots = Slots(50);
    const LIMIT: TokenAmount = TokenAmount(300);

    fn fresh() -> Period {
        Period { start: Slot(1_000), escrowed: TokenAmount::ZERO }
    }

    #[test]
    fn the_limit_is_exact_and_begins_anew_with_each_period() {
        let full = fresh().escrow(TokenAmount(300), Slot(1_049), LENGTH, LIMIT).unwrap();
        let one = TokenAmount(1);
        assert_eq!(full.escrow(one, Slot(1_049), LENGTH, LIMIT), Err(AssayError::BudgetPeriodExhausted), "last slot");
        let next = full.escrow(one, Slot(1_050), LENGTH, LIMIT).unwrap();
        assert_eq!(next, Period { start: Slot(1_050), escrowed: one }, "first slot of the next");
        let later = full.escrow(one, Slot(1_199), LENGTH, LIMIT).unwrap();
        assert_eq!(later.start, Slot(1_150), "periods in which nothing happened are passed over");
        assert_eq!(
            fresh().escrow(TokenAmount(301), Slot(1_000), LENGTH, LIMIT),
            Err(AssayError::BudgetPeriodExhausted)
        );
    }

    #[test]
    fn extremes_are_errors_or_exact() {
        let (amount, limit) = (TokenAmount(u64::MAX), TokenAmount(u64::MAX));
        let endless = fresh().escrow(amount, Slot(u64::MAX), Slots(u64::MAX), limit).unwrap();
        assert_eq!(endless.start, Slot(1_000));
        let more = endless.escrow(TokenAmount(1), Slot(u64::MAX), Slots(u64::MAX), limit);
        assert_eq!(more, Err(AssayError::ArithmeticOverflow));
        assert_eq!(fresh().at(Slot(u64::MAX), Slots(1)).unwrap().start, Slot(u64::MAX));
        assert_eq!(fresh().at(Slot(1_001), Slots(0)).unwrap().start, Slot(1_001));
        assert_eq!(fresh().at(Slot(5), LENGTH).unwrap(), fresh(), "no slot lies before the first period");
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// Against a ledger that sorts everything that was escrowed into its window.
        #[test]
        fn no_window_ever_holds_more_than_the_limit(
            length in 1u64..80,
            limit in 0u64..500,
            steps in prop::collection::vec((0u64..60, 0u64..300), 1..60),
        ) {
            let mut period = fresh();
            let mut ledger: BTreeMap<u64, u64> = BTreeMap::new();
            let mut now = period.start.0;
            for (pause, amount) in steps {
                now += pause;
                let held = ledger.entry((now - 1_000) / length).or_default();
                match period.escrow(TokenAmount(amount), Slot(now), Slots(length), TokenAmount(limit)) {
                    Ok(next) => {
                        *held += amount;
                        period = next;
                        prop_assert!(*held <= limit);
                        prop_assert_eq!(period.escrowed.0, *held);
                        prop_assert_eq!(period.start.0, 1_000 + (now - 1_000) / length * length);
                    }
                    Err(error) => {
                        prop_assert_eq!(error, AssayError::BudgetPeriodExhausted);
                        prop_assert!(*held + amount > limit, "refused although it fits");
                    }
                }
            }
        }
    }
}
