//! What disputes may cost: bonds at risk, fees of a day, fees of one dispute; pure.
//!
//! Before a bond is committed, the most that its dispute may cost is reserved out of the day's fees. A dispute under way
//! is then never stopped by another one's fees, and the sum of a day stays bounded.

use crate::config::Budget;
use serde::{Deserialize, Serialize};

/// Why something may not be paid for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverBudget {
    /// Too much lies in bonds.
    #[error(
        "V0301 {at_risk} base units lie in bonds and {bond} more would be beyond max_bonds, {limit}; wait for a dispute to end or raise budget.max_bonds"
    )]
    Bonds {
        /// In bonds already.
        at_risk: u64,
        /// The bond to be added.
        bond: u64,
        /// The limit.
        limit: u64,
    },
    /// The fees of the day are used up or reserved.
    #[error(
        "V0302 {spent} lamports of today's fees are spent, {reserved} are reserved for disputes, and {needed} more would be beyond {limit}; raise budget.max_fees_lamports_per_day, or wait for the next day, of {SLOTS_A_DAY} slots"
    )]
    Day {
        /// Spent today.
        spent: u64,
        /// Reserved for disputes under way and not spent.
        reserved: u64,
        /// To be added.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// The dispute has cost what it may.
    #[error(
        "V0303 the dispute has cost {spent} lamports of fees and {needed} more would be beyond {limit}; raise budget.max_fees_lamports_per_dispute"
    )]
    Dispute {
        /// Spent on it.
        spent: u64,
        /// To be added.
        needed: u64,
        /// The limit.
        limit: u64,
    },
}

/// What is spent, reserved and at risk at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Base units of the stake mint in bonds.
    pub bonds: u64,
    /// Lamports of fees spent today.
    pub spent_today: u64,
    /// Lamports reserved for disputes under way and not spent by them.
    pub reserved: u64,
}

impl Budget {
    /// Whether a dispute with this bond may be begun.
    ///
    /// # Errors
    /// What stands against it.
    pub fn check_new_dispute(&self, standing: &Standing, bond: u64) -> Result<(), OverBudget> {
        if standing.bonds.checked_add(bond).is_none_or(|sum| sum > self.max_bonds) {
            return Err(OverBudget::Bonds { at_risk: standing.bonds, bond, limit: self.max_bonds });
        }
        let needed = self.max_fees_lamports_per_dispute;
        let sum = standing.spent_today.checked_add(standing.reserved).and_then(|sum| sum.checked_add(needed));
        if sum.is_none_or(|sum| sum > self.max_fees_lamports_per_day) {
            return Err(OverBudget::Day {
                spent: standing.spent_today,
                reserved: standing.reserved,
                needed,
                limit: self.max_fees_lamports_per_day,
            });
        }
        Ok(())
    }

    /// Whether a dispute that has cost `spent` may cost `needed` more.
    ///
    /// # Errors
    /// It may not.
    pub fn check_move(&self, spent: u64, needed: u64) -> Result<(), OverBudget> {
        if spent.checked_add(needed).is_none_or(|sum| sum > self.max_fees_lamports_per_dispute) {
            return Err(OverBudget::Dispute { spent, needed, limit: self.max_fees_lamports_per_dispute });
        }
        Ok(())
    }

    /// What is still reserved for a dispute that has cost `spent`.
    pub fn reserved(&self, spent: u64) -> u64 {
        self.max_fees_lamports_per_dispute.saturating_sub(spent)
    }
}

/// Slots of a day: nominal slots of 400 ms.
pub const SLOTS_A_DAY: u64 = 216_000;

/// The day of a slot, counted from the first. By the chain's time and not the machine's: a clock that jumps forward would give
/// a second budget for the same day.
pub fn day_of(slot: u64) -> u64 {
    slot / SLOTS_A_DAY
}

/// The first slot of the day after that of `slot`.
pub fn next_day(slot: u64) -> u64 {
    day_of(slot).saturating_add(1).saturating_mul(SLOTS_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn budget() -> Budget {
        Budget { max_bonds: 100, max_fees_lamports_per_day: 1_000, max_fees_lamports_per_dispute: 300 }
    }

    #[test]
    fn each_limit_is_exact() {
        let standing = |bonds, spent_today, reserved| Standing { bonds, spent_today, reserved };
        assert_eq!(budget().check_new_dispute(&standing(60, 400, 300), 40), Ok(()));
        assert!(matches!(budget().check_new_dispute(&standing(61, 0, 0), 40), Err(OverBudget::Bonds { .. })));
        assert!(matches!(budget().check_new_dispute(&standing(0, 401, 300), 40), Err(OverBudget::Day { .. })));
        assert!(matches!(budget().check_new_dispute(&standing(0, u64::MAX, 1), 1), Err(OverBudget::Day { .. })));
        assert!(matches!(budget().check_new_dispute(&standing(1, 0, 0), u64::MAX), Err(OverBudget::Bonds { .. })));
        assert_eq!(budget().check_move(295, 5), Ok(()));
        assert!(matches!(budget().check_move(296, 5), Err(OverBudget::Dispute { .. })));
        assert_eq!((budget().reserved(100), budget().reserved(400)), (200, 0));
        assert_eq!((day_of(215_999), day_of(216_000)), (0, 1));
        assert_eq!(
            (next_day(215_999), next_day(216_000), next_day(u64::MAX) >= u64::MAX - SLOTS_A_DAY),
            (216_000, 432_000, true)
        );
    }

    proptest! {
        /// However disputes begin and spend, a day's fees and the bonds stay within their limits.
        #[test]
        fn no_sequence_spends_more_than_the_limits(acts in prop::collection::vec((0usize..6, 0u64..120, 0u64..120), 0..200)) {
            let budget = budget();
            let mut disputes: Vec<(u64, u64)> = Vec::new();
            let mut spent_today = 0;
            for (which, bond, fee) in acts {
                if which == 0 {
                    let standing = Standing {
                        bonds: disputes.iter().map(|(bond, _)| bond).sum(),
                        spent_today,
                        reserved: disputes.iter().map(|(_, spent)| budget.reserved(*spent)).sum(),
                    };
                    if budget.check_new_dispute(&standing, bond).is_ok() {
                        disputes.push((bond, 0));
                    }
                } else if which == 5 && !disputes.is_empty() {
                    disputes.remove(0);
                } else if let Some((_, spent)) = disputes.get_mut(which) && budget.check_move(*spent, fee).is_ok() {
                    *spent += fee;
                    spent_today += fee;
                }
                prop_assert!(spent_today <= budget.max_fees_lamports_per_day);
                prop_assert!(disputes.iter().map(|(bond, _)| bond).sum::<u64>() <= budget.max_bonds);
                prop_assert!(disputes.iter().all(|(_, spent)| *spent <= budget.max_fees_lamports_per_dispute));
            }
        }
    }
}
