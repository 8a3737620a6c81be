//! How the escrow of a job is shared out.

use crate::error::Checked;
use crate::units::{BasisPoints, TokenAmount};

/// Who is owed what of one escrow; the three always add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The price less the fee.
    pub node: TokenAmount,
    /// What the price left of the escrow.
    pub client: TokenAmount,
    /// The protocol's share of the price, rounded down.
    pub fee: TokenAmount,
}

/// Shares out `escrow` when the result was accepted at `price`.
///
/// `ArithmeticOverflow` when the price exceeds the escrow or the fee the price; neither is reachable from a valid job.
pub fn settle(escrow: TokenAmount, price: TokenAmount, fee_share: BasisPoints) -> Checked<Split> {
    let fee = price.portion(fee_share)?;
    Ok(Split { node: price.minus(fee)?, client: escrow.minus(price)?, fee })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AssayError;
    use proptest::prelude::*;

    #[test]
    fn a_price_above_the_escrow_is_an_error() {
        let overflow = Err(AssayError::ArithmeticOverflow);
        assert_eq!(settle(TokenAmount(9), TokenAmount(10), BasisPoints(0)), overflow);
        assert_eq!(
            settle(TokenAmount(10), TokenAmount(10), BasisPoints(10_001)),
            Ok(Split { node: TokenAmount(0), client: TokenAmount(0), fee: TokenAmount(10) })
        );
        assert_eq!(settle(TokenAmount(10), TokenAmount(10), BasisPoints(20_000)), overflow);
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn every_base_unit_of_the_escrow_is_owed_to_someone(escrow: u64, part: u64, fee_bps in 0u32..=10_000) {
            let price = part.min(escrow);
            let split = settle(TokenAmount(escrow), TokenAmount(price), BasisPoints(fee_bps)).unwrap();
            prop_assert_eq!(
                u128::from(split.node.0) + u128::from(split.client.0) + u128::from(split.fee.0),
                u128::from(escrow)
            );
            prop_assert_eq!(u128::from(split.node.0) + u128::from(split.fee.0), u128::from(price));
        }
    }
}
