use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawStake;
use assay::address;
use assay::events::StakeWithdrawn;
use program_tests::World;
use program_tests::terms::parameters;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::{FIRST_SLOT, POCKET, STAKE};

const RELEASE: u64 = FIRST_SLOT + 1_400;

/// Two requests, ten slots apart; the first has just been released.
fn released() -> World {
    let mut world = World::new();
    assert_eq!(RELEASE, FIRST_SLOT + parameters().unbonding_slots);
    let node = world.node;
    world.accepts(&world.request_withdrawal(&node, 100));
    world.advance(10);
    world.accepts(&world.request_withdrawal(&node, 30));
    world.warp_to(RELEASE);
    world
}

#[test]
fn pays_what_is_released_and_nothing_more() {
    let mut world = released();
    let node = world.node;
    let vault = world.tokens(address::stake_vault());
    let event: StakeWithdrawn = world.accepts(&world.withdraw_stake(&node)).event();
    assert_eq!((event.node, event.amount), (node.address, 100));
    assert_eq!(event.destination, associated(node.owner, &world.stake_mint));
    assert_eq!(world.balance(node.owner, &world.stake_mint), POCKET - STAKE + 100);
    assert_eq!(world.tokens(address::stake_vault()), vault - 100);
    let state = world.read_node(&node);
    assert_eq!(state.stake, STAKE - 130);
    assert_eq!(state.unbonding.map(|place| place.amount), [0, 30, 0, 0]);
}

#[test]
fn not_a_slot_early_and_not_twice() {
    let mut world = released();
    let node = world.node;
    world.warp_to(RELEASE - 1);
    world.refuses(&world.withdraw_stake(&node), AssayError::NothingReleased);
    world.warp_to(RELEASE);
    world.accepts(&world.withdraw_stake(&node));
    world.warp_to(RELEASE + 9);
    world.refuses(&world.withdraw_stake(&node), AssayError::NothingReleased);
    world.warp_to(RELEASE + 10);
    world.accepts(&world.withdraw_stake(&node));
    world.refuses(&world.withdraw_stake(&node), AssayError::NothingReleased);
}

/// The owner may be paid anywhere but into the vault, which would forget the debt and move nothing.
#[test]
fn the_owner_names_the_destination() {
    let mut world = released();
    let node = world.node;
    let anywhere = world.create_token_account("anywhere", world.client, &world.stake_mint.clone());
    world.accepts(&world.withdraw_stake(&node).with(|a| a.destination = anywhere));
    assert_eq!(world.tokens(anywhere), 100);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = released();
    let (node, other) = (world.node, world.other_node);
    let job = world.posted();
    world.fund(world.mallory, &world.stake_mint.clone(), 1);
    let call = world.withdraw_stake(&node);
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let table = [
        ("a stranger", WithdrawStake { withdraw_authority: world.mallory, ..right }, not_owner()),
        ("the operator", WithdrawStake { withdraw_authority: node.operator, ..right }, not_owner()),
        ("another node", WithdrawStake { node: other.address, ..right }, not_owner()),
        (
            "another account of the program",
            WithdrawStake { network: node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another mint", WithdrawStake { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        ("a job's vault", WithdrawStake { stake_vault: job.vault, ..right }, AssayError::WrongVault.into()),
        (
            "a stranger's account as vault",
            WithdrawStake { stake_vault: associated(world.mallory, &world.stake_mint), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the vault as destination",
            WithdrawStake { destination: address::stake_vault(), ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "an account of another mint",
            WithdrawStake { destination: associated(node.owner, &world.mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            WithdrawStake { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
