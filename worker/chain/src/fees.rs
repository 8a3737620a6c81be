//! What transactions pay for priority: the price of a compute unit, by rule and urgency, and never more than the cap.

use serde::{Deserialize, Serialize};

/// Most compute units that a transaction can have.
pub(crate) const MAXIMUM_COMPUTE_UNITS: u32 = 1_400_000;
const MICRO_LAMPORTS_PER_LAMPORT: u128 = 1_000_000;

/// What to pay for priority, in micro-lamports a compute unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriorityFee {
    /// Nothing.
    #[default]
    None,
    /// Always this much.
    Fixed {
        /// The price of a compute unit.
        micro_lamports_per_unit: u64,
        /// Never more than this for the whole transaction.
        maximum_lamports: u64,
    },
    /// What was lately paid for the accounts that the transaction writes: more of it, the more urgent it is.
    Market {
        /// Never more than this for the whole transaction.
        maximum_lamports: u64,
    },
}

/// How much depends on a transaction landing soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It can wait.
    Low,
    /// It should land soon.
    #[default]
    Normal,
    /// Something runs out, though not at once.
    High,
    /// It is nearly too late.
    Highest,
}

impl Urgency {
    /// Of a hundred slots of late, in so many less was paid than this transaction offers.
    fn percentile(self) -> usize {
        match self {
            Self::Low => 25,
            Self::Normal => 50,
            Self::High => 75,
            Self::Highest => 95,
        }
    }

    /// How urgent something is of whose time `left` of `whole` slots are left.
    pub fn of_clock(left: u64, whole: u64) -> Self {
        match (left <= whole / 4, left <= whole / 2) {
            (true, _) => Self::Highest,
            (false, true) => Self::High,
            (false, false) => Self::Normal,
        }
    }
}

impl PriorityFee {
    /// What it can come to for one transaction at most.
    pub fn most_lamports(&self) -> u64 {
        match *self {
            Self::None => 0,
            Self::Fixed { micro_lamports_per_unit, maximum_lamports } => {
                cost_lamports(micro_lamports_per_unit, MAXIMUM_COMPUTE_UNITS).min(maximum_lamports)
            }
            Self::Market { maximum_lamports } => maximum_lamports,
        }
    }

    /// Whether what was lately paid has to be known.
    pub(crate) fn asks_the_market(&self) -> bool {
        matches!(self, Self::Market { .. })
    }

    /// The price of a compute unit for a transaction of `units`, in micro-lamports. `recent` is what was lately paid.
    pub(crate) fn price(&self, urgency: Urgency, recent: Vec<u64>, units: u32) -> u64 {
        match *self {
            Self::None => 0,
            Self::Fixed { micro_lamports_per_unit, maximum_lamports } => {
                micro_lamports_per_unit.min(highest_price(maximum_lamports, units))
            }
            Self::Market { maximum_lamports } => {
                percentile(recent, urgency.percentile()).min(highest_price(maximum_lamports, units))
            }
        }
    }
}

/// By which rule a service pays for priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeeRule {
    /// It does not.
    #[default]
    None,
    /// What was lately paid, by urgency.
    Market,
    /// Always the same price.
    Fixed,
}

/// The settings of a service about what it pays for priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeeSettings {
    /// By which rule.
    pub priority: FeeRule,
    /// The price of a compute unit under the rule `fixed`, in micro-lamports.
    pub micro_lamports_per_unit: u64,
    /// Most lamports that one transaction pays for priority, under every rule.
    pub most_lamports: u64,
}

impl Default for FeeSettings {
    fn default() -> Self {
        Self { priority: FeeRule::None, micro_lamports_per_unit: 10_000, most_lamports: 50_000 }
    }
}

impl FeeSettings {
    /// What transactions are sent with.
    pub fn priority_fee(&self) -> PriorityFee {
        let Self { priority, micro_lamports_per_unit, most_lamports: maximum_lamports } = *self;
        match priority {
            FeeRule::None => PriorityFee::None,
            FeeRule::Fixed => PriorityFee::Fixed { micro_lamports_per_unit, maximum_lamports },
            FeeRule::Market => PriorityFee::Market { maximum_lamports },
        }
    }
}

/// What units at a price cost, rounded up, as the chain does.
pub(crate) fn cost_lamports(micro_lamports_per_unit: u64, units: u32) -> u64 {
    let micro_lamports = u128::from(units) * u128::from(micro_lamports_per_unit);
    u64::try_from(micro_lamports.div_ceil(MICRO_LAMPORTS_PER_LAMPORT)).unwrap_or(u64::MAX)
}

