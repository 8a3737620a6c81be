use super::*;
use proptest::prelude::*;

fn key(name: &str, number: u32) -> Pubkey {
    Pubkey::new_from_array(sha256(&[name.as_bytes(), &number.to_le_bytes()]))
}

fn seed(number: u32) -> Hash {
    sha256(&[b"slot", &number.to_le_bytes()])
}

const RULES: OpeningRules = OpeningRules { delay_slots: 2, step_slots: 3, first_expected: 2, steps: 4 };

/// Posted at slot 1,000 of epochs of 100 slots; the hash of slot 1,002 decides.
fn terms(total_weight: u64) -> Sortition {
    Sortition::new(RULES, Slot(1_000), 100, |epoch| {
        assert_eq!(epoch, Epoch(9));
        total_weight
    })
    .unwrap()
}

/// How often something with probability `p` happens in `of` trials, give or take five standard deviations.
fn is_plausible(count: u32, of: u32, p: f64) -> bool {
    let (mean, deviation) = (f64::from(of) * p, (f64::from(of) * p * (1.0 - p)).sqrt());
    (f64::from(count) - mean).abs() <= 5.0 * deviation
}

#[test]
fn claims_open_step_by_step_until_all_may_claim() {
    let terms = terms(100);
    let openings: Vec<Opening> = (1_000..1_017).map(|slot| terms.opening(Slot(slot))).collect();
    let mut expected = vec![Opening::Closed; 3];
    for nodes in [2, 4, 8, 16] {
        expected.extend([Opening::Expected(nodes); 3]);
    }
    expected.extend([Opening::All; 2]);
    assert_eq!(openings, expected);
    assert_eq!(terms.opening(Slot(u64::MAX)), Opening::All);
    assert_eq!(RULES.sortition_slots(), Slots(14));
    assert_eq!(self::terms(0).opening(Slot(1_003)), Opening::All, "a network without members");
}

#[test]
fn each_refusal_has_its_reason() {
    let terms = terms(1_000_000);
    let (job, node) = (key("job", 1), key("node", 1));
    let sealed = SeedRecord::Sealed(seed(1));
    let check = |seed, weight, slot| terms.check(&seed, &job, &node, weight, Slot(slot));
    assert_eq!(check(sealed, u64::MAX, 1_002), Err(FairnessError::SortitionNotOpen));
    assert_eq!(check(SeedRecord::Open, u64::MAX, 1_003), Err(FairnessError::SeedNotSealed));
    assert_eq!(check(sealed, 0, 1_014), Err(FairnessError::NotDrawnYet), "no member");
    assert_eq!(check(sealed, 0, 1_015), Ok(()), "all may claim");
    assert_eq!(check(SeedRecord::Open, 0, 1_015), Ok(()), "even where nobody sealed");
    assert_eq!(check(SeedRecord::Forgotten, 0, 1_003), Ok(()));
    assert_eq!(check(sealed, 500_000, 1_003), Ok(()), "half of all weight, where two are expected");
}

/// Members of the epoch before: an identity made when the seed is known was not there, whatever its address hashes to.
#[test]
fn keys_ground_for_a_known_seed_are_no_members() {
    use crate::fairness::weight::{reweigh, StakeSnapshot};
    let (mut network, mut honest, mut ground) = <(StakeSnapshot, StakeSnapshot, StakeSnapshot)>::default();
    reweigh(&mut honest, &mut network, Epoch(5), 1_000).unwrap();
    let terms = Sortition::new(RULES, Slot(1_000), 100, |epoch| network.at_end_of(epoch)).unwrap();
    let (seed, job) = (seed(1), key("job", 1));
    let best =
        (0..5_000).map(|number| key("ground", number)).min_by_key(|node| Ticket::new(&seed, &job, node)).unwrap();
    // It would have won as a member ...
    assert!(Ticket::new(&seed, &job, &best).is_drawn(1, 1_000, 2));
    // ... but it is none, although it has staked as much as all others together.
    reweigh(&mut ground, &mut network, Epoch(10), 1_000).unwrap();
    let weight = ground.at_end_of(Epoch(terms.epoch));
    let refused = terms.check(&SeedRecord::Sealed(seed), &job, &best, weight, Slot(1_014));
    assert_eq!((weight, refused), (0, Err(FairnessError::NotDrawnYet)));
}

