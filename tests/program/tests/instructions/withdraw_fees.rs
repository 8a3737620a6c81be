use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawFees;
use assay::address;
use assay::events::FeesWithdrawn;
use program_tests::World;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::POCKET;

/// What the fee of one job at its minimum price comes to.
const FEE: u64 = 1_001 * 250 / 10_000;

fn with_fees() -> World {
    let mut world = World::new();
    let job = world.settled();
    world.accepts(&world.sweep_fee(&job));
    world
}

#[test]
fn pays_fees_to_the_authority() {
    let mut world = with_fees();
    let mint = world.mint;
    let vault = address::fee_vault(&mint.address);
    assert_eq!(world.tokens(vault), FEE);
    let event: FeesWithdrawn = world.accepts(&world.withdraw_fees(&mint, FEE - 5)).event();
    assert_eq!((event.mint, event.amount), (mint.address, FEE - 5));
    assert_eq!(event.destination, associated(world.authority, &mint));
    assert_eq!((world.tokens(vault), world.balance(world.authority, &mint)), (5, POCKET + FEE - 5));
    // To any account of the mint.
    let elsewhere = associated(world.client, &mint);
    let before = world.tokens(elsewhere);
    world.accepts(&world.withdraw_fees(&mint, 5).with(|a| a.destination = elsewhere));
    assert_eq!((world.tokens(vault), world.tokens(elsewhere)), (0, before + 5));
}

#[test]
fn amounts_are_positive_and_covered() {
    let mut world = with_fees();
    let mint = world.mint;
    world.refuses(&world.withdraw_fees(&mint, 0), AssayError::AmountZero);
    world.refuses(&world.withdraw_fees(&mint, FEE + 1), AssayError::VaultShort);
    world.refuses(&world.withdraw_fees(&mint, u64::MAX), AssayError::VaultShort);
    world.accepts(&world.withdraw_fees(&mint, FEE));
    world.refuses(&world.withdraw_fees(&mint, 1), AssayError::VaultShort);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = with_fees();
    let (mint, other) = (world.mint, world.mint_2022);
    let job = world.posted();
    let call = world.withdraw_fees(&mint, 1);
    let right = call.accounts;
    let table = [
        ("a stranger", WithdrawFees { authority: world.mallory, ..right }, AssayError::NotNetworkAuthority.into()),
        (
            "another account of the program",
            WithdrawFees { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another mint's record",
            WithdrawFees { payment_mint: address::payment_mint(&other.address), ..right },
            AssayError::WrongMint.into(),
        ),
        ("another mint", WithdrawFees { mint: other.address, ..right }, AssayError::WrongMint.into()),
        (
            "another mint's fee vault",
            WithdrawFees { fee_vault: address::fee_vault(&other.address), ..right },
            AssayError::WrongVault.into(),
        ),
        ("a job's vault", WithdrawFees { fee_vault: job.vault, ..right }, AssayError::WrongVault.into()),
        (
            "the fee vault as destination",
            WithdrawFees { destination: right.fee_vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "an account of another mint",
            WithdrawFees { destination: associated(world.authority, &other), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            WithdrawFees { token_program: TOKEN_2022, ..right },
            AssayError::WrongTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
