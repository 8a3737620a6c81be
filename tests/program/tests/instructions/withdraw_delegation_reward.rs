use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawDelegationReward;
use assay::address;
use assay::events::DelegationRewardWithdrawn;
use program_tests::World;
use program_tests::delegation_calls::DELEGATED;
use program_tests::tokens::{TOKEN_2022, associated};

/// Of a job of 1,001: 45 %, less the fee.
const SHARE: u64 = 439;

/// A reward was collected for the one who delegates.
fn ready() -> World {
    let mut world = World::with_delegation();
    let job = world.settled();
    world.accepts(&world.collect_delegation_reward(&world.node, &job));
    world
}

#[test]
fn pays_everything_once() {
    let mut world = ready();
    let (node, owner, mint) = (world.node, world.key("delegator"), world.mint);
    let call = world.withdraw_delegation_reward(&node, owner, &mint);
    let event: DelegationRewardWithdrawn = world.accepts(&call).event();
    // A share of the sum of what each share has earned is rounded down.
    assert_eq!((event.owner, event.mint, event.amount), (owner, mint.address, SHARE - 1));
    assert_eq!(event.destination, associated(owner, &mint));
    assert_eq!(world.balance(owner, &mint), SHARE - 1);
    world.refuses(&call, AssayError::NothingOwed);
}

/// Who comes later has no part in what came before; who leaves keeps what it had earned.
#[test]
fn shares_earn_while_they_are_there() {
    let mut world = ready();
    let (node, mint) = (world.node, world.mint);
    let (first, second) = (world.key("delegator"), world.delegator("second"));
    world.accepts(&world.delegate(&node, second, DELEGATED));
    world.refuses(&world.withdraw_delegation_reward(&node, second, &mint), AssayError::NothingOwed);
    world.accepts(&world.undelegate(&node, first, DELEGATED));
    let job = world.settled();
    world.accepts(&world.collect_delegation_reward(&node, &job));
    let earned = |world: &mut World, owner| {
        let call = world.withdraw_delegation_reward(&node, owner, &mint);
        world.accepts(&call).event::<DelegationRewardWithdrawn>().amount
    };
    assert_eq!((earned(&mut world, first), earned(&mut world, second)), (SHARE - 1, SHARE - 1));
    let place = world.read_pool(&node).rewards[0];
    assert_eq!((world.tokens(place.vault), place.sum.owed), (2, 2), "what rounding left");
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = ready();
    let (node, other, mint, owner) = (world.node, world.other_node, world.mint, world.key("delegator"));
    let second = world.delegator("second");
    world.accepts(&world.delegate(&node, second, 500));
    world.accepts(&world.open_delegation_pool(&other, 0));
    world.accepts(&world.add_reward_mint(&other, &mint));
    let call = world.withdraw_delegation_reward(&node, owner, &mint);
    let right = call.accounts;
    let elsewhere = world.withdraw_delegation_reward(&other, owner, &mint).accounts;
    let elsewhere_than_owner = || AssayError::DestinationNotCanonical.into();
    let anothers = associated(world.mallory, &mint);
    let table = [
        (
            "a stranger to itself",
            WithdrawDelegationReward { authority: world.mallory, destination: anothers, ..right },
            elsewhere_than_owner(),
        ),
        (
            "another node's pool",
            WithdrawDelegationReward { pool: elsewhere.pool, ..right },
            AssayError::WrongDelegationPool.into(),
        ),
        (
            "another owner's delegation",
            WithdrawDelegationReward { delegation: address::delegation(&right.pool, &second), ..right },
            elsewhere_than_owner(),
        ),
        (
            "another mint",
            WithdrawDelegationReward { mint: world.stake_mint.address, ..right },
            AssayError::RewardMintMissing.into(),
        ),
        (
            "another pool's vault",
            WithdrawDelegationReward { reward_vault: elsewhere.reward_vault, ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the vault as destination",
            WithdrawDelegationReward { destination: right.reward_vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "the other token program",
            WithdrawDelegationReward { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
