use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::ClaimJob;
use assay::events::JobClaimed;
use assay::instructions::PostJobArgs;
use assay::state_machine::JobState;
use program_tests::terms::{parameters, terms};
use program_tests::world::{FIRST_SLOT, STAKE};
use program_tests::{Node, World};

#[test]
fn fixes_the_price_and_locks_the_bond() {
    let mut world = World::new();
    let (node, job) = (world.node, world.posted());
    world.advance(20);
    let price = 1_001 + (2_003 - 1_001) * 10 / 20;
    let event: JobClaimed = world.accepts(&world.claim_job(&node, &job)).event();
    let JobClaimed { job: address, node: claimer, price: fixed, bond, last_run_slot, delegators_bps } = event;
    assert_eq!((address, claimer, fixed, bond), (job.address, node.address, price, terms().bond));
    assert_eq!(delegators_bps, 0, "nobody delegates");
    assert_eq!(last_run_slot, FIRST_SLOT + 20 + terms().run_slots);

    let state = world.read_job(&job);
    assert_eq!((state.state, state.price, state.claimed_slot), (JobState::Claimed, price, FIRST_SLOT + 20));
    assert_eq!((state.node, state.operator, state.payee), (node.address, node.operator, node.owner));
    let state = world.read_node(&node);
    assert_eq!((state.stake, state.locked, state.open_jobs), (STAKE, terms().bond, 1));
    assert_eq!(state.last_claim_slot, FIRST_SLOT + 20);
    assert_eq!(
        state.last_obligation_slot,
        FIRST_SLOT + 20 + terms().run_slots + terms().window_slots + (20 + 200 + 150) * 3 / 2
    );
    assert_eq!(world.tokens(job.vault), terms().price_max, "no token moves");
}

/// The price holds, rises and stays, until the last claim slot; after it nobody can claim.
#[test]
fn the_price_follows_the_ramp_to_the_last_claim_slot() {
    let mut world = World::new();
    let (node, job) = (world.node, world.posted());
    let claim = world.claim_job(&node, &job);
    for (elapsed, price) in [(0, 1_001), (10, 1_001), (11, 1_051), (29, 1_952), (30, 2_003), (100, 2_003)] {
        let mut branch = world.clone();
        branch.warp_to(FIRST_SLOT + elapsed);
        branch.accepts(&claim);
        assert_eq!(branch.read_job(&job).price, price, "after {elapsed} slots");
    }
    world.warp_to(FIRST_SLOT + 101);
    world.refuses(&claim, AssayError::ClaimWindowClosed);
}

#[test]
fn only_posted_jobs_can_be_claimed() {
    let mut world = World::new();
    let expired = world.posted();
    world.advance(terms().claim_slots + 1);
    world.accepts(&world.expire_job(&expired));
    let (claimed, cancelled) = (world.claimed(), world.cancelled());
    let committed = world.committed();
    for job in [expired, claimed, cancelled, committed] {
        world.refuses(&world.claim_job(&world.other_node, &job), AssayError::IllegalTransition);
    }
    let settled = world.settled();
    world.refuses(&world.claim_job(&world.other_node, &settled), AssayError::IllegalTransition);
}

#[test]
fn the_node_needs_the_stake_that_is_asked_for() {
    let mut world = World::new();
    let (mint, client) = (world.mint, world.client);
    let poor = world.registered_node("poor node", parameters().minimum_stake - 1);
    let small = PostJobArgs { minimum_stake: 0, price_min: 1, price_max: 1, bond: 1, ..terms() };
    let undemanding = world.post(client, &mint, small.clone());
    world.refuses(&world.claim_job(&poor, &undemanding), AssayError::StakeBelowNetworkMinimum);
    world.accepts(&world.stake(&poor, poor.owner, 1));
    world.accepts(&world.claim_job(&poor, &undemanding));

    let demanding = world.post(client, &mint, PostJobArgs { minimum_stake: STAKE + 1, ..terms() });
    world.refuses(&world.claim_job(&world.node, &demanding), AssayError::StakeBelowJobMinimum);
    world.accepts(&world.stake(&world.node, world.node.owner, 1));
    world.accepts(&world.claim_job(&world.node, &demanding));
}

