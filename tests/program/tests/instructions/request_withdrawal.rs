use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::RequestWithdrawal;
use assay::events::WithdrawalRequested;
use assay::state::{DisputeParameters, Parameters, SchedulingParameters, limits};
use assay::units::Slots;
use program_tests::World;
use program_tests::scheduling_calls::scheduling;
use program_tests::terms::{parameters, terms};
use program_tests::world::{FIRST_SLOT, STAKE};

#[test]
fn moves_free_stake_into_the_queue() {
    let mut world = World::new();
    let node = world.node;
    let vault = world.tokens(assay::address::stake_vault());
    let event: WithdrawalRequested = world.accepts(&world.request_withdrawal(&node, 400)).event();
    let release = FIRST_SLOT + parameters().unbonding_slots;
    assert_eq!((event.node, event.amount), (node.address, 400));
    assert_eq!((event.release_slot, event.stake), (release, STAKE - 400));
    let state = world.read_node(&node);
    assert_eq!(state.stake, STAKE - 400);
    assert_eq!((state.unbonding[0].amount, state.unbonding[0].release_slot), (400, release));
    assert_eq!(world.tokens(assay::address::stake_vault()), vault, "no token moves yet");
}

#[test]
fn only_free_stake_can_be_requested() {
    let mut world = World::new();
    let node = world.node;
    let job = world.claimed();
    let free = STAKE - terms().bond;
    world.refuses(&world.request_withdrawal(&node, 0), AssayError::AmountZero);
    world.refuses(&world.request_withdrawal(&node, free + 1), AssayError::InsufficientFreeStake);
    world.refuses(&world.request_withdrawal(&node, u64::MAX), AssayError::InsufficientFreeStake);
    world.accepts(&world.request_withdrawal(&node, free));
    world.refuses(&world.request_withdrawal(&node, 1), AssayError::InsufficientFreeStake);
    world.commit(&job);
    world.finalise(&job);
    world.accepts(&world.request_withdrawal(&node, terms().bond));
}

#[test]
fn four_requests_are_under_way_at_most() {
    let mut world = World::new();
    let node = world.node;
    for _ in 0..4 {
        world.accepts(&world.request_withdrawal(&node, 1));
    }
    world.refuses(&world.request_withdrawal(&node, 1), AssayError::WithdrawalQueueFull);
    world.accepts(&world.cancel_withdrawal(&node, 2));
    world.accepts(&world.request_withdrawal(&node, 1));
}

/// Governance can shorten unbonding, but what backs a claimed job stays until the job is beyond challenge.
#[test]
fn stake_outlasts_every_job_that_it_may_answer_for() {
    let mut world = World::new();
    let node = world.node;
    let job = world.claimed();
    let dispute = (20 + 200 + 150) * 3 / 2;
    let last_obligation = FIRST_SLOT + terms().run_slots + terms().window_slots + dispute;
    assert_eq!(world.read_job(&job).last_obligation().unwrap().0, last_obligation);
    let least = 1 + 1 + 3 + 15 + 15 + 64 + limits::UNBONDING_MARGIN_SLOTS;
    let standing = SchedulingParameters::first(Slots(least), true).standing;
    let short = Parameters {
        maximum_run_slots: 1,
        maximum_window_slots: 1,
        minimum_window_slots: 1,
        unbonding_slots: least,
        scheduling: SchedulingParameters { standing, ..scheduling() },
        dispute: DisputeParameters {
            reveal_slots: 2,
            challenger_clock_slots: 10,
            defender_clock_slots: 10,
            ..parameters().dispute
        },
        ..parameters()
    };
    world.changes_parameters(short);
    let event: WithdrawalRequested = world.accepts(&world.request_withdrawal(&node, 1)).event();
    assert_eq!(event.release_slot, last_obligation + limits::UNBONDING_MARGIN_SLOTS);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let call = world.request_withdrawal(&node, 10);
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let table = [
        ("a stranger", RequestWithdrawal { withdraw_authority: world.mallory, ..right }, not_owner()),
        ("the operator", RequestWithdrawal { withdraw_authority: node.operator, ..right }, not_owner()),
        ("another node", RequestWithdrawal { node: other.address, ..right }, not_owner()),
        (
            "another account of the program",
            RequestWithdrawal { network: node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a node as register",
            RequestWithdrawal { stake_register: node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
