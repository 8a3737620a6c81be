use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CommitChain;
use assay::events::ChainCommitted;
use program_tests::World;
use program_tests::terms::parameters;

#[test]
fn a_chain_counts_two_epochs_later() {
    let (mut world, [validator, _]) = World::with_validators();
    let now = world.epoch_of(world.slot());
    let event: ChainCommitted = world.accepts(&world.commit_chain(&validator, [5; 32])).event();
    let expected = ChainCommitted {
        validator: validator.address,
        end: [5; 32],
        first_epoch: now + 2,
        epoch_slots: parameters().audit.epoch_slots,
    };
    assert_eq!(event, expected);
    let chain = world.read_validator(&validator).chain;
    assert_eq!((chain.shown, chain.shown_epoch, chain.first_epoch), ([5; 32], now + 1, now + 2));
}

/// A chain that was committed when the job was there, or within two epochs before, draws nothing for it: whoever sees a job,
/// or expects one, has no seeds to choose from.
#[test]
fn a_chain_chosen_for_a_job_draws_nothing_for_it() {
    let (mut world, [validator, other]) = World::with_validators();
    let job = world.audited();
    // After the job, and shown for the epoch of its commit: the chain does not count that early.
    world.accepts(&world.commit_chain(&validator, validator.chain_end()));
    world.refuses(&world.attest_with(&validator, &job, [1; 32]), AssayError::ChainTooYoung);
    // An epoch before the job.
    world.accepts(&world.commit_chain(&other, other.chain_end()));
    world.advance_epochs(1);
    let next = world.audited();
    world.refuses(&world.attest_with(&other, &next, [1; 32]), AssayError::ChainTooYoung);
    // Two epochs before.
    let last = world.audited();
    world.accepts(&world.attest(&other, &last));
}

/// A job that waits long for its commit is drawn by a chain that counted when it was posted, not by one committed since.
#[test]
fn a_chain_committed_while_a_job_waits_draws_nothing_for_it() {
    let (mut world, [validator, other]) = World::with_validators();
    let job = world.post(world.client, &world.mint.clone(), program_tests::audits::audited_terms());
    world.accepts(&world.commit_chain(&validator, validator.chain_end()));
    world.advance_epochs(3);
    world.claim(&job);
    world.commit(&job);
    world.advance_epochs(1);
    world.refuses(&world.attest(&validator, &job), AssayError::ChainTooYoung);
    world.accepts(&world.attest(&other, &job));
}

/// Governance may change the length of epochs. Chains that counted by the old length draw for jobs that did, and for no
/// others; a new chain draws for new jobs.
#[test]
fn a_change_of_epochs_leaves_old_jobs_their_chains() {
    let (mut world, [validator, other]) = World::with_validators();
    let old = world.audited();
    let mut changed = parameters();
    changed.audit.epoch_slots = 10;
    world.changes_parameters(changed);
    let call = world.attest_with(&validator, &old, {
        let first = world.read_validator(&validator).chain.first_epoch;
        let length = u64::from(parameters().audit.epoch_slots);
        validator.seed(first, world.read_job(&old).committed_slot / length)
    });
    world.accepts(&call);
    world.accepts(&world.commit_chain(&other, other.chain_end()));
    world.advance_epochs(2);
    let new = world.audited();
    world.refuses(&world.attest_with(&validator, &new, [1; 32]), AssayError::ChainOfOtherEpochs);
    world.accepts(&world.attest(&other, &new));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, [validator, other]) = World::with_validators();
    let call = world.commit_chain(&validator, [5; 32]);
    let right = call.accounts;
    let refused = || AssayError::NotAuditor.into();
    let table = [
        ("the cold key", CommitChain { auditor: validator.authority, ..right }, refused()),
        ("another auditor", CommitChain { auditor: other.auditor, ..right }, refused()),
        ("another validator", CommitChain { validator: other.address, ..right }, refused()),
        (
            "another account of the program as network",
            CommitChain { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
