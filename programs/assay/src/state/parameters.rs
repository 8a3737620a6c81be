//! What governance may change, and within which hard bounds.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;

/// The hard bounds. No governance can leave them without an upgrade of the program.
pub mod limits {
    use core::ops::RangeInclusive;

    /// Base units of the stake mint.
    pub const MINIMUM_STAKE: RangeInclusive<u64> = 1..=1_000_000_000_000_000_000;
    /// Longest unbonding: 30 days of 400 ms slots.
    pub const UNBONDING_SLOTS_MAXIMUM: u64 = 6_480_000;
    /// How much longer than the longest run and window stake stays reachable: twice the depth at which a slot is rooted.
    pub const UNBONDING_MARGIN_SLOTS: u64 = 64;
    /// Share of the price.
    pub const PROTOCOL_FEE_BPS: RangeInclusive<u16> = 0..=1_000;
    /// Share of the bond.
    pub const MISS_CHARGE_BPS: RangeInclusive<u16> = 0..=2_000;
    /// Multiple of the converted maximum price: up to ten times.
    pub const MINIMUM_BOND_BPS: RangeInclusive<u32> = 0..=100_000;
    /// Up to seven days of 400 ms slots.
    pub const CLAIM_SLOTS: RangeInclusive<u64> = 1..=1_512_000;
    /// Up to two days of 400 ms slots.
    pub const RUN_SLOTS: RangeInclusive<u64> = 1..=432_000;
    /// Up to two days of 400 ms slots.
    pub const WINDOW_SLOTS: RangeInclusive<u64> = 1..=432_000;
    /// Jobs that one node may have claimed and not ended.
    pub const OPEN_JOBS_PER_NODE: RangeInclusive<u32> = 1..=1_024;
}

/// The governed parameters of the network.
///
/// A job pins what concerns its money when it is posted (fee, charge), so a change never reaches jobs that exist.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Least stake of a node that claims, in base units of the stake mint.
    pub minimum_stake: u64,
    /// Time from the request of a withdrawal to its release.
    pub unbonding_slots: u64,
    /// The protocol's share of the price of a settled job.
    pub protocol_fee_bps: u16,
    /// The share of the bond that a claim without a result costs.
    pub miss_charge_bps: u16,
    /// Least bond, as a multiple of the maximum price converted by the mint's bond rate.
    pub minimum_bond_bps: u32,
    /// Longest time that a job may be open to claims.
    pub maximum_claim_slots: u64,
    /// Longest time that a job may give a node to run it.
    pub maximum_run_slots: u64,
    /// Longest challenge window.
    pub maximum_window_slots: u64,
    /// Shortest challenge window.
    pub minimum_window_slots: u64,
    /// Jobs that one node may have claimed and not ended.
    pub maximum_open_jobs_per_node: u32,
}

