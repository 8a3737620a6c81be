use crate::execute_network_change::rewrite;
use crate::refused_mints::{REFUSED, mint_with};
use anchor_lang::error::ErrorCode;
use assay::accounts::ExecuteMintAllowance;
use assay::events::ChangeExecuted;
use assay::state::{Change, PaymentMint};
use assay::{AssayError, address};
use program_tests::governance_calls::allowance;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::tokens::{DECIMALS, TOKEN_2022, associated};
use program_tests::{Mint, World};
use solana_sdk::instruction::InstructionError;
use spl_token_2022_interface::extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions};
use spl_token_2022_interface::state::Mint as MintState;

fn ready() -> (World, Mint, u64) {
    let mut world = World::new();
    let mint = world.create_mint("yet another mint", false);
    let number = world.proposed(allowance(&mint, 3, 2));
    (world, mint, number)
}

#[test]
fn records_the_mint_and_creates_its_fee_vault() {
    let (mut world, plain, _) = ready();
    let freezable = world.create_mint("a freezable mint", true);
    let descriptive = world.create_mint_2022("a descriptive mint");
    let account = world.svm.get_account(&descriptive.address).unwrap();
    let extensions = StateWithExtensions::<MintState>::unpack(&account.data).unwrap().get_extension_types().unwrap();
    assert_eq!(extensions, [ExtensionType::MetadataPointer, ExtensionType::TokenMetadata]);
    for (mint, is_freezable) in [(plain, false), (freezable, true), (descriptive, false)] {
        // Lamports that somebody sent ahead do not stop it.
        world.svm.airdrop(&address::fee_vault(&mint.address), 5_000_000).unwrap();
        let number = world.proposed(allowance(&mint, 3, 2));
        let event: ChangeExecuted = world.accepts(&world.execute_mint_allowance(number, &mint)).event();
        assert_eq!((event.number, event.change), (number, allowance(&mint, 3, 2)));
        let record: PaymentMint = world.read(address::payment_mint(&mint.address));
        assert_eq!((record.mint, record.token_program), (mint.address, mint.program));
        assert_eq!((record.enabled, record.freezable, record.decimals), (true, is_freezable, DECIMALS));
        assert_eq!(record.fee_vault, address::fee_vault(&mint.address));
        assert_eq!((record.bond_numerator, record.bond_denominator), (3, 2));
        assert_eq!(world.tokens(record.fee_vault), 0);
        assert!(!world.exists(address::proposal(number)));
    }
}

#[test]
fn once_a_mint() {
    let (mut world, mint, number) = ready();
    let again = world.proposed(allowance(&mint, 1, 1));
    world.accepts(&world.execute_mint_allowance(number, &mint));
    world.refuses(&world.execute_mint_allowance(again, &mint), ACCOUNT_IN_USE);
}

/// A mint can be another one when the time has come than when it was proposed.
#[test]
fn the_mint_and_the_rate_are_checked_again() {
    let (mut world, _, number) = ready();
    let (extension, initialise) = REFUSED[0];
    let mint = mint_with(&mut world, extension, initialise);
    rewrite(&mut world, number, |proposal| proposal.change = allowance(&mint, 1, 1));
    world.refuses(&world.execute_mint_allowance(number, &mint), AssayError::MintExtensionRefused);
    let mint = world.create_mint("a plain mint", false);
    rewrite(&mut world, number, |proposal| proposal.change = allowance(&mint, 0, 1));
    world.refuses(&world.execute_mint_allowance(number, &mint), AssayError::BondRateOutOfBounds);
    rewrite(&mut world, number, |proposal| proposal.change = allowance(&mint, 1, 1));
    world.accepts(&world.execute_mint_allowance(number, &mint));
}

#[test]
fn only_in_its_time_and_only_its_kind() {
    let (mut world, mint, number) = ready();
    world.governs(Change::Timelock { timelock_slots: 10 });
    let waiting = world.proposed(allowance(&mint, 1, 1));
    world.refuses(&world.execute_mint_allowance(waiting, &mint), AssayError::TimelockRunning);
    let other = world.proposed(world.fee_withdrawal(&world.mint, 1));
    world.advance(10);
    world.refuses(&world.execute_mint_allowance(other, &mint), AssayError::WrongChange);
    world.accepts(&world.execute_mint_allowance(number, &mint));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, mint, number) = ready();
    let call = world.execute_mint_allowance(number, &mint);
    let right = call.accounts;
    let other = world.mint.address;
    let third = world.create_mint("a third mint", false);
    let of_the_third = ExecuteMintAllowance {
        mint: third.address,
        payment_mint: address::payment_mint(&third.address),
        fee_vault: address::fee_vault(&third.address),
        ..right
    };
    let table = [
        (
            "another account of the program",
            ExecuteMintAllowance { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another account of the program as proposal",
            ExecuteMintAllowance { proposal: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the rent to a stranger",
            ExecuteMintAllowance { proposer: world.mallory, ..right },
            AssayError::WrongProposer.into(),
        ),
        ("all accounts of another mint", of_the_third, AssayError::WrongMint.into()),
        (
            "a token account as mint",
            ExecuteMintAllowance { mint: associated(world.client, &world.mint), ..right },
            InstructionError::InvalidAccountData.into(),
        ),
        (
            "another mint's record",
            ExecuteMintAllowance { payment_mint: address::payment_mint(&other), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "another mint's fee vault",
            ExecuteMintAllowance { fee_vault: address::fee_vault(&other), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "the other token program",
            ExecuteMintAllowance { token_program: TOKEN_2022, ..right },
            InstructionError::IncorrectProgramId.into(),
        ),
        (
            "another payer, who is the one that pays",
            ExecuteMintAllowance { payer: world.key("a poor key"), ..right },
            program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS,
        ),
    ];
    world.refuses_accounts(&call, table);
}
