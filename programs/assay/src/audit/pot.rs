//! How the audit pot of a job is shared out when its result stood.

use crate::error::{AssayError, Checked};
use crate::units::TokenAmount;

/// Who is owed what of one pot; `audits` and `client` add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PotSplit {
    /// To each attestation.
    pub each: TokenAmount,
    /// To all attestations together.
    pub audits: TokenAmount,
    /// Back to the client.
    pub client: TokenAmount,
}

/// Shares `pot` among `attestations`, each getting the same and at most `cap`; the rest returns to the client.
pub fn split_pot(pot: TokenAmount, cap: TokenAmount, attestations: u16) -> Checked<PotSplit> {
    let share = pot.0.checked_div(u64::from(attestations)).unwrap_or(0);
    let each = TokenAmount(share.min(cap.0));
    let audits = each.0.checked_mul(u64::from(attestations)).ok_or(AssayError::ArithmeticOverflow).map(TokenAmount)?;
    Ok(PotSplit { each, audits, client: pot.minus(audits)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{minimum_bond, BondRate};
    use crate::state::audit_limits;
    use crate::units::BasisPoints;
    use proptest::prelude::*;

    fn split(pot: u64, cap: u64, attestations: u16) -> (u64, u64, u64) {
        let split = split_pot(TokenAmount(pot), TokenAmount(cap), attestations).unwrap();
        (split.each.0, split.audits.0, split.client.0)
    }

    #[test]
    fn equal_shares_up_to_the_cap_and_the_rest_returns() {
        assert_eq!(split(100, 40, 0), (0, 0, 100), "without an audit all of it");
        assert_eq!(split(100, 40, 1), (40, 40, 60));
        assert_eq!(split(100, 40, 2), (40, 80, 20));
        assert_eq!(split(100, 40, 3), (33, 99, 1));
        assert_eq!(split(100, 40, 101), (0, 0, 100));
        assert_eq!(split(0, 0, 5), (0, 0, 0));
        assert_eq!(split(u64::MAX, u64::MAX, u16::MAX), (u64::MAX / 65_535, u64::MAX, 0));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn every_base_unit_of_the_pot_is_owed_to_someone(pot: u64, cap: u64, attestations: u16) {
            let split = split_pot(TokenAmount(pot), TokenAmount(cap), attestations).unwrap();
            prop_assert_eq!(u128::from(split.audits.0) + u128::from(split.client.0), u128::from(pot));
            prop_assert_eq!(u128::from(split.each.0) * u128::from(attestations), u128::from(split.audits.0));
            prop_assert!(split.each.0 <= cap);
        }

        /// One more attestation never earns the others more: nobody gains by attesting twice under two names unless the cap
        /// binds, and then each name risks its own bond.
        #[test]
        fn more_attestations_never_raise_a_share(pot: u64, cap: u64, attestations in 1u16..u16::MAX) {
            let one = split_pot(TokenAmount(pot), TokenAmount(cap), attestations).unwrap();
            let more = split_pot(TokenAmount(pot), TokenAmount(cap), attestations + 1).unwrap();
            prop_assert!(more.each <= one.each);
        }

        /// Whatever the parameters within their bounds, an attestation of a commitment that is proved wrong costs more than
        /// the largest fee that it could have earned, at the rate by which bonds are sized: at least twice as much. So blind
        /// attesting loses wherever more than one lie in (bond / fee) is found.
        #[test]
        fn an_attestation_of_a_lie_costs_more_than_it_could_earn(
            pot: u64, part: u64, attestations in 1u16..,
            n in 1..=BondRate::MAXIMUM_TERM, d in 1..=BondRate::MAXIMUM_TERM,
            multiple in prop::sample::select(vec![
                *audit_limits::ATTESTATION_BOND_BPS.start(), 100_000, *audit_limits::ATTESTATION_BOND_BPS.end(),
            ]),
        ) {
            let cap = part.min(pot);
            let rate = BondRate { numerator: n, denominator: d };
            if let Ok(bond) = minimum_bond(TokenAmount(cap), rate, BasisPoints(multiple)) {
                let fee = split_pot(TokenAmount(pot), TokenAmount(cap), attestations).unwrap().each;
                // bond >= 2 * fee * n / d, without rounding.
                prop_assert!(u128::from(bond.0) * u128::from(d) >= 2 * u128::from(fee.0) * u128::from(n));
                prop_assert!(bond.0 >= 1);
            }
        }
    }
}
