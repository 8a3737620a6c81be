use assay::AssayError;
use assay::accounts::CloseDelegationPool;
use assay::address;
use assay::events::DelegationPoolClosed;
use assay::state::NodeDelegation;
use program_tests::World;

/// Everybody has left, and no reward mint is there.
fn ready() -> World {
    let mut world = World::with_delegation();
    let (node, owner, mint) = (world.node, world.key("delegator"), world.mint);
    let call = world.close_delegation_pool(&node);
    world.refuses(&call, AssayError::DelegationsOpen);
    world.leave_delegation(&node, owner);
    world.refuses(&call, AssayError::DelegationsOpen);
    world.accepts(&world.close_delegation(&node, owner));
    world.refuses(&call, AssayError::RewardMintsLeft);
    world.accepts(&world.remove_reward_mint(&node, &mint));
    world
}

#[test]
fn goes_when_nobody_delegates_and_its_rent_returns() {
    let mut world = ready();
    let node = world.node;
    let pool = address::delegation_pool(&node.address);
    let (rent, lamports) = (world.lamports(pool), world.lamports(node.owner));
    let event: DelegationPoolClosed = world.accepts(&world.close_delegation_pool(&node)).event();
    assert_eq!((event.node, event.withdraw_authority), (node.address, node.owner));
    assert_eq!((world.exists(pool), world.lamports(node.owner)), (false, lamports + rent));
    assert_eq!(world.read_node(&node).delegation, NodeDelegation::default());
    world.accepts(&world.open_delegation_pool(&node, 5));
}

/// A node with a pool cannot go: others may have stake with it.
#[test]
fn a_node_goes_after_its_pool() {
    let mut world = World::new();
    let node = world.registered_node("leaving", 0);
    world.accepts(&world.open_delegation_pool(&node, 0));
    world.refuses(&world.deregister_node(&node), AssayError::DelegationPoolOpen);
    world.accepts(&world.close_delegation_pool(&node));
    world.accepts(&world.deregister_node(&node));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = ready();
    let (node, other) = (world.node, world.other_node);
    world.accepts(&world.open_delegation_pool(&other, 0));
    let call = world.close_delegation_pool(&node);
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let table = [
        ("a stranger", CloseDelegationPool { withdraw_authority: world.mallory, ..right }, not_owner()),
        ("another node", CloseDelegationPool { node: other.address, ..right }, not_owner()),
        (
            "another node's pool",
            CloseDelegationPool { pool: address::delegation_pool(&other.address), ..right },
            AssayError::WrongNode.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
