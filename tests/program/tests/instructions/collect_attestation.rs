use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CollectAttestation;
use assay::address;
use assay::events::AttestationCollected;
use program_tests::audits::{VALIDATOR_STAKE, Validator};
use program_tests::terms::parameters;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::{Job, World};

/// A settled job whose two attestations are settled.
fn settled() -> (World, Job, Validator, Validator) {
    let (mut world, [validator, other]) = World::with_validators();
    let job = world.audited();
    for validator in [&validator, &other] {
        world.accepts(&world.attest(validator, &job));
    }
    world.finalise(&job);
    for validator in [&validator, &other] {
        world.accepts(&world.settle_attestation(validator, &job));
    }
    (world, job, validator, other)
}

#[test]
fn each_attestation_earns_its_share_once() {
    let (mut world, job, validator, other) = settled();
    assert_eq!(world.read_job(&job).credits.audits, 600);
    let rent = world.lamports(address::attestation(&job.address, &validator.address));
    let wallet = world.lamports(validator.auditor);
    let call = world.collect_attestation(world.payer(), &validator, &job);
    let event: AttestationCollected = world.accepts(&call).event();
    let destination = associated(validator.authority, &job.mint);
    let expected = AttestationCollected {
        job: job.address,
        validator: validator.address,
        payee: validator.authority,
        amount: 300,
        destination,
    };
    assert_eq!(event, expected);
    assert_eq!(world.tokens(destination), 300);
    assert_eq!(world.lamports(validator.auditor), wallet + rent);
    let audit = world.read_job(&job).audit;
    assert_eq!((audit.attestations, audit.open_attestations, world.read_job(&job).credits.audits), (2, 1, 300));
    world.refuses(&call, ErrorCode::AccountNotInitialized);
    world.accepts(&world.collect_attestation(world.payer(), &other, &job));
    world.pay_out(&job);
    assert_eq!(world.tokens(job.vault), 0);
    world.accepts(&world.close_job(&job));
}

#[test]
fn not_before_the_bond_is_free() {
    let (mut world, [validator, _]) = World::with_validators();
    let job = world.audited();
    world.accepts(&world.attest(&validator, &job));
    let call = world.collect_attestation(validator.authority, &validator, &job);
    world.refuses(&call, AssayError::BondOutstanding);
    world.finalise(&job);
    world.refuses(&call, AssayError::BondOutstanding);
    world.accepts(&world.settle_attestation(&validator, &job));
    world.accepts(&call);
}

#[test]
fn strangers_help_but_never_redirect() {
    let (mut world, job, validator, other) = settled();
    let mallory = world.mallory;
    for destination in [associated(mallory, &job.mint), associated(other.authority, &job.mint)] {
        for caller in [mallory, other.authority, validator.auditor] {
            let call = world.collect_attestation_with(caller, &validator, &job, destination, None);
            world.refuses(&call, AssayError::DestinationNotCanonical);
        }
    }
    // The payee's own signature names any account.
    let theirs = associated(mallory, &job.mint);
    let before = world.tokens(theirs);
    world.accepts(&world.collect_attestation_with(validator.authority, &validator, &job, theirs, None));
    assert_eq!(world.tokens(theirs), before + 300);
}

/// The fee is owed to whoever attested, whatever became of the validator since.
#[test]
fn a_fee_outlives_the_validator() {
    let (mut world, job, validator, _) = settled();
    world.accepts(&world.request_validator_withdrawal(&validator, VALIDATOR_STAKE));
    world.advance(parameters().unbonding_slots);
    world.accepts(&world.withdraw_validator_stake(&validator));
    world.accepts(&world.deregister_validator(&validator));
    world.accepts(&world.collect_attestation(world.payer(), &validator, &job));
    assert_eq!(world.balance(validator.authority, &job.mint), 300);
}

/// A payee whose account is frozen keeps its own fee waiting and nothing else: bonds and everybody else's credits move.
#[test]
fn a_frozen_account_holds_up_only_its_own_fee() {
    let (mut world, job, validator, other) = settled();
    world.freeze(&job.mint, associated(validator.authority, &job.mint));
    let helped = world.collect_attestation(world.payer(), &validator, &job);
    world.refuses(&helped, program_tests::outcome::TOKEN_ACCOUNT_FROZEN);
    assert_eq!(world.read_validator(&validator).locked, 0);
    world.accepts(&world.collect_attestation(world.payer(), &other, &job));
    world.pay_out(&job);
    let elsewhere = world.create_token_account("elsewhere", validator.authority, &job.mint);
    world.accepts(&world.collect_attestation_with(validator.authority, &validator, &job, elsewhere, None));
    world.accepts(&world.close_job(&job));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job, validator, other) = settled();
    let other_job = {
        let job = world.audited();
        world.accepts(&world.attest(&other, &job));
        world.finalise(&job);
        world.accepts(&world.settle_attestation(&other, &job));
        job
    };
    let call = world.collect_attestation(validator.authority, &validator, &job);
    let right = call.accounts;
    let wrong = || AssayError::WrongAttestation.into();
    let vault = || AssayError::WrongVault.into();
    let theirs = address::attestation(&job.address, &other.address);
    let table = [
        (
            "a stranger to its own account",
            CollectAttestation { authority: world.mallory, destination: associated(world.mallory, &job.mint), ..right },
            AssayError::DestinationNotCanonical.into(),
        ),
        ("another job", CollectAttestation { job: other_job.address, vault: other_job.vault, ..right }, wrong()),
        (
            "another's attestation",
            CollectAttestation { attestation: theirs, payer: other.auditor, ..right },
            AssayError::DestinationNotCanonical.into(),
        ),
        ("rent to somebody else", CollectAttestation { payer: world.mallory, ..right }, wrong()),
        ("another job's vault", CollectAttestation { vault: other_job.vault, ..right }, vault()),
        ("another mint", CollectAttestation { mint: world.mint_2022.address, ..right }, AssayError::WrongMint.into()),
        (
            "the vault itself",
            CollectAttestation { destination: job.vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "the other token program",
            CollectAttestation { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
