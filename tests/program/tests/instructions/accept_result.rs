use assay::AssayError;
use assay::accounts::AcceptResult;
use assay::events::ResultAccepted;
use assay::instructions::CreditRole;
use assay::state::Credits;
use assay::state_machine::JobState;
use program_tests::World;
use program_tests::terms::terms;
use program_tests::world::STAKE;

const FEE: u64 = 1_001 * 250 / 10_000;

#[test]
fn the_node_is_paid_at_once_and_its_bond_stays() {
    let mut world = World::new();
    let job = world.committed();
    let node = world.node;
    let event: ResultAccepted = world.accepts(&world.accept_result(&job)).event();
    let expected = ResultAccepted {
        job: job.address,
        node: node.address,
        node_credit: 1_001 - FEE,
        client_credit: 1_002,
        fee_credit: FEE,
        delegators_credit: 0,
    };
    assert_eq!(event, expected);
    let state = world.read_job(&job);
    assert_eq!(state.state, JobState::Accepted);
    assert_eq!(state.credits, Credits { node: 1_001 - FEE, client: 1_002, fee: FEE, audits: 0, delegators: 0 });
    world.pay_out(&job);
    assert_eq!(world.balance(node.owner, &job.mint), 1_001 - FEE);
    assert_eq!(world.tokens(job.vault), 0);
    let account = world.read_node(&node);
    assert_eq!((account.stake, account.locked, account.open_jobs), (STAKE, terms().bond, 1));
    let last = state.challenge_deadline().unwrap().last().0;
    world.warp_to(last);
    world.refuses(&world.finalise_job(&node, &job), AssayError::ChallengeWindowOpen);
    world.refuses(&world.close_job(&job), AssayError::JobNotEnded);
    let locked = world.request_withdrawal(&node, STAKE - terms().bond + 1);
    world.refuses(&locked, AssayError::InsufficientFreeStake);
    world.finalise(&job);
    let account = world.read_node(&node);
    assert_eq!((account.locked, account.open_jobs, account.jobs_settled), (0, 0, 1));
    assert_eq!(world.read_job(&job).credits, Credits::default());
    world.accepts(&world.close_job(&job));
}

/// The pot waits in the vault for the end of the window, whoever withdraws before.
#[test]
fn the_audit_pot_stays_until_the_window_is_over() {
    let (mut world, [validator, _]) = World::with_validators();
    let job = world.audited();
    world.accepts(&world.accept_result(&job));
    world.pay_out(&job);
    assert_eq!(world.tokens(job.vault), 1_000);
    world.refuses(&world.withdraw_credit(world.payer(), &job, CreditRole::Client), AssayError::NothingOwed);
    world.accepts(&world.attest(&validator, &job));
    world.finalise(&job);
    assert_eq!(world.read_job(&job).credits, Credits { client: 700, audits: 300, ..Credits::default() });
}

#[test]
fn only_a_committed_result_and_only_once() {
    let mut world = World::new();
    let (posted, claimed, settled) = (world.posted(), world.claimed(), world.settled());
    let missed = world.missed();
    for job in [posted, claimed, settled, missed] {
        world.refuses(&world.accept_result(&job), AssayError::IllegalTransition);
    }
    let job = world.committed();
    world.accepts(&world.accept_result(&job));
    world.refuses(&world.accept_result(&job), AssayError::IllegalTransition);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let job = world.committed();
    let mint = world.mint;
    let other = world.post(world.other_client, &mint, terms());
    let call = world.accept_result(&job);
    let right = call.accounts;
    let refused = || AssayError::NotClient.into();
    let table = [
        ("the node", AcceptResult { client: world.node.owner, ..right }, refused()),
        ("another client", AcceptResult { client: world.other_client, ..right }, refused()),
        ("another client's job", AcceptResult { job: other.address, ..right }, refused()),
    ];
    world.refuses_accounts(&call, table);
}
