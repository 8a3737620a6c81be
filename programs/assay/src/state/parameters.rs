//! What governance may change, and within which hard bounds.

use super::{AuditParameters, SchedulingParameters};
use crate::dispute::clocks::allowance;
use crate::error::{AssayError, Checked};
use crate::units::Slots;
use anchor_lang::prelude::*;

/// The hard bounds. No governance can leave them without an upgrade of the program.
pub mod limits {
    use core::ops::RangeInclusive;

    /// Base units of the stake mint.
    pub const MINIMUM_STAKE: RangeInclusive<u64> = 1..=1_000_000_000_000_000_000;
    /// Longest unbonding: 30 days of 400 ms slots.
    pub const UNBONDING_SLOTS_MAXIMUM: u64 = 6_480_000;
    /// How much longer than the longest run, window and dispute stake stays reachable: twice the depth at which a slot is rooted.
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
    /// Share of the job's bond that a challenger locks.
    pub const CHALLENGE_BOND_BPS: RangeInclusive<u16> = 100..=10_000;
    /// From a minute to an hour of 400 ms slots.
    pub const REVEAL_SLOTS: RangeInclusive<u32> = 150..=9_000;
    /// The same on a development network.
    pub const DEVELOPMENT_REVEAL_SLOTS: RangeInclusive<u32> = 2..=9_000;
    /// From an hour to a day of 400 ms slots, for each side of a dispute.
    pub const CLOCK_SLOTS: RangeInclusive<u32> = 9_000..=216_000;
    /// The same on a development network.
    pub const DEVELOPMENT_CLOCK_SLOTS: RangeInclusive<u32> = 10..=216_000;
    /// Share of a convicted node's stake that goes with the bond.
    pub const SLASH_BPS: RangeInclusive<u16> = 0..=5_000;
    /// Share of the bond that challengers get: never so much that challenging oneself pays.
    pub const BOUNTY_BPS: RangeInclusive<u16> = 0..=5_000;
    /// Up to one SOL.
    pub const OPENING_FEE_LAMPORTS: RangeInclusive<u64> = 0..=1_000_000_000;
}

/// What governance decides about disputes. A job pins all of it when it is posted.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DisputeParameters {
    /// What a challenger locks, as a share of the job's bond.
    pub challenge_bond_bps: u16,
    /// Time from a sealed challenge to the last slot of revealing it.
    pub reveal_slots: u32,
    /// What a challenger may use up in all its moves.
    pub challenger_clock_slots: u32,
    /// What the defending side may use up for all that one challenge demands.
    pub defender_clock_slots: u32,
    /// The share of a convicted node's stake that is burned besides the bond.
    pub slash_bps: u16,
    /// The share of the bond that valid challenges get; the rest burns.
    pub bounty_bps: u16,
    /// What a challenger prepays for each opening, to whoever answers.
    pub opening_fee_lamports: u64,
}

impl DisputeParameters {
    /// Checks every bound; the error names the parameter. A development network may have short clocks.
    pub fn validate(&self, development: bool) -> Checked {
        let (reveal, clock) = match development {
            true => (limits::DEVELOPMENT_REVEAL_SLOTS, limits::DEVELOPMENT_CLOCK_SLOTS),
            false => (limits::REVEAL_SLOTS, limits::CLOCK_SLOTS),
        };
        let rules = [
            (limits::CHALLENGE_BOND_BPS.contains(&self.challenge_bond_bps), AssayError::ChallengeBondOutOfBounds),
            (reveal.contains(&self.reveal_slots), AssayError::RevealSlotsOutOfBounds),
            (
                clock.contains(&self.challenger_clock_slots) && clock.contains(&self.defender_clock_slots),
                AssayError::DisputeClocksOutOfBounds,
            ),
            (limits::SLASH_BPS.contains(&self.slash_bps), AssayError::SlashOutOfBounds),
            (limits::BOUNTY_BPS.contains(&self.bounty_bps), AssayError::BountyOutOfBounds),
            (limits::OPENING_FEE_LAMPORTS.contains(&self.opening_fee_lamports), AssayError::OpeningFeeOutOfBounds),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The longest time from the end of a window to the end of a dispute that nobody delays by posting roots: the time to
    /// reveal and both clocks, each extended once by half.
    pub fn longest_slots(&self) -> Slots {
        longest_dispute(self.reveal_slots, self.challenger_clock_slots, self.defender_clock_slots)
    }
}

/// See [`DisputeParameters::longest_slots`].
pub(super) fn longest_dispute(reveal_slots: u32, challenger_clock_slots: u32, defender_clock_slots: u32) -> Slots {
    [reveal_slots, challenger_clock_slots, defender_clock_slots]
        .into_iter()
        .fold(Slots(0), |sum, clock| Slots(sum.0.saturating_add(allowance(clock, true).0)))
}

/// The governed parameters of the network.
///
/// A job pins what concerns its money when it is posted (fee, charge, disputes, audits), so a change never reaches jobs that exist.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// What is decided about disputes.
    pub dispute: DisputeParameters,
    /// What is decided about audits.
    pub audit: AuditParameters,
    /// What is decided about who may claim, and about reputation.
    pub scheduling: SchedulingParameters,
}

impl Parameters {
    /// Checks every bound; the error names the parameter. A development network may have short dispute clocks.
    pub fn validate(&self, development: bool) -> Checked {
        self.dispute.validate(development)?;
        self.audit.validate()?;
        self.scheduling.validate(Slots(self.unbonding_slots), development)?;
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
        let least_unbonding = self.least_unbonding()?.0;
        if (least_unbonding..=limits::UNBONDING_SLOTS_MAXIMUM).contains(&self.unbonding_slots) {
            Ok(())
        } else {
            Err(AssayError::UnbondingSlotsOutOfBounds)
        }
    }

