//! Every ending of a job carries its reason and whose fault it was, and drives money, reputation and standing apart; and nobody
//! passes one class of fault off as another.

use assay::AssayError;
use assay::events::{ClaimMissed, JobSettled};
use assay::fairness::endings::{FaultSide, Reason};
use assay::fairness::filter::JobFilter;
use assay::fairness::reputation::OBSERVATION;
use assay::instructions::PostJobArgs;
use assay::state::Profile;
use program_tests::terms::terms;
use program_tests::world::STAKE;
use program_tests::{Job, World};

fn posted(world: &mut World, args: PostJobArgs) -> Job {
    let (client, mint) = (world.client, world.mint);
    world.post(client, &mint, args)
}

#[test]
fn endings_that_are_nobodys_fault_say_so() {
    let mut world = World::new();
    let (cancelled, unclaimed) = (world.cancelled(), world.posted());
    world.advance(terms().claim_slots + 1);
    world.accepts(&world.expire_job(&unclaimed));
    for (job, reason) in [(cancelled, Reason::Cancelled), (unclaimed, Reason::Unclaimed)] {
        let state = world.read_job(&job);
        assert_eq!((state.reason, state.fault_side), (reason, FaultSide::None));
    }
    let open = world.posted();
    assert_eq!(world.read_job(&open).reason, Reason::Open);
}

/// Reputation grows by the fee that a job pays, through the mint's bond rate, and every change says what it was before.
#[test]
fn a_result_in_time_counts_by_its_fee() {
    let mut world = World::new();
    let node = world.node;
    let fee = terms().price_min * 250 / 10_000;
    let mut expected = 0;
    let mut last = world.read_node(&node).score;
    for _ in 0..3 {
        let job = world.committed();
        world.advance(terms().window_slots + 1);
        let event: JobSettled = world.accepts(&world.finalise_job(&node, &job)).event();
        expected += fee * OBSERVATION / 25;
        assert_eq!((event.reason, event.late_bps), (Reason::Completed, 0));
        assert!(event.score_before <= last && event.score_after > event.score_before);
        let state = world.read_node(&node);
        assert_eq!(state.score, event.score_after);
        assert!(state.evidence.good <= expected && state.evidence.good > expected * 9 / 10, "it fades by the epoch");
        assert_eq!(state.evidence.bad, 0);
        last = state.score;
    }
}

/// Jobs that pay no fee raise nothing, however many.
#[test]
fn jobs_without_a_fee_raise_nothing() {
    let mut world = World::new();
    for _ in 0..5 {
        let job = posted(&mut world, PostJobArgs { price_min: 39, price_max: 39, bond: 39, ..terms() });
        world.claim(&job);
        world.commit(&job);
        world.finalise(&job);
    }
    assert_eq!(world.read_node(&world.node).evidence.good, 0);
}

/// A client that invites its own node raises nothing, whatever it pays; and nobody is drawn.
#[test]
fn an_invitation_raises_nothing() {
    let mut world = World::with_draw();
    let node = world.node;
    let job = posted(&mut world, PostJobArgs { invited_node: Some(node.address), ramp_hold_slots: 14, ..terms() });
    world.refuses(&world.claim_job(&world.other_node, &job), AssayError::NotInvited);
    world.accepts(&world.claim_job(&node, &job));
    world.commit(&job);
    world.advance(terms().window_slots + 1);
    let event: JobSettled = world.accepts(&world.finalise_job(&node, &job)).event();
    assert!(event.fee_credit > 0);
    assert_eq!(world.read_node(&node).evidence.good, 0);
}