/// The price at which `units` cost at most `maximum_lamports`.
fn highest_price(maximum_lamports: u64, units: u32) -> u64 {
    let micro_lamports = u128::from(maximum_lamports) * MICRO_LAMPORTS_PER_LAMPORT;
    u64::try_from(micro_lamports / u128::from(units.max(1))).unwrap_or(u64::MAX)
}

/// The least value that so many of a hundred are not above; 0 where there are none.
fn percentile(mut values: Vec<u64>, percent: usize) -> u64 {
    values.sort_unstable();
    let rank = values.len().saturating_mul(percent) / 100;
    values.get(rank.min(values.len().saturating_sub(1))).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URGENCIES: [Urgency; 4] = [Urgency::Low, Urgency::Normal, Urgency::High, Urgency::Highest];

    #[test]
    fn whatever_the_rule_and_the_urgency_no_transaction_pays_more_than_the_cap() {
        let recent = vec![0, 1, 1_000, 1_000_000, u64::MAX];
        for maximum_lamports in [0, 1, 5_000, u64::MAX] {
            for fee in [
                PriorityFee::None,
                PriorityFee::Fixed { micro_lamports_per_unit: 3, maximum_lamports },
                PriorityFee::Fixed { micro_lamports_per_unit: u64::MAX, maximum_lamports },
                PriorityFee::Market { maximum_lamports },
            ] {
                for (urgency, units) in URGENCIES.into_iter().zip([0, 1, 20_000, MAXIMUM_COMPUTE_UNITS]) {
                    let price = fee.price(urgency, recent.clone(), units);
                    let cost = cost_lamports(price, units);
                    assert!(cost <= fee.most_lamports(), "{fee:?} {urgency:?} {units}: {cost}");
                    assert!(fee.most_lamports() <= maximum_lamports);
                }
            }
        }
    }

    #[test]
    fn the_more_urgent_the_more_of_what_was_lately_paid() {
        let recent: Vec<u64> = (0..100).rev().collect();
        let market = PriorityFee::Market { maximum_lamports: 1_000_000 };
        let prices = URGENCIES.map(|urgency| market.price(urgency, recent.clone(), 10));
        assert_eq!(prices, [25, 50, 75, 95]);
        assert_eq!(URGENCIES.map(|urgency| market.price(urgency, vec![7], 10)), [7; 4]);
        assert_eq!(URGENCIES.map(|urgency| market.price(urgency, vec![], 10)), [0; 4]);
        let fixed = PriorityFee::Fixed { micro_lamports_per_unit: 9, maximum_lamports: 1_000_000 };
        assert_eq!(URGENCIES.map(|urgency| fixed.price(urgency, recent.clone(), 10)), [9; 4]);
    }

    #[test]
    fn a_clock_that_runs_out_makes_urgent() {
        let of = |left| Urgency::of_clock(left, 100);
        assert_eq!(
            [100, 51, 50, 26, 25, 0].map(of),
            [Urgency::Normal, Urgency::Normal, Urgency::High, Urgency::High, Urgency::Highest, Urgency::Highest]
        );
        assert_eq!(Urgency::of_clock(u64::MAX, u64::MAX), Urgency::Normal, "no clock runs");
    }

    #[test]
    fn settings_say_the_rule_and_the_cap() {
        let settings = |priority| FeeSettings { priority, micro_lamports_per_unit: 3, most_lamports: 7 };
        assert_eq!(settings(FeeRule::None).priority_fee(), PriorityFee::None);
        assert_eq!(settings(FeeRule::Market).priority_fee(), PriorityFee::Market { maximum_lamports: 7 });
        let fixed = PriorityFee::Fixed { micro_lamports_per_unit: 3, maximum_lamports: 7 };
        assert_eq!(settings(FeeRule::Fixed).priority_fee(), fixed);
        assert_eq!(fixed.most_lamports(), 5, "1.4 million units at 3 micro-lamports, rounded up");
    }

    #[test]
    fn the_highest_price_is_the_one_that_costs_the_cap() {
        assert_eq!(highest_price(5_000, 20_000), 250_000);
        assert_eq!(cost_lamports(250_000, 20_000), 5_000);
        assert_eq!(cost_lamports(1_000, 20_001), 21, "rounded up");
    }
}
