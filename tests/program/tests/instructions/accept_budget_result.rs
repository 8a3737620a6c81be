use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{AcceptBudgetResult, AcceptResult};
use assay::events::ResultAccepted;
use assay::state_machine::JobState;
use program_tests::Job;
use program_tests::World;
use program_tests::budgets::{BUDGET_TOKENS, Budget, limits};
use program_tests::terms::terms;

fn committed(world: &mut World, budget: &Budget) -> Job {
    let job = world.post_from(budget, terms());
    world.claim(&job);
    world.commit(&job);
    job
}

#[test]
fn pays_the_node_now_and_the_budget_the_rest() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    for authority in [budget.agent, budget.owner] {
        let before = world.tokens(budget.vault);
        let job = committed(&mut world, &budget);
        let event: ResultAccepted = world.accepts(&world.accept_budget_result(authority, &job)).event();
        assert_eq!(event.client_credit, terms().price_max - terms().price_min);
        assert_eq!(world.read_job(&job).state, JobState::Accepted);
        world.pay_out(&job);
        assert_eq!(world.tokens(budget.vault), before - terms().price_min);
        world.refuses(&world.accept_budget_result(authority, &job), AssayError::IllegalTransition);
    }
    assert!(world.tokens(budget.vault) < BUDGET_TOKENS);
}

#[test]
fn not_while_a_filing_is_open_and_not_after_the_agents_last_slot() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let job = committed(&mut world, &budget);
    world.accepts(&world.file_for_budget(budget.owner, &job));
    world.refuses(&world.accept_budget_result(budget.agent, &job), AssayError::OutputUnavailable);
    let late = committed(&mut world, &budget);
    world.warp_to(limits().last_slot + 1);
    world.refuses(&world.accept_budget_result(budget.agent, &late), AssayError::BudgetExpired);
    world.accepts(&world.accept_budget_result(budget.owner, &late));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let other = world.budget("other", limits());
    let job = committed(&mut world, &budget);
    let others = committed(&mut world, &other);
    let clients = world.committed();
    let call = world.accept_budget_result(budget.agent, &job);
    let right = call.accounts;
    let table = [
        ("a stranger", AcceptBudgetResult { authority: world.mallory, ..right }, AssayError::NotBudgetAgent.into()),
        ("another agent", AcceptBudgetResult { authority: other.agent, ..right }, AssayError::NotBudgetAgent.into()),
        ("another budget", AcceptBudgetResult { budget: other.address, ..right }, AssayError::WrongBudget.into()),
        ("another budget's job", AcceptBudgetResult { job: others.address, ..right }, AssayError::WrongBudget.into()),
        ("a job of no budget", AcceptBudgetResult { job: clients.address, ..right }, AssayError::WrongBudget.into()),
        (
            "another account of the program",
            AcceptBudgetResult { budget: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    // The instruction for clients is none for agents.
    let direct = world.accept_result(&clients);
    let as_client = AcceptResult { client: budget.agent, job: job.address, ..direct.accounts };
    world.refuses(&direct.with(|accounts| *accounts = as_client), AssayError::NotClient);
    world.refuses_accounts(&call, table);
}
