use super::*;
use proptest::prelude::*;

const RULES: StandingRules = StandingRules {
    recovery_slots: 1_000,
    jail_slots: 100,
    maximum_jail_slots: 1_500,
    silence_slots: 300,
    repeat_bps: 100,
    lates_per_tier: 3,
    maintenance: MaintenanceRules { notice_slots: 20, maximum_slots: 50, gap_slots: 150 },
};
const UNBONDING: Slots = Slots(8_000);

fn miss(claimed: u64, last: u64) -> Miss {
    Miss {
        claimed: Slot(claimed),
        last: Slot(last),
        bond: TokenAmount(10_000),
        charge: BasisPoints(500),
        observations: 7,
    }
}

fn standing() -> NodeStanding {
    NodeStanding::new(Slot(1), 100).unwrap()
}

/// Misses a job claimed at `claimed` and due 50 slots later, as an honest program would record it: the claim is a sign of
/// life too.
fn claim_and_miss(standing: &mut NodeStanding, claimed: u64) -> MissCost {
    standing.check_may_claim(Slot(claimed)).unwrap();
    standing.sign_of_life(Slot(claimed), &RULES);
    standing.record_miss(&miss(claimed, claimed + 50), Slot(claimed + 51), &RULES).unwrap()
}

#[test]
fn the_first_miss_costs_the_charge_alone_and_the_next_a_share_of_the_bond() {
    let mut node = standing();
    let first = claim_and_miss(&mut node, 100);
    assert_eq!(first, MissCost { charge: TokenAmount(500), burned: TokenAmount(0), in_maintenance: false });
    assert_eq!(node.sign_of_life(Slot(160), &RULES), Some(Resolution { outage: false, misses: 1, observations: 7 }));
    assert_eq!(node.check_may_claim(Slot(160)), Ok(()), "no jail for the first");
    assert_eq!(claim_and_miss(&mut node, 200).burned, TokenAmount(100));
    // Ladders go down: after two quiet times the next is a first one again.
    let mut recovered = node;
    recovered.sign_of_life(Slot(260), &RULES);
    assert_eq!(claim_and_miss(&mut recovered, 2_400).burned, TokenAmount(0));
    // Several at once: all but the first of them are repeated.
    let mut many = standing();
    let costs =
        [100, 101, 102].map(|claimed| many.record_miss(&miss(claimed, 150), Slot(151), &RULES).unwrap().burned.0);
    assert_eq!(costs, [0, 100, 100]);
}

#[test]
fn jail_grows_with_the_ladder_and_ends() {
    let mut node = standing();
    let mut now = 100;
    let mut jails = Vec::new();
    for _ in 0..7 {
        claim_and_miss(&mut node, now);
        now += 60;
        node.sign_of_life(Slot(now), &RULES);
        jails.push(node.jailed_until_slot.saturating_sub(now));
        if let Some(last) = node.jailed_until_slot.checked_sub(1).filter(|last| *last >= now) {
            assert_eq!(node.check_may_claim(Slot(last)), Err(FairnessError::Jailed));
            now = node.jailed_until_slot;
        }
        assert_eq!(node.check_may_claim(Slot(now)), Ok(()));
    }
    assert_eq!(jails, [0, 100, 200, 400, 800, 1_500, 1_500]);
}

/// The circuit breaker, and what opens it: nothing but the operator's own signature.
#[test]
fn no_claim_while_a_miss_is_not_accounted_for() {
    let mut node = standing();
    claim_and_miss(&mut node, 100);
    assert_eq!(node.check_may_claim(Slot(u64::MAX)), Err(FairnessError::UnresolvedMiss));
    node.sign_of_life(Slot(160), &RULES);
    assert_eq!(node.check_may_claim(Slot(160)), Ok(()));
}

#[test]
fn a_node_that_was_away_climbs_nothing() {
    let mut node = standing();
    node.record_miss(&miss(100, 150), Slot(151), &RULES).unwrap();
    node.record_miss(&miss(90, 170), Slot(171), &RULES).unwrap();
    let resolution = node.sign_of_life(Slot(450), &RULES).unwrap();
    assert_eq!(resolution, Resolution { outage: true, misses: 2, observations: 14 });
    assert_eq!((node.misses, node.jailed_until_slot), (Ladder::default(), 0));
    let mut early = standing();
    early.record_miss(&miss(100, 150), Slot(151), &RULES).unwrap();
    assert!(!early.sign_of_life(Slot(449), &RULES).unwrap().outage, "a slot too early");
}

