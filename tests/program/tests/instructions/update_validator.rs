use assay::AssayError;
use assay::accounts::UpdateValidator;
use assay::events::ValidatorUpdated;
use program_tests::World;
use solana_sdk::pubkey::Pubkey;

#[test]
fn a_replaced_auditor_attests_no_longer() {
    let (mut world, [validator, _]) = World::with_validators();
    let job = world.audited();
    let attest = world.attest(&validator, &job);
    let key = world.rich_key("new auditor");
    let event: ValidatorUpdated = world.accepts(&world.update_validator(&validator, key)).event();
    assert_eq!(event, ValidatorUpdated { validator: validator.address, auditor: key });
    world.refuses(&attest, AssayError::NotAuditor);
    let renewed = program_tests::audits::Validator { auditor: key, ..validator };
    world.accepts(&world.attest(&renewed, &job));
    world.refuses(&world.update_validator(&validator, Pubkey::default()), AssayError::AuditorInvalid);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, [validator, other]) = World::with_validators();
    let call = world.update_validator(&validator, validator.auditor);
    let right = call.accounts;
    let refused = || AssayError::NotValidatorAuthority.into();
    let table = [
        ("the auditor", UpdateValidator { authority: validator.auditor, ..right }, refused()),
        ("a stranger", UpdateValidator { authority: world.mallory, ..right }, refused()),
        ("another validator", UpdateValidator { validator: other.address, ..right }, refused()),
    ];
    world.refuses_accounts(&call, table);
}
