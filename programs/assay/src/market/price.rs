//! The price of a job over time.

use crate::error::{AssayError, Checked};
use crate::units::{Slots, TokenAmount};

/// Stays at `minimum` for `hold`, then rises linearly to `maximum` within `rise` and stays there. The claim fixes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRamp {
    /// Price until the hold ends.
    pub minimum: TokenAmount,
    /// Price from the end of the rise on; also what is escrowed.
    pub maximum: TokenAmount,
    /// How long the price stays at the minimum.
    pub hold: Slots,
    /// How long it then rises; zero is a jump.
    pub rise: Slots,
}

impl PriceRamp {
    /// Checks a ramp against the window in which a job may be claimed.
    ///
    /// `PriceZero`, `PriceRangeInverted`, or `RampBeyondClaimWindow` when the maximum could never be reached.
    pub fn validate(&self, claim_window: Slots) -> Checked {
        if self.maximum == TokenAmount::ZERO {
            return Err(AssayError::PriceZero);
        }
        if self.minimum > self.maximum {
            return Err(AssayError::PriceRangeInverted);
        }
        if self.hold.plus(self.rise).map_or(true, |end| end > claim_window) {
            return Err(AssayError::RampBeyondClaimWindow);
        }
        Ok(())
    }

    /// The price when `elapsed` has gone by since the job was posted, rounded down.
    pub fn price_after(&self, elapsed: Slots) -> Checked<TokenAmount> {
        let Some(risen) = elapsed.0.checked_sub(self.hold.0) else { return Ok(self.minimum) };
        if risen >= self.rise.0 {
            return Ok(self.maximum);
        }
        let range = self.maximum.minus(self.minimum)?;
        let increase = u128::from(range.0)
            .checked_mul(u128::from(risen))
            .and_then(|product| product.checked_div(u128::from(self.rise.0)))
            .and_then(|quotient| u64::try_from(quotient).ok())
            .ok_or(AssayError::ArithmeticOverflow)?;
        self.minimum.plus(TokenAmount(increase))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ramp(minimum: u64, maximum: u64, hold: u64, rise: u64) -> PriceRamp {
        PriceRamp { minimum: TokenAmount(minimum), maximum: TokenAmount(maximum), hold: Slots(hold), rise: Slots(rise) }
    }

    #[test]
    fn holds_then_rises_then_stays() {
        let ramp = ramp(100, 200, 10, 20);
        for (elapsed, price) in [(0, 100), (10, 100), (11, 105), (20, 150), (29, 195), (30, 200), (u64::MAX, 200)] {
            assert_eq!(ramp.price_after(Slots(elapsed)), Ok(TokenAmount(price)), "after {elapsed}");
        }
    }

    #[test]
    fn a_rise_of_zero_is_a_jump_at_the_end_of_the_hold() {
        let ramp = ramp(1, 9, 5, 0);
        assert_eq!(ramp.price_after(Slots(4)), Ok(TokenAmount(1)));
        assert_eq!(ramp.price_after(Slots(5)), Ok(TokenAmount(9)));
    }

    #[test]
    fn each_rule_is_refused() {
        assert_eq!(ramp(0, 0, 0, 0).validate(Slots(10)), Err(AssayError::PriceZero));
        assert_eq!(ramp(2, 1, 0, 0).validate(Slots(10)), Err(AssayError::PriceRangeInverted));
        assert_eq!(ramp(1, 2, 5, 6).validate(Slots(10)), Err(AssayError::RampBeyondClaimWindow));
        assert_eq!(ramp(1, 2, u64::MAX, 1).validate(Slots(u64::MAX)), Err(AssayError::RampBeyondClaimWindow));
        assert_eq!(ramp(2, 2, 5, 5).validate(Slots(10)), Ok(()));
        assert_eq!(ramp(0, u64::MAX, u64::MAX, 0).validate(Slots(u64::MAX)), Ok(()));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn never_falls_and_stays_in_its_range(a: u64, b: u64, hold: u64, rise: u64, t: u64, u: u64) {
            let ramp = ramp(a.min(b), a.max(b), hold, rise);
            let early = ramp.price_after(Slots(t.min(u))).unwrap();
            let late = ramp.price_after(Slots(t.max(u))).unwrap();
            prop_assert!(ramp.minimum <= early && early <= late && late <= ramp.maximum);
        }

        #[test]
        fn reaches_the_maximum_within_any_valid_claim_window(a: u64, b: u64, hold: u64, rise: u64, window: u64) {
            let ramp = ramp(a.min(b), a.max(b), hold, rise);
            if ramp.validate(Slots(window)).is_ok() {
                prop_assert_eq!(ramp.price_after(Slots(window)), Ok(ramp.maximum));
            }
        }
    }
}