/// A key ground for a guess of the seed is drawn like any other under the real one.
#[test]
fn keys_ground_for_known_jobs_are_drawn_like_any_other() {
    let drawn = |node: &Pubkey, seed: &dyn Fn(u32) -> Hash, jobs: u32| {
        (0..jobs).filter(|at| Ticket::new(&seed(*at), &key("job", *at), node).is_drawn(1, 10, 1)).count() as u32
    };
    let guess = |_| [0; 32];
    let best = (0..2_000).map(|number| key("ground", number)).max_by_key(|node| drawn(node, &guess, 40)).unwrap();
    assert!(drawn(&best, &guess, 40) >= 10, "grinding works without a seed");
    assert!(is_plausible(drawn(&best, &seed, 10_000), 10_000, 0.1));
}

/// Over 4,000 jobs, one node with a share of 5 % and the same stake as a hundred nodes: the parts are drawn as often in
/// sum, and at least one of them less often than the whole.
#[test]
fn a_hundred_parts_are_drawn_no_more_often_than_the_whole() {
    let (jobs, share, expected) = (4_000, 0.05, 4);
    let (mut whole, mut any, mut parts) = (0, 0, 0);
    for at in 0..jobs {
        let (seed, job) = (seed(at), key("job", at));
        whole += u32::from(Ticket::new(&seed, &job, &key("whole", 0)).is_drawn(5_000, 100_000, expected));
        let drawn = (0..100)
            .filter(|part| Ticket::new(&seed, &job, &key("part", *part)).is_drawn(50, 100_000, expected))
            .count() as u32;
        parts += drawn;
        any += u32::from(drawn > 0);
    }
    let chance = share * f64::from(expected);
    assert!(is_plausible(whole, jobs, chance), "{whole}");
    assert!(is_plausible(parts, jobs * 100, chance / 100.0), "{parts}");
    assert!(is_plausible(any, jobs, 1.0 - (1.0 - chance / 100.0).powi(100)), "{any}");
    assert!(any < whole, "{any} of the parts' jobs, {whole} of the whole's");
}

#[test]
fn thresholds_are_exact_at_the_edges() {
    for (weight, total, expected) in [(0, 100, 5), (0, 0, 1), (5, 100, 0), (5, 0, 1)] {
        assert!(!Ticket(0).is_drawn(weight, total, expected), "{weight} of {total} for {expected}");
    }
    for (weight, total, expected) in [(100, 100, 1), (50, 100, 2), (u64::MAX, u64::MAX, u32::MAX), (200, 100, 1)] {
        assert!(Ticket(u64::MAX).is_drawn(weight, total, expected), "{weight} of {total} for {expected}");
    }
    assert!(Ticket((1 << 63) - 1).is_drawn(1, 2, 1) && !Ticket(1 << 63).is_drawn(1, 2, 1));
    assert!(!Ticket(u64::MAX).is_drawn(u64::MAX - 1, u64::MAX, 1));
    assert!(Ticket(1).is_drawn(1, u64::MAX, 1) && !Ticket(2).is_drawn(1, u64::MAX, 1));
}

