//! What a conviction takes, and how what was taken or lost is shared out.

use crate::error::{AssayError, Checked};
use crate::market::WithdrawalQueue;
use crate::units::{BasisPoints, TokenAmount};

/// Challenges that share one bounty at most.
pub const MAXIMUM_VALID_CLAIMS: u16 = 16;

/// What a challenger locks: `share` of the job's bond, rounded up, and never nothing.
pub fn challenge_bond(bond: TokenAmount, share: BasisPoints) -> Checked<TokenAmount> {
    let product = u128::from(bond.0).checked_mul(u128::from(share.0)).ok_or(AssayError::ArithmeticOverflow)?;
    let amount = u64::try_from(product.div_ceil(u128::from(BasisPoints::WHOLE.0)));
    Ok(TokenAmount(amount.map_err(|_| AssayError::ArithmeticOverflow)?.max(1)))
}

/// A lost bond in two halves: to the side that had the cost, and to be burned. The odd unit burns.
pub fn halves(bond: TokenAmount) -> (TokenAmount, TokenAmount) {
    let kept = bond.0 >> 1;
    (TokenAmount(kept), TokenAmount(bond.0.saturating_sub(kept)))
}

/// What a conviction takes out of a node beyond the bond: `share` of all that is the node's once the bond is gone from it,
/// unbonding included, but never what bonds of other open jobs lock.
///
/// `free` is the active stake that no bond locks.
pub fn slashed_stake(
    free: TokenAmount,
    active: TokenAmount,
    unbonding: TokenAmount,
    share: BasisPoints,
) -> Checked<TokenAmount> {
    let reachable = free.plus(unbonding)?;
    Ok(active.plus(unbonding)?.portion(share)?.min(reachable))
}

/// Takes `amount` out of the free active stake first, then out of the queue, place by place. Returns what leaves the active
/// stake. `InvariantBroken` if there is not so much.
pub fn take_stake(free: TokenAmount, queue: &mut WithdrawalQueue, amount: TokenAmount) -> Checked<TokenAmount> {
    let from_active = amount.min(free);
    let mut left = amount.minus(from_active)?;
    for place in queue.iter_mut() {
        let taken = left.min(TokenAmount(place.amount));
        place.amount = TokenAmount(place.amount).minus(taken)?.0;
        left = left.minus(taken)?;
    }
    if left == TokenAmount::ZERO {
        Ok(from_active)
    } else {
        Err(AssayError::InvariantBroken)
    }
}

/// When a valid claim was committed and revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimTimes {
    /// Slot of `commit_challenge`.
    pub committed_slot: u64,
    /// Slot of `reveal_challenge`.
    pub revealed_slot: u64,
}

/// How a bounty is shared: equally among the valid claims that were committed before the first of them was revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BountyShares {
    /// First reveal of a valid claim; who committed in this slot or later could have copied.
    first_reveal_slot: u64,
    /// Of each claim that shares.
    each: u64,
    /// What no share holds: dust, or everything when nobody shares.
    pub rest: u64,
}

impl BountyShares {
    /// Shares out `bounty` among `claims`.
    pub fn new(bounty: TokenAmount, claims: impl Iterator<Item = ClaimTimes> + Clone) -> Checked<Self> {
        let first_reveal_slot = claims.clone().map(|claim| claim.revealed_slot).min().unwrap_or(0);
        let sharing = claims.filter(|claim| claim.committed_slot < first_reveal_slot).count();
        let sharing = u64::try_from(sharing).map_err(|_| AssayError::ArithmeticOverflow)?;
        let each = bounty.0.checked_div(sharing).unwrap_or(0);
        let paid = each.checked_mul(sharing).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(Self { first_reveal_slot, each, rest: bounty.minus(TokenAmount(paid))?.0 })
    }

