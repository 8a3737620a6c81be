use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::OpenDelegationPool;
use assay::address;
use assay::events::DelegationPoolOpened;
use assay::fairness::commission::Commission;
use program_tests::World;
use program_tests::trial::{Case, Trial};

#[test]
fn begins_empty_with_its_commission() {
    let mut world = World::new();
    let node = world.node;
    let event: DelegationPoolOpened = world.accepts(&world.open_delegation_pool(&node, 10_000)).event();
    let pool = address::delegation_pool(&node.address);
    assert_eq!((event.node, event.pool, event.commission_bps), (node.address, pool, 10_000));
    let delegation = world.read_node(&node).delegation;
    assert_eq!((delegation.open, delegation.commission, delegation.stake), (true, Commission::of(10_000), 0));
    let pool = world.read_pool(&node);
    assert_eq!((pool.node, pool.delegations, pool.applied_loss), (node.address, 0, 0));
    assert!(world.transact(&[world.open_delegation_pool(&node, 1).instruction()]).is_err(), "twice");
}

#[test]
fn a_commission_is_at_most_everything() {
    let mut world = World::new();
    world.refuses(&world.open_delegation_pool(&world.node, 10_001), AssayError::CommissionOutOfBounds);
}

#[test]
fn not_for_a_convicted_node() {
    let mut trial = Trial::new(Case::wrong_in(program_tests::trial::A, 7));
    trial.convict_wrong_element();
    trial.world.refuses(&trial.world.open_delegation_pool(&trial.world.node, 1), AssayError::NodeConvicted);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let call = world.open_delegation_pool(&node, 500);
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let table = [
        ("a stranger", OpenDelegationPool { withdraw_authority: world.mallory, ..right }, not_owner()),
        (
            "another node",
            OpenDelegationPool { node: other.address, pool: address::delegation_pool(&other.address), ..right },
            not_owner(),
        ),
        (
            "another node's pool",
            OpenDelegationPool { pool: address::delegation_pool(&other.address), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