/// Neither bonds nor what unbonds can back another bond, and a quarter of the stake, which a conviction would take besides,
/// stays free.
#[test]
fn the_bond_must_be_free() {
    let mut world = World::new();
    let (node, mint, client) = (world.node, world.mint, world.client);
    let heavy = |bond| PostJobArgs { bond, minimum_stake: 0, ..terms() };
    let first = world.post(client, &mint, heavy(35_000));
    let second = world.post(client, &mint, heavy(40_001));
    let exact = world.post(client, &mint, heavy(40_000));
    world.accepts(&world.claim_job(&node, &first));
    world.refuses(&world.claim_job(&node, &second), AssayError::InsufficientFreeStake);
    let mut branch = world.clone();
    branch.accepts(&branch.request_withdrawal(&node, 2));
    branch.refuses(&branch.claim_job(&node, &exact), AssayError::InsufficientFreeStake);
    world.accepts(&world.claim_job(&node, &exact));
    assert_eq!(world.read_node(&node).locked, STAKE - STAKE / 4);
}

#[test]
fn open_jobs_are_capped() {
    let mut world = World::new();
    let claimed: Vec<_> = (0..parameters().maximum_open_jobs_per_node).map(|_| world.claimed()).collect();
    let one_more = world.posted();
    world.refuses(&world.claim_job(&world.node, &one_more), AssayError::TooManyOpenJobs);
    world.accepts(&world.claim_job(&world.other_node, &one_more));
    world.commit(&claimed[0]);
    world.finalise(&claimed[0]);
    let again = world.posted();
    world.claim(&again);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other, job) = (world.node, world.other_node, world.posted());
    let call = world.claim_job(&node, &job);
    let right = call.accounts;
    let not_operator = || AssayError::NotOperator.into();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("a stranger", ClaimJob { operator: world.mallory, ..right }, not_operator()),
        ("the node's owner", ClaimJob { operator: node.owner, ..right }, not_operator()),
        ("another node's operator", ClaimJob { operator: other.operator, ..right }, not_operator()),
        ("another node", ClaimJob { node: other.address, ..right }, not_operator()),
        ("a job as node", ClaimJob { node: job.address, ..right }, mismatch()),
        ("a node as job", ClaimJob { job: other.address, ..right }, mismatch()),
        ("a node as network", ClaimJob { network: node.address, ..right }, mismatch()),
        (
            "a job that was never posted",
            ClaimJob { job: assay::address::job(&world.client, 77), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}

/// One operator may serve several nodes; each claim counts for the node that it names.
#[test]
fn a_shared_operator_binds_only_the_named_node() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    world.accepts(&world.update_node(&other, node.operator, ""));
    let shared = Node { operator: node.operator, ..other };
    let job = world.posted();
    world.accepts(&world.claim_job(&shared, &job));
    assert_eq!(world.read_job(&job).node, other.address);
    assert_eq!((world.read_node(&node).locked, world.read_node(&other).locked), (0, terms().bond));
}

/// An invitation can be claimed by the node that it names, and by no other, until it expires.
#[test]
fn an_invitation_is_claimed_by_the_invited_node_alone() {
    let mut world = World::new();
    let (node, other, mint) = (world.node, world.other_node, world.mint);
    let terms = || assay::instructions::PostJobArgs { invited_node: Some(other.address), ..terms() };
    let job = world.post(world.client, &mint, terms());
    assert_eq!(world.read_job(&job).invited_node, other.address);
    world.refuses(&world.claim_job(&node, &job), AssayError::NotInvited);
    // Nor by the operator of the invited node for another one.
    world.accepts(&world.update_node(&node, other.operator, ""));
    let shared = Node { operator: other.operator, ..node };
    world.refuses(&world.claim_job(&shared, &job), AssayError::NotInvited);
    world.accepts(&world.claim_job(&other, &job));
    let unclaimed = world.post(world.client, &mint, terms());
    world.advance(terms().claim_slots + 1);
    world.accepts(&world.expire_job(&unclaimed));
}
