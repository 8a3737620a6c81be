//! Every governed parameter by name: its value, how it is set, and the hard bounds that the program enforces.

use crate::error::{CliError, ExitStatus};
use assay::state::{Parameters, audit_limits, limits};
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

/// One parameter.
pub(super) struct Setting {
    pub(super) name: &'static str,
    get: fn(&Parameters) -> u64,
    /// Nothing where the number does not fit the parameter's type.
    set: fn(&mut Parameters, u64) -> Option<()>,
    bounds: fn(&Parameters, bool) -> (u64, u64),
}

fn ends<T: Copy + Into<u64>>(range: &RangeInclusive<T>) -> (u64, u64) {
    ((*range.start()).into(), (*range.end()).into())
}

fn clock(development: bool) -> (u64, u64) {
    ends(if development { &limits::DEVELOPMENT_CLOCK_SLOTS } else { &limits::CLOCK_SLOTS })
}

macro_rules! settings {
    (
        $($name:literal = $($field:ident).+ : $kind:ty, $bounds:expr;)+
        dependent { $($rule:literal = $($part:ident).+ : $rule_kind:ty;)+ }
    ) => {
        &[
            $(Setting {
                name: $name,
                get: |parameters| parameters.$($field).+ as u64,
                set: |parameters, value| {
                    let fits = u128::from(value) <= <$kind>::MAX as u128;
                    fits.then(|| parameters.$($field).+ = value as $kind)
                },
                bounds: $bounds,
            },)+
            $(Setting {
                name: $rule,
                get: |parameters| parameters.scheduling.$($part).+ as u64,
                set: |parameters, value| {
                    let fits = u128::from(value) <= <$rule_kind>::MAX as u128;
                    fits.then(|| parameters.scheduling.$($part).+ = value as $rule_kind)
                },
                bounds: |parameters, development| {
                    let accessors = Accessors {
                        get: |parameters| parameters.scheduling.$($part).+ as u64,
                        set: |parameters, value| {
                            let fits = u128::from(value) <= <$rule_kind>::MAX as u128;
                            fits.then(|| parameters.scheduling.$($part).+ = value as $rule_kind)
                        },
                    };
                    around(parameters, development, &accessors, <$rule_kind>::MAX as u64)
                },
            },)+
        ]
    };
}