#[test]
fn rules_outside_their_bounds_are_refused() {
    assert_eq!(RULES.validate(false), Ok(()));
    let cases: [fn(&mut OpeningRules); 7] = [
        |r| r.delay_slots = 0,
        |r| r.delay_slots = 151,
        |r| r.step_slots = 0,
        |r| r.step_slots = 151,
        |r| r.first_expected = 0,
        |r| r.steps = 17,
        |r| (r.step_slots, r.steps) = (128, 4),
    ];
    for (case, change) in cases.into_iter().enumerate() {
        let mut rules = RULES;
        change(&mut rules);
        assert_eq!(rules.validate(false), Err(FairnessError::RuleOutOfBounds), "case {case}");
    }
    assert_eq!(Sortition::new(RULES, Slot(5), 0, |_| 1), Err(FairnessError::InvariantBroken));
    assert_eq!(Sortition::new(RULES, Slot(u64::MAX), 9, |_| 1), Err(FairnessError::ArithmeticOverflow));
    assert_eq!(Sortition::new(RULES, Slot(99), 100, |_| 1).unwrap().total_weight, 0, "nobody is a member of epoch -1");
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// Who may claim may claim in every later slot; more weight only helps; and what a worker waits for is the first slot
    /// that the program accepts.
    #[test]
    fn openings_only_grow(
        number: u32, weight in 0u64..10_000, more: u64, total in 1u64..10_000, first in 1u16..50, step in 1u32..20, steps in 0u8..=16,
    ) {
        let rules = OpeningRules { delay_slots: 2, step_slots: step, first_expected: first, steps };
        let terms = Sortition::new(rules, Slot(1_000), 100, |_| total).unwrap();
        let (record, job, node) = (SeedRecord::Sealed(seed(number)), key("job", 1), key("node", number));
        let may = |weight, slot| terms.check(&record, &job, &node, weight, Slot(slot)).is_ok();
        let slots = 1_000..=1_004 + u64::from(step) * u64::from(steps);
        let first = slots.clone().find(|slot| may(weight, *slot)).unwrap();
        prop_assert!(slots.clone().all(|slot| may(weight, slot) == (slot >= first)));
        prop_assert!(slots.clone().all(|slot| !may(weight, slot) || may(weight.saturating_add(more), slot)));
        let ticket = Ticket::new(&seed(number), &job, &node);
        prop_assert_eq!(terms.first_slot(ticket, weight), Ok(Slot(first)));
        prop_assert!(first <= 1_000 + rules.sortition_slots().0 + 1);
    }

    #[test]
    fn agrees_with_the_fraction(number: u64, weight in 1u64..1_000_000, total in 1u64..1_000_000, expected in 1u32..1_000) {
        let exact = f64::from(expected) * weight as f64 / total as f64;
        let fraction = number as f64 / 2f64.powi(64);
        if (fraction - exact).abs() > 1e-9 {
            prop_assert_eq!(Ticket(number).is_drawn(weight, total, expected), fraction < exact);
        }
    }

    /// Seed, job and node all matter; nothing else goes in.
    #[test]
    fn everything_that_is_hashed_matters(a in 0u32..1_000, b in 0u32..1_000, c in 0u32..1_000, other in 1_000u32..2_000) {
        let ticket = |a, b, c| Ticket::new(&seed(a), &key("job", b), &key("node", c));
        let one = ticket(a, b, c);
        prop_assert!(one == ticket(a, b, c) && one != ticket(other, b, c) && one != ticket(a, other, c) && one != ticket(a, b, other));
    }

    /// The chance of a node, over all tickets, is exactly its share rounded to a ticket: so the chances of parts add up to
    /// no more than that of the whole.
    #[test]
    fn chances_of_parts_add_up_to_that_of_the_whole(parts in prop::collection::vec(1u64..1_000_000, 1..100), rest: u32, expected in 1u32..64) {
        let whole: u64 = parts.iter().sum();
        let total = whole + u64::from(rest);
        let chance = |weight: u64| (u128::from(weight) * u128::from(expected) * (1 << 64)).div_ceil(u128::from(total)).min(1 << 64);
        let (one, sum) = (chance(whole), parts.iter().map(|part| chance(*part)).sum::<u128>());
        // Each part's share is rounded up to a ticket of 2^64.
        prop_assert!(one == 1 << 64 || sum < one + 100 && one <= sum);
        for (weight, tickets) in [(whole, one), (parts[0], chance(parts[0]))] {
            if let Ok(first) = u64::try_from(tickets) {
                prop_assert!(!Ticket(first).is_drawn(weight, total, expected) && Ticket(first - 1).is_drawn(weight, total, expected));
            }
        }
    }
}

/// See `reputation::tests::vectors_for_other_languages_are_up_to_date`.
#[test]
fn vectors_for_other_languages_are_up_to_date() {
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut lines = Vec::new();
    for case in 0..32u32 {
        let (seed, job, node) = (seed(case), key("job", case * 7), key("node", case * 11));
        let weight = u64::from(case + 1) * 1_234_567;
        let terms = terms(100_000_000 + u64::from(case));
        let ticket = Ticket::new(&seed, &job, &node);
        let first = terms.first_slot(ticket, weight).unwrap();
        assert_eq!(terms.check(&SeedRecord::Sealed(seed), &job, &node, weight, first), Ok(()));
        lines.push(format!(
            "{{\"seed\":\"{}\",\"job\":\"{}\",\"node\":\"{}\",\"ticket\":\"{}\",\"weight\":\"{weight}\",\"total_weight\":\"{}\",\
             \"seed_slot\":\"{}\",\"step_slots\":{},\"first_expected\":{},\"steps\":{},\"first_slot\":\"{}\"}}",
            hexadecimal(&seed), hexadecimal(job.as_ref()), hexadecimal(node.as_ref()), ticket.0, terms.total_weight,
            terms.seed_slot, terms.rules.step_slots, terms.rules.first_expected, terms.rules.steps, first.0,
        ));
    }
    crate::seeded::check_vectors("sortition", &lines);
}