/// A node that signs anything after the deadline was there, however silent it is from then on, and whenever the miss is
/// noticed.
#[test]
fn an_outage_is_not_believed_where_heartbeats_came() {
    let mut node = standing();
    node.sign_of_life(Slot(100), &RULES);
    node.sign_of_life(Slot(151), &RULES);
    node.record_miss(&miss(100, 150), Slot(400), &RULES).unwrap();
    assert!(!node.sign_of_life(Slot(10_000), &RULES).unwrap().outage);
    // The same with the last sign in the slot of the deadline: it was on its way.
    let mut node = standing();
    node.sign_of_life(Slot(150), &RULES);
    node.record_miss(&miss(100, 150), Slot(400), &RULES).unwrap();
    assert!(node.sign_of_life(Slot(10_000), &RULES).unwrap().outage);
}

#[test]
fn maintenance_declared_after_the_claim_excuses_nothing() {
    let mut node = standing();
    node.maintenance.announce(Slot(125), Slots(50), Slot(105), &RULES.maintenance).unwrap();
    let late = node.record_miss(&miss(100, 150), Slot(151), &RULES).unwrap();
    assert!(!late.in_maintenance && node.unresolved == 1);
    let mut node = standing();
    node.maintenance.announce(Slot(125), Slots(50), Slot(99), &RULES.maintenance).unwrap();
    let ahead = node.record_miss(&miss(100, 150), Slot(151), &RULES).unwrap();
    assert!(ahead.in_maintenance && node.unresolved == 0);
    assert_eq!(ahead.charge, late.charge, "the client's charge is the same");
    assert_eq!(node.check_may_claim(Slot(151)), Err(FairnessError::InMaintenance));
    assert_eq!(node.check_may_claim(Slot(175)), Ok(()));
}

#[test]
fn claiming_and_leaving_is_never_free() {
    let mut node = standing();
    for (bond, share, charge) in [(1, 0, 1), (1, 500, 1), (19, 500, 1), (40, 500, 2), (10, 10_000, 10)] {
        let miss = Miss { bond: TokenAmount(bond), charge: BasisPoints(share), ..miss(100, 150) };
        let cost = node.record_miss(&miss, Slot(151), &RULES).unwrap();
        assert_eq!(cost.charge, TokenAmount(charge), "{share} of {bond}");
        assert!(cost.charge.0 + cost.burned.0 <= bond);
    }
}

#[test]
fn epochs_without_a_heartbeat_are_counted_once_and_not_in_maintenance() {
    let mut node = standing();
    assert_eq!(node.heartbeat(Slot(50), 100), Ok(0), "the same epoch");
    assert_eq!(node.heartbeat(Slot(150), 100), Ok(0), "the next one");
    assert_eq!(node.heartbeat(Slot(450), 100), Ok(2));
    assert_eq!(node.heartbeat(Slot(450), 100), Ok(0));
    node.maintenance.announce(Slot(650), Slots(50), Slot(460), &RULES.maintenance).unwrap();
    assert_eq!(node.heartbeat(Slot(850), 100), Ok(2), "of 5, 6 and 7");
    assert!(!node.is_absent(Epoch(11), 2) && node.is_absent(Epoch(12), 2));
    assert_eq!(node.heartbeat(Slot(1), 0), Err(FairnessError::InvariantBroken));
}

#[test]
fn late_results_cost_tiers_that_come_back() {
    let mut node = standing();
    let lost: Vec<u8> = (0..7)
        .map(|at| {
            node.record_late(Slot(100 + at), &RULES);
            node.tiers_lost(Slot(100 + at), &RULES)
        })
        .collect();
    assert_eq!(lost, [0, 0, 1, 1, 1, 2, 2]);
    assert_eq!((node.tiers_lost(Slot(2_200), &RULES), node.tiers_lost(Slot(9_000), &RULES)), (1, 0));
}

#[test]
fn a_tombstone_stays() {
    let mut node = standing();
    node.convict();
    node.sign_of_life(Slot(u64::MAX), &RULES);
    assert_eq!(node.check_may_claim(Slot(u64::MAX)), Err(FairnessError::Tombstoned));
}

