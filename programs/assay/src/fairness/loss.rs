//! What slashes have taken of everything that is delegated to a node.
//!
//! A conviction writes the node's own account; how much each pool and each delegator lose follows from this share when the
//! pool is brought up to date. The charge for company multiplies what the convictions since the last charge took, as it does
//! for the node's own stake ([`correlation`](super::correlation)).

use super::error::Ruled;
use super::ratio::floor_of;
use crate::units::BasisPoints;
use anchor_lang::prelude::*;

/// Everything: shares of it are counted in parts of 10^-18.
pub const WHOLE: u64 = 1_000_000_000_000_000_000;

/// Shares of [`WHOLE`]; all zero for a node that was never convicted.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DelegationLoss {
    /// What slashes and charges have taken so far.
    pub taken: u64,
    /// What they had taken before the first conviction that is not charged for its company yet.
    pub taken_before: u64,
}

impl DelegationLoss {
    /// Takes `share` of what is left; `uncharged` says whether an earlier conviction still waits for its charge.
    pub fn slash(&mut self, share: BasisPoints, uncharged: bool) -> Ruled {
        let kept = u64::from(BasisPoints::WHOLE.0.saturating_sub(share.0));
        let left = floor_of(WHOLE.saturating_sub(self.taken), kept, u64::from(BasisPoints::WHOLE.0))?;
        if !uncharged {
            self.taken_before = self.taken;
        }
        self.taken = WHOLE.saturating_sub(left);
        Ok(())
    }

    /// What the convictions took that are not charged yet: the base of the charge.
    pub fn base(&self) -> u64 {
        self.taken.saturating_sub(self.taken_before)
    }

    /// Takes the charge for company, and never more than there is.
    pub fn charge(&mut self, extra: u64) {
        self.taken = self.taken.saturating_add(extra).min(WHOLE);
        self.taken_before = self.taken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUARTER: BasisPoints = BasisPoints(2_500);

    #[test]
    fn slashes_take_of_what_is_left_and_the_charge_multiplies_them() {
        let mut loss = DelegationLoss::default();
        loss.slash(QUARTER, false).unwrap();
        assert_eq!((loss.taken, loss.base()), (WHOLE / 4, WHOLE / 4));
        loss.slash(QUARTER, true).unwrap();
        assert_eq!((loss.taken, loss.base()), (WHOLE / 16 * 7, WHOLE / 16 * 7), "both count for one charge");
        loss.charge(WHOLE / 16);
        assert_eq!((loss.taken, loss.base()), (WHOLE / 2, 0));
        loss.slash(BasisPoints(5_000), false).unwrap();
        assert_eq!((loss.taken, loss.base()), (WHOLE / 4 * 3, WHOLE / 4), "what was charged is not charged again");
        loss.charge(u64::MAX);
        assert_eq!((loss.taken, loss.base()), (WHOLE, 0), "never more than there is");
        loss.slash(BasisPoints(20_000), false).unwrap();
        assert_eq!(loss.taken, WHOLE);
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn it_only_ever_grows_up_to_everything(steps in prop::collection::vec((0u32..12_000, any::<u64>(), any::<bool>()), 0..40)) {
            let mut loss = DelegationLoss::default();
            for (share, extra, charge) in steps {
                let before = loss.taken;
                match charge {
                    true => loss.charge(extra),
                    false => loss.slash(BasisPoints(share), loss.base() > 0).unwrap(),
                }
                prop_assert!(before <= loss.taken && loss.taken <= WHOLE && loss.base() <= loss.taken);
            }
        }
    }
}
