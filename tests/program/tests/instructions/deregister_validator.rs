use assay::AssayError;
use assay::accounts::DeregisterValidator;
use assay::events::ValidatorDeregistered;
use program_tests::World;

#[test]
fn returns_the_rent() {
    let mut world = World::new();
    let validator = world.registered_validator("empty", 0);
    let (rent, before) = (world.lamports(validator.address), world.lamports(validator.authority));
    let event: ValidatorDeregistered = world.accepts(&world.deregister_validator(&validator)).event();
    assert_eq!(event, ValidatorDeregistered { validator: validator.address, authority: validator.authority });
    assert_eq!(world.lamports(validator.authority), before + rent);
    assert!(!world.exists(validator.address));
}

/// A bond that may still be slashed keeps the validator where it is.
#[test]
fn not_while_an_attestation_is_open() {
    let (mut world, [validator, _]) = World::with_validators();
    let job = world.audited();
    world.accepts(&world.attest(&validator, &job));
    world.refuses(&world.deregister_validator(&validator), AssayError::ValidatorHasAttestations);
    world.finalise(&job);
    world.accepts(&world.settle_attestation(&validator, &job));
    world.refuses(&world.deregister_validator(&validator), AssayError::ValidatorHasStake);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let validator = world.registered_validator("empty", 0);
    let other = world.registered_validator("other", 0);
    let call = world.deregister_validator(&validator);
    let right = call.accounts;
    let refused = || AssayError::NotValidatorAuthority.into();
    let table = [
        ("the auditor", DeregisterValidator { authority: validator.auditor, ..right }, refused()),
        ("a stranger", DeregisterValidator { authority: world.mallory, ..right }, refused()),
        ("another validator", DeregisterValidator { validator: other.address, ..right }, refused()),
    ];
    world.refuses_accounts(&call, table);
}
