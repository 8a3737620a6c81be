use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::RegisterValidator;
use assay::events::ValidatorRegistered;
use assay::state::Validator;
use program_tests::World;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::world::FIRST_SLOT;
use solana_sdk::pubkey::Pubkey;

#[test]
fn creates_a_validator_without_stake_and_chain() {
    let mut world = World::new();
    let validator = world.validator("new validator");
    // Lamports that somebody sent ahead do not stop it.
    world.svm.airdrop(&validator.address, 1_000_000).unwrap();
    let event: ValidatorRegistered = world.accepts(&world.register_validator(&validator)).event();
    assert_eq!((event.validator, event.authority), (validator.address, validator.authority));
    assert_eq!(event.auditor, validator.auditor);
    let state = world.read_validator(&validator);
    let expected = Validator {
        version: 1,
        bump: state.bump,
        authority: validator.authority,
        auditor: validator.auditor,
        registered_slot: FIRST_SLOT,
        ..Validator::default()
    };
    assert_eq!(state, expected);
    world.refuses(&world.register_validator(&validator), ACCOUNT_IN_USE);
}

#[test]
fn an_auditor_can_sign() {
    let mut world = World::new();
    let validator = world.validator("new validator");
    let nobody = program_tests::audits::Validator { auditor: Pubkey::default(), ..validator };
    world.refuses(&world.register_validator(&nobody), AssayError::AuditorInvalid);
}

/// A validator that was removed and registers again begins from nothing: no chain survives, so none can be chosen.
#[test]
fn registering_again_starts_from_nothing() {
    let (mut world, _) = World::with_validators();
    let validator = world.registered_validator("short-lived", 0);
    world.accepts(&world.commit_chain(&validator, validator.chain_end()));
    let removal = world.deregister_validator(&validator).instruction();
    let again = world.register_validator(&validator).instruction();
    world.must(&[removal, again]);
    assert_eq!(world.read_validator(&validator).chain, Default::default());
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let validator = world.validator("new validator");
    let call = world.register_validator(&validator);
    let right = call.accounts;
    let other = world.registered_validator("other", 0);
    let seeds = || ErrorCode::ConstraintSeeds.into();
    let table = [
        ("in somebody else's name", RegisterValidator { authority: world.mallory, ..right }, seeds()),
        ("another validator", RegisterValidator { validator: other.address, ..right }, seeds()),
        (
            "another account of the program as network",
            RegisterValidator { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
