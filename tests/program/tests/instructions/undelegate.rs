use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::Undelegate;
use assay::address;
use assay::events::Undelegated;
use assay::state::limits;
use program_tests::World;
use program_tests::delegation_calls::DELEGATED;
use program_tests::terms::parameters;
use program_tests::trial::{A, Case, Trial};
use program_tests::world::STAKE;

#[test]
fn shares_go_on_their_way_out_and_weigh_no_more() {
    let mut world = World::with_delegation();
    let (node, owner) = (world.node, world.key("delegator"));
    let release = world.slot() + parameters().unbonding_slots;
    let event: Undelegated = world.accepts(&world.undelegate(&node, owner, 30_000)).event();
    let Undelegated { node: address, owner: by, shares, amount, release_slot, delegated_stake } = event;
    assert_eq!((address, by, shares, amount), (node.address, owner, 30_000, 30_000));
    assert_eq!((release_slot, delegated_stake), (release, DELEGATED - 30_000));
    let held = world.read_delegation(&node, owner).held;
    assert_eq!((held.shares, held.unbonding_shares, held.release_slot), (DELEGATED - 30_000, 30_000, release));
    assert_eq!(world.stake_register().stake, 2 * STAKE + DELEGATED - 30_000);
    assert_eq!(world.read_node(&node).weights.present(), (STAKE + DELEGATED - 30_000) / 2);
    world.refuses(&world.undelegate(&node, owner, DELEGATED - 29_999), AssayError::NotEnoughShares);
    world.refuses(&world.undelegate(&node, owner, 0), AssayError::NotEnoughShares);
    world.accepts(&world.undelegate(&node, owner, DELEGATED - 30_000));
    assert_eq!(world.read_node(&node).delegation.stake, 0);
}

/// What leaves can be slashed for everything that the node had claimed, as the node's own stake can.
#[test]
fn never_released_before_the_claimed_jobs_are_beyond_challenge() {
    let mut world = World::with_delegation();
    let (node, owner) = (world.node, world.key("delegator"));
    world.claimed();
    let obligation = world.read_node(&node).last_obligation_slot;
    let mut short = parameters();
    short.unbonding_slots = 400 + 300 + (20 + 200 + 150) * 3 / 2 + 64 + 64;
    world.changes_parameters(short);
    world.warp_to(obligation - 1);
    // As if a later claim had come just before: the release lies a margin beyond the obligation at least.
    let job = world.posted();
    world.accepts(&world.claim_job(&node, &job));
    let obligation = world.read_node(&node).last_obligation_slot;
    let least = obligation + limits::UNBONDING_MARGIN_SLOTS;
    let event: Undelegated = world.accepts(&world.undelegate(&node, owner, 1)).event();
    assert_eq!(event.release_slot, least.max(world.slot() + short.unbonding_slots));
    world.accepts(&world.request_withdrawal(&node, 1));
    assert_eq!(world.read_node(&node).unbonding[0].release_slot, event.release_slot, "as for the node's own");
}

/// After a conviction nothing moves until the slash has reached the pool; then shares leave at their new worth.
#[test]
fn a_slash_comes_first() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let owner = trial.world.take_delegation();
    trial.convict_wrong_element();
    let (node, world) = (trial.world.node, &mut trial.world);
    world.refuses(&world.undelegate(&node, owner, 1), AssayError::DelegationSlashOutstanding);
    world.accepts(&world.settle_delegation_slash(&node));
    let event: Undelegated = world.accepts(&world.undelegate(&node, owner, 1_000)).event();
    assert_eq!(event.amount, 750);
    let frozen = world.read_node(&node).frozen_until_slot;
    assert_eq!(event.release_slot, frozen + limits::UNBONDING_MARGIN_SLOTS);
}

/// Once it is on its way, anybody brings it to its end; all of it goes to its owner.
#[test]
fn helpers_bring_it_to_its_end() {
    let mut world = World::with_delegation();
    let (node, owner, mint) = (world.node, world.key("delegator"), world.mint);
    let job = world.settled();
    world.accepts(&world.collect_delegation_reward(&node, &job));
    world.accepts(&world.undelegate(&node, owner, DELEGATED));
    world.advance(parameters().unbonding_slots);
    let helper = world.mallory;
    world.accepts(&world.withdraw_delegation(&node, owner).with(|a| a.authority = helper));
    world.accepts(&world.withdraw_delegation_reward(&node, owner, &mint).with(|a| a.authority = helper));
    assert_eq!(world.balance(owner, &world.stake_mint), program_tests::world::POCKET);
    assert_eq!(world.balance(owner, &mint), 438);
    let lamports = world.lamports(owner);
    world.accepts(&world.close_delegation(&node, owner));
    assert!(world.lamports(owner) > lamports, "the rent is the owner's");
    world.accepts(&world.remove_reward_mint(&node, &mint));
    world.accepts(&world.close_delegation_pool(&node));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::with_delegation();
    let (node, other, owner) = (world.node, world.other_node, world.key("delegator"));
    let second = world.delegator("second");
    world.accepts(&world.delegate(&node, second, 500));
    world.accepts(&world.open_delegation_pool(&other, 0));
    world.accepts(&world.delegate(&other, owner, 500));
    let call = world.undelegate(&node, owner, 500);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let other_pool = address::delegation_pool(&other.address);
    let not_owner = || AssayError::NotDelegator.into();
    let table = [
        ("a stranger", Undelegate { owner: world.mallory, ..right }, not_owner()),
        ("the node's owner", Undelegate { owner: node.owner, ..right }, not_owner()),
        ("a node as network", Undelegate { network: other.address, ..right }, mismatch()),
        ("a node as register", Undelegate { stake_register: other.address, ..right }, mismatch()),
        ("another node", Undelegate { node: other.address, ..right }, AssayError::WrongNode.into()),
        ("another node's pool", Undelegate { pool: other_pool, ..right }, AssayError::WrongNode.into()),
        (
            "another node with its pool",
            Undelegate { node: other.address, pool: other_pool, ..right },
            AssayError::WrongDelegationPool.into(),
        ),
        (
            "another owner's delegation",
            Undelegate { delegation: address::delegation(&right.pool, &second), ..right },
            not_owner(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
