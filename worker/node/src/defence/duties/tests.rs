//! Tests of the duties.

use super::*;
use assay::dispute::Clocks;
use assay::state::{DemandKey, DisputeTerms};
use assay::state_machine::JobState;
use proptest::prelude::*;

const ZERO: Pubkey = Pubkey::new_from_array([0; 32]);

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn job() -> Job {
    let dispute = DisputeTerms {
        reveal_slots: 50,
        challenger_clock_slots: 100,
        defender_clock_slots: 200,
        ..DisputeTerms::default()
    };
    Job { state: JobState::Committed, dispute, ..Job::default() }
}

/// A revealed challenge that has waited for `demand` since `since_slot`; for the zero key it waits for nothing.
fn challenge(challenger: u8, demand: Pubkey, since_slot: u64, defender_used_slots: u64) -> (Pubkey, Challenge) {
    let clocks = Clocks { demand, since_slot, defender_used_slots, ..Clocks::default() };
    let state = ChallengeState::Revealed;
    let challenger_key = key(challenger);
    (key(100 + challenger), Challenge { state, challenger: challenger_key, clocks, ..Challenge::default() })
}

fn demand(address: u8, tree: DemandTree, slot: u16) -> (Pubkey, Demand) {
    (key(address), Demand { key: DemandKey { tree, slot, ..DemandKey::default() }, ..Demand::default() })
}

fn answered(mut demand: (Pubkey, Demand), slot: u64) -> (Pubkey, Demand) {
    demand.1.state = DemandState::Answered;
    demand.1.answered_slot = slot;
    demand
}

#[test]
fn what_is_demanded_is_due_when_the_clock_of_its_challenge_ends_the_most_urgent_first() {
    let dispute = Dispute {
        challenges: vec![
            challenge(1, key(1), 1_000, 0),
            challenge(2, key(2), 1_010, 150),
            challenge(3, key(2), 1_020, 0),
        ],
        demands: vec![demand(1, DemandTree::SegmentRoot, 7), demand(2, DemandTree::Tensor, 3)],
    };
    let due = duties(&job(), &dispute, 1_030);
    let answer = Due { duty: Duty::Answer { demand: key(2) }, until_slot: 1_060 };
    let root = Due { duty: Duty::RecordRoot { segment: 7 }, until_slot: 1_200 };
    assert_eq!(due, [answer, root], "once for both challenges that wait for it, by the shorter clock");
}

#[test]
fn what_is_answered_or_somebody_elses_or_asked_of_a_job_that_is_over_is_no_duty() {
    let posted = |mut demand: (Pubkey, Demand)| {
        demand.1.claim = key(9);
        demand
    };
    let waiting = || vec![challenge(1, key(1), 1_000, 0)];
    for demand in [answered(demand(1, DemandTree::Boundary, 0), 1_010), posted(demand(1, DemandTree::Tensor, 0))] {
        let dispute = Dispute { challenges: waiting(), demands: vec![demand] };
        assert_eq!(duties(&job(), &dispute, 1_020), []);
    }
    let open = || Dispute { challenges: waiting(), demands: vec![demand(1, DemandTree::Boundary, 0)] };
    for state in [JobState::Convicted, JobState::Settled, JobState::Claimed] {
        assert_eq!(duties(&Job { state, ..job() }, &open(), 1_020), []);
    }
    assert_eq!(duties(&Job { state: JobState::Accepted, ..job() }, &open(), 1_020).len(), 1);
    let mut over = open();
    over.challenges[0].1.state = ChallengeState::Lost;
    assert_eq!(duties(&job(), &over, 1_020), []);
}

#[test]
fn a_demand_that_is_open_again_is_due_again() {
    let mut reopened = demand(1, DemandTree::SegmentRoot, 0);
    reopened.1.reopened_slot = 1_500;
    let dispute = Dispute { challenges: vec![challenge(1, key(1), 1_000, 20)], demands: vec![reopened] };
    assert_eq!(duties(&job(), &dispute, 1_510)[0].until_slot, 1_680);
}

