use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CreateBudget;
use assay::address;
use assay::budget::{BudgetLimits, MAXIMUM_LISTED};
use assay::events::BudgetCreated;
use assay::instructions::WithdrawBudgetArgs;
use assay::state::{Budget, Client};
use program_tests::World;
use program_tests::budgets::limits;
use program_tests::governance_calls::MintTerms;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::terms::terms;
use program_tests::world::FIRST_SLOT;
use solana_sdk::pubkey::Pubkey;

/// With as many graphs and nodes as a budget can list.
fn full() -> BudgetLimits {
    let nodes = (1..=MAXIMUM_LISTED as u8).map(|number| Pubkey::new_from_array([number; 32]));
    let graphs = vec![[1; 32]; MAXIMUM_LISTED];
    BudgetLimits { any_graph: false, graphs, any_node: false, nodes: nodes.collect(), ..limits() }
}

#[test]
fn records_owner_agent_mint_and_limits() {
    let mut world = World::new();
    let budget = world.unborn_budget("budget");
    let event: BudgetCreated = world.accepts(&world.create_budget(&budget, full())).event();
    let expected = BudgetCreated {
        budget: budget.address,
        owner: budget.owner,
        agent: budget.agent,
        payment_mint: budget.mint.address,
        limits: full(),
    };
    assert_eq!(event, expected);
    let state = world.read_budget(&budget);
    let expected = Budget {
        version: 1,
        bump: state.bump,
        owner: budget.owner,
        index: 0,
        agent: budget.agent,
        payment_mint: budget.mint.address,
        period_start_slot: FIRST_SLOT,
        period_escrowed: 0,
        limits: full(),
    };
    assert_eq!(state, expected);
    let counter: Client = world.read(address::client(&budget.address));
    assert_eq!((counter.client, counter.next_job_id, counter.open_jobs), (budget.address, 0, 0));
}

#[test]
fn happens_once_an_index() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    world.refuses(&world.create_budget(&budget, limits()), ACCOUNT_IN_USE);
}

#[test]
fn limits_that_contradict_themselves_are_refused() {
    let mut world = World::new();
    let budget = world.unborn_budget("budget");
    let table = [
        (BudgetLimits { period_slots: 0, ..limits() }, AssayError::BudgetPeriodInvalid),
        (BudgetLimits { graphs: vec![[1; 32]], ..limits() }, AssayError::BudgetListInvalid),
        (BudgetLimits { nodes: vec![world.node.address], ..limits() }, AssayError::BudgetListInvalid),
        (BudgetLimits { any_graph: false, graphs: vec![[1; 32]; 9], ..limits() }, AssayError::BudgetListInvalid),
        (BudgetLimits { any_node: false, nodes: vec![Pubkey::default()], ..limits() }, AssayError::BudgetListInvalid),
    ];
    for (limits, error) in table {
        world.refuses(&world.create_budget(&budget, limits), error);
    }
    let mint = budget.mint;
    let off = MintTerms { enabled: false, bond_numerator: 1, bond_denominator: 1 };
    world.governs(off.of(&mint));
    world.refuses(&world.create_budget(&budget, limits()), AssayError::PaymentMintDisabled);
}

/// A budget that is created again where one was closed goes on counting, so that no job's address is used twice; and what
/// came in between can be taken out.
#[test]
fn a_budget_created_again_uses_no_id_twice() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let job = world.post_from(&budget, terms());
    world.accepts(&world.cancel_budget_job(budget.agent, &job));
    world.pay_out(&job);
    world.accepts(&world.close_job(&job));
    world.accepts(&world.close_budget(&budget));
    let mint = budget.mint;
    world.fund(budget.address, &mint, 77);
    world.accepts(&world.create_budget(&budget, limits()));
    let counter: Client = world.read(address::client(&budget.address));
    assert_eq!((counter.next_job_id, counter.open_jobs), (1, 0));
    let all = WithdrawBudgetArgs { tokens: 77, lamports: 0 };
    world.accepts(&world.withdraw_budget(&budget, &mint, all));
    assert_eq!(world.tokens(budget.vault), 0);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let other = world.budget("other", limits());
    let budget = world.unborn_budget("budget");
    let call = world.create_budget(&budget, limits());
    let right = call.accounts;
    let seeds = || ErrorCode::ConstraintSeeds.into();
    let table = [
        ("in somebody else's name", CreateBudget { owner: world.mallory, ..right }, seeds()),
        ("the budget of another", CreateBudget { budget: other.address, ..right }, seeds()),
        ("another index", CreateBudget { budget: address::budget(&budget.owner, 1), ..right }, seeds()),
        (
            "another client's counter",
            CreateBudget { client_account: address::client(&other.address), ..right },
            seeds(),
        ),
        (
            "a mint that was never allowed",
            CreateBudget { payment_mint: address::payment_mint(&world.stake_mint.address), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
