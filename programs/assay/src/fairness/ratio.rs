//! Products and quotients of 64-bit numbers through 128 bits.

use super::error::{FairnessError, Ruled};

/// `value * numerator / denominator`, rounded down. `ArithmeticOverflow` beyond 64 bits, or where `denominator` is 0.
pub(crate) fn floor_of(value: u64, numerator: u64, denominator: u64) -> Ruled<u64> {
    // On-chain a division of 128 bits costs hundreds of units; nearly all products fit 64.
    if let Some(product) = value.checked_mul(numerator) {
        return product.checked_div(denominator).ok_or(FairnessError::ArithmeticOverflow);
    }
    u128::from(value)
        .checked_mul(u128::from(numerator))
        .and_then(|product| product.checked_div(u128::from(denominator)))
        .and_then(|quotient| u64::try_from(quotient).ok())
        .ok_or(FairnessError::ArithmeticOverflow)
}

/// `value * numerator / denominator`, rounded up. `ArithmeticOverflow` beyond 64 bits, or where `denominator` is 0.
pub(crate) fn ceiling_of(value: u64, numerator: u64, denominator: u64) -> Ruled<u64> {
    let product = u128::from(value).checked_mul(u128::from(numerator)).ok_or(FairnessError::ArithmeticOverflow)?;
    if denominator == 0 {
        return Err(FairnessError::ArithmeticOverflow);
    }
    u64::try_from(product.div_ceil(u128::from(denominator))).map_err(|_| FairnessError::ArithmeticOverflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_is_an_error() {
        let overflow = Err(FairnessError::ArithmeticOverflow);
        assert_eq!(floor_of(u64::MAX, 2, 1), overflow);
        assert_eq!(ceiling_of(u64::MAX, 2, 1), overflow);
        assert_eq!((floor_of(1, 1, 0), ceiling_of(1, 1, 0)), (overflow, overflow));
        assert_eq!((floor_of(7, 1, 2), ceiling_of(7, 1, 2)), (Ok(3), Ok(4)));
        assert_eq!((floor_of(u64::MAX, u64::MAX, u64::MAX), ceiling_of(0, 5, 9)), (Ok(u64::MAX), Ok(0)));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn small_products_give_the_exact_quotient(value: u32, numerator: u32, denominator in 1u32..) {
            let exact = u64::from(value) * u64::from(numerator) / u64::from(denominator);
            prop_assert_eq!(floor_of(value.into(), numerator.into(), denominator.into()), Ok(exact));
        }

        #[test]
        fn down_and_up_enclose_the_exact_quotient(value: u64, part: u64, whole in 1u64..) {
            let part = part.min(whole);
            let exact = u128::from(value) * u128::from(part);
            let (down, up) = (floor_of(value, part, whole).unwrap(), ceiling_of(value, part, whole).unwrap());
            prop_assert!(u128::from(down) * u128::from(whole) <= exact && exact <= u128::from(up) * u128::from(whole));
            prop_assert!(up - down <= 1 && (up == down) == (exact % u128::from(whole) == 0));
        }
    }
}
