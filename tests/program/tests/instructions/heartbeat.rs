use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::Heartbeat;
use assay::events::HeartbeatRecorded;
use assay::fairness::reputation::OBSERVATION;
use program_tests::World;
use program_tests::terms::terms;
use program_tests::world::{FIRST_SLOT, STAKE};

/// Once an epoch; a node that was there loses nothing, and its share of the whole follows its score.
#[test]
fn once_an_epoch() {
    let mut world = World::new();
    let node = world.node;
    let call = world.heartbeat(&node);
    world.refuses(&call, AssayError::HeartbeatTooSoon);
    for epoch in 1..4 {
        world.warp_to(FIRST_SLOT + epoch * 50);
        let event: HeartbeatRecorded = world.accepts(&call).event();
        assert_eq!((event.node, event.missed_epochs, event.misses), (node.address, 0, 0));
        world.refuses(&call, AssayError::HeartbeatTooSoon);
    }
    let state = world.read_node(&node);
    assert_eq!((state.standing.heartbeat_epoch, state.evidence.bad), (FIRST_SLOT / 50 + 3, 0));
}

/// Epochs without one count against a node, by a share of what it has.
#[test]
fn silence_lowers_the_score() {
    let mut world = World::new();
    let node = world.node;
    for _ in 0..3 {
        world.settled();
    }
    let before = world.read_node(&node);
    assert!(before.score.0 > 0);
    let next = (before.evidence.epoch + 1) * 50;
    let mut faithful = world.clone();
    for epoch in 0..11 {
        faithful.warp_to(next + epoch * 50);
        faithful.accepts(&faithful.heartbeat(&node));
    }
    world.warp_to(next + 10 * 50);
    let event: HeartbeatRecorded = world.accepts(&world.heartbeat(&node)).event();
    assert!(event.missed_epochs >= 10);
    assert!(event.score_after < event.score_before);
    assert_eq!(event.score_after, world.read_node(&node).score);
    assert!(event.score_after < faithful.read_node(&node).score);
}

/// The breaker: no claim until the miss is accounted for. A node that comes back at once did not show up; from the second time on
/// it is jailed for a time.
#[test]
fn a_miss_is_accounted_for_before_the_next_claim() {
    let mut world = World::new();
    let node = world.node;
    let miss = |world: &mut World| {
        let job = world.claimed();
        world.miss(&job);
        let next = world.posted();
        world.refuses(&world.claim_job(&node, &next), AssayError::UnresolvedMiss);
        let event: HeartbeatRecorded = world.accepts(&world.heartbeat(&node)).event();
        assert_eq!((event.misses, event.outage), (1, false));
        (next, event)
    };
    let (next, event) = miss(&mut world);
    assert!(event.jailed_until_slot <= world.slot(), "the first is free");
    world.accepts(&world.claim_job(&node, &next));
    world.commit(&next);
    let (next, event) = miss(&mut world);
    assert_eq!(event.jailed_until_slot, world.slot() + 40);
    world.refuses(&world.claim_job(&node, &next), AssayError::Jailed);
    world.warp_to(event.jailed_until_slot - 1);
    world.refuses(&world.claim_job(&node, &next), AssayError::Jailed);
    world.advance(1);
    world.accepts(&world.claim_job(&node, &next));
}

/// Only who was silent since before the deadline, and for long, is believed to have been away; the money is the same.
#[test]
fn an_outage_is_long_silence_and_costs_as_much() {
    let mut world = World::new();
    let node = world.node;
    let job = world.claimed();
    world.miss(&job);
    let deadline = world.read_job(&job).run_deadline().unwrap().last().0;
    let bad = |silence: u64| {
        let mut branch = world.clone();
        branch.warp_to(deadline + silence);
        let event: HeartbeatRecorded = branch.accepts(&branch.heartbeat(&node)).event();
        assert_eq!(event.outage, silence >= 60, "{silence}");
        let state = branch.read_node(&node);
        assert_eq!(state.stake, STAKE - branch.read_job(&job).charge_credit);
        assert_eq!(state.standing.misses.step, u8::from(silence < 60));
        state.evidence.bad
    };
    let fee = terms().price_min * 250 / 10_000;
    let observations = fee * OBSERVATION / 25;
    assert_eq!(bad(59), 4 * observations);
    assert!(bad(60) <= observations / 2 + 1);
}

/// A node that signs anything after the deadline was not away, however long it then keeps silent.
#[test]
fn a_claimed_outage_is_not_believed_from_a_node_that_signed() {
    let mut world = World::new();
    let node = world.node;
    let (first, second) = (world.claimed(), world.posted());
    let deadline = world.read_job(&first).run_deadline().unwrap().last().0;
    world.warp_to(deadline + 1);
    world.accepts(&world.claim_job(&node, &second));
    world.accepts(&world.expire_claim(&node, &first));
    world.warp_to(deadline + 100);
    let event: HeartbeatRecorded = world.accepts(&world.heartbeat(&node)).event();
    assert!(!event.outage, "it claimed while it says that it was away");
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    world.advance(50);
    let call = world.heartbeat(&node);
    let right = call.accounts;
    let not_operator = || AssayError::NotOperator.into();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("a stranger", Heartbeat { operator: world.mallory, ..right }, not_operator()),
        ("the node's owner", Heartbeat { operator: node.owner, ..right }, not_operator()),
        ("another node", Heartbeat { node: other.address, ..right }, not_operator()),
        ("a node as network", Heartbeat { network: other.address, ..right }, mismatch()),
        ("a node as register", Heartbeat { stake_register: other.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
