use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawBudget;
use assay::events::BudgetWithdrawn;
use assay::instructions::WithdrawBudgetArgs;
use program_tests::World;
use program_tests::budgets::{BUDGET_LAMPORTS, BUDGET_TOKENS, limits};
use program_tests::terms::terms;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::POCKET;

#[test]
fn pays_the_owner_tokens_and_lamports() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let before = world.lamports(budget.owner);
    let args = WithdrawBudgetArgs { tokens: 400, lamports: 1_000 };
    let event: BudgetWithdrawn = world.accepts(&world.withdraw_budget(&budget, &budget.mint, args)).event();
    let expected = BudgetWithdrawn {
        budget: budget.address,
        mint: budget.mint.address,
        tokens: 400,
        destination: associated(budget.owner, &budget.mint),
        lamports: 1_000,
    };
    assert_eq!(event, expected);
    assert_eq!(world.balance(budget.owner, &budget.mint), POCKET + 400);
    assert_eq!(world.tokens(budget.vault), BUDGET_TOKENS - 400);
    assert_eq!(world.lamports(budget.owner), before + 1_000);
}

/// All of it, while jobs are open and after the agent's time; what is escrowed is not the budget's to give.
#[test]
fn at_any_time_and_to_the_last() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let job = world.post_from(&budget, terms());
    world.advance(6_000);
    let held = BUDGET_TOKENS - terms().price_max;
    let too_much = WithdrawBudgetArgs { tokens: held + 1, lamports: 0 };
    world.refuses(&world.withdraw_budget(&budget, &budget.mint, too_much), AssayError::VaultShort);
    let spare = BUDGET_LAMPORTS - world.lamports(job.address) - world.lamports(job.vault);
    let too_much = WithdrawBudgetArgs { tokens: 0, lamports: spare + 1 };
    world.refuses(&world.withdraw_budget(&budget, &budget.mint, too_much), AssayError::BudgetLamportsShort);
    let too_much = WithdrawBudgetArgs { tokens: 0, lamports: u64::MAX };
    world.refuses(&world.withdraw_budget(&budget, &budget.mint, too_much), AssayError::BudgetLamportsShort);
    let all = WithdrawBudgetArgs { tokens: held, lamports: spare };
    world.accepts(&world.withdraw_budget(&budget, &budget.mint, all));
    assert_eq!(world.tokens(budget.vault), 0);
    let nothing = WithdrawBudgetArgs::default();
    world.refuses(&world.withdraw_budget(&budget, &budget.mint, nothing), AssayError::AmountZero);
}

/// The charge of a missed claim comes in the stake mint.
#[test]
fn in_any_mint_that_the_budget_holds() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let job = world.post_from(&budget, terms());
    world.claim(&job);
    world.miss(&job);
    let charge = world.read_job(&job).charge_credit;
    world.pay_out(&job);
    let stake_mint = world.stake_mint;
    assert_eq!(world.balance(budget.address, &stake_mint), charge);
    let args = WithdrawBudgetArgs { tokens: charge, lamports: 0 };
    world.accepts(&world.withdraw_budget(&budget, &stake_mint, args));
    assert_eq!(world.balance(budget.owner, &stake_mint), POCKET + charge);
}

/// A frozen vault keeps its tokens; the lamports come out all the same.
#[test]
fn a_frozen_vault_keeps_no_lamports() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let mint = budget.mint;
    world.freeze(&mint, budget.vault);
    let args = WithdrawBudgetArgs { tokens: 0, lamports: BUDGET_LAMPORTS };
    world.accepts(&world.withdraw_budget(&budget, &mint, args));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let other = world.budget("other", limits());
    let call = world.withdraw_budget(&budget, &budget.mint, WithdrawBudgetArgs { tokens: 5, lamports: 5 });
    let right = call.accounts;
    let table = [
        ("the agent", WithdrawBudget { owner: budget.agent, ..right }, AssayError::NotBudgetOwner.into()),
        ("another owner", WithdrawBudget { owner: other.owner, ..right }, AssayError::NotBudgetOwner.into()),
        ("another's budget", WithdrawBudget { budget: other.address, ..right }, AssayError::NotBudgetOwner.into()),
        ("another's tokens", WithdrawBudget { source: other.vault, ..right }, ErrorCode::ConstraintTokenOwner.into()),
        (
            "the owner's own tokens",
            WithdrawBudget { source: associated(budget.owner, &budget.mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "another mint",
            WithdrawBudget { mint: world.stake_mint.address, ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "an account of another mint",
            WithdrawBudget { destination: associated(budget.owner, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the source itself",
            WithdrawBudget { destination: budget.vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "the other token program",
            WithdrawBudget { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
