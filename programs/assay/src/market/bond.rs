//! What a node puts at risk for one job.

use crate::error::{AssayError, Checked};
use crate::units::{BasisPoints, TokenAmount};

/// How many base units of the stake mint one base unit of a payment mint is worth, as a fraction set by governance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BondRate {
    /// Base units of the stake mint ...
    pub numerator: u64,
    /// ... for this many base units of the payment mint.
    pub denominator: u64,
}

impl BondRate {
    /// Largest term of the fraction: with it, no product below leaves 128 bits.
    pub const MAXIMUM_TERM: u64 = 1_000_000_000_000;

    /// `BondRateOutOfBounds` unless both terms lie in `1..=MAXIMUM_TERM`.
    pub fn validate(&self) -> Checked {
        let valid = 1..=Self::MAXIMUM_TERM;
        if valid.contains(&self.numerator) && valid.contains(&self.denominator) {
            Ok(())
        } else {
            Err(AssayError::BondRateOutOfBounds)
        }
    }
}

/// The least bond, in the stake mint, of a job that pays at most `price_max` in the payment mint:
/// `ceil(price_max * rate * multiple)` and never below one base unit.
///
/// `ArithmeticOverflow` when it exceeds 64 bits: no node could lock that much.
pub fn minimum_bond(price_max: TokenAmount, rate: BondRate, multiple: BasisPoints) -> Checked<TokenAmount> {
    let dividend = u128::from(price_max.0)
        .checked_mul(u128::from(rate.numerator))
        .and_then(|product| product.checked_mul(u128::from(multiple.0)))
        .ok_or(AssayError::ArithmeticOverflow)?;
    let divisor = u128::from(rate.denominator)
        .checked_mul(u128::from(BasisPoints::WHOLE.0))
        .filter(|divisor| *divisor > 0)
        .ok_or(AssayError::ArithmeticOverflow)?;
    let bond = u64::try_from(dividend.div_ceil(divisor)).map_err(|_| AssayError::ArithmeticOverflow)?;
    Ok(TokenAmount(bond.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(numerator: u64, denominator: u64) -> BondRate {
        BondRate { numerator, denominator }
    }

    #[test]
    fn rounds_up_and_is_never_zero() {
        let bond = |price, rate, multiple| minimum_bond(TokenAmount(price), rate, BasisPoints(multiple)).unwrap().0;
        assert_eq!(bond(100, rate(1, 1), 10_000), 100);
        assert_eq!(bond(100, rate(1, 3), 10_000), 34);
        assert_eq!(bond(100, rate(1, 1), 15_000), 150);
        assert_eq!(bond(100, rate(1, 1), 0), 1);
        assert_eq!(bond(1, rate(1, 1_000_000), 1), 1);
        assert_eq!(bond(0, rate(1, 1), 10_000), 1);
    }

    #[test]
    fn a_bond_beyond_64_bits_is_an_error() {
        let largest = rate(BondRate::MAXIMUM_TERM, 1);
        let overflow = Err(AssayError::ArithmeticOverflow);
        assert_eq!(minimum_bond(TokenAmount(u64::MAX), largest, BasisPoints(100_000)), overflow);
        assert_eq!(minimum_bond(TokenAmount(u64::MAX), rate(1, 1), BasisPoints(10_001)), overflow);
        assert_eq!(minimum_bond(TokenAmount(1), rate(1, 0), BasisPoints(1)), overflow);
        assert_eq!(minimum_bond(TokenAmount(u64::MAX), rate(1, 1), BasisPoints::WHOLE), Ok(TokenAmount(u64::MAX)));
    }

    #[test]
    fn rates_are_bounded_on_both_terms() {
        for (bad, good) in [(0, 1), (BondRate::MAXIMUM_TERM + 1, BondRate::MAXIMUM_TERM)] {
            assert_eq!(rate(bad, 1).validate(), Err(AssayError::BondRateOutOfBounds));
            assert_eq!(rate(1, bad).validate(), Err(AssayError::BondRateOutOfBounds));
            assert_eq!(rate(good, good).validate(), Ok(()));
        }
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn covers_the_price_exactly(price: u64, n in 1..=BondRate::MAXIMUM_TERM, d in 1..=BondRate::MAXIMUM_TERM, bps in 0u32..=100_000) {
            if let Ok(bond) = minimum_bond(TokenAmount(price), rate(n, d), BasisPoints(bps)) {
                let exact = u128::from(price) * u128::from(n) * u128::from(bps);
                let unit = u128::from(d) * 10_000;
                prop_assert!(u128::from(bond.0) * unit >= exact, "covers");
                prop_assert!(bond.0 == 1 || u128::from(bond.0 - 1) * unit < exact, "and not a unit more");
            }
        }
    }
}
