use super::*;
use proptest::prelude::*;

const NOW: Epoch = Epoch(1_000);

fn evidence(good: u64, bad: u64) -> Evidence {
    Evidence { good, bad, epoch: NOW.0 }
}

fn rules() -> ReputationRules {
    ReputationRules::default()
}

/// Wilson's bound as it stands in textbooks.
fn wilson(good: f64, bad: f64) -> f64 {
    let (n, z2) = (good + bad, CONFIDENCE as f64 / OBSERVATION as f64);
    if n == 0.0 {
        return 0.0;
    }
    (good + z2 / 2.0 - (z2 * (good * bad / n + z2 / 4.0)).sqrt()) / (n + z2)
}

const ACTS: [Act; 6] =
    [Act::OnTime, Act::Late(BasisPoints(5_000)), Act::MissInMaintenance, Act::MissInOutage, Act::NoShow, Act::Fraud];

#[test]
fn scores_of_some_lives() {
    let score = |good, bad| score_in_basis_points(evidence(good * OBSERVATION, bad * OBSERVATION).score()).0;
    // Computed from the textbook's formula: 10, 100 and 1,000 good observations, and some with bad ones among them.
    assert_eq!((score(0, 0), score(0, 5), score(1, 0)), (0, 0, 2_698));
    assert_eq!((score(10, 0), score(100, 0), score(1_000, 0)), (7_870, 9_736, 9_973));
    assert_eq!((score(90, 10), score(900, 100), score(50, 50)), (8_396, 8_833, 4_188));
}

#[test]
fn the_default_halves_in_thirty_epochs() {
    rules().validate().unwrap();
    let mut faded = evidence(MAXIMUM_EVIDENCE, MAXIMUM_EVIDENCE);
    faded.fade(NOW.plus(30).unwrap(), &rules());
    let half = MAXIMUM_EVIDENCE / 2;
    assert!(faded.good.abs_diff(half) < half >> 20 && faded.bad.abs_diff(half) < half >> 20, "{faded:?}");
    faded.fade(Epoch(u64::MAX), &rules());
    assert_eq!((faded.good, faded.bad), (0, 0), "in the end nothing is left");
}

#[test]
fn fraud_takes_everything_and_an_invited_job_gives_nothing() {
    let mut life = evidence(900 * OBSERVATION, 0);
    let change = life.record(Act::Fraud, OBSERVATION, NOW, &rules()).unwrap();
    assert!(change.before > Score(65_000) && change.after == Score(0), "{change:?}");
    assert_eq!(rules().observations(u64::MAX, true), Ok(0));
    assert_eq!(rules().observations(2_500_000, false), Ok(2_500_000));
    assert_eq!(rules().observations(u64::MAX, false), Ok(rules().maximum_per_job));
    let none = ReputationRules { fee_per_observation: 0, ..rules() };
    assert_eq!(none.observations(1, false), Err(FairnessError::ArithmeticOverflow));
}

/// A node that failed works its way back, and further than waiting would bring it.
#[test]
fn honest_work_makes_up_for_a_bad_month() {
    let mut life = evidence(100 * OBSERVATION, 0);
    let good = life.score();
    for _ in 0..10 {
        life.record(Act::NoShow, OBSERVATION, NOW, &rules()).unwrap();
    }
    let fallen = life.score();
    assert!(fallen.0 < good.0 / 10 * 8, "{fallen:?}");
    let mut waited = life;
    waited.fade(Epoch(1_060), &rules());
    assert!(waited.score() <= fallen, "waiting repairs nothing");
    for epoch in 0..60 {
        life.record(Act::OnTime, 5 * OBSERVATION, Epoch(NOW.0 + epoch), &rules()).unwrap();
    }
    assert!(life.score().0 > good.0 / 10 * 9, "{:?} of {good:?}", life.score());
}

#[test]
fn rules_outside_their_bounds_are_refused() {
    let refused = Err(FairnessError::RuleOutOfBounds);
    let cases: [fn(&mut ReputationRules); 8] = [
        |r| r.fee_per_observation = 0,
        |r| r.maximum_per_job = 0,
        |r| r.maximum_per_job = MAXIMUM_EVIDENCE + 1,
        |r| r.kept_per_epoch = (1 << 31) - 1,
        |r| r.no_show_bps = 1_000_001,
        |r| r.missed_heartbeat_bps = 10_001,
        |r| r.maintenance_bps = r.outage_bps + 1,
        |r| r.outage_bps = r.no_show_bps + 1,
    ];
    for (case, change) in cases.into_iter().enumerate() {
        let mut changed = rules();
        change(&mut changed);
        assert_eq!(changed.validate(), refused, "case {case}");
    }
}

fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![0..=MAXIMUM_EVIDENCE, 0..100 * OBSERVATION, 0u64..1_000, Just(MAXIMUM_EVIDENCE)]
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    #[test]
    fn the_score_is_wilsons_lower_bound(good in amounts(), bad in amounts()) {
        let exact = wilson(good as f64 / 1e6, bad as f64 / 1e6);
        let score = f64::from(evidence(good, bad).score().0) / 65_536.0;
        // Beyond a ratio of 128 it is 0, where the exact bound is below 1 %.
        prop_assert!((score - exact).abs() < if score == 0.0 { 0.01 } else { 3e-4 }, "{score} for {exact}");
    }

    #[test]
    fn never_falls_with_good_work_nor_rises_with_bad(good in amounts(), bad in amounts(), more in amounts()) {
        let score = evidence(good, bad).score();
        prop_assert!(evidence((good + more).min(MAXIMUM_EVIDENCE), bad).score() >= score);
        prop_assert!(evidence(good, (bad + more).min(MAXIMUM_EVIDENCE)).score() <= score);
    }

    /// Each good act on its own, and each bad one, from any state, by not even a unit in the wrong direction.
    #[test]
    fn every_act_moves_the_score_its_own_way(good in amounts(), bad in amounts(), observations: u64, epochs in 0u64..100) {
        for act in ACTS {
            let change = evidence(good, bad).record(act, observations, Epoch(NOW.0 + epochs), &rules()).unwrap();
            match act {
                Act::OnTime => prop_assert!(change.after >= change.before),
                Act::Late(_) => {}
                _ => prop_assert!(change.after <= change.before, "{act:?}"),
            }
        }
        let change = evidence(good, bad).record_missed_heartbeats(epochs, NOW, &rules()).unwrap();
        prop_assert!(change.after <= change.before);
    }

    /// The worse the ending, the lower the score: no class is worth being disguised as a worse one, and lateness is worth
    /// less the longer it was.
    #[test]
    fn worse_endings_score_lower(good in amounts(), bad in amounts(), observations: u64, a in 0u32..=10_000, b in 0u32..=10_000) {
        let after = |act| evidence(good, bad).record(act, observations, NOW, &rules()).unwrap().after;
        let order = [
            Act::OnTime, Act::Late(BasisPoints(a.min(b))), Act::Late(BasisPoints(a.max(b))), Act::Late(BasisPoints::WHOLE),
        ];
        prop_assert!(order.windows(2).all(|pair| after(pair[0]) >= after(pair[1])));
        let order = [Act::OnTime, Act::MissInMaintenance, Act::MissInOutage, Act::NoShow, Act::Fraud];
        prop_assert!(order.windows(2).all(|pair| after(pair[0]) >= after(pair[1])));
    }

    #[test]
    fn waiting_never_raises_a_score(good in amounts(), bad in amounts(), a in 0u64..400, b in 0u64..400) {
        let mut life = evidence(good, bad);
        let mut last = life.score();
        for epoch in [a.min(b), a.max(b), 10_000, u64::MAX] {
            life.fade(Epoch(NOW.0.saturating_add(epoch)), &rules());
            prop_assert!(life.score() <= last);
            last = life.score();
        }
        prop_assert_eq!((life.good, life.bad), (0, 0));
    }

    /// A new identity starts at 0, and no life whatever leads below: there is nothing to be won by starting again.
    #[test]
    fn a_new_identity_is_never_better(acts in prop::collection::vec((0usize..6, 0u64..20 * OBSERVATION, 0u64..40), 0..40)) {
        let mut life = Evidence::default();
        let newcomer = life.score();
        let mut now = 0;
        for (act, observations, epochs) in acts {
            now += epochs;
            let change = life.record(ACTS[act], observations, Epoch(now), &rules()).unwrap();
            prop_assert!(change.after >= newcomer && change.before >= newcomer);
            prop_assert!(life.good <= MAXIMUM_EVIDENCE && life.bad <= MAXIMUM_EVIDENCE);
        }
    }

    /// Evidence divided over identities scores no higher than in one: splitting never improves a reputation.
    #[test]
    fn divided_evidence_scores_no_higher(good in amounts(), bad in amounts(), parts in 1u64..1_000) {
        let whole = evidence(good, bad).score();
        prop_assert!(evidence(good / parts, bad.div_ceil(parts)).score() <= whole);
    }
}

/// The file of test vectors that other languages are checked against holds what this code computes. It is written anew by
/// `ASSAY_WRITE_VECTORS=1 cargo test -p assay vectors`.
#[test]
fn vectors_for_other_languages_are_up_to_date() {
    let mut lines = Vec::new();
    let mut state = 1u64;
    let mut draw = |bits: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 16) % (1 << bits)
    };
    for case in 0..64u32 {
        let (good, bad) = (draw(2 + case * 7 % 44), draw(1 + case * 5 % 44));
        let before = evidence(good, bad);
        let (act, observations) = (ACTS[case as usize % ACTS.len()], draw(24));
        let epoch = Epoch(NOW.0 + draw(1 + case % 9));
        let mut after = before;
        let change = after.record(act, observations, epoch, &rules()).unwrap();
        let act = match act {
            Act::Late(share) => format!("Late {}", share.0),
            other => format!("{other:?}"),
        };
        lines.push(format!(
            "{{\"good\":\"{}\",\"bad\":\"{}\",\"epoch\":\"{}\",\"score\":{},\"act\":\"{act}\",\"observations\":\"{observations}\",\
             \"at_epoch\":\"{}\",\"score_before\":{},\"good_after\":\"{}\",\"bad_after\":\"{}\",\"score_after\":{}}}",
            before.good, before.bad, before.epoch, before.score().0, epoch.0, change.before.0, after.good, after.bad,
            change.after.0,
        ));
    }
    crate::seeded::check_vectors("reputation", &lines);
}
