use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::FinaliseJob;
use assay::events::JobSettled;
use assay::instructions::PostJobArgs;
use assay::state::{Credits, Parameters};
use assay::state_machine::JobState;
use program_tests::World;
use program_tests::terms::{parameters, terms};
use program_tests::world::{FIRST_SLOT, STAKE};

/// A committed job whose window has just closed.
fn ready() -> (World, program_tests::Job) {
    let mut world = World::new();
    let job = world.committed();
    world.warp_to(FIRST_SLOT + terms().window_slots + 1);
    (world, job)
}

#[test]
fn shares_the_escrow_out_and_frees_the_bond() {
    let (mut world, job) = ready();
    let node = world.node;
    let event: JobSettled = world.accepts(&world.finalise_job(&node, &job)).event();
    let fee = 1_001 * 250 / 10_000;
    let credits = Credits { node: 1_001 - fee, client: 2_003 - 1_001, fee, audits: 0, delegators: 0 };
    let JobSettled { job: address, node: claimer, node_credit, client_credit, fee_credit, audit_credit, .. } = event;
    assert_eq!((address, claimer), (job.address, node.address));
    assert_eq!(
        Credits { node: node_credit, client: client_credit, fee: fee_credit, audits: audit_credit, delegators: 0 },
        credits
    );
    let state = world.read_job(&job);
    assert_eq!((state.state, state.credits, state.charge_credit), (JobState::Settled, credits, 0));
    let state = world.read_node(&node);
    assert_eq!((state.stake, state.locked, state.open_jobs), (STAKE, 0, 0));
    assert_eq!((state.jobs_settled, state.jobs_missed), (1, 0));
    assert_eq!(world.tokens(job.vault), terms().price_max, "no token moves");
}

#[test]
fn not_before_the_window_has_closed_and_once() {
    let (mut world, job) = ready();
    let call = world.finalise_job(&world.node, &job);
    for too_early in [FIRST_SLOT, FIRST_SLOT + terms().window_slots] {
        world.warp_to(too_early);
        world.refuses(&call, AssayError::ChallengeWindowOpen);
    }
    world.warp_to(FIRST_SLOT + terms().window_slots + 1);
    world.accepts(&call);
    world.refuses(&call, AssayError::IllegalTransition);
    assert_eq!(world.read_node(&world.node).jobs_settled, 1);
}

#[test]
fn only_committed_jobs_can_be_finalised() {
    let mut world = World::new();
    let node = world.node;
    let (claimed, posted, cancelled) = (world.claimed(), world.posted(), world.cancelled());
    world.advance(10_000);
    for job in [claimed, posted, cancelled] {
        world.refuses(&world.finalise_job(&node, &job), AssayError::IllegalTransition);
    }
    world.accepts(&world.expire_claim(&node, &claimed));
    world.refuses(&world.finalise_job(&node, &claimed), AssayError::IllegalTransition);
}

/// A fee of nothing, a price of nothing and the largest price are all shared out to the last unit.
#[test]
fn extreme_prices_settle() {
    let mut world = World::new();
    let (mint, client) = (world.mint, world.client);
    world.changes_parameters(Parameters { minimum_bond_bps: 0, ..parameters() });
    world.mint_to(&mint, program_tests::tokens::associated(client, &mint), u64::MAX - world.supply(&mint));
    let everything = world.balance(client, &mint);
    let cases = [(0, 1, 0), (1, 1, 0), (39, 39, 0), (40, 40, 1), (0, everything, 0), (everything, everything, 0)];
    for (price_min, price_max, _) in cases {
        let mut world = world.clone();
        let args = PostJobArgs { price_min, price_max, bond: 1, ..terms() };
        let job = world.post(client, &mint, args);
        world.claim(&job);
        world.commit(&job);
        world.finalise(&job);
        let credits = world.read_job(&job).credits;
        assert_eq!(credits.fee, (u128::from(price_min) * 250 / 10_000) as u64);
        assert_eq!((credits.node + credits.fee, credits.client), (price_min, price_max - price_min));
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
    }
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let job = world.committed();
    let others = world.posted();
    world.accepts(&world.claim_job(&other, &others));
    let result = world.result(&others).args();
    world.accepts(&world.commit_result(&other, &others, result));
    world.advance(terms().window_slots + 1);
    let call = world.finalise_job(&node, &job);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        (
            "another node with an open job, to free its bond",
            FinaliseJob { node: other.address, ..right },
            AssayError::WrongNode.into(),
        ),
        ("another node's job", FinaliseJob { job: others.address, ..right }, AssayError::WrongNode.into()),
        ("a node as network", FinaliseJob { network: other.address, ..right }, ErrorCode::ConstraintAddress.into()),
        ("a job as node", FinaliseJob { node: others.address, ..right }, mismatch()),
        ("a node as job", FinaliseJob { job: other.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