    /// The share of one claim.
    pub fn of(&self, claim: ClaimTimes) -> u64 {
        if claim.committed_slot < self.first_reveal_slot {
            self.each
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Unbonding;
    use crate::state::limits;
    use proptest::prelude::*;

    #[test]
    fn a_challenge_is_never_free() {
        let bond = |bond, share| challenge_bond(TokenAmount(bond), BasisPoints(share)).unwrap().0;
        assert_eq!((bond(100, 1_000), bond(101, 1_000), bond(1, 1), bond(u64::MAX, 10_000)), (10, 11, 1, u64::MAX));
    }

    #[test]
    fn what_other_jobs_lock_is_never_taken() {
        let slash = |free, active, unbonding| {
            slashed_stake(TokenAmount(free), TokenAmount(active), TokenAmount(unbonding), BasisPoints(2_500)).unwrap().0
        };
        assert_eq!(slash(1_000, 1_000, 0), 250);
        assert_eq!(slash(1_000, 1_000, 1_000), 500);
        assert_eq!(slash(100, 1_000, 0), 100, "900 are locked");
        assert_eq!(slash(0, 1_000, 400), 350, "out of what unbonds");
        assert_eq!(slash(0, 1_000, 40), 40);
    }

    #[test]
    fn stake_is_taken_active_first_and_then_place_by_place() {
        let mut queue = WithdrawalQueue::default();
        queue[1] = Unbonding { amount: 30, release_slot: 7 };
        queue[3] = Unbonding { amount: 30, release_slot: 9 };
        assert_eq!(take_stake(TokenAmount(10), &mut queue, TokenAmount(45)), Ok(TokenAmount(10)));
        assert_eq!(queue.map(|place| place.amount), [0, 0, 0, 25]);
        assert_eq!(take_stake(TokenAmount(0), &mut queue, TokenAmount(26)), Err(AssayError::InvariantBroken));
    }

    #[test]
    fn who_commits_after_the_first_reveal_shares_nothing() {
        let times = |committed_slot, revealed_slot| ClaimTimes { committed_slot, revealed_slot };
        let claims = [times(10, 15), times(11, 12), times(12, 20), times(13, 14)];
        let shares = BountyShares::new(TokenAmount(101), claims.into_iter()).unwrap();
        assert_eq!(claims.map(|claim| shares.of(claim)), [50, 50, 0, 0]);
        assert_eq!(shares.rest, 1);
        let nobody = BountyShares::new(TokenAmount(101), [].into_iter()).unwrap();
        assert_eq!(nobody.rest, 101);
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn a_bounty_is_shared_to_the_last_unit(bounty: u64, claims in prop::collection::vec((0u64..30, 1u64..10), 0..16)) {
            let claims: Vec<_> = claims
                .into_iter()
                .map(|(committed_slot, wait)| ClaimTimes { committed_slot, revealed_slot: committed_slot + wait })
                .collect();
            let shares = BountyShares::new(TokenAmount(bounty), claims.iter().copied()).unwrap();
            let paid: u128 = claims.iter().map(|claim| u128::from(shares.of(*claim))).sum();
            prop_assert_eq!(paid + u128::from(shares.rest), u128::from(bounty));
            prop_assert!(claims.is_empty() || claims.iter().any(|claim| claim.committed_slot < shares.first_reveal_slot));
        }

        #[test]
        fn halves_make_the_whole(bond: u64) {
            let (one, other) = halves(TokenAmount(bond));
            prop_assert_eq!(one.0 + other.0, bond);
            prop_assert!(other.0 - one.0 <= 1);
        }

        #[test]
        fn stake_is_conserved(free in 0u64..1_000, locked in 0u64..1_000, places: [u16; 4], bps in 0u32..=10_000) {
            let mut queue = places.map(|amount| Unbonding { amount: u64::from(amount), release_slot: 1 });
            let before: u64 = queue.iter().map(|place| place.amount).sum();
            let slash = slashed_stake(
                TokenAmount(free), TokenAmount(free + locked), TokenAmount(before), BasisPoints(bps)).unwrap();
            let active = take_stake(TokenAmount(free), &mut queue, slash).unwrap();
            let after: u64 = queue.iter().map(|place| place.amount).sum();
            prop_assert_eq!(active.0 + before - after, slash.0);
            prop_assert!(active.0 <= free, "locked stake is left alone");
        }

        /// Whoever owns the node and every challenger gets back less than the conviction takes, for any bond and share
        /// within the bounds: the bounty, however it is shared, against the bond; and the halves of lost bonds that return
        /// to the node's stake against those bonds.
        #[test]
        fn challenging_oneself_never_pays(
            bond in 1u64..=u64::MAX / 2,
            bounty_bps in limits::BOUNTY_BPS,
            challenge_bps in limits::CHALLENGE_BOND_BPS,
            slash in 0u64..1_000,
            lost in 0u32..10,
        ) {
            let bounty = TokenAmount(bond).portion(BasisPoints(u32::from(bounty_bps))).unwrap();
            let stake_back = challenge_bond(TokenAmount(bond), BasisPoints(u32::from(challenge_bps))).unwrap();
            let (returned, _) = halves(stake_back);
            let net = i128::from(bounty.0) - i128::from(bond) - i128::from(slash)
                + i128::from(lost) * (i128::from(returned.0) - i128::from(stake_back.0));
            prop_assert!(net < 0, "gains {net}");
        }
    }
}