#[test]
fn rules_outside_their_bounds_are_refused() {
    assert_eq!(RULES.validate(UNBONDING), Ok(()));
    let cases: [fn(&mut StandingRules); 9] = [
        |r| r.jail_slots = 0,
        |r| r.jail_slots = 1_501,
        |r| r.maximum_jail_slots = 8_001,
        |r| r.recovery_slots = 0,
        |r| r.recovery_slots = 1_001,
        |r| r.silence_slots = 99,
        |r| r.repeat_bps = 101,
        |r| r.lates_per_tier = 0,
        |r| r.maintenance.notice_slots = 0,
    ];
    for (case, change) in cases.into_iter().enumerate() {
        let mut rules = RULES;
        change(&mut rules);
        assert_eq!(rules.validate(UNBONDING), Err(FairnessError::RuleOutOfBounds), "case {case}");
    }
}

/// What a node can do, or what can happen to it, in a test.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Sign,
    Miss { run: u64 },
    Announce { ahead: u64, length: u64 },
    Late,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0u64..400).prop_map(Step::Wait),
        Just(Step::Sign),
        (0u64..100).prop_map(|run| Step::Miss { run }),
        (0u64..100, 0u64..60).prop_map(|(ahead, length)| Step::Announce { ahead, length }),
        Just(Step::Late),
    ];
    prop::collection::vec(step, 0..60)
}

/// A node that went through `steps`, and the slot after them.
fn lived(steps: &[Step]) -> (NodeStanding, Slot) {
    let (mut node, mut now) = (standing(), 10);
    for step in steps {
        match *step {
            Step::Wait(slots) => now += slots,
            Step::Sign => drop(node.sign_of_life(Slot(now), &RULES)),
            Step::Miss { run } => {
                let claimed = now;
                if node.check_may_claim(Slot(claimed)).is_ok() {
                    node.sign_of_life(Slot(claimed), &RULES);
                    now += run + 1;
                    let cost = node.record_miss(&miss(claimed, claimed + run), Slot(now), &RULES).unwrap();
                    assert!(cost.charge.0 > 0 && cost.burned.0 <= 100);
                }
            }
            Step::Announce { ahead, length } => {
                let _ = node.maintenance.announce(Slot(now + ahead), Slots(length), Slot(now), &RULES.maintenance);
            }
            Step::Late => node.record_late(Slot(now), &RULES),
        }
    }
    (node, Slot(now))
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// Whatever a node went through short of fraud: one sign of life, and it may claim again before the longest jail, or a
    /// maintenance that it announced itself, is over; after the time in which stake unbonds it stands like a new one.
    #[test]
    fn jail_ends_and_a_new_identity_is_no_better(steps in steps()) {
        let (mut node, now) = lived(&steps);
        node.sign_of_life(now, &RULES);
        let free = Slot(now.0 + RULES.maximum_jail_slots.max(100 + 60));
        prop_assert_eq!(node.check_may_claim(free), Ok(()));
        let later = Slot(now.0 + UNBONDING.0);
        let recovery = Slots(RULES.recovery_slots);
        prop_assert_eq!((node.misses.at(later, recovery), node.tiers_lost(later, &RULES)), (0, 0));
        let cost = node.record_miss(&miss(later.0, later.0 + 1), later, &RULES).unwrap();
        prop_assert_eq!(cost.burned, TokenAmount::ZERO, "and its next miss is a first one");
    }

    /// The same misses never lead higher when they are called an outage, nor less high when the node signed in between; and
    /// they cost the same money.
    #[test]
    fn disguises_change_no_money(steps in steps(), run in 0u64..100, silence in 0u64..1_000) {
        let (mut node, now) = lived(&steps);
        node.sign_of_life(now, &RULES);
        let miss = miss(now.0, now.0 + run);
        let (mut silent, mut present) = (node, node);
        let noticed = Slot(miss.last.0 + 1);
        present.sign_of_life(noticed, &RULES);
        prop_assert_eq!(silent.record_miss(&miss, noticed, &RULES), present.record_miss(&miss, noticed, &RULES));
        let back = Slot(noticed.0 + silence);
        let (silent_end, present_end) = (silent.sign_of_life(back, &RULES), present.sign_of_life(back, &RULES));
        prop_assert!(present_end.is_none_or(|end| !end.outage), "who signed after the deadline was there");
        if silent_end.is_some_and(|end| end.outage) {
            prop_assert!(silence + 1 >= RULES.silence_slots, "an outage is paid with time");
            prop_assert!(silent.jailed_until_slot <= present.jailed_until_slot);
        } else {
            prop_assert_eq!(silent.jailed_until_slot, present.jailed_until_slot);
        }
        // Whoever abandons jobs and comes back to claim as soon as it can waits no longer by being honest about it: an
        // outage keeps it out for longer than the first jail.
        prop_assert!(RULES.silence_slots >= RULES.jail(2).0);
    }
}
