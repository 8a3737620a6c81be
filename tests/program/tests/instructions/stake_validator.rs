use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::StakeValidator;
use assay::address;
use assay::events::ValidatorStaked;
use program_tests::World;
use program_tests::audits::VALIDATOR_STAKE;
use program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::POCKET;

#[test]
fn stake_is_counted_twice_and_held_once() {
    let (mut world, [validator, _]) = World::with_validators();
    let before = world.tokens(address::stake_vault());
    let event: ValidatorStaked = world.accepts(&world.stake_validator(&validator, 7)).event();
    let expected = ValidatorStaked {
        validator: validator.address,
        amount: 7,
        stake: VALIDATOR_STAKE + 7,
        validator_stake: 2 * VALIDATOR_STAKE + 7,
    };
    assert_eq!(event, expected);
    let state = world.read_validator(&validator);
    assert_eq!((state.stake, state.recent_slot), (VALIDATOR_STAKE + 7, world.slot()));
    assert_eq!(world.network().validator_stake, 2 * VALIDATOR_STAKE + 7);
    assert_eq!(world.tokens(address::stake_vault()), before + 7);
}

/// Whoever sees a job cannot stake until it is drawn for it.
#[test]
fn stake_counts_only_for_later_jobs() {
    let (mut world, [validator, _]) = World::with_validators();
    let late = world.registered_validator("late", 0);
    world.accepts(&world.commit_chain(&late, late.chain_end()));
    world.advance_epochs(2);
    let job = world.audited();
    world.accepts(&world.stake_validator(&late, VALIDATOR_STAKE));
    world.refuses(&world.attest(&late, &job), AssayError::NotDrawn);
    world.accepts(&world.attest(&validator, &job));
    world.advance(1);
    let later = world.audited();
    world.accepts(&world.attest(&late, &later));
}

#[test]
fn amounts_are_positive_and_covered() {
    let (mut world, [validator, _]) = World::with_validators();
    world.refuses(&world.stake_validator(&validator, 0), AssayError::AmountZero);
    world.refuses(&world.stake_validator(&validator, POCKET), TOKEN_INSUFFICIENT_FUNDS);
    world.refuses(&world.stake_validator(&validator, u64::MAX), AssayError::ArithmeticOverflow);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, [validator, other]) = World::with_validators();
    let call = world.stake_validator(&validator, 1);
    let right = call.accounts;
    let refused = || AssayError::NotValidatorAuthority.into();
    let token_owner = || ErrorCode::ConstraintTokenOwner.into();
    let network = StakeValidator { network: other.address, ..right };
    let mint = StakeValidator { stake_mint: world.mint.address, ..right };
    let vault = StakeValidator { stake_vault: address::fee_vault(&world.mint.address), ..right };
    let source = associated(other.authority, &world.stake_mint);
    let table = [
        ("somebody else's stake", StakeValidator { authority: other.authority, ..right }, refused()),
        ("another account of the program as network", network, ErrorCode::AccountDiscriminatorMismatch.into()),
        ("somebody else's validator", StakeValidator { validator: other.address, ..right }, refused()),
        ("another mint", mint, AssayError::WrongMint.into()),
        ("another vault", vault, AssayError::WrongVault.into()),
        ("somebody else's tokens", StakeValidator { source, ..right }, token_owner()),
        (
            "the other token program",
            StakeValidator { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
