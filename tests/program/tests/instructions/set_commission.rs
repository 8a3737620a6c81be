use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::SetCommission;
use assay::events::CommissionSet;
use program_tests::World;
use program_tests::delegation_calls::COMMISSION_BPS;
use program_tests::terms::parameters;

/// What a claim would pin for delegators in this slot: of half of everything, less the commission.
fn pinned(world: &World) -> u16 {
    let mut branch = world.clone();
    let job = branch.claimed();
    branch.read_job(&job).delegators_bps
}

#[test]
fn a_raise_is_announced_ahead_and_a_fall_is_not() {
    let mut world = World::with_delegation();
    let node = world.node;
    let raised = world.slot() + parameters().unbonding_slots;
    let event: CommissionSet = world.accepts(&world.set_commission(&node, 5_000)).event();
    let CommissionSet { node: address, present_bps, next_bps, next_slot } = event;
    assert_eq!((address, present_bps, next_bps, next_slot), (node.address, COMMISSION_BPS, 5_000, raised));
    world.warp_to(raised - 1);
    assert_eq!(pinned(&world), 4_500);
    world.warp_to(raised);
    assert_eq!(pinned(&world), 2_500);
    world.accepts(&world.set_commission(&node, 0));
    assert_eq!(pinned(&world), 5_000);
}

/// Whoever claims before a raise pays by the commission of the claim.
#[test]
fn claimed_jobs_keep_their_share() {
    let mut world = World::with_delegation();
    let job = world.claimed();
    world.accepts(&world.set_commission(&world.node, 0));
    world.commit(&job);
    world.finalise(&job);
    assert_eq!(world.read_job(&job).delegators_bps, 4_500);
}

#[test]
fn only_shares_of_a_node_that_takes_delegations() {
    let mut world = World::with_delegation();
    world.refuses(&world.set_commission(&world.node, 10_001), AssayError::CommissionOutOfBounds);
    world.refuses(&world.set_commission(&world.other_node, 1), AssayError::DelegationPoolMissing);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::with_delegation();
    let (node, other) = (world.node, world.other_node);
    let call = world.set_commission(&node, 500);
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let table = [
        ("the operator", SetCommission { withdraw_authority: node.operator, ..right }, not_owner()),
        ("another node", SetCommission { node: other.address, ..right }, not_owner()),
        (
            "a node as network",
            SetCommission { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
