use crate::refused_mints::{REFUSED, mint_with};
use anchor_lang::error::ErrorCode;
use assay::accounts::AllowPaymentMint;
use assay::events::PaymentMintAllowed;
use assay::market::BondRate;
use assay::state::PaymentMint;
use assay::{AssayError, address};
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::tokens::{DECIMALS, TOKEN_2022, associated};
use program_tests::{Mint, World};
use solana_sdk::instruction::InstructionError;
use spl_token_2022_interface::extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions};
use spl_token_2022_interface::state::Mint as MintState;

fn ready() -> (World, Mint) {
    let mut world = World::new();
    let mint = world.create_mint("yet another mint", false);
    (world, mint)
}

#[test]
fn records_the_mint_and_creates_its_fee_vault() {
    let (mut world, plain) = ready();
    let freezable = world.create_mint("a freezable mint", true);
    let descriptive = world.create_mint_2022("a descriptive mint");
    let account = world.svm.get_account(&descriptive.address).unwrap();
    let extensions = StateWithExtensions::<MintState>::unpack(&account.data).unwrap().get_extension_types().unwrap();
    assert_eq!(extensions, [ExtensionType::MetadataPointer, ExtensionType::TokenMetadata]);
    for (mint, is_freezable) in [(plain, false), (freezable, true), (descriptive, false)] {
        // Lamports that somebody sent ahead do not stop it.
        world.svm.airdrop(&address::fee_vault(&mint.address), 5_000_000).unwrap();
        let event: PaymentMintAllowed = world.accepts(&world.allow_payment_mint(&mint, 3, 2)).event();
        assert_eq!((event.mint, event.freezable), (mint.address, is_freezable));
        assert_eq!((event.bond_numerator, event.bond_denominator), (3, 2));
        let record: PaymentMint = world.read(address::payment_mint(&mint.address));
        assert_eq!((record.mint, record.token_program), (mint.address, mint.program));
        assert_eq!((record.enabled, record.freezable, record.decimals), (true, is_freezable, DECIMALS));
        assert_eq!(record.fee_vault, address::fee_vault(&mint.address));
        assert_eq!((record.bond_numerator, record.bond_denominator), (3, 2));
        assert_eq!(world.tokens(record.fee_vault), 0);
    }
}

#[test]
fn bond_rates_are_bounded() {
    let (mut world, mint) = ready();
    for (numerator, denominator) in [(0, 1), (1, 0), (BondRate::MAXIMUM_TERM + 1, 1), (1, BondRate::MAXIMUM_TERM + 1)] {
        let call = world.allow_payment_mint(&mint, numerator, denominator);
        world.refuses(&call, AssayError::BondRateOutOfBounds);
    }
    world.accepts(&world.allow_payment_mint(&mint, BondRate::MAXIMUM_TERM, BondRate::MAXIMUM_TERM));
}

#[test]
fn once_a_mint() {
    let (mut world, mint) = ready();
    let call = world.allow_payment_mint(&mint, 1, 1);
    world.accepts(&call);
    world.refuses(&call, ACCOUNT_IN_USE);
}

/// Each extension that can change what a transfer does, or to whom an account belongs, is refused, and the log names it.
#[test]
fn refuses_extensions_by_name() {
    let mut world = World::new();
    for (extension, initialise) in REFUSED {
        let mint = mint_with(&mut world, extension, initialise);
        let call = world.allow_payment_mint(&mint, 1, 1);
        let refusal = world.transact(&[call.instruction()]).expect_err(&format!("{extension:?}"));
        assert_eq!(refusal.why, AssayError::MintExtensionRefused.into(), "{extension:?}");
        let named = format!("refused mint extension: {extension:?}");
        assert!(refusal.logs.iter().any(|line| line.contains(&named)), "{extension:?}: {:#?}", refusal.logs);
    }
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, mint) = ready();
    let call = world.allow_payment_mint(&mint, 1, 1);
    let right = call.accounts;
    let other = world.mint.address;
    let table = [
        ("a stranger", AllowPaymentMint { authority: world.mallory, ..right }, AssayError::NotNetworkAuthority.into()),
        (
            "another account of the program",
            AllowPaymentMint { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another mint", AllowPaymentMint { mint: other, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "a token account as mint",
            AllowPaymentMint { mint: associated(world.client, &world.mint), ..right },
            InstructionError::InvalidAccountData.into(),
        ),
        (
            "another mint's record",
            AllowPaymentMint { payment_mint: address::payment_mint(&other), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "another mint's fee vault",
            AllowPaymentMint { fee_vault: address::fee_vault(&other), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "the other token program",
            AllowPaymentMint { token_program: TOKEN_2022, ..right },
            InstructionError::IncorrectProgramId.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
