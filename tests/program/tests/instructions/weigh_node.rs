use anchor_lang::error::ErrorCode;
use assay::accounts::WeighNode;
use assay::events::NodeWeighed;
use assay::state::{Parameters, SchedulingParameters};
use program_tests::World;
use program_tests::scheduling_calls::scheduling;
use program_tests::terms::parameters;
use program_tests::world::STAKE;

/// A newcomer weighs half of its stake; the register counts what the nodes weigh, whatever they do with their stake.
#[test]
fn the_register_counts_what_nodes_weigh() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let check = |world: &World, stakes: [u64; 2]| {
        let register = world.stake_register();
        let states = [node, other].map(|node| world.read_node(&node));
        assert_eq!(states.each_ref().map(|state| state.weights.present()), stakes.map(|stake| stake / 2));
        assert_eq!(register.weights.present(), stakes.iter().map(|stake| stake / 2).sum::<u64>());
        assert_eq!(register.stake, stakes.iter().sum::<u64>());
    };
    check(&world, [STAKE, STAKE]);
    world.accepts(&world.stake(&node, node.owner, 50));
    check(&world, [STAKE + 50, STAKE]);
    world.accepts(&world.request_withdrawal(&other, STAKE));
    check(&world, [STAKE + 50, 0]);
    world.accepts(&world.cancel_withdrawal(&other, 0));
    check(&world, [STAKE + 50, STAKE]);
    let event: NodeWeighed = world.accepts(&world.weigh_node(&node)).event();
    assert_eq!((event.node, event.weight, event.total_weight), (node.address, STAKE / 2 + 25, STAKE + 25));
    check(&world, [STAKE + 50, STAKE]);
}

/// What lies below the network's minimum weighs nothing and is counted nowhere.
#[test]
fn dust_weighs_nothing() {
    let mut world = World::new();
    let before = world.stake_register();
    let dwarf = world.registered_node("dwarf", parameters().minimum_stake - 1);
    assert_eq!(world.stake_register(), before);
    assert_eq!(world.read_node(&dwarf).weights.present(), 0);
}

/// Whoever shows no sign of life for long leaves its share to the others, by anybody's call.
#[test]
fn an_absent_node_weighs_nothing() {
    let mut world = World::new();
    let node = world.node;
    let patient = SchedulingParameters { absent_epochs: 2, ..scheduling() };
    world.changes_parameters(Parameters { scheduling: patient, ..parameters() });
    world.advance(3 * 50);
    world.accepts(&world.weigh_node(&node));
    assert_eq!(world.stake_register().stake, 2 * STAKE, "two whole epochs are allowed");
    world.advance(50);
    world.accepts(&world.weigh_node(&node));
    assert_eq!(world.read_node(&node).weights.present(), 0);
    assert_eq!((world.stake_register().stake, world.stake_register().weights.present()), (STAKE, STAKE / 2));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let node = world.node;
    let job = world.posted();
    let call = world.weigh_node(&node);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("a node as network", WeighNode { network: node.address, ..right }, mismatch()),
        ("a node as register", WeighNode { stake_register: world.other_node.address, ..right }, mismatch()),
        ("a job as node", WeighNode { node: job.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
