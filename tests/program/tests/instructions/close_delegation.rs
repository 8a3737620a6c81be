use assay::AssayError;
use assay::accounts::CloseDelegation;
use assay::address;
use assay::events::DelegationClosed;
use program_tests::World;
use program_tests::delegation_calls::{DELEGATED, delegation};
use program_tests::trial::{A, Case, Trial};

#[test]
fn goes_when_nothing_is_left_and_its_rent_returns() {
    let mut world = World::with_delegation();
    let (node, owner, mint) = (world.node, world.key("delegator"), world.mint);
    let job = world.settled();
    world.accepts(&world.collect_delegation_reward(&node, &job));
    let call = world.close_delegation(&node, owner);
    world.refuses(&call, AssayError::DelegationNotEmpty);
    world.accepts(&world.undelegate(&node, owner, DELEGATED));
    world.refuses(&call, AssayError::DelegationNotEmpty);
    let release = world.read_delegation(&node, owner).held.release_slot;
    world.warp_to(release);
    world.accepts(&world.withdraw_delegation(&node, owner));
    world.refuses(&call, AssayError::DelegationNotEmpty);
    world.accepts(&world.withdraw_delegation_reward(&node, owner, &mint));
    let (rent, lamports) = (world.lamports(delegation(&node, owner)), world.lamports(owner));
    let event: DelegationClosed = world.accepts(&call).event();
    assert_eq!(event.owner, owner);
    assert_eq!((world.lamports(owner), world.read_pool(&node).delegations), (lamports + rent, 0));
}

/// Delegating again after closing begins from nothing: no reward of before.
#[test]
fn a_new_one_has_no_part_in_the_past() {
    let mut world = World::with_delegation();
    let (node, owner, mint) = (world.node, world.key("delegator"), world.mint);
    let job = world.settled();
    world.leave_delegation(&node, owner);
    world.accepts(&world.close_delegation(&node, owner));
    world.accepts(&world.delegate(&node, owner, 10));
    world.refuses(&world.withdraw_delegation_reward(&node, owner, &mint), AssayError::NothingOwed);
    assert_eq!(world.read_job(&job).credits.delegators, 439);
}

/// What a slash took whole keeps no account open.
#[test]
fn worthless_shares_are_dropped() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let owner = trial.world.take_delegation();
    let node = trial.world.node;
    let second = trial.world.delegator("second");
    trial.world.accepts(&trial.world.delegate(&node, second, 1));
    trial.convict_wrong_element();
    let world = &mut trial.world;
    world.accepts(&world.settle_delegation_slash(&node));
    world.accepts(&world.undelegate(&node, second, 1));
    assert_eq!(world.read_delegation(&node, second).held, Default::default(), "three quarters of a unit are nothing");
    world.accepts(&world.close_delegation(&node, second));
    assert_eq!(world.read_pool(&node).stake.active.shares, world.read_delegation(&node, owner).held.shares);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::with_delegation();
    let (node, other, owner) = (world.node, world.other_node, world.key("delegator"));
    let second = world.delegator("second");
    world.accepts(&world.delegate(&node, second, 1));
    world.accepts(&world.open_delegation_pool(&other, 0));
    world.leave_delegation(&node, owner);
    let call = world.close_delegation(&node, owner);
    let right = call.accounts;
    let table = [
        ("a stranger as owner", CloseDelegation { owner: world.mallory, ..right }, AssayError::NotDelegator.into()),
        (
            "another node's pool",
            CloseDelegation { pool: address::delegation_pool(&other.address), ..right },
            AssayError::WrongDelegationPool.into(),
        ),
        (
            "another owner's delegation",
            CloseDelegation { delegation: delegation(&node, second), ..right },
            AssayError::NotDelegator.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
