//! What governance may change about scheduling, reputation and standing, and within which hard bounds.

use crate::error::{AssayError, Checked};
use crate::fairness::maintenance::MaintenanceRules;
use crate::fairness::reputation::ReputationRules;
use crate::fairness::sortition::OpeningRules;
use crate::fairness::standing::StandingRules;
use crate::units::Slots;
use anchor_lang::prelude::*;

/// The hard bounds. No governance can leave them without an upgrade of the program.
pub mod scheduling_limits {
    use core::ops::RangeInclusive;

    /// Up to a day of 400 ms slots.
    pub const EPOCH_SLOTS: RangeInclusive<u32> = 2..=216_000;
    /// Base units of the stake mint.
    pub const STAKE_PER_JOB: RangeInclusive<u64> = 1..=1_000_000_000_000_000_000;
    /// Share of the price.
    pub const LATE_PRICE_BPS: RangeInclusive<u16> = 0..=10_000;
    /// From a day to a fortnight of 400 ms slots.
    pub const CORRELATION_WINDOW_SLOTS: RangeInclusive<u64> = 216_000..=3_024_000;
    /// The same on a development network.
    pub const DEVELOPMENT_CORRELATION_WINDOW_SLOTS: RangeInclusive<u64> = 16..=3_024_000;
    /// Epochs without a heartbeat.
    pub const ABSENT_EPOCHS: RangeInclusive<u32> = 1..=1_000;
    /// Share of a node's own stake.
    pub const DELEGATION_MULTIPLE_BPS: RangeInclusive<u32> = 0..=100_000;
}

/// The governed parameters of scheduling. A job pins those that concern who may claim it when it is posted.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedulingParameters {
    /// Length of the epochs at whose ends weights count, in which heartbeats are due, and with which evidence fades. Never
    /// changes: another length would renumber the epochs that are on record.
    pub epoch_slots: u32,
    /// How claims open.
    pub opening: OpeningRules,
    /// What work says about a node.
    pub reputation: ReputationRules,
    /// What misses lead to.
    pub standing: StandingRules,
    /// A node may have one open job for each so much of its stake, in base units of the stake mint.
    pub stake_per_job: u64,
    /// The share of the price that a result loses which comes in the last slot.
    pub late_price_bps: u16,
    /// How long convictions count together. Never changes either.
    pub correlation_window_slots: u64,
    /// After so many whole epochs without a heartbeat anybody may take a node's weight out of the network's.
    pub absent_epochs: u32,
    /// The most delegated stake that a node takes and that counts, as a share of its own; 0: no delegation.
    pub delegation_multiple_bps: u32,
}

impl SchedulingParameters {
    /// What a network begins with that was initialised before there was scheduling: valid beside an unbonding of this length.
    pub fn first(unbonding: Slots, development: bool) -> Self {
        let part = |parts: u64| unbonding.0.checked_div(parts).unwrap_or(0).max(1);
        let opening = match development {
            true => OpeningRules::default(),
            false => OpeningRules { delay_slots: 4, step_slots: 8, first_expected: 2, steps: 10 },
        };
        let window = match development {
            true => scheduling_limits::DEVELOPMENT_CORRELATION_WINDOW_SLOTS,
            false => scheduling_limits::CORRELATION_WINDOW_SLOTS,
        };
        Self {
            epoch_slots: if development { 64 } else { 21_600 },
            opening,
            reputation: ReputationRules::default(),
            standing: StandingRules {
                recovery_slots: part(8),
                jail_slots: part(64),
                maximum_jail_slots: part(4),
                silence_slots: part(32),
                repeat_bps: StandingRules::MAXIMUM_REPEAT_BPS,
                lates_per_tier: 2,
                maintenance: MaintenanceRules { notice_slots: 150, maximum_slots: 216_000, gap_slots: 648_000 },
            },
            stake_per_job: 1,
            late_price_bps: 5_000,
            correlation_window_slots: *window.start(),
            absent_epochs: 20,
            delegation_multiple_bps: 30_000,
        }
    }

    /// Checks every bound; the error names the parameter. `unbonding` is the network's. A development network may have claims
    /// open at once, and convictions that count together for moments only.
    pub fn validate(&self, unbonding: Slots, development: bool) -> Checked {
        let window = match development {
            true => scheduling_limits::DEVELOPMENT_CORRELATION_WINDOW_SLOTS,
            false => scheduling_limits::CORRELATION_WINDOW_SLOTS,
        };
        let rules = [
            (scheduling_limits::EPOCH_SLOTS.contains(&self.epoch_slots), AssayError::SchedulingEpochOutOfBounds),
            (self.opening.validate(development).is_ok(), AssayError::OpeningRulesOutOfBounds),
            (self.reputation.validate().is_ok(), AssayError::ReputationRulesOutOfBounds),
            (self.standing.validate(unbonding).is_ok(), AssayError::StandingRulesOutOfBounds),
            (scheduling_limits::STAKE_PER_JOB.contains(&self.stake_per_job), AssayError::StakePerJobOutOfBounds),
            (scheduling_limits::LATE_PRICE_BPS.contains(&self.late_price_bps), AssayError::LatePriceOutOfBounds),
            (window.contains(&self.correlation_window_slots), AssayError::CorrelationWindowOutOfBounds),
            (scheduling_limits::ABSENT_EPOCHS.contains(&self.absent_epochs), AssayError::AbsentEpochsOutOfBounds),
            (
                scheduling_limits::DELEGATION_MULTIPLE_BPS.contains(&self.delegation_multiple_bps),
                AssayError::DelegationMultipleOutOfBounds,
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// From a conviction to the slot in which it is charged for its company.
    pub fn half_correlation_window(&self) -> Slots {
        Slots(self.correlation_window_slots >> 1)
    }
}

#[cfg(test)]
pub(super) mod tests;