/// All of them, in the order in which they are shown.
pub(super) const SETTINGS: &[Setting] = settings! {
    "minimum_stake" = minimum_stake: u64, |_, _| ends(&limits::MINIMUM_STAKE);
    "unbonding_slots" = unbonding_slots: u64, |parameters, _| (least_unbonding(parameters), limits::UNBONDING_SLOTS_MAXIMUM);
    "protocol_fee_bps" = protocol_fee_bps: u16, |_, _| ends(&limits::PROTOCOL_FEE_BPS);
    "miss_charge_bps" = miss_charge_bps: u16, |_, _| ends(&limits::MISS_CHARGE_BPS);
    "minimum_bond_bps" = minimum_bond_bps: u32, |_, _| ends(&limits::MINIMUM_BOND_BPS);
    "maximum_claim_slots" = maximum_claim_slots: u64, |_, _| ends(&limits::CLAIM_SLOTS);
    "maximum_run_slots" = maximum_run_slots: u64, |_, _| ends(&limits::RUN_SLOTS);
    "minimum_window_slots" = minimum_window_slots: u64, |parameters, _| (1, parameters.maximum_window_slots);
    "maximum_window_slots" = maximum_window_slots: u64,
        |parameters, _| (parameters.minimum_window_slots, *limits::WINDOW_SLOTS.end());
    "maximum_open_jobs_per_node" = maximum_open_jobs_per_node: u32, |_, _| ends(&limits::OPEN_JOBS_PER_NODE);
    "dispute_challenge_bond_bps" = dispute.challenge_bond_bps: u16, |_, _| ends(&limits::CHALLENGE_BOND_BPS);
    "dispute_reveal_slots" = dispute.reveal_slots: u32, |_, development| {
        ends(if development { &limits::DEVELOPMENT_REVEAL_SLOTS } else { &limits::REVEAL_SLOTS })
    };
    "dispute_challenger_clock_slots" = dispute.challenger_clock_slots: u32, |_, development| clock(development);
    "dispute_defender_clock_slots" = dispute.defender_clock_slots: u32, |_, development| clock(development);
    "dispute_slash_bps" = dispute.slash_bps: u16, |_, _| ends(&limits::SLASH_BPS);
    "dispute_bounty_bps" = dispute.bounty_bps: u16, |_, _| ends(&limits::BOUNTY_BPS);
    "dispute_opening_fee_lamports" = dispute.opening_fee_lamports: u64, |_, _| ends(&limits::OPENING_FEE_LAMPORTS);
    "audit_epoch_slots" = audit.epoch_slots: u32, |_, _| ends(&audit_limits::EPOCH_SLOTS);
    "audit_audits_per_job" = audit.audits_per_job: u16, |_, _| ends(&audit_limits::AUDITS_PER_JOB);
    "audit_attestation_bond_bps" = audit.attestation_bond_bps: u32, |_, _| ends(&audit_limits::ATTESTATION_BOND_BPS);
    "audit_minimum_validator_stake" = audit.minimum_validator_stake: u64, |_, _| ends(&limits::MINIMUM_STAKE);
    dependent {
        "scheduling_epoch_slots" = epoch_slots: u32;
        "scheduling_stake_per_job" = stake_per_job: u64;
        "scheduling_late_price_bps" = late_price_bps: u16;
        "scheduling_correlation_window_slots" = correlation_window_slots: u64;
        "scheduling_absent_epochs" = absent_epochs: u32;
        "scheduling_delegation_multiple_bps" = delegation_multiple_bps: u32;
        "opening_delay_slots" = opening.delay_slots: u32;
        "opening_step_slots" = opening.step_slots: u32;
        "opening_first_expected" = opening.first_expected: u16;
        "opening_steps" = opening.steps: u8;
        "reputation_fee_per_observation" = reputation.fee_per_observation: u64;
        "reputation_maximum_per_job" = reputation.maximum_per_job: u64;
        "reputation_kept_per_epoch" = reputation.kept_per_epoch: u32;
        "reputation_no_show_bps" = reputation.no_show_bps: u32;
        "reputation_outage_bps" = reputation.outage_bps: u32;
        "reputation_maintenance_bps" = reputation.maintenance_bps: u32;
        "reputation_missed_heartbeat_bps" = reputation.missed_heartbeat_bps: u32;
        "standing_recovery_slots" = standing.recovery_slots: u64;
        "standing_jail_slots" = standing.jail_slots: u64;
        "standing_maximum_jail_slots" = standing.maximum_jail_slots: u64;
        "standing_silence_slots" = standing.silence_slots: u64;
        "standing_repeat_bps" = standing.repeat_bps: u16;
        "standing_lates_per_tier" = standing.lates_per_tier: u8;
        "maintenance_notice_slots" = standing.maintenance.notice_slots: u64;
        "maintenance_maximum_slots" = standing.maintenance.maximum_slots: u64;
        "maintenance_gap_slots" = standing.maintenance.gap_slots: u64;
    }
};

fn least_unbonding(parameters: &Parameters) -> u64 {
    parameters.least_unbonding().map_or(u64::MAX, |least| least.0)
}

/// The ends of what the program accepts around the present value, beside the other parameters: for rules that depend on one
/// another. What is valid is one stretch.
fn around(parameters: &Parameters, development: bool, setting: &Accessors, largest: u64) -> (u64, u64) {
    let holds = |value| {
        let mut changed = *parameters;
        (setting.set)(&mut changed, value).is_some() && changed.validate(development).is_ok()
    };
    let present = (setting.get)(parameters);
    // Below: the least value that holds.
    let (mut low, mut high) = (0, present);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    let least = high;
    // Above: the greatest.
    let (mut low, mut high) = (present, largest);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) { low = middle } else { high = middle - 1 }
    }
    (least, low)
}

