use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::RegisterNode;
use assay::address;
use assay::events::NodeRegistered;
use assay::fairness::reputation::Evidence;
use assay::fairness::standing::NodeStanding;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::world::FIRST_SLOT;
use program_tests::{Node, World};
use solana_sdk::pubkey::Pubkey;

fn unregistered(world: &mut World, index: u16) -> Node {
    let (owner, operator) = (world.rich_key("owner"), world.key("operator"));
    Node { address: address::node(&owner, index), owner, operator }
}

#[test]
fn creates_a_node_without_stake() {
    let mut world = World::new();
    world.advance(5);
    for index in [0, 1, u16::MAX] {
        let node = unregistered(&mut world, index);
        // Lamports that somebody sent ahead do not stop it.
        world.svm.airdrop(&node.address, 1_000_000).unwrap();
        let event: NodeRegistered = world.accepts(&world.register_node(&node, index, "http://a:1")).event();
        let NodeRegistered { node: address, withdraw_authority, operator, index: number } = event;
        assert_eq!((address, withdraw_authority, operator, number), (node.address, node.owner, node.operator, index));
        let state = world.read_node(&node);
        let expected = assay::state::Node {
            version: assay::state::Node::VERSION,
            bump: state.bump,
            index,
            withdraw_authority: node.owner,
            operator: node.operator,
            registered_slot: FIRST_SLOT + 5,
            evidence: Evidence { epoch: 20, ..Evidence::default() },
            standing: NodeStanding { seen_slot: FIRST_SLOT + 5, heartbeat_epoch: 20, ..NodeStanding::default() },
            endpoint: "http://a:1".into(),
            ..Default::default()
        };
        assert_eq!(state, expected);
    }
}

#[test]
fn contact_is_checked() {
    let mut world = World::new();
    let node = unregistered(&mut world, 0);
    for endpoint in ["a b", "line\n", "\u{7f}", "caf\u{e9}", &"a".repeat(97)] {
        world.refuses(&world.register_node(&node, 0, endpoint), AssayError::EndpointInvalid);
    }
    let voiceless = Node { operator: Pubkey::default(), ..node };
    world.refuses(&world.register_node(&voiceless, 0, ""), AssayError::OperatorInvalid);
    world.accepts(&world.register_node(&node, 0, &"a".repeat(96)));
}

#[test]
fn once_an_index_until_it_is_deregistered() {
    let mut world = World::new();
    let node = unregistered(&mut world, 0);
    let call = world.register_node(&node, 0, "");
    world.accepts(&call);
    world.refuses(&call, ACCOUNT_IN_USE);
    world.accepts(&world.deregister_node(&node));
    world.accepts(&call);
}

/// Closing and registering in one transaction cannot bring an old node back with what it had.
#[test]
fn a_node_revived_in_one_transaction_starts_from_nothing() {
    let mut world = World::new();
    let node = unregistered(&mut world, 0);
    world.accepts(&world.register_node(&node, 0, "http://old:1"));
    let close = world.deregister_node(&node).instruction();
    let revive = world.register_node(&node, 0, "http://new:1").instruction();
    world.transact(&[close, revive]).expect("a new node at the old address");
    let state = world.read_node(&node);
    assert_eq!((state.endpoint.as_str(), state.stake, state.jobs_settled), ("http://new:1", 0, 0));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let node = unregistered(&mut world, 7);
    let call = world.register_node(&node, 7, "");
    let right = call.accounts;
    let table = [
        (
            "in the name of a stranger's key",
            RegisterNode { withdraw_authority: world.mallory, ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "another account of the program",
            RegisterNode { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the address of another index",
            RegisterNode { node: address::node(&node.owner, 8), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        ("somebody else's node", RegisterNode { node: world.node.address, ..right }, ErrorCode::ConstraintSeeds.into()),
    ];
    world.refuses_accounts(&call, table);
}
