use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CloseBudget;
use assay::address;
use assay::events::BudgetClosed;
use program_tests::World;
use program_tests::budgets::{BUDGET_TOKENS, limits};
use program_tests::terms::terms;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::POCKET;

#[test]
fn returns_everything_to_the_owner() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let lamports = world.lamports(budget.owner) + world.lamports(budget.address) + world.lamports(budget.vault);
    let event: BudgetClosed = world.accepts(&world.close_budget(&budget)).event();
    let destination = associated(budget.owner, &budget.mint);
    let expected = BudgetClosed { budget: budget.address, owner: budget.owner, tokens: BUDGET_TOKENS, destination };
    assert_eq!(event, expected);
    assert!(!world.exists(budget.address) && !world.exists(budget.vault));
    assert_eq!(world.lamports(budget.owner), lamports);
    assert_eq!(world.balance(budget.owner, &budget.mint), POCKET + BUDGET_TOKENS);
    let (_, post) = world.next_budget_job(budget.agent, &budget, terms());
    world.refuses(&post, ErrorCode::AccountNotInitialized);
}

/// A job that is open in any way still owes something to the budget.
#[test]
fn not_while_a_job_is_open() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let job = world.post_from(&budget, terms());
    let close = world.close_budget(&budget);
    world.refuses(&close, AssayError::BudgetHasOpenJobs);
    world.accepts(&world.cancel_budget_job(budget.agent, &job));
    world.refuses(&close, AssayError::BudgetHasOpenJobs);
    world.pay_out(&job);
    world.refuses(&close, AssayError::BudgetHasOpenJobs);
    world.accepts(&world.close_job(&job));
    world.accepts(&close);
}

#[test]
fn an_empty_vault_closes_too() {
    let mut world = World::new();
    let budget = world.unborn_budget("budget");
    world.accepts(&world.create_budget(&budget, limits()));
    let mint = budget.mint;
    world.fund(budget.address, &mint, 0);
    world.accepts(&world.close_budget(&budget));
    assert!(!world.exists(budget.vault));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let other = world.budget("other", limits());
    let call = world.close_budget(&budget);
    let right = call.accounts;
    let table = [
        ("the agent", CloseBudget { owner: budget.agent, ..right }, AssayError::NotBudgetOwner.into()),
        ("another owner", CloseBudget { owner: other.owner, ..right }, AssayError::NotBudgetOwner.into()),
        ("another's budget", CloseBudget { budget: other.address, ..right }, AssayError::NotBudgetOwner.into()),
        (
            "a counter without open jobs",
            CloseBudget { client_account: address::client(&other.address), ..right },
            AssayError::WrongBudget.into(),
        ),
        ("another mint", CloseBudget { payment_mint: world.stake_mint.address, ..right }, AssayError::WrongMint.into()),
        ("another's vault", CloseBudget { vault: other.vault, ..right }, ErrorCode::ConstraintTokenOwner.into()),
        (
            "tokens of another mint",
            CloseBudget { vault: associated(budget.address, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        ("the vault itself", CloseBudget { destination: budget.vault, ..right }, AssayError::DestinationIsVault.into()),
        (
            "an account of another mint",
            CloseBudget { destination: associated(budget.owner, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            CloseBudget { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
