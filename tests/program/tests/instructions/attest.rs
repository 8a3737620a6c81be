use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::Attest;
use assay::address;
use assay::events::Attested;
use assay::instructions::PostJobArgs;
use assay::state::{Attestation, Parameters};
use program_tests::audits::{ATTESTATION_BOND, VALIDATOR_STAKE, Validator, audited_terms};
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::terms::{parameters, terms};
use program_tests::{ComputedResult, Job, World};

/// A committed job that both validators are drawn for, in the epoch after that of its commit.
fn ready() -> (World, Job, Validator, Validator) {
    let (mut world, [validator, other]) = World::with_validators();
    let job = world.audited();
    (world, job, validator, other)
}

#[test]
fn locks_the_bond_and_remembers_the_seed() {
    let (mut world, job, validator, other) = ready();
    let seed = world.seed_for(&validator, &job);
    let event: Attested = world.accepts(&world.attest(&validator, &job)).event();
    let state = world.read_job(&job);
    let expected = Attested {
        job: job.address,
        validator: validator.address,
        commitment: state.commitment,
        seed,
        bond: ATTESTATION_BOND,
        attestations: 1,
    };
    assert_eq!(event, expected);
    let attestation = world.attestation(&job, &validator).unwrap();
    let expected = Attestation {
        version: 1,
        bump: attestation.bump,
        job: job.address,
        validator: validator.address,
        payee: validator.authority,
        payer: validator.auditor,
        bond: ATTESTATION_BOND,
        released: false,
        attested_slot: world.slot(),
    };
    assert_eq!(attestation, expected);
    let account = world.read_validator(&validator);
    assert_eq!((account.stake, account.locked, account.open_attestations), (VALIDATOR_STAKE, ATTESTATION_BOND, 1));
    assert_eq!(account.last_obligation_slot, state.last_dispute().unwrap().0);
    assert_eq!((account.chain.shown, account.chain.shown_epoch), (seed, world.epoch_of(state.committed_slot)));
    world.accepts(&world.attest(&other, &job));
    let audit = world.read_job(&job).audit;
    assert_eq!((audit.attestations, audit.open_attestations, audit.fee), (2, 2, 0));
}

#[test]
fn once_a_job() {
    let (mut world, job, validator, _) = ready();
    let call = world.attest(&validator, &job);
    world.accepts(&call);
    world.refuses(&call, ACCOUNT_IN_USE);
    world.finalise(&job);
    world.accepts(&world.settle_attestation(&validator, &job));
    world.accepts(&world.collect_attestation(world.payer(), &validator, &job));
    world.refuses(&call, AssayError::IllegalTransition);
}

#[test]
fn only_with_the_seed_of_the_epoch_of_the_commit() {
    let (mut world, job, validator, other) = ready();
    let first = world.read_validator(&validator).chain.first_epoch;
    let committed = world.epoch_of(world.read_job(&job).committed_slot);
    world.advance_epochs(1);
    let with = |world: &World, seed| world.attest_with(&validator, &job, seed);
    let wrong = [
        ("the next one", validator.seed(first, committed + 1)),
        ("the end of the chain", validator.chain_end()),
        ("another validator's", world.seed_for(&other, &job)),
        ("nothing", [0; 32]),
    ];
    for (what, seed) in wrong {
        let refusal = world.transact(&[with(&world, seed).instruction()]).expect_err(what);
        assert_eq!(refusal.why, AssayError::WrongSeed.into(), "{what}");
    }
    world.accepts(&with(&world, validator.seed(first, committed)));
}

/// Before the epoch is over, results can still be committed in it: showing its seed would tell their workers who looks.
#[test]
fn not_before_the_epoch_of_the_commit_is_over() {
    let (mut world, job, validator, _) = ready();
    let call = world.attest(&validator, &job);
    let over = world.slot();
    world.warp_to(over - 1);
    world.refuses(&call, AssayError::EpochNotOver);
    world.warp_to(over);
    world.accepts(&call);
}

#[test]
fn until_the_last_slot_of_the_window() {
    let (mut world, job, validator, other) = ready();
    let last = world.read_job(&job).challenge_deadline().unwrap().last().0;
    world.warp_to(last);
    world.accepts(&world.attest(&validator, &job));
    world.warp_to(last + 1);
    world.refuses(&world.attest(&other, &job), AssayError::AttestationWindowClosed);
}

#[test]
fn only_committed_or_accepted_results_with_a_pot() {
    let (mut world, job, validator, other) = ready();
    world.accepts(&world.accept_result(&job));
    world.accepts(&world.attest(&validator, &job));
    world.finalise(&job);
    world.refuses(&world.attest(&other, &job), AssayError::IllegalTransition);

    let unpaid = world.post(world.client, &world.mint.clone(), PostJobArgs { window_slots: 100, ..terms() });
    world.refuses(&world.attest_with(&validator, &unpaid, [0; 32]), AssayError::IllegalTransition);
    world.claim(&unpaid);
    world.refuses(&world.attest_with(&validator, &unpaid, [0; 32]), AssayError::IllegalTransition);
    world.commit(&unpaid);
    world.advance_epochs(1);
    world.refuses(&world.attest(&validator, &unpaid), AssayError::NoAuditPot);
}

#[test]
fn only_with_a_chain_and_the_stake() {
    let (mut world, [validator, _]) = World::with_validators();
    let mut changed = parameters();
    changed.audit.audits_per_job = 16;
    world.changes_parameters(changed);
    let job = world.audited();
    let without = world.registered_validator("without a chain", VALIDATOR_STAKE);
    world.refuses(&world.attest_with(&without, &job, [0; 32]), AssayError::ChainMissing);
    // Down to the least stake, and a unit below it.
    let least = parameters().audit.minimum_validator_stake;
    let mut below = world.clone();
    below.accepts(&below.request_validator_withdrawal(&validator, VALIDATOR_STAKE - least + 1));
    below.refuses(&below.attest(&validator, &job), AssayError::ValidatorStakeTooLow);
    world.accepts(&world.request_validator_withdrawal(&validator, VALIDATOR_STAKE - least));
    world.accepts(&world.attest(&validator, &job));
}

