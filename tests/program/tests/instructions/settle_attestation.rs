use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::SettleAttestation;
use assay::address;
use assay::events::AttestationSettled;
use assay::instructions::PostJobArgs;
use program_tests::audits::{ATTESTATION_BOND, VALIDATOR_STAKE, Validator, audited_terms};
use program_tests::{Case, Job, Trial, World};

/// A job that one validator attested; not yet settled.
fn attested() -> (World, Job, Validator, Validator) {
    let (mut world, [validator, other]) = World::with_validators();
    let job = world.audited();
    world.accepts(&world.attest(&validator, &job));
    (world, job, validator, other)
}

#[test]
fn frees_the_bond_of_a_result_that_stood() {
    let (mut world, job, validator, _) = attested();
    world.finalise(&job);
    let event: AttestationSettled = world.accepts(&world.settle_attestation(&validator, &job)).event();
    let expected = AttestationSettled {
        job: job.address,
        validator: validator.address,
        upheld: true,
        bond: ATTESTATION_BOND,
        fee: 300,
    };
    assert_eq!(event, expected);
    let state = world.read_validator(&validator);
    assert_eq!((state.stake, state.locked, state.open_attestations), (VALIDATOR_STAKE, 0, 0));
    assert_eq!((state.upheld, state.slashed), (1, 0));
    assert!(world.attestation(&job, &validator).unwrap().released, "open until its fee is collected");
    world.refuses(&world.settle_attestation(&validator, &job), AssayError::NothingOwed);
    world.refuses(&world.close_job(&job), AssayError::AttestationsOpen);
}

#[test]
fn burns_the_bond_of_a_result_that_was_proved_wrong() {
    let (mut trial, [validator, other]) = Trial::audited(Case::honest());
    let job = trial.job;
    for validator in [&validator, &other] {
        trial.world.accepts(&trial.world.attest(validator, &job));
    }
    let filer = trial.withhold();
    let world = &mut trial.world;
    let supply = world.supply(&world.stake_mint);
    let before = world.read_job(&job).record.burn_credit;
    let rent = world.lamports(address::attestation(&job.address, &validator.address));
    let wallet = world.lamports(validator.auditor);
    let event: AttestationSettled = world.accepts(&world.settle_attestation(&validator, &job)).event();
    let expected = AttestationSettled {
        job: job.address,
        validator: validator.address,
        upheld: false,
        bond: ATTESTATION_BOND,
        fee: 0,
    };
    assert_eq!(event, expected);
    assert_eq!(world.attestation(&job, &validator), None);
    assert_eq!(world.lamports(validator.auditor), wallet + rent);
    let state = world.read_validator(&validator);
    assert_eq!((state.stake, state.locked, state.open_attestations), (VALIDATOR_STAKE - ATTESTATION_BOND, 0, 0));
    assert_eq!((state.upheld, state.slashed), (0, 1));
    assert_eq!(world.network().validator_stake, 2 * VALIDATOR_STAKE - ATTESTATION_BOND);
    assert_eq!(world.read_job(&job).record.burn_credit, before + ATTESTATION_BOND);
    world.refuses(&world.settle_attestation(&validator, &job), ErrorCode::AccountNotInitialized);
    world.refuses(&world.collect_attestation(world.payer(), &other, &job), AssayError::BondOutstanding);

    trial.settle(&[filer]);
    let world = &mut trial.world;
    let burned = world.read_job(&job).record.burn_credit;
    assert!(burned >= before + ATTESTATION_BOND);
    world.accepts(&world.burn_slash(&job));
    assert_eq!(world.supply(&world.stake_mint), supply - burned, "burned");
    world.pay_out(&job);
    world.refuses(&world.close_job(&job), AssayError::AttestationsOpen);
    world.accepts(&world.settle_attestation(&other, &job));
    world.refuses(&world.close_job(&job), AssayError::CreditsOutstanding);
    world.accepts(&world.burn_slash(&job));
    assert_eq!(world.supply(&world.stake_mint), supply - burned - ATTESTATION_BOND);
    world.accepts(&world.close_job(&job));
}

#[test]
fn not_before_the_verdict() {
    let (mut world, job, validator, _) = attested();
    world.refuses(&world.settle_attestation(&validator, &job), AssayError::VerdictOutstanding);
    world.accepts(&world.accept_result(&job));
    world.refuses(&world.settle_attestation(&validator, &job), AssayError::VerdictOutstanding);
    world.finalise(&job);
    world.accepts(&world.settle_attestation(&validator, &job));
}

/// A pot too small to give everybody a unit pays nobody; the attestations close without a payment.
#[test]
fn an_attestation_that_earned_nothing_is_closed() {
    let (mut world, [validator, other]) = World::with_validators();
    let tiny = PostJobArgs { audit_pot: 1, audit_cap: 1, ..audited_terms() };
    let job = world.post(world.client, &world.mint.clone(), tiny);
    world.claim(&job);
    world.commit(&job);
    world.advance_epochs(1);
    for validator in [&validator, &other] {
        world.accepts(&world.attest(validator, &job));
    }
    world.finalise(&job);
    assert_eq!(world.read_job(&job).audit.fee, 0);
    for (validator, left) in [(&validator, 1), (&other, 0)] {
        world.accepts(&world.settle_attestation(validator, &job));
        assert_eq!(world.attestation(&job, validator), None);
        assert_eq!(world.read_job(&job).audit.open_attestations, left);
    }
    world.pay_out(&job);
    world.accepts(&world.close_job(&job));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job, validator, other) = attested();
    world.accepts(&world.attest(&other, &job));
    world.finalise(&job);
    let other_job = {
        let job = world.audited();
        world.accepts(&world.attest(&validator, &job));
        world.finalise(&job);
        job
    };
    let call = world.settle_attestation(&validator, &job);
    let right = call.accounts;
    let wrong = || AssayError::WrongAttestation.into();
    let attestation = |job: &Job, validator: &Validator| address::attestation(&job.address, &validator.address);
    let table = [
        (
            "another account of the program as network",
            SettleAttestation { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another validator", SettleAttestation { validator: other.address, ..right }, wrong()),
        ("another job", SettleAttestation { job: other_job.address, ..right }, wrong()),
        (
            "another's attestation",
            SettleAttestation { attestation: attestation(&job, &other), payer: other.auditor, ..right },
            wrong(),
        ),
        (
            "an attestation of another job",
            SettleAttestation { attestation: attestation(&other_job, &validator), ..right },
            wrong(),
        ),
        ("rent to somebody else", SettleAttestation { payer: world.mallory, ..right }, wrong()),
    ];
    world.refuses_accounts(&call, table);
}