impl Parameters {
    /// Checks every bound; the error names the parameter.
    pub fn validate(&self) -> Checked {
        let rules = [
            (limits::MINIMUM_STAKE.contains(&self.minimum_stake), AssayError::MinimumStakeOutOfBounds),
            (limits::PROTOCOL_FEE_BPS.contains(&self.protocol_fee_bps), AssayError::ProtocolFeeOutOfBounds),
            (limits::MISS_CHARGE_BPS.contains(&self.miss_charge_bps), AssayError::MissChargeOutOfBounds),
            (limits::MINIMUM_BOND_BPS.contains(&self.minimum_bond_bps), AssayError::MinimumBondOutOfBounds),
            (limits::CLAIM_SLOTS.contains(&self.maximum_claim_slots), AssayError::MaximumClaimSlotsOutOfBounds),
            (limits::RUN_SLOTS.contains(&self.maximum_run_slots), AssayError::MaximumRunSlotsOutOfBounds),
            (
                limits::WINDOW_SLOTS.contains(&self.minimum_window_slots)
                    && limits::WINDOW_SLOTS.contains(&self.maximum_window_slots)
                    && self.minimum_window_slots <= self.maximum_window_slots,
                AssayError::WindowLimitsOutOfBounds,
            ),
            (
                limits::OPEN_JOBS_PER_NODE.contains(&self.maximum_open_jobs_per_node),
                AssayError::MaximumOpenJobsOutOfBounds,
            ),
        ];
        if let Some((_, error)) = rules.into_iter().find(|(holds, _)| !holds) {
            return Err(error);
        }
        // Last, because the bounds above make this sum small.
        let least_unbonding = self
            .maximum_run_slots
            .checked_add(self.maximum_window_slots)
            .and_then(|sum| sum.checked_add(limits::UNBONDING_MARGIN_SLOTS))
            .ok_or(AssayError::ArithmeticOverflow)?;
        if (least_unbonding..=limits::UNBONDING_SLOTS_MAXIMUM).contains(&self.unbonding_slots) {
            Ok(())
        } else {
            Err(AssayError::UnbondingSlotsOutOfBounds)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> Parameters {
        Parameters {
            minimum_stake: 1_000,
            unbonding_slots: 1_000,
            protocol_fee_bps: 200,
            miss_charge_bps: 500,
            minimum_bond_bps: 10_000,
            maximum_claim_slots: 500,
            maximum_run_slots: 400,
            maximum_window_slots: 300,
            minimum_window_slots: 10,
            maximum_open_jobs_per_node: 8,
        }
    }

    /// Every parameter at both ends of its range passes, one beyond is refused with the parameter's own error.
    #[test]
    fn every_bound_is_exact() {
        type Set = fn(&mut Parameters, u64);
        let cases: [(Set, u64, u64, AssayError); 8] = [
            (|p, v| p.minimum_stake = v, 1, 10u64.pow(18), AssayError::MinimumStakeOutOfBounds),
            (|p, v| p.protocol_fee_bps = v as u16, 0, 1_000, AssayError::ProtocolFeeOutOfBounds),
            (|p, v| p.miss_charge_bps = v as u16, 0, 2_000, AssayError::MissChargeOutOfBounds),
            (|p, v| p.minimum_bond_bps = v as u32, 0, 100_000, AssayError::MinimumBondOutOfBounds),
            (|p, v| p.maximum_claim_slots = v, 1, 1_512_000, AssayError::MaximumClaimSlotsOutOfBounds),
            (|p, v| p.maximum_run_slots = v, 1, 432_000, AssayError::MaximumRunSlotsOutOfBounds),
            (|p, v| p.maximum_window_slots = v, 10, 432_000, AssayError::WindowLimitsOutOfBounds),
            (|p, v| p.maximum_open_jobs_per_node = v as u32, 1, 1_024, AssayError::MaximumOpenJobsOutOfBounds),
        ];
        for (set, least, most, error) in cases {
            let with = |value| {
                let mut parameters = valid();
                set(&mut parameters, value);
                parameters.unbonding_slots = limits::UNBONDING_SLOTS_MAXIMUM;
                parameters.validate()
            };
            assert_eq!(with(least), Ok(()));
            assert_eq!(with(most), Ok(()));
            assert_eq!(with(most + 1), Err(error));
            if let Some(below) = least.checked_sub(1) {
                assert_eq!(with(below), Err(error));
            }
        }
    }

    #[test]
    fn the_shortest_window_lies_between_one_and_the_longest() {
        for (minimum, maximum, result) in [
            (0, 300, Err(AssayError::WindowLimitsOutOfBounds)),
            (301, 300, Err(AssayError::WindowLimitsOutOfBounds)),
            (300, 300, Ok(())),
            (1, 300, Ok(())),
        ] {
            let parameters = Parameters { minimum_window_slots: minimum, maximum_window_slots: maximum, ..valid() };
            assert_eq!(parameters.validate(), result, "{minimum} to {maximum}");
        }
    }

    #[test]
    fn stake_stays_reachable_longer_than_any_job() {
        let longest_job = 400 + 300 + limits::UNBONDING_MARGIN_SLOTS;
        for (unbonding_slots, result) in [
            (longest_job - 1, Err(AssayError::UnbondingSlotsOutOfBounds)),
            (longest_job, Ok(())),
            (limits::UNBONDING_SLOTS_MAXIMUM, Ok(())),
            (limits::UNBONDING_SLOTS_MAXIMUM + 1, Err(AssayError::UnbondingSlotsOutOfBounds)),
            (u64::MAX, Err(AssayError::UnbondingSlotsOutOfBounds)),
        ] {
            assert_eq!(Parameters { unbonding_slots, ..valid() }.validate(), result, "{unbonding_slots}");
        }
    }
}