/// Later than the speed that the node itself declared: the price falls in proportion, the rest is the client's, and the tier goes
/// down with the second.
#[test]
fn a_late_result_earns_less_and_lowers_the_tier() {
    let mut world = World::new();
    let node = world.node;
    world.accepts(&world.set_profile(&node, Profile { units_per_slot: 1_000, ..Profile::default() }));
    // Expected after 10 of 50 slots; at 30 half of the time that is left is gone, and a quarter of the price.
    for (delay, late_bps, price) in [(10, 0, 1_001), (30, 5_000, 750), (50, 10_000, 500)] {
        let job = posted(&mut world, PostJobArgs { cost_units: 10_000, ..terms() });
        world.claim(&job);
        assert_eq!(world.read_job(&job).expected_slots, 10);
        // Declaring less speed afterwards changes nothing.
        world.accepts(&world.set_profile(&node, Profile { units_per_slot: 600, ..Profile::default() }));
        world.advance(delay);
        world.commit(&job);
        world.accepts(&world.set_profile(&node, Profile { units_per_slot: 1_000, ..Profile::default() }));
        world.advance(terms().window_slots + 1);
        let event: JobSettled = world.accepts(&world.finalise_job(&node, &job)).event();
        let reason = if late_bps == 0 { Reason::Completed } else { Reason::CompletedLate };
        assert_eq!((event.late_bps, event.reason), (late_bps, reason), "after {delay} slots");
        assert_eq!(event.node_credit + event.fee_credit, price);
        assert_eq!(event.client_credit, terms().price_max - price);
        let side = if late_bps == 0 { FaultSide::None } else { FaultSide::Provider };
        assert_eq!(world.read_job(&job).fault_side, side);
    }
    assert_eq!(world.read_node(&node).stake, STAKE, "lateness costs no stake");
    let fast = posted(
        &mut world,
        PostJobArgs { filter: Some(JobFilter { minimum_tier: 10, ..JobFilter::default() }), ..terms() },
    );
    world.refuses(&world.claim_job(&node, &fast), AssayError::TierTooLow);
}

/// The same holds for a client that accepts at once.
#[test]
fn an_accepted_late_result_earns_less_too() {
    let mut world = World::new();
    let node = world.node;
    world.accepts(&world.set_profile(&node, Profile { units_per_slot: 1_000, ..Profile::default() }));
    let job = posted(&mut world, PostJobArgs { cost_units: 10_000, ..terms() });
    world.claim(&job);
    world.advance(30);
    world.commit(&job);
    world.accepts(&world.accept_result(&job));
    let state = world.read_job(&job);
    assert_eq!(state.credits.node + state.credits.fee, 750);
    // The fee may have left before the end; what the job counts does not depend on it.
    world.accepts(&world.sweep_fee(&job));
    world.finalise(&job);
    assert!(world.read_node(&node).evidence.good > 0);
}

/// The first miss costs the client's charge alone; a further one before it has healed burns up to one percent of the bond as well.
#[test]
fn repeated_misses_burn_a_part_of_the_bond() {
    let mut world = World::new();
    let node = world.node;
    let charge = terms().bond * 500 / 10_000;
    let mut stake = STAKE;
    for burned in [0, terms().bond / 100, terms().bond / 100] {
        let job = world.claimed();
        world.advance(terms().run_slots + 1);
        let event: ClaimMissed = world.accepts(&world.expire_claim(&node, &job)).event();
        assert_eq!((event.charge, event.burned, event.reason), (charge, burned, Reason::NoShow));
        stake -= charge + burned;
        assert_eq!(world.read_node(&node).stake, stake);
        let state = world.read_job(&job);
        assert_eq!((state.fault_side, state.record.burn_credit), (FaultSide::Provider, burned));
        if burned > 0 {
            world.refuses(&world.close_job(&job), AssayError::CreditsOutstanding);
            world.accepts(&world.burn_slash(&job));
        }
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
        world.account_for_misses();
        let free = world.read_node(&node).standing.jailed_until_slot.max(world.slot());
        world.warp_to(free);
    }
    // With time it heals.
    world.advance(8 * 150);
    let job = world.claimed();
    world.advance(terms().run_slots + 1);
    let event: ClaimMissed = world.accepts(&world.expire_claim(&node, &job)).event();
    assert_eq!(event.burned, 0);
}

/// What a node did is not forgotten by closing its account and registering again.
#[test]
fn marks_are_not_washed_off_by_registering_again() {
    let mut world = World::new();
    let node = world.node;
    let job = world.claimed();
    world.miss(&job);
    let stake = world.read_node(&node).stake;
    world.accepts(&world.request_withdrawal(&node, stake));
    let mut silent = world.clone();
    silent.advance(1_400);
    silent.accepts(&silent.withdraw_stake(&node));
    silent.refuses(&silent.deregister_node(&node), AssayError::NodeHasMarks);
    world.account_for_misses();
    world.advance(1_400);
    world.accepts(&world.withdraw_stake(&node));
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasMarks);
    world.advance(20_000);
    world.accepts(&world.deregister_node(&node));
}