    /// The shortest unbonding: stake stays reachable for longer than the longest job, its dispute, and the charge for a conviction
    /// in company.
    pub fn least_unbonding(&self) -> Checked<Slots> {
        Slots(self.maximum_run_slots)
            .plus(Slots(self.maximum_window_slots))?
            .plus(self.dispute.longest_slots())?
            .plus(self.scheduling.half_correlation_window())?
            .plus(Slots(limits::UNBONDING_MARGIN_SLOTS))
    }

    /// `SchedulingLengthsFixed` unless these parameters may come after `present` ones.
    pub fn check_follows(&self, present: &Self) -> Checked {
        let lengths = |of: &Self| (of.scheduling.epoch_slots, of.scheduling.correlation_window_slots);
        if lengths(self) == lengths(present) {
            Ok(())
        } else {
            Err(AssayError::SchedulingLengthsFixed)
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
            dispute: DisputeParameters {
                challenge_bond_bps: 1_000,
                reveal_slots: 10,
                challenger_clock_slots: 40,
                defender_clock_slots: 50,
                slash_bps: 2_500,
                bounty_bps: 5_000,
                opening_fee_lamports: 5_000,
            },
            audit: AuditParameters {
                epoch_slots: 20,
                audits_per_job: 2,
                attestation_bond_bps: 100_000,
                minimum_validator_stake: 1_000,
            },
            scheduling: scheduling(),
        }
    }

    fn scheduling() -> SchedulingParameters {
        let rules = crate::state::scheduling_parameters::tests::valid();
        SchedulingParameters { correlation_window_slots: 32, ..rules }
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
                parameters.validate(true)
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
            assert_eq!(parameters.validate(true), result, "{minimum} to {maximum}");
        }
    }

    /// The same for disputes, on both kinds of network: the least is the floor that keeps a dispute possible for people.
    #[test]
    fn every_bound_of_disputes_is_exact() {
        type Set = fn(&mut DisputeParameters, u64);
        let cases: [(Set, [u64; 2], u64, AssayError); 7] = [
            (|p, v| p.challenge_bond_bps = v as u16, [100; 2], 10_000, AssayError::ChallengeBondOutOfBounds),
            (|p, v| p.reveal_slots = v as u32, [150, 2], 9_000, AssayError::RevealSlotsOutOfBounds),
            (|p, v| p.challenger_clock_slots = v as u32, [9_000, 10], 216_000, AssayError::DisputeClocksOutOfBounds),
            (|p, v| p.defender_clock_slots = v as u32, [9_000, 10], 216_000, AssayError::DisputeClocksOutOfBounds),
            (|p, v| p.slash_bps = v as u16, [0; 2], 5_000, AssayError::SlashOutOfBounds),
            (|p, v| p.bounty_bps = v as u16, [0; 2], 5_000, AssayError::BountyOutOfBounds),
            (|p, v| p.opening_fee_lamports = v, [0; 2], 1_000_000_000, AssayError::OpeningFeeOutOfBounds),
        ];
        for (set, least, most, error) in cases {
            for (development, least) in [(false, least[0]), (true, least[1])] {
                let with = |value| {
                    let mut parameters = DisputeParameters {
                        reveal_slots: 150,
                        challenger_clock_slots: 9_000,
                        defender_clock_slots: 9_000,
                        ..valid().dispute
                    };
                    set(&mut parameters, value);
                    parameters.validate(development)
                };
                assert_eq!((with(least), with(most)), (Ok(()), Ok(())));
                assert_eq!(with(most + 1), Err(error));
                if let Some(below) = least.checked_sub(1) {
                    assert_eq!(with(below), Err(error), "development {development}");
                }
            }
        }
    }

    #[test]
    fn what_is_counted_never_changes_its_length() {
        let present = valid();
        let mut next = Parameters { minimum_stake: 5, ..present };
        assert_eq!(next.check_follows(&present), Ok(()));
        next.scheduling.epoch_slots += 1;
        assert_eq!(next.check_follows(&present), Err(AssayError::SchedulingLengthsFixed));
        let mut next = present;
        next.scheduling.correlation_window_slots += 1;
        assert_eq!(next.check_follows(&present), Err(AssayError::SchedulingLengthsFixed));
    }

    #[test]
    fn stake_stays_reachable_longer_than_any_job() {
        let longest_job = 400 + 300 + 150 + 16 + limits::UNBONDING_MARGIN_SLOTS;
        for (unbonding_slots, result) in [
            (longest_job - 1, Err(AssayError::UnbondingSlotsOutOfBounds)),
            (longest_job, Ok(())),
            (limits::UNBONDING_SLOTS_MAXIMUM, Ok(())),
            (limits::UNBONDING_SLOTS_MAXIMUM + 1, Err(AssayError::UnbondingSlotsOutOfBounds)),
            (u64::MAX, Err(AssayError::UnbondingSlotsOutOfBounds)),
        ] {
            assert_eq!(Parameters { unbonding_slots, ..valid() }.validate(true), result, "{unbonding_slots}");
        }
    }
}
