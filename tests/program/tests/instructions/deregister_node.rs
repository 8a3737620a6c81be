use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::DeregisterNode;
use assay::events::NodeDeregistered;
use assay::instructions::CreditRole;
use program_tests::terms::parameters;
use program_tests::world::STAKE;
use program_tests::{Node, World};

/// Takes all stake out.
fn emptied() -> (World, Node) {
    let mut world = World::new();
    let node = world.node;
    world.accepts(&world.request_withdrawal(&node, STAKE));
    world.advance(parameters().unbonding_slots);
    world.accepts(&world.withdraw_stake(&node));
    (world, node)
}

#[test]
fn removes_the_node_and_returns_its_rent() {
    let (mut world, node) = emptied();
    let (rent, before) = (world.lamports(node.address), world.lamports(node.owner));
    let event: NodeDeregistered = world.accepts(&world.deregister_node(&node)).event();
    assert_eq!((event.node, event.withdraw_authority), (node.address, node.owner));
    assert!(!world.exists(node.address));
    assert_eq!(world.lamports(node.owner), before + rent);
    world.refuses(&world.deregister_node(&node), ErrorCode::AccountNotInitialized);
}

#[test]
fn not_while_it_owns_or_owes() {
    let mut world = World::new();
    let node = world.node;
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasStake);
    let job = world.claimed();
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasOpenJobs);
    world.commit(&job);
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasOpenJobs);
    world.finalise(&job);
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasStake);
    world.accepts(&world.request_withdrawal(&node, STAKE));
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasUnbonding);
    world.advance(parameters().unbonding_slots + 100);
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasUnbonding);
    world.accepts(&world.withdraw_stake(&node));
    world.accepts(&world.deregister_node(&node));
}

/// A job pins its payee, so earnings outlive the node.
#[test]
fn credits_outlive_the_node() {
    let mut world = World::new();
    let node = world.node;
    let job = world.settled();
    world.accepts(&world.request_withdrawal(&node, STAKE));
    world.advance(parameters().unbonding_slots + 100);
    world.accepts(&world.withdraw_stake(&node));
    world.accepts(&world.deregister_node(&node));
    let owed = world.read_job(&job).credits.node;
    world.accepts(&world.withdraw_credit(world.payer(), &job, CreditRole::Node));
    assert_eq!(world.balance(node.owner, &job.mint), owed);
    world.pay_out(&job);
    world.accepts(&world.close_job(&job));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, node) = emptied();
    let call = world.deregister_node(&node);
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("a stranger", DeregisterNode { withdraw_authority: world.mallory, ..right }, not_owner()),
        ("the operator", DeregisterNode { withdraw_authority: node.operator, ..right }, not_owner()),
        ("another node", DeregisterNode { node: world.other_node.address, ..right }, not_owner()),
        ("a node as network", DeregisterNode { network: node.address, ..right }, mismatch()),
        ("a node as register", DeregisterNode { stake_register: node.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
