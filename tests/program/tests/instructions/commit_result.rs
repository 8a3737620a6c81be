use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CommitResult;
use assay::events::ResultCommitted;
use assay::instructions::{CommitResultArgs, PostJobArgs};
use assay::market::OutputDescriptor;
use assay::state_machine::JobState;
use program_tests::terms::{output_descriptor, terms};
use program_tests::world::FIRST_SLOT;
use program_tests::{ComputedResult, World};

#[test]
fn records_the_result_and_starts_the_window() {
    let mut world = World::new();
    let (node, job) = (world.node, world.claimed());
    world.advance(7);
    let result = world.result(&job);
    let event: ResultCommitted = world.accepts(&world.commit_result(&node, &job, result.args())).event();
    let commitment = result.commitment(job.address, node.address);
    let expected = ResultCommitted {
        job: job.address,
        node: node.address,
        commitment,
        boundary_root: result.boundary_root,
        output_root: result.output_root,
        result_manifest: result.result_manifest,
        last_challenge_slot: FIRST_SLOT + 7 + terms().window_slots,
    };
    assert_eq!(event, expected);
    let state = world.read_job(&job);
    assert_eq!((state.state, state.committed_slot), (JobState::Committed, FIRST_SLOT + 7));
    assert_eq!((state.commitment, state.boundary_root), (commitment, result.boundary_root));
    assert_eq!((state.output_root, state.result_manifest), (result.output_root, result.result_manifest));
    assert_eq!(world.read_node(&node).locked, terms().bond, "the bond stays locked");
}

/// The output must be the one at the job's position under the boundary root: nothing else passes.
#[test]
fn refuses_an_output_that_the_boundary_root_does_not_hold() {
    let mut world = World::new();
    let (node, job) = (world.node, world.claimed());
    let right = world.result(&job).args();
    let elsewhere =
        ComputedResult::new(&OutputDescriptor { boundary_position: 3, ..output_descriptor() }, &job.id.to_le_bytes());
    let mut swapped = right.output_path.clone();
    swapped.swap(0, 1);
    let table = [
        ("another output", CommitResultArgs { output_root: [9; 32], ..right.clone() }),
        ("another boundary", CommitResultArgs { boundary_root: [9; 32], ..right.clone() }),
        ("a path in another order", CommitResultArgs { output_path: swapped, ..right.clone() }),
        ("the output at another position", elsewhere.args()),
        ("nothing", CommitResultArgs { boundary_root: [0; 32], output_root: [0; 32], ..right.clone() }),
    ];
    for (what, args) in table {
        let refusal = world.transact(&[world.commit_result(&node, &job, args).instruction()]).expect_err(what);
        assert_eq!(refusal.why, AssayError::BoundaryRootMismatch.into(), "{what}");
    }
    for length in [0, right.output_path.len() - 1, right.output_path.len() + 1, 20] {
        let mut output_path = right.output_path.clone();
        output_path.resize(length, [5; 32]);
        let call = world.commit_result(&node, &job, CommitResultArgs { output_path, ..right.clone() });
        world.refuses(&call, AssayError::OutputPathLengthMismatch);
    }
    world.accepts(&world.commit_result(&node, &job, right));
}

/// Boundaries of one tensor and of the most that a descriptor can count.
#[test]
fn boundaries_of_every_size_can_be_committed() {
    let mut world = World::new();
    let (mint, client, node) = (world.mint, world.client, world.node);
    for (boundary_position, boundary_count) in [(0, 1), (1, 2), (u16::MAX - 1, u16::MAX)] {
        let output = OutputDescriptor { boundary_position, boundary_count, ..output_descriptor() };
        let job = world.post(client, &mint, PostJobArgs { output, ..terms() });
        world.claim(&job);
        let result = world.result(&job);
        world.accepts(&world.commit_result(&node, &job, result.args()));
    }
}

#[test]
fn until_the_last_run_slot_and_once() {
    let mut world = World::new();
    let (node, job) = (world.node, world.claimed());
    let call = world.commit_result(&node, &job, world.result(&job).args());
    world.warp_to(FIRST_SLOT + terms().run_slots + 1);
    world.refuses(&call, AssayError::RunDeadlinePassed);
    world.warp_to(FIRST_SLOT + terms().run_slots);
    world.accepts(&call);
    world.refuses(&call, AssayError::IllegalTransition);
    let second_thoughts = ComputedResult::new(&output_descriptor(), b"other").args();
    world.refuses(&world.commit_result(&node, &job, second_thoughts), AssayError::IllegalTransition);
}

#[test]
fn only_claimed_jobs_can_be_committed() {
    let mut world = World::new();
    let node = world.node;
    let (posted, cancelled) = (world.posted(), world.cancelled());
    for job in [posted, cancelled] {
        let call = world.commit_result(&node, &job, world.result(&job).args());
        world.refuses(&call, AssayError::IllegalTransition);
    }
    for job in [world.settled(), world.missed()] {
        let call = world.commit_result(&node, &job, world.result(&job).args());
        world.refuses(&call, AssayError::IllegalTransition);
    }
}

/// The same result of another node, or for another job, has another commitment: copying it proves nothing.
#[test]
fn commitments_bind_job_and_node() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let (first, second) = (world.posted(), world.posted());
    world.claim(&first);
    world.accepts(&world.claim_job(&other, &second));
    let args = world.result(&first).args();
    world.accepts(&world.commit_result(&node, &first, args.clone()));
    world.accepts(&world.commit_result(&other, &second, args));
    assert_ne!(world.read_job(&first).commitment, world.read_job(&second).commitment);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let (job, others) = (world.claimed(), world.posted());
    world.accepts(&world.claim_job(&other, &others));
    let call = world.commit_result(&node, &job, world.result(&job).args());
    let right = call.accounts;
    let not_operator = || AssayError::NotJobOperator.into();
    let table = [
        ("a stranger", CommitResult { operator: world.mallory, ..right }, not_operator()),
        ("the node's owner", CommitResult { operator: node.owner, ..right }, not_operator()),
        ("another node's operator", CommitResult { operator: other.operator, ..right }, not_operator()),
        ("a job that another node claimed", CommitResult { job: others.address, ..right }, not_operator()),
        (
            "another account of the program",
            CommitResult { job: node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
