use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::AnnounceMaintenance;
use assay::events::{ClaimMissed, MaintenanceAnnounced};
use assay::fairness::endings::Reason;
use program_tests::World;
use program_tests::terms::terms;
use program_tests::world::STAKE;

#[test]
fn each_rule_has_its_error() {
    let mut world = World::new();
    let node = world.node;
    let now = world.slot();
    let announce = |world: &World, start: u64, length: u64| world.announce_maintenance(&node, start, length);
    world.refuses(&announce(&world, now + 9, 5), AssayError::MaintenanceTooSoon);
    world.refuses(&announce(&world, now + 10, 0), AssayError::MaintenanceTooLong);
    world.refuses(&announce(&world, now + 10, 101), AssayError::MaintenanceTooLong);
    let event: MaintenanceAnnounced = world.accepts(&announce(&world, now + 10, 100)).event();
    assert_eq!((event.node, event.start_slot, event.end_slot), (node.address, now + 10, now + 109));
    world.warp_to(now + 10);
    world.refuses(&announce(&world, now + 500, 5), AssayError::MaintenanceBegun);
    let job = world.posted();
    world.refuses(&world.claim_job(&node, &job), AssayError::InMaintenance);
    world.warp_to(now + 110);
    world.refuses(&announce(&world, now + 409, 5), AssayError::MaintenanceTooOften);
    world.accepts(&announce(&world, now + 410, 5));
    world.accepts(&world.claim_job(&node, &job));
}

/// A miss within a window that was announced before the claim costs the client's charge and hardly any reputation, and no
/// heartbeat is needed. Announced after the claim, the same window excuses nothing.
#[test]
fn only_what_was_announced_before_the_claim_is_excused() {
    for announced_first in [true, false] {
        let mut world = World::new();
        let node = world.node;
        let announce = world.announce_maintenance(&node, world.slot() + 20, 100);
        if announced_first {
            world.accepts(&announce);
            world.advance(1);
        }
        let job = world.claimed();
        if !announced_first {
            world.accepts(&announce);
        }
        world.warp_to(world.slot() + terms().run_slots + 1);
        let event: ClaimMissed = world.accepts(&world.expire_claim(&node, &job)).event();
        let charge = terms().bond * 500 / 10_000;
        assert_eq!((event.charge, event.burned), (charge, 0), "the client's charge is paid in both cases");
        assert_eq!(world.read_node(&node).stake, STAKE - charge);
        let (reason, unresolved) = if announced_first { (Reason::MissedInMaintenance, 0) } else { (Reason::NoShow, 1) };
        assert_eq!((event.reason, world.read_job(&job).reason), (reason, reason));
        assert_eq!(world.read_node(&node).standing.unresolved, unresolved);
    }
}

/// Nobody declares itself away over a miss that is not accounted for.
#[test]
fn a_miss_comes_first() {
    let mut world = World::new();
    let job = world.claimed();
    world.miss(&job);
    let announce = world.announce_maintenance(&world.node, world.slot() + 10, 5);
    world.refuses(&announce, AssayError::UnresolvedMiss);
    world.account_for_misses();
    world.accepts(&announce);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let call = world.announce_maintenance(&node, world.slot() + 10, 5);
    let right = call.accounts;
    let not_operator = || AssayError::NotOperator.into();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("a stranger", AnnounceMaintenance { operator: world.mallory, ..right }, not_operator()),
        ("the node's owner", AnnounceMaintenance { operator: node.owner, ..right }, not_operator()),
        ("another node", AnnounceMaintenance { node: other.address, ..right }, not_operator()),
        ("a node as network", AnnounceMaintenance { network: other.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
