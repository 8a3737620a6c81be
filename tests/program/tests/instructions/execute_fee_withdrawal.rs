use crate::execute_network_change::rewrite;
use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::ExecuteFeeWithdrawal;
use assay::address;
use assay::events::ChangeExecuted;
use assay::state::Change;
use program_tests::World;
use program_tests::terms::parameters;
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
fn pays_fees_to_the_account_that_was_proposed() {
    let mut world = with_fees();
    let mint = world.mint;
    let vault = address::fee_vault(&mint.address);
    assert_eq!(world.tokens(vault), FEE);
    let change = world.fee_withdrawal(&mint, FEE - 5);
    let number = world.proposed(change);
    let event: ChangeExecuted = world.accepts(&world.execute_fee_withdrawal(number, &mint)).event();
    assert_eq!((event.number, event.change), (number, change));
    assert_eq!((world.tokens(vault), world.balance(world.authority, &mint)), (5, POCKET + FEE - 5));
    assert!(!world.exists(address::proposal(number)), "once");
    // To any account of the mint.
    let elsewhere = associated(world.client, &mint);
    let before = world.tokens(elsewhere);
    world.governs(Change::WithdrawFees { mint: mint.address, destination: elsewhere, amount: 5 });
    assert_eq!((world.tokens(vault), world.tokens(elsewhere)), (0, before + 5));
}

/// Two proposals of one sum pay once; the second pays when there is enough again.
#[test]
fn only_what_there_is() {
    let mut world = with_fees();
    let mint = world.mint;
    let [first, second, all] = [FEE, FEE, u64::MAX].map(|amount| world.proposed(world.fee_withdrawal(&mint, amount)));
    world.refuses(&world.execute_fee_withdrawal(all, &mint), AssayError::VaultShort);
    world.accepts(&world.execute_fee_withdrawal(first, &mint));
    world.refuses(&world.execute_fee_withdrawal(second, &mint), AssayError::VaultShort);
    world.mint_to(&mint, address::fee_vault(&mint.address), FEE);
    world.accepts(&world.execute_fee_withdrawal(second, &mint));
}

#[test]
fn only_in_its_time_only_its_kind_and_only_something() {
    let mut world = with_fees();
    let mint = world.mint;
    world.governs(Change::Timelock { timelock_slots: 10 });
    let number = world.proposed(world.fee_withdrawal(&mint, 1));
    let other = world.proposed(Change::Parameters { parameters: parameters() });
    world.refuses(&world.execute_fee_withdrawal(number, &mint), AssayError::TimelockRunning);
    world.advance(10);
    world.refuses(&world.execute_fee_withdrawal(other, &mint), AssayError::WrongChange);
    let nothing = world.fee_withdrawal(&mint, 0);
    rewrite(&mut world, number, |proposal| proposal.change = nothing);
    world.refuses(&world.execute_fee_withdrawal(number, &mint), AssayError::AmountZero);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = with_fees();
    let (mint, other) = (world.mint, world.mint_2022);
    let job = world.posted();
    let number = world.proposed(world.fee_withdrawal(&mint, 1));
    let call = world.execute_fee_withdrawal(number, &mint);
    let right = call.accounts;
    let all_of_the_other = ExecuteFeeWithdrawal {
        payment_mint: address::payment_mint(&other.address),
        mint: other.address,
        fee_vault: address::fee_vault(&other.address),
        destination: associated(world.authority, &other),
        token_program: other.program,
        ..right
    };
    let table = [
        (
            "another account of the program",
            ExecuteFeeWithdrawal { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another account of the program as proposal",
            ExecuteFeeWithdrawal { proposal: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the rent to a stranger",
            ExecuteFeeWithdrawal { proposer: world.mallory, ..right },
            AssayError::WrongProposer.into(),
        ),
        ("all accounts of another mint", all_of_the_other, AssayError::WrongMint.into()),
        (
            "another mint's record",
            ExecuteFeeWithdrawal { payment_mint: address::payment_mint(&other.address), ..right },
            AssayError::WrongMint.into(),
        ),
        ("another mint", ExecuteFeeWithdrawal { mint: other.address, ..right }, AssayError::WrongMint.into()),
        (
            "another mint's fee vault",
            ExecuteFeeWithdrawal { fee_vault: address::fee_vault(&other.address), ..right },
            AssayError::WrongVault.into(),
        ),
        ("a job's vault", ExecuteFeeWithdrawal { fee_vault: job.vault, ..right }, AssayError::WrongVault.into()),
        (
            "the fee vault as destination",
            ExecuteFeeWithdrawal { destination: right.fee_vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "a stranger's account",
            ExecuteFeeWithdrawal { destination: associated(world.mallory, &mint), ..right },
            AssayError::WrongDestination.into(),
        ),
        (
            "an account of another mint",
            ExecuteFeeWithdrawal { destination: associated(world.authority, &other), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            ExecuteFeeWithdrawal { token_program: TOKEN_2022, ..right },
            AssayError::WrongTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
