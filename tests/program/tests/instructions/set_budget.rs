use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::SetBudget;
use assay::budget::BudgetLimits;
use assay::events::BudgetChanged;
use assay::instructions::SetBudgetArgs;
use program_tests::World;
use program_tests::budgets::limits;
use program_tests::terms::terms;
use solana_sdk::pubkey::Pubkey;

/// From the instruction after it on, also within one transaction, the agent can do nothing.
#[test]
fn a_revoked_agent_can_do_nothing_more() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let posted = world.post_from(&budget, terms());
    let committed = world.post_from(&budget, terms());
    world.claim(&committed);
    world.commit(&committed);
    let (_, post) = world.next_budget_job(budget.agent, &budget, terms());
    let revoke = world.revoke(&budget);
    let both = world.transact(&[revoke.instruction(), post.instruction()]).expect_err("revoked");
    assert_eq!(both.why, AssayError::NotBudgetAgent.into(), "in the same transaction");
    let event: BudgetChanged = world.accepts(&revoke).event();
    let expected = BudgetChanged { budget: budget.address, agent: Pubkey::default(), limits: limits() };
    assert_eq!(event, expected);
    world.refuses(&post, AssayError::NotBudgetAgent);
    world.refuses(&world.cancel_budget_job(budget.agent, &posted), AssayError::NotBudgetAgent);
    world.refuses(&world.accept_budget_result(budget.agent, &committed), AssayError::NotBudgetAgent);
    world.refuses(&world.file_for_budget(budget.agent, &committed), AssayError::NotBudgetAgent);
    // The owner still can.
    world.accepts(&world.cancel_budget_job(budget.owner, &posted));
    world.accepts(&world.accept_budget_result(budget.owner, &committed));
    let (_, post) = world.next_budget_job(budget.owner, &budget, terms());
    world.accepts(&post);
}

#[test]
fn a_new_agent_replaces_the_old_one() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let next = world.rich_key("next agent");
    world.accepts(&world.set_budget(&budget, SetBudgetArgs { agent: Some(next), limits: None }));
    let (_, by_the_old) = world.next_budget_job(budget.agent, &budget, terms());
    world.refuses(&by_the_old, AssayError::NotBudgetAgent);
    let (_, by_the_new) = world.next_budget_job(next, &budget, terms());
    world.accepts(&by_the_new);
}

/// What was escrowed in the period stays counted under new limits; another length of periods begins a period.
#[test]
fn new_limits_do_not_give_allowance_back() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    world.post_from(&budget, terms());
    let set = |limits| SetBudgetArgs { agent: None, limits: Some(limits) };
    let smaller = BudgetLimits { maximum_period_escrow: 2 * terms().price_max - 1, ..limits() };
    world.accepts(&world.set_budget(&budget, set(smaller.clone())));
    assert_eq!(world.read_budget(&budget).agent, budget.agent, "the agent stays");
    let (_, post) = world.next_budget_job(budget.agent, &budget, terms());
    world.refuses(&post, AssayError::BudgetPeriodExhausted);
    let shorter = BudgetLimits { period_slots: smaller.period_slots - 1, ..smaller };
    world.accepts(&world.set_budget(&budget, set(shorter)));
    world.accepts(&post);
    let wrong = BudgetLimits { period_slots: 0, ..limits() };
    world.refuses(&world.set_budget(&budget, set(wrong)), AssayError::BudgetPeriodInvalid);
    let wrong = BudgetLimits { nodes: vec![world.node.address], ..limits() };
    world.refuses(&world.set_budget(&budget, set(wrong)), AssayError::BudgetListInvalid);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let other = world.budget("other", limits());
    let longer = BudgetLimits { maximum_price: 1, ..limits() };
    let call = world.set_budget(&budget, SetBudgetArgs { agent: None, limits: Some(longer) });
    let right = call.accounts;
    let table = [
        ("the agent", SetBudget { owner: budget.agent, ..right }, AssayError::NotBudgetOwner.into()),
        ("another owner", SetBudget { owner: other.owner, ..right }, AssayError::NotBudgetOwner.into()),
        ("another's budget", SetBudget { budget: other.address, ..right }, AssayError::NotBudgetOwner.into()),
        (
            "another account of the program",
            SetBudget { budget: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
