use super::*;

/// Unbonding of the network whose parameters [`valid`] are.
const UNBONDING: Slots = Slots(1_400);

pub(in crate::state) fn valid() -> SchedulingParameters {
    SchedulingParameters {
        epoch_slots: 50,
        opening: OpeningRules { delay_slots: 2, step_slots: 3, first_expected: 1, steps: 4 },
        reputation: ReputationRules::default(),
        standing: StandingRules {
            recovery_slots: 100,
            jail_slots: 40,
            maximum_jail_slots: 400,
            silence_slots: 60,
            repeat_bps: 100,
            lates_per_tier: 2,
            maintenance: MaintenanceRules { notice_slots: 10, maximum_slots: 100, gap_slots: 300 },
        },
        stake_per_job: 10_000,
        late_price_bps: 5_000,
        correlation_window_slots: 320,
        absent_epochs: 8,
        delegation_multiple_bps: 30_000,
    }
}

/// Whatever unbonding an old network has: the first rules are valid beside it, on both kinds of network.
#[test]
fn the_first_rules_are_valid_beside_any_unbonding() {
    for unbonding in [64, 65, 127, 1_318, 12_000, 6_480_000] {
        for development in [false, true] {
            let first = SchedulingParameters::first(Slots(unbonding), development);
            assert_eq!(first.validate(Slots(unbonding), development), Ok(()), "{unbonding} {development}");
        }
    }
}

#[test]
fn every_bound_is_exact() {
    type Set = fn(&mut SchedulingParameters, u64);
    let cases: [(Set, [u64; 2], u64, AssayError); 6] = [
        (|p, v| p.epoch_slots = v as u32, [2; 2], 216_000, AssayError::SchedulingEpochOutOfBounds),
        (|p, v| p.stake_per_job = v, [1; 2], 10u64.pow(18), AssayError::StakePerJobOutOfBounds),
        (|p, v| p.late_price_bps = v as u16, [0; 2], 10_000, AssayError::LatePriceOutOfBounds),
        (|p, v| p.correlation_window_slots = v, [216_000, 16], 3_024_000, AssayError::CorrelationWindowOutOfBounds),
        (|p, v| p.absent_epochs = v as u32, [1; 2], 1_000, AssayError::AbsentEpochsOutOfBounds),
        (|p, v| p.delegation_multiple_bps = v as u32, [0; 2], 100_000, AssayError::DelegationMultipleOutOfBounds),
    ];
    for (set, least, most, error) in cases {
        for (development, least) in [(false, least[0]), (true, least[1])] {
            let with = |value| {
                let mut parameters = SchedulingParameters { correlation_window_slots: 216_000, ..valid() };
                set(&mut parameters, value);
                parameters.validate(UNBONDING, development)
            };
            assert_eq!((with(least), with(most)), (Ok(()), Ok(())));
            assert_eq!(with(most + 1), Err(error));
            if let Some(below) = least.checked_sub(1) {
                assert_eq!(with(below), Err(error), "development {development}");
            }
        }
    }
}

/// What the rules themselves refuse is refused by the name of their group; only a development network does without a draw.
#[test]
fn each_group_of_rules_has_its_error() {
    type Set = fn(&mut SchedulingParameters);
    let cases: [(Set, AssayError); 5] = [
        (|p| p.opening.delay_slots = 0, AssayError::OpeningRulesOutOfBounds),
        (|p| p.opening.first_expected = 0, AssayError::OpeningRulesOutOfBounds),
        (|p| p.reputation.fee_per_observation = 0, AssayError::ReputationRulesOutOfBounds),
        (|p| p.standing.jail_slots = 0, AssayError::StandingRulesOutOfBounds),
        (|p| p.standing.maximum_jail_slots = UNBONDING.0 + 1, AssayError::StandingRulesOutOfBounds),
    ];
    for (set, error) in cases {
        let mut parameters = SchedulingParameters { correlation_window_slots: 216_000, ..valid() };
        assert_eq!(parameters.validate(UNBONDING, false), Ok(()));
        set(&mut parameters);
        assert_eq!(parameters.validate(UNBONDING, false), Err(error));
        assert_eq!(parameters.validate(UNBONDING, true), Err(error));
    }
    let opening = OpeningRules { delay_slots: 0, steps: 0, ..valid().opening };
    let at_once = SchedulingParameters { opening, correlation_window_slots: 216_000, ..valid() };
    assert_eq!(at_once.validate(UNBONDING, true), Ok(()));
    assert_eq!(at_once.validate(UNBONDING, false), Err(AssayError::OpeningRulesOutOfBounds));
}
