use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::ExpireJob;
use assay::events::JobExpired;
use assay::state::Credits;
use assay::state_machine::JobState;
use program_tests::World;
use program_tests::terms::terms;
use program_tests::world::FIRST_SLOT;

#[test]
fn owes_the_whole_escrow_to_the_client() {
    let mut world = World::new();
    let job = world.posted();
    world.warp_to(FIRST_SLOT + terms().claim_slots + 1);
    let event: JobExpired = world.accepts(&world.expire_job(&job)).event();
    assert_eq!((event.job, event.client_credit), (job.address, terms().price_max));
    let state = world.read_job(&job);
    assert_eq!(state.state, JobState::Expired);
    assert_eq!(state.credits, Credits { client: terms().price_max, ..Credits::default() });
}

/// In no slot can a job be both claimed and expired, and in none neither.
#[test]
fn not_while_it_can_be_claimed() {
    let mut world = World::new();
    let (node, job) = (world.node, world.posted());
    for (elapsed, claimable) in [(0, true), (terms().claim_slots, true), (terms().claim_slots + 1, false)] {
        let mut branch = world.clone();
        branch.warp_to(FIRST_SLOT + elapsed);
        if claimable {
            branch.refuses(&branch.expire_job(&job), AssayError::ClaimWindowOpen);
            branch.accepts(&branch.claim_job(&node, &job));
        } else {
            branch.refuses(&branch.claim_job(&node, &job), AssayError::ClaimWindowClosed);
            branch.accepts(&branch.expire_job(&job));
            branch.refuses(&branch.expire_job(&job), AssayError::IllegalTransition);
        }
    }
}

#[test]
fn only_posted_jobs_expire() {
    let mut world = World::new();
    let (claimed, cancelled) = (world.claimed(), world.cancelled());
    world.advance(10_000);
    for job in [claimed, cancelled] {
        world.refuses(&world.expire_job(&job), AssayError::IllegalTransition);
    }
    let committed = world.committed();
    world.advance(10_000);
    world.refuses(&world.expire_job(&committed), AssayError::IllegalTransition);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let job = world.posted();
    world.advance(terms().claim_slots + 1);
    let fresh = world.posted();
    let call = world.expire_job(&job);
    let right = call.accounts;
    let table = [
        (
            "a job that can still be claimed",
            ExpireJob { job: fresh.address, ..right },
            AssayError::ClaimWindowOpen.into(),
        ),
        (
            "another account of the program",
            ExpireJob { job: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