/// How a parameter is read and written.
struct Accessors {
    get: fn(&Parameters) -> u64,
    set: fn(&mut Parameters, u64) -> Option<()>,
}

impl Setting {
    pub(super) fn value(&self, parameters: &Parameters) -> u64 {
        (self.get)(parameters)
    }

    /// The least and the largest value that the program accepts beside the other parameters.
    pub(super) fn bounds(&self, parameters: &Parameters, development: bool) -> (u64, u64) {
        (self.bounds)(parameters, development)
    }
}

/// Parameters by name.
pub(super) fn parameter_values(parameters: &Parameters) -> Value {
    let values: Map<String, Value> =
        SETTINGS.iter().map(|setting| (setting.name.to_owned(), json!(setting.value(parameters)))).collect();
    Value::Object(values)
}

/// The parameters with changes like `protocol_fee_bps=150` made. `A0704` names what cannot be read; bounds are the program's to check.
pub(super) fn changed(parameters: &Parameters, changes: &[String]) -> Result<Parameters, CliError> {
    let mut result = *parameters;
    for change in changes {
        let refused = |why: &str| {
            CliError::new(
                "A0704",
                format!("{change}: {why}; write NAME=VALUE, with a name that `assay network params` shows"),
            )
            .with_status(ExitStatus::Usage)
        };
        let (name, value) = change.split_once('=').ok_or_else(|| refused("there is no = in it"))?;
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.name == name)
            .ok_or_else(|| refused("there is no such parameter"))?;
        let value = value.replace('_', "").parse().map_err(|_| refused("the value is no number"))?;
        (setting.set)(&mut result, value).ok_or_else(|| refused("the value is too large"))?;
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::network::tests::parameters;
    use assay::fairness::sortition::OpeningRules;

    /// One beyond each bound that is shown is refused by the program's own rules, and the bound itself is not.
    #[test]
    fn the_bounds_that_are_shown_are_the_programs() {
        for development in [true, false] {
            let mut valid = parameters();
            valid.unbonding_slots = limits::UNBONDING_SLOTS_MAXIMUM;
            if !development {
                valid.dispute.reveal_slots = 150;
                (valid.dispute.challenger_clock_slots, valid.dispute.defender_clock_slots) = (9_000, 9_000);
                let opening = OpeningRules { delay_slots: 2, step_slots: 3, first_expected: 1, steps: 4 };
                (valid.scheduling.opening, valid.scheduling.correlation_window_slots) = (opening, 216_000);
            }
            assert_eq!(valid.validate(development), Ok(()));
            for setting in SETTINGS {
                let (least, most) = setting.bounds(&valid, development);
                let with = |value| {
                    let mut changed = valid;
                    (setting.set)(&mut changed, value).map(|()| changed.validate(development).is_ok())
                };
                assert_eq!((with(least), with(most)), (Some(true), Some(true)), "{}", setting.name);
                assert_ne!(most.checked_add(1).and_then(with), Some(true), "{}", setting.name);
                if let Some(below) = least.checked_sub(1) {
                    assert_eq!(with(below), Some(false), "{}", setting.name);
                }
            }
        }
    }

    #[test]
    fn what_is_named_is_changed_and_nothing_else() {
        let before = parameters();
        let given = ["protocol_fee_bps=150", "audit_epoch_slots=1_000"].map(str::to_owned);
        let after = changed(&before, &given).expect("both exist");
        let mut expected = before;
        (expected.protocol_fee_bps, expected.audit.epoch_slots) = (150, 1_000);
        assert_eq!(after, expected);
        for wrong in
            ["protocol_fee_bps", "fee=1", "protocol_fee_bps=x", "protocol_fee_bps=65536", "protocol_fee_bps=-1"]
        {
            assert_eq!(changed(&before, &[wrong.to_owned()]).expect_err(wrong).code(), "A0704");
        }
    }
}
