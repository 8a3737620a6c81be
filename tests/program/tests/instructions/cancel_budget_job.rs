use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{CancelBudgetJob, CancelJob};
use assay::events::JobCancelled;
use assay::state_machine::JobState;
use program_tests::World;
use program_tests::budgets::{BUDGET_TOKENS, limits};
use program_tests::terms::terms;

/// The escrow goes to the budget's vault, whoever cancels and whoever helps; the period counts it all the same.
#[test]
fn the_escrow_returns_to_the_budget_and_the_allowance_does_not() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    for canceller in [budget.agent, budget.owner] {
        let job = world.post_from(&budget, terms());
        let event: JobCancelled = world.accepts(&world.cancel_budget_job(canceller, &job)).event();
        assert_eq!((event.job, event.client_credit), (job.address, terms().price_max));
        assert_eq!(world.read_job(&job).state, JobState::Cancelled);
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
    }
    assert_eq!(world.tokens(budget.vault), BUDGET_TOKENS);
    assert_eq!(world.read_budget(&budget).period_escrowed, 2 * terms().price_max);
}

#[test]
fn never_after_a_claim_and_never_after_the_agents_last_slot() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let claimed = world.post_from(&budget, terms());
    world.claim(&claimed);
    world.refuses(&world.cancel_budget_job(budget.agent, &claimed), AssayError::IllegalTransition);
    let posted = world.post_from(&budget, terms());
    world.warp_to(limits().last_slot + 1);
    world.refuses(&world.cancel_budget_job(budget.agent, &posted), AssayError::BudgetExpired);
    world.accepts(&world.cancel_budget_job(budget.owner, &posted));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let other = world.budget("other", limits());
    let job = world.post_from(&budget, terms());
    let others = world.post_from(&other, terms());
    let mint = world.mint;
    let clients = world.post(world.client, &mint, terms());
    let call = world.cancel_budget_job(budget.agent, &job);
    let right = call.accounts;
    let table = [
        ("a stranger", CancelBudgetJob { authority: world.mallory, ..right }, AssayError::NotBudgetAgent.into()),
        ("another agent", CancelBudgetJob { authority: other.agent, ..right }, AssayError::NotBudgetAgent.into()),
        ("another budget", CancelBudgetJob { budget: other.address, ..right }, AssayError::WrongBudget.into()),
        ("another budget's job", CancelBudgetJob { job: others.address, ..right }, AssayError::WrongBudget.into()),
        ("a job of no budget", CancelBudgetJob { job: clients.address, ..right }, AssayError::WrongBudget.into()),
        (
            "another account of the program",
            CancelBudgetJob { budget: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    // The instruction for clients is none for agents.
    let direct = world.cancel_job(&clients);
    let as_client = CancelJob { client: budget.agent, job: job.address, ..direct.accounts };
    world.refuses(&direct.with(|accounts| *accounts = as_client), AssayError::NotClient);
    world.refuses_accounts(&call, table);
}
