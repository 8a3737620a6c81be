//! Units as types, so that a slot is never added to an amount, with checked arithmetic only.
//!
//! Accounts and instruction arguments hold plain integers with the unit in their name; the pure logic converts at its
//! boundary.

use crate::error::{AssayError, Checked};

/// An amount in base units of one mint. Which mint is said by the name of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenAmount(pub u64);

/// A point in time: the number of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub u64);

/// A length of time in slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slots(pub u64);

/// Hundredths of a percent. May exceed [`BasisPoints::WHOLE`] where a rule asks for a multiple.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BasisPoints(pub u32);

impl TokenAmount {
    /// No tokens.
    pub const ZERO: Self = Self(0);

    /// The sum; `ArithmeticOverflow` beyond 64 bits.
    pub fn plus(self, other: Self) -> Checked<Self> {
        self.0.checked_add(other.0).map(Self).ok_or(AssayError::ArithmeticOverflow)
    }

    /// The difference; `ArithmeticOverflow` below zero.
    pub fn minus(self, other: Self) -> Checked<Self> {
        self.0.checked_sub(other.0).map(Self).ok_or(AssayError::ArithmeticOverflow)
    }

    /// `share` of this amount, rounded down; `ArithmeticOverflow` if a multiple exceeds 64 bits.
    pub fn portion(self, share: BasisPoints) -> Checked<Self> {
        // On-chain a division of 128 bits costs hundreds of units; nearly all products fit 64.
        if let Some(product) = self.0.checked_mul(u64::from(share.0)) {
            let quotient = product.checked_div(u64::from(BasisPoints::WHOLE.0));
            return quotient.map(Self).ok_or(AssayError::ArithmeticOverflow);
        }
        let product = u128::from(self.0).checked_mul(u128::from(share.0)).ok_or(AssayError::ArithmeticOverflow)?;
        let quotient = product.checked_div(u128::from(BasisPoints::WHOLE.0)).ok_or(AssayError::ArithmeticOverflow)?;
        u64::try_from(quotient).map(Self).map_err(|_| AssayError::ArithmeticOverflow)
    }
}

impl BasisPoints {
    /// One hundred percent.
    pub const WHOLE: Self = Self(10_000);
}

impl Slot {
    /// The slot that lies `length` later; `ArithmeticOverflow` beyond 64 bits.
    pub fn plus(self, length: Slots) -> Checked<Self> {
        self.0.checked_add(length.0).map(Self).ok_or(AssayError::ArithmeticOverflow)
    }

    /// Time since `earlier`; zero when `earlier` is not in the past.
    pub fn since(self, earlier: Self) -> Slots {
        Slots(self.0.saturating_sub(earlier.0))
    }
}

impl Slots {
    /// The sum; `ArithmeticOverflow` beyond 64 bits.
    pub fn plus(self, other: Self) -> Checked<Self> {
        self.0.checked_add(other.0).map(Self).ok_or(AssayError::ArithmeticOverflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn overflow_is_an_error_and_never_wraps() {
        let overflow = Err(AssayError::ArithmeticOverflow);
        assert_eq!(TokenAmount(u64::MAX).plus(TokenAmount(1)), overflow);
        assert_eq!(TokenAmount(0).minus(TokenAmount(1)), overflow);
        assert_eq!(TokenAmount(u64::MAX).portion(BasisPoints(10_001)), overflow);
        assert_eq!(TokenAmount(u64::MAX).portion(BasisPoints(u32::MAX)), overflow);
        assert_eq!(Slot(u64::MAX).plus(Slots(1)), Err(AssayError::ArithmeticOverflow));
        assert_eq!(Slots(u64::MAX).plus(Slots(1)), Err(AssayError::ArithmeticOverflow));
        assert_eq!(Slot(3).since(Slot(5)), Slots(0));
    }

    #[test]
    fn the_whole_of_any_amount_is_the_amount() {
        for amount in [0, 1, 9_999, 10_000, u64::MAX] {
            assert_eq!(TokenAmount(amount).portion(BasisPoints::WHOLE), Ok(TokenAmount(amount)));
            assert_eq!(TokenAmount(amount).portion(BasisPoints(0)), Ok(TokenAmount::ZERO));
        }
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn a_portion_of_little_is_the_floor_too(amount: u32, share: u32) {
            let exact = u128::from(amount) * u128::from(share) / 10_000;
            let portion = TokenAmount(u64::from(amount)).portion(BasisPoints(share));
            prop_assert_eq!(portion.map(|portion| u128::from(portion.0)), Ok(exact));
        }

        #[test]
        fn a_portion_is_the_floor_of_the_exact_share(amount: u64, share in 0u32..=10_000) {
            let portion = u128::from(TokenAmount(amount).portion(BasisPoints(share)).unwrap().0);
            let exact = u128::from(amount) * u128::from(share);
            prop_assert!(portion * 10_000 <= exact && exact < (portion + 1) * 10_000);
        }
    }
}
