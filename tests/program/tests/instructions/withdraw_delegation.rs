use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawDelegation;
use assay::address;
use assay::events::DelegationWithdrawn;
use program_tests::World;
use program_tests::delegation_calls::DELEGATED;
use program_tests::terms::parameters;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::trial::{A, Case, Trial};
use program_tests::world::{FIRST_SLOT, POCKET};

#[test]
fn pays_what_is_released_and_not_a_slot_early() {
    let mut world = World::with_delegation();
    let (node, owner) = (world.node, world.key("delegator"));
    world.refuses(&world.withdraw_delegation(&node, owner), AssayError::NotEnoughShares);
    world.accepts(&world.undelegate(&node, owner, 30_000));
    let release = FIRST_SLOT + parameters().unbonding_slots;
    world.warp_to(release - 1);
    world.refuses(&world.withdraw_delegation(&node, owner), AssayError::NotReleased);
    world.warp_to(release);
    let vault = world.tokens(address::stake_vault());
    let event: DelegationWithdrawn = world.accepts(&world.withdraw_delegation(&node, owner)).event();
    assert_eq!((event.node, event.owner, event.amount), (node.address, owner, 30_000));
    assert_eq!(event.destination, associated(owner, &world.stake_mint));
    assert_eq!(world.balance(owner, &world.stake_mint), POCKET - DELEGATED + 30_000);
    assert_eq!(world.tokens(address::stake_vault()), vault - 30_000);
    world.refuses(&world.withdraw_delegation(&node, owner), AssayError::NotEnoughShares);
}

#[test]
fn the_owner_names_the_destination() {
    let mut world = World::with_delegation();
    let (node, owner) = (world.node, world.key("delegator"));
    world.accepts(&world.undelegate(&node, owner, 5));
    world.advance(parameters().unbonding_slots);
    let anywhere = world.create_token_account("anywhere", world.client, &world.stake_mint.clone());
    let helper = world.mallory;
    let elsewhere = world.withdraw_delegation(&node, owner).with(|a| (a.authority, a.destination) = (helper, anywhere));
    world.refuses(&elsewhere, AssayError::DestinationNotCanonical);
    world.accepts(&world.withdraw_delegation(&node, owner).with(|a| a.destination = anywhere));
    assert_eq!(world.tokens(anywhere), 5);
}

/// What was on its way out when the node lied waits for the freeze and the charge for company, and loses the same share; then
/// it leaves without the node doing anything.
#[test]
fn a_conviction_reaches_what_is_on_its_way_out() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let owner = trial.world.take_delegation();
    let node = trial.world.node;
    trial.world.accepts(&trial.world.undelegate(&node, owner, DELEGATED));
    let release = trial.world.read_delegation(&node, owner).held.release_slot;
    trial.convict_wrong_element();
    let world = &mut trial.world;
    let call = world.withdraw_delegation(&node, owner);
    world.refuses(&call, AssayError::DelegationSlashOutstanding);
    world.accepts(&world.settle_delegation_slash(&node));
    world.refuses(&call, AssayError::CorrelationOutstanding);
    world.advance(64);
    world.accepts(&world.charge_correlation(&node));
    world.refuses(&call, AssayError::DelegationSlashOutstanding);
    world.accepts(&world.settle_delegation_slash(&node));
    let left = world.read_pool(&node).stake.unbonding.tokens;
    let frozen = world.read_node(&node).frozen_until_slot;
    assert!(frozen > release, "the freeze outlasts what was announced");
    world.warp_to(frozen - 1);
    world.refuses(&call, AssayError::StakeFrozen);
    world.warp_to(frozen);
    let event: DelegationWithdrawn = world.accepts(&call).event();
    assert_eq!(event.amount, left);
    assert_eq!(left, DELEGATED / 4, "a quarter by the conviction, and twice as much for half of the network with it");
    world.accepts(&world.close_delegation(&node, owner));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::with_delegation();
    let (node, other, owner) = (world.node, world.other_node, world.key("delegator"));
    let second = world.delegator("second");
    world.accepts(&world.delegate(&node, second, 500));
    world.accepts(&world.open_delegation_pool(&other, 0));
    world.accepts(&world.undelegate(&node, owner, 500));
    world.accepts(&world.undelegate(&node, second, 500));
    world.advance(parameters().unbonding_slots);
    let job = world.posted();
    let call = world.withdraw_delegation(&node, owner);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let other_pool = address::delegation_pool(&other.address);
    let elsewhere = || AssayError::DestinationNotCanonical.into();
    let anothers = associated(world.mallory, &world.stake_mint);
    let table = [
        (
            "a stranger to itself",
            WithdrawDelegation { authority: world.mallory, destination: anothers, ..right },
            elsewhere(),
        ),
        ("a node as network", WithdrawDelegation { network: other.address, ..right }, mismatch()),
        ("another node", WithdrawDelegation { node: other.address, ..right }, AssayError::WrongNode.into()),
        ("another node's pool", WithdrawDelegation { pool: other_pool, ..right }, AssayError::WrongNode.into()),
        (
            "another node with its pool",
            WithdrawDelegation { node: other.address, pool: other_pool, ..right },
            AssayError::WrongDelegationPool.into(),
        ),
        (
            "another owner's delegation",
            WithdrawDelegation { delegation: address::delegation(&right.pool, &second), ..right },
            elsewhere(),
        ),
        ("another mint", WithdrawDelegation { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        ("a job's vault", WithdrawDelegation { stake_vault: job.vault, ..right }, AssayError::WrongVault.into()),
        (
            "the vault as destination",
            WithdrawDelegation { destination: address::stake_vault(), ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "the other token program",
            WithdrawDelegation { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
