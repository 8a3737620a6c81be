use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CancelJob;
use assay::events::JobCancelled;
use assay::state::Credits;
use assay::state_machine::JobState;
use program_tests::World;
use program_tests::terms::terms;

#[test]
fn owes_the_whole_escrow_to_the_client() {
    let mut world = World::new();
    let job = world.posted();
    let event: JobCancelled = world.accepts(&world.cancel_job(&job)).event();
    assert_eq!((event.job, event.client_credit), (job.address, terms().price_max));
    let state = world.read_job(&job);
    assert_eq!(state.state, JobState::Cancelled);
    assert_eq!(state.credits, Credits { client: terms().price_max, ..Credits::default() });
    assert_eq!(world.tokens(job.vault), terms().price_max, "no token moves");
}

/// Also after the claim window, as long as nobody expired the job.
#[test]
fn at_any_time_before_a_claim() {
    let mut world = World::new();
    let job = world.posted();
    world.advance(terms().claim_slots + 10);
    world.accepts(&world.cancel_job(&job));
    world.refuses(&world.cancel_job(&job), AssayError::IllegalTransition);
    world.refuses(&world.expire_job(&job), AssayError::IllegalTransition);
}

#[test]
fn never_after_a_claim() {
    let mut world = World::new();
    let job = world.claimed();
    world.refuses(&world.cancel_job(&job), AssayError::IllegalTransition);
    world.commit(&job);
    world.refuses(&world.cancel_job(&job), AssayError::IllegalTransition);
    world.finalise(&job);
    world.refuses(&world.cancel_job(&job), AssayError::IllegalTransition);
    let missed = world.missed();
    world.refuses(&world.cancel_job(&missed), AssayError::IllegalTransition);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let mint = world.mint;
    let job = world.posted();
    let others = world.post(world.other_client, &mint, terms());
    let call = world.cancel_job(&job);
    let right = call.accounts;
    let table = [
        ("a stranger", CancelJob { client: world.mallory, ..right }, AssayError::NotClient.into()),
        ("another client", CancelJob { client: world.other_client, ..right }, AssayError::NotClient.into()),
        ("another client's job", CancelJob { job: others.address, ..right }, AssayError::NotClient.into()),
        (
            "another account of the program",
            CancelJob { job: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
