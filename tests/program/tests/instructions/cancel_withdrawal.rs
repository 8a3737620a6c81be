use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CancelWithdrawal;
use assay::events::WithdrawalCancelled;
use program_tests::World;
use program_tests::terms::parameters;
use program_tests::world::STAKE;

fn with_requests() -> World {
    let mut world = World::new();
    for amount in [10, 20, 30] {
        world.accepts(&world.request_withdrawal(&world.node.clone(), amount));
    }
    world
}

#[test]
fn makes_one_request_active_again() {
    let mut world = with_requests();
    let node = world.node;
    let event: WithdrawalCancelled = world.accepts(&world.cancel_withdrawal(&node, 1)).event();
    assert_eq!((event.node, event.amount, event.stake), (node.address, 20, STAKE - 40));
    let state = world.read_node(&node);
    assert_eq!(state.stake, STAKE - 40);
    assert_eq!(state.unbonding.map(|place| place.amount), [10, 0, 30, 0]);
    // Released or not.
    world.advance(parameters().unbonding_slots);
    world.accepts(&world.cancel_withdrawal(&node, 0));
    assert_eq!(world.read_node(&node).stake, STAKE - 30);
}

#[test]
fn places_are_emptied_once() {
    let mut world = with_requests();
    let node = world.node;
    for nowhere in [3, 4, u8::MAX] {
        world.refuses(&world.cancel_withdrawal(&node, nowhere), AssayError::NoSuchWithdrawal);
    }
    world.accepts(&world.cancel_withdrawal(&node, 0));
    world.refuses(&world.cancel_withdrawal(&node, 0), AssayError::NoSuchWithdrawal);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = with_requests();
    let (node, other) = (world.node, world.other_node);
    let call = world.cancel_withdrawal(&node, 0);
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("a stranger", CancelWithdrawal { withdraw_authority: world.mallory, ..right }, not_owner()),
        ("the operator", CancelWithdrawal { withdraw_authority: node.operator, ..right }, not_owner()),
        ("another node", CancelWithdrawal { node: other.address, ..right }, not_owner()),
        ("a node as network", CancelWithdrawal { network: node.address, ..right }, mismatch()),
        ("a node as register", CancelWithdrawal { stake_register: node.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