#[test]
fn challengers_that_are_out_of_time_are_ended_and_not_a_slot_earlier() {
    let time_out = || Duty::TimeOut { challenge: key(101) };
    let idle = Dispute { challenges: vec![challenge(1, ZERO, 1_000, 0)], demands: vec![] };
    assert_eq!(duties(&job(), &idle, 1_100), []);
    assert_eq!(next_look(&job(), &idle), Some(1_101));
    assert_eq!(duties(&job(), &idle, 1_101)[0], Due { duty: time_out(), until_slot: u64::MAX });
    let after_answer = Dispute {
        challenges: vec![challenge(1, key(1), 1_000, 0)],
        demands: vec![answered(demand(1, DemandTree::Boundary, 0), 1_040)],
    };
    assert_eq!(duties(&job(), &after_answer, 1_140), []);
    assert_eq!(next_look(&job(), &after_answer), Some(1_141));
    assert_eq!(duties(&job(), &after_answer, 1_141)[0].duty, time_out());
    let mut sealed = challenge(1, ZERO, 0, 0);
    sealed.1.state = ChallengeState::Sealed;
    sealed.1.committed_slot = 1_000;
    let sealed = Dispute { challenges: vec![sealed], demands: vec![] };
    assert_eq!(duties(&job(), &sealed, 1_050), []);
    assert_eq!(next_look(&job(), &sealed), Some(1_051));
    assert_eq!(duties(&job(), &sealed, 1_051)[0].duty, time_out());
}

proptest! {
    /// Whatever the accounts say: nothing panics, nothing is listed twice, the order is by urgency, and whatever still has
    /// an open challenge either waits for this node, or for somebody whose time ends at a known slot, or for a poster.
    #[test]
    fn nobody_waits_for_ever(
        challenges in prop::collection::vec((0u8..6, 0u8..3, 0u64..5_000, 0u64..400, any::<bool>()), 0..8),
        demands in prop::collection::vec((0u8..4, any::<bool>(), any::<bool>(), 0u64..5_000), 3),
        slot in 0u64..6_000,
    ) {
        let trees = [DemandTree::Boundary, DemandTree::Segment, DemandTree::Tensor, DemandTree::SegmentRoot];
        let demands: Vec<_> = demands.into_iter().zip(1u8..).map(|((tree, is_open, is_posted, at), address)| {
            let mut made = demand(address, trees[usize::from(tree)], u16::from(address));
            made.1.claim = if is_posted { key(9) } else { ZERO };
            if is_open { made } else { answered(made, at.max(1)) }
        }).collect();
        let challenges: Vec<_> = challenges.into_iter().zip(10u8..).map(|((waits, state, since, used, extended), who)| {
            let mut made = challenge(who, if waits == 0 || waits > 3 { ZERO } else { key(waits) }, since, used);
            made.1.state = [ChallengeState::Sealed, ChallengeState::Revealed, ChallengeState::Won][usize::from(state)];
            made.1.committed_slot = since;
            made.1.clocks.challenger_used_slots = used;
            made.1.clocks.defender_extended = extended;
            made
        }).collect();
        let dispute = Dispute { challenges, demands };
        let due = duties(&job(), &dispute, slot);
        for (index, one) in due.iter().enumerate() {
            prop_assert!(due[index + 1..].iter().all(|other| other.duty != one.duty && other.until_slot >= one.until_slot));
        }
        let waits_for_poster = |challenge: &Challenge| {
            let demand = dispute.demand(&challenge.clocks.demand);
            challenge.state == ChallengeState::Revealed
                && demand.is_some_and(|demand| demand.claim != ZERO && demand.state == DemandState::Open)
        };
        let idle = dispute.open_challenges().any(|(_, challenge)| !waits_for_poster(challenge));
        prop_assert!(!idle || !due.is_empty() || next_look(&job(), &dispute).is_some());
    }
}
