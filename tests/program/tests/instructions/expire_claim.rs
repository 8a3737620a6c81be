use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::ExpireClaim;
use assay::address;
use assay::events::ClaimMissed;
use assay::instructions::PostJobArgs;
use assay::state::{Credits, Parameters};
use assay::state_machine::JobState;
use program_tests::World;
use program_tests::terms::{parameters, terms};
use program_tests::world::{FIRST_SLOT, STAKE};

const CHARGE: u64 = 3_001 * 500 / 10_000;

#[test]
fn refunds_the_client_and_charges_the_node() {
    let mut world = World::new();
    let (node, job) = (world.node, world.claimed());
    let vault = world.tokens(address::stake_vault());
    world.warp_to(FIRST_SLOT + terms().run_slots + 1);
    let event: ClaimMissed = world.accepts(&world.expire_claim(&node, &job)).event();
    assert_eq!((event.job, event.node), (job.address, node.address));
    assert_eq!((event.client_credit, event.charge), (terms().price_max, CHARGE));
    let state = world.read_job(&job);
    assert_eq!((state.state, state.charge_credit), (JobState::Missed, CHARGE));
    assert_eq!(state.credits, Credits { client: terms().price_max, ..Credits::default() });
    let state = world.read_node(&node);
    assert_eq!((state.stake, state.locked, state.open_jobs), (STAKE - CHARGE, 0, 0));
    assert_eq!((state.jobs_settled, state.jobs_missed), (0, 1));
    assert_eq!(world.tokens(address::stake_vault()), vault, "no token moves");
}

/// In no slot can a claim be both kept and missed, and in none neither.
#[test]
fn not_while_the_node_may_commit() {
    let mut world = World::new();
    let (node, job) = (world.node, world.claimed());
    let commit = world.commit_result(&node, &job, world.result(&job).args());
    for (elapsed, in_time) in [(0, true), (terms().run_slots, true), (terms().run_slots + 1, false)] {
        let mut branch = world.clone();
        branch.warp_to(FIRST_SLOT + elapsed);
        if in_time {
            branch.refuses(&branch.expire_claim(&node, &job), AssayError::RunDeadlineNotPassed);
            branch.accepts(&commit);
        } else {
            branch.refuses(&commit, AssayError::RunDeadlinePassed);
            branch.accepts(&branch.expire_claim(&node, &job));
            branch.refuses(&branch.expire_claim(&node, &job), AssayError::IllegalTransition);
        }
    }
}

#[test]
fn only_claimed_jobs_are_missed() {
    let mut world = World::new();
    let node = world.node;
    let (committed, posted, cancelled) = (world.committed(), world.posted(), world.cancelled());
    world.advance(10_000);
    for job in [committed, posted, cancelled] {
        world.refuses(&world.expire_claim(&node, &job), AssayError::IllegalTransition);
    }
}

/// A charge that would round to nothing is one unit: nobody claims and leaves for free.
#[test]
fn a_charge_is_never_nothing() {
    let mut world = World::new();
    world.changes_parameters(Parameters { minimum_bond_bps: 0, ..parameters() });
    let mint = world.mint;
    let job = world.post(world.client, &mint, PostJobArgs { bond: 19, ..terms() });
    world.claim(&job);
    world.miss(&job);
    assert_eq!(world.read_job(&job).charge_credit, 1);
    assert_eq!(world.read_node(&world.node).stake, STAKE - 1);
    world.pay_out(&job);
    world.accepts(&world.close_job(&job));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let (job, others) = (world.claimed(), world.posted());
    world.accepts(&world.claim_job(&other, &others));
    world.advance(terms().run_slots + 1);
    let call = world.expire_claim(&node, &job);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        (
            "another node with an open job, to charge it",
            ExpireClaim { node: other.address, ..right },
            AssayError::WrongNode.into(),
        ),
        ("another node's job", ExpireClaim { job: others.address, ..right }, AssayError::WrongNode.into()),
        ("a node as network", ExpireClaim { network: other.address, ..right }, ErrorCode::ConstraintAddress.into()),
        ("a job as node", ExpireClaim { node: others.address, ..right }, mismatch()),
        ("a node as job", ExpireClaim { job: other.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