#[test]
fn a_bond_needs_free_stake() {
    let (mut world, [validator, _]) = World::with_validators();
    let dear = PostJobArgs { audit_pot: 6_000, audit_cap: 5_001, ..audited_terms() };
    let job = world.post(world.client, &world.mint.clone(), dear);
    world.claim(&job);
    world.commit(&job);
    world.advance_epochs(1);
    assert_eq!(world.read_job(&job).audit.attestation_bond, 50_010);
    world.refuses(&world.attest(&validator, &job), AssayError::InsufficientFreeStake);
}

/// The draw falls by stake, and what the worker chooses is not in it: over many jobs with many results, a validator with a
/// tenth of the stake is drawn for about a tenth, and what it is drawn for does not change with the result or the node.
#[test]
fn the_draw_falls_by_stake_and_on_nothing_that_the_worker_chooses() {
    let (mut world, _) = World::with_validators();
    let mut one_of = parameters();
    one_of.audit.audits_per_job = 1;
    one_of.maximum_open_jobs_per_node = 1_000;
    world.changes_parameters(one_of);
    let small = world.registered_validator("small", 2 * VALIDATOR_STAKE / 9);
    world.accepts(&world.commit_chain(&small, small.chain_end()));
    world.advance_epochs(2);
    let (mut drawn, jobs) = (0, 120);
    for number in 0..jobs {
        world.set_newest_slot_hash([number; 32]);
        let cheap = PostJobArgs { bond: 1, price_min: 1, price_max: 1, audit_pot: 20, audit_cap: 2, ..audited_terms() };
        let job = world.post(world.client, &world.mint.clone(), cheap);
        assert_eq!(world.read_job(&job).audit.beacon, [number; 32]);
        let outcomes = [world.node, world.other_node].map(|node| {
            [b"one result".as_slice(), b"another"].map(|result| {
                let mut world = world.clone();
                let result = ComputedResult::new(&terms().output, result);
                world.accepts(&world.claim_job(&node, &job));
                world.accepts(&world.commit_result(&node, &job, result.args()));
                world.advance_epochs(1);
                world.transact(&[world.attest(&small, &job).instruction()]).map(|_| ()).map_err(|refusal| refusal.why)
            })
        });
        let first = outcomes[0][0].clone();
        assert!(outcomes.iter().flatten().all(|outcome| *outcome == first), "job {number}: {outcomes:?}");
        match first {
            Ok(()) => drawn += 1,
            Err(why) => assert_eq!(why, AssayError::NotDrawn.into()),
        }
    }
    // Twelve are expected, with a deviation of 3.3.
    assert!((2..=25).contains(&drawn), "drawn for {drawn} of {jobs}");
}

/// With nobody to audit, the window is as long as ever and the pot returns.
#[test]
fn without_validators_the_pot_returns() {
    let mut world = World::new();
    let before = world.balance(world.client, &world.mint);
    let job = world.post(world.client, &world.mint.clone(), audited_terms());
    world.claim(&job);
    world.commit(&job);
    assert_eq!(world.read_job(&job).audit.validator_stake, 0);
    let last = world.read_job(&job).challenge_deadline().unwrap().last().0;
    assert_eq!(last, world.slot() + audited_terms().window_slots);
    world.warp_to(last);
    world.refuses(&world.finalise_job(&world.node, &job), AssayError::ChallengeWindowOpen);
    world.finalise(&job);
    world.pay_out(&job);
    assert_eq!(world.balance(world.client, &world.mint), before - terms().price_min);
    world.accepts(&world.close_job(&job));
}

/// An attestation is at risk for more than it can earn, at the least that governance may ask for.
#[test]
fn a_bond_exceeds_any_fee() {
    let (mut world, [validator, other]) = World::with_validators();
    let mut least = parameters();
    least.audit.attestation_bond_bps = *assay::state::audit_limits::ATTESTATION_BOND_BPS.start();
    world.changes_parameters(Parameters { ..least });
    let all_for_one = PostJobArgs { audit_pot: 777, audit_cap: 777, ..audited_terms() };
    let job = world.post(world.client, &world.mint.clone(), all_for_one);
    world.claim(&job);
    world.commit(&job);
    world.advance_epochs(1);
    world.accepts(&world.attest(&validator, &job));
    world.refuses(&world.attest_with(&other, &job, [0; 32]), AssayError::WrongSeed);
    let bond = world.attestation(&job, &validator).unwrap().bond;
    world.finalise(&job);
    assert!(bond >= 2 * world.read_job(&job).audit.fee && world.read_job(&job).audit.fee == 777);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job, validator, other) = ready();
    let other_job = world.audited();
    let call = world.attest(&validator, &job);
    let right = call.accounts;
    let table = [
        ("the cold key", Attest { auditor: validator.authority, ..right }, AssayError::NotAuditor.into()),
        ("a stranger", Attest { auditor: world.mallory, ..right }, AssayError::NotAuditor.into()),
        (
            "another account of the program as network",
            Attest { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another's validator",
            Attest {
                validator: other.address,
                attestation: address::attestation(&job.address, &other.address),
                ..right
            },
            AssayError::NotAuditor.into(),
        ),
        ("another job", Attest { job: other_job.address, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "another's attestation",
            Attest { attestation: address::attestation(&job.address, &other.address), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
