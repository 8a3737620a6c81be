use anchor_lang::error::ErrorCode;
use assay::AssayError::{self, *};
use assay::accounts::PostBudgetJob;
use assay::address;
use assay::budget::BudgetLimits;
use assay::events::JobPosted;
use assay::instructions::{PostJobArgs, SetBudgetArgs, WithdrawBudgetArgs};
use assay::state::Client;
use program_tests::World;
use program_tests::budgets::{BUDGET_LAMPORTS, BUDGET_TOKENS, Budget, limits};
use program_tests::governance_calls::MintTerms;
use program_tests::terms::{parameters, terms};
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::FIRST_SLOT;
use solana_sdk::instruction::InstructionError;

fn ready(limits: BudgetLimits) -> (World, Budget) {
    let mut world = World::new();
    let budget = world.budget("budget", limits);
    (world, budget)
}

/// Posting by the agent is refused for this reason.
fn refuses(world: &mut World, budget: &Budget, terms: PostJobArgs, error: AssayError) {
    let (_, post) = world.next_budget_job(budget.agent, budget, terms);
    world.refuses(&post, error);
}

#[test]
fn the_budget_is_the_client_and_pays_all() {
    let (mut world, budget) = ready(limits());
    let (agent, own) = (world.lamports(budget.agent), world.lamports(budget.address));
    let (job, post) = world.next_budget_job(budget.agent, &budget, terms());
    let event: JobPosted = world.accepts(&post).event();
    assert_eq!((event.job, event.client, event.job_id), (job.address, budget.address, 0));
    let state = world.read_job(&job);
    assert_eq!((state.client, state.payment_mint, state.vault), (budget.address, budget.mint.address, job.vault));
    assert_eq!((state.price_max, state.graph_root, state.bond), (terms().price_max, terms().graph_root, terms().bond));
    assert_eq!(state.protocol_fee_bps, parameters().protocol_fee_bps, "pinned as for every job");
    assert_eq!(world.tokens(job.vault), terms().price_max);
    assert_eq!(world.tokens(budget.vault), BUDGET_TOKENS - terms().price_max);
    let rent = world.lamports(job.address) + world.lamports(job.vault);
    assert_eq!(world.lamports(budget.agent), agent, "the agent gets back what it laid out");
    assert_eq!(world.lamports(budget.address), own - rent, "out of the budget");
    let counter: Client = world.read(address::client(&budget.address));
    assert_eq!((counter.next_job_id, counter.open_jobs), (1, 1));
    let state = world.read_budget(&budget);
    assert_eq!((state.period_start_slot, state.period_escrowed), (FIRST_SLOT, terms().price_max));
}

/// From posting to closing, with a node's payment in between: what is not the node's or the protocol's is the budget's.
#[test]
fn everything_that_returns_returns_to_the_budget() {
    let (mut world, budget) = ready(limits());
    let (agent, own) = (world.lamports(budget.agent), world.lamports(budget.address));
    let settled = world.post_from(&budget, terms());
    world.claim(&settled);
    world.commit(&settled);
    world.finalise(&settled);
    let missed = world.post_from(&budget, terms());
    world.claim(&missed);
    world.miss(&missed);
    let expired = world.post_from(&budget, terms());
    world.advance(terms().claim_slots + 1);
    world.accepts(&world.expire_job(&expired));
    for job in [&settled, &missed, &expired] {
        world.pay_out(job);
        world.accepts(&world.close_job(job));
    }
    assert_eq!(world.tokens(budget.vault), BUDGET_TOKENS - terms().price_min, "the price of one job");
    assert_eq!(world.lamports(budget.address), own, "all rent");
    assert_eq!(world.lamports(budget.agent), agent);
    let charge = terms().bond * u64::from(parameters().miss_charge_bps) / 10_000;
    assert_eq!(world.balance(budget.address, &world.stake_mint), charge);
}

#[test]
fn each_limit_of_a_job_has_its_error() {
    let listed = BudgetLimits {
        any_graph: false,
        graphs: vec![[9; 32], terms().graph_root],
        any_node: false,
        nodes: vec![World::new().node.address],
        ..limits()
    };
    let (mut world, budget) = ready(listed);
    let (node, other) = (world.node.address, world.other_node.address);
    let invited = PostJobArgs { invited_node: Some(node), ..terms() };
    let audited = PostJobArgs { audit_pot: 1_001, audit_cap: 9, window_slots: 40, ..invited.clone() };
    let table = [
        (PostJobArgs { price_max: 2_004, ..invited.clone() }, BudgetPriceTooHigh),
        (PostJobArgs { price_max: u64::MAX, bond: u64::MAX, ..invited.clone() }, BudgetPriceTooHigh),
        (audited.clone(), BudgetJobTooLarge),
        (PostJobArgs { audit_pot: u64::MAX, ..audited.clone() }, ArithmeticOverflow),
        (PostJobArgs { graph_root: [8; 32], ..invited.clone() }, BudgetGraphNotAllowed),
        (terms(), BudgetNodeNotAllowed),
        (PostJobArgs { invited_node: Some(other), ..terms() }, BudgetNodeNotAllowed),
        (PostJobArgs { invited_node: Some(Default::default()), ..terms() }, InvitedNodeInvalid),
        (PostJobArgs { window_slots: 9, ..invited.clone() }, WindowSlotsOutOfBounds),
        (PostJobArgs { bond: 2_002, ..invited.clone() }, BondTooSmall),
    ];
    for (terms, error) in table {
        refuses(&mut world, &budget, terms, error);
    }
    assert_eq!(world.tokens(budget.vault), BUDGET_TOKENS, "a refusal costs nothing");
    assert_eq!(world.read_budget(&budget).period_escrowed, 0, "nor allowance");
    world.post_from(&budget, PostJobArgs { audit_pot: 1_000, ..audited });
    // The other node is refused where it claims.
    let job = world.post_from(&budget, invited);
    world.refuses(&world.claim_job(&world.other_node, &job), NotInvited);
    world.claim(&job);
}

#[test]
fn a_period_has_its_limit_whatever_is_refunded() {
    let limits = BudgetLimits { maximum_open_jobs: u32::MAX, ..limits() };
    let (mut world, budget) = ready(limits.clone());
    for _ in 0..4 {
        let job = world.post_from(&budget, terms());
        world.accepts(&world.cancel_budget_job(budget.agent, &job));
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
    }
    assert_eq!(world.tokens(budget.vault), BUDGET_TOKENS, "all of it returned");
    let least = PostJobArgs { price_min: 1, price_max: 1, ..terms() };
    refuses(&mut world, &budget, least.clone(), BudgetPeriodExhausted);
    world.warp_to(FIRST_SLOT + limits.period_slots - 1);
    refuses(&mut world, &budget, least, BudgetPeriodExhausted);
    world.warp_to(FIRST_SLOT + limits.period_slots);
    world.post_from(&budget, terms());
    assert_eq!(world.read_budget(&budget).period_escrowed, terms().price_max);
}

#[test]
fn open_jobs_are_those_that_are_not_closed() {
    let (mut world, budget) = ready(limits());
    let jobs = [(); 3].map(|()| world.post_from(&budget, terms()));
    refuses(&mut world, &budget, terms(), BudgetTooManyOpenJobs);
    world.accepts(&world.cancel_budget_job(budget.agent, &jobs[0]));
    refuses(&mut world, &budget, terms(), BudgetTooManyOpenJobs);
    world.pay_out(&jobs[0]);
    world.accepts(&world.close_job(&jobs[0]));
    world.post_from(&budget, terms());
}

#[test]
fn until_the_agents_last_slot() {
    let (mut world, budget) = ready(limits());
    world.warp_to(limits().last_slot);
    world.post_from(&budget, terms());
    world.warp_to(limits().last_slot + 1);
    refuses(&mut world, &budget, terms(), BudgetExpired);
    let (_, by_the_owner) = world.next_budget_job(budget.owner, &budget, terms());
    world.accepts(&by_the_owner);
}

/// Limits hold for whoever posts; the owner changes them first.
#[test]
fn the_owner_posts_within_the_limits_too() {
    let (mut world, budget) = ready(BudgetLimits { maximum_price: 2_002, ..limits() });
    let (_, post) = world.next_budget_job(budget.owner, &budget, terms());
    world.refuses(&post, BudgetPriceTooHigh);
    let set = world.set_budget(&budget, SetBudgetArgs { agent: None, limits: Some(limits()) });
    world.must(&[set.instruction(), post.instruction()]);
}

/// A budget that cannot pay the rent posts nothing, and keeps its own.
#[test]
fn the_rent_comes_out_of_the_budget_alone() {
    let (mut world, budget) = ready(limits());
    let (job, post) = world.next_budget_job(budget.agent, &budget, terms());
    let rent = {
        let mut branch = world.clone();
        branch.accepts(&post);
        branch.lamports(job.address) + branch.lamports(job.vault)
    };
    let leave = |world: &World, lamports| {
        let args = WithdrawBudgetArgs { tokens: 0, lamports: BUDGET_LAMPORTS - lamports };
        world.withdraw_budget(&budget, &budget.mint, args)
    };
    let mut short = world.clone();
    short.accepts(&leave(&short, rent - 1));
    short.refuses(&post, BudgetLamportsShort);
    world.accepts(&leave(&world, rent));
    world.accepts(&post);
    let bytes = world.svm.get_account(&budget.address).unwrap().data.len();
    assert_eq!(world.lamports(budget.address), world.svm.minimum_balance_for_rent_exemption(bytes));
}

/// Posting and closing over and over, in one transaction, with the longest strings, or where lamports lie already: the
/// budget's lamports are what they were.
#[test]
fn no_loop_drains_lamports() {
    let (mut world, budget) = ready(limits());
    let own = world.lamports(budget.address);
    for round in 0..2 {
        let uri = if round == 0 { terms().graph_uri } else { "u".repeat(128) };
        let terms = PostJobArgs { graph_uri: uri.clone(), params_uri: uri, ..terms() };
        let (job, post) = world.next_budget_job(budget.agent, &budget, terms);
        // Somebody's lamports lie at the addresses: they end in the budget, as everything else does.
        world.svm.airdrop(&job.address, 1_000_000).unwrap();
        world.accepts(&post);
        world.accepts(&world.cancel_budget_job(budget.agent, &job));
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
        assert!(world.lamports(budget.address) >= own, "round {round}");
    }
}

#[test]
fn a_disabled_mint_and_an_empty_vault_stop_it() {
    let (mut world, budget) = ready(limits());
    let mint = budget.mint;
    let all = WithdrawBudgetArgs { tokens: BUDGET_TOKENS - 2_002, lamports: 0 };
    world.accepts(&world.withdraw_budget(&budget, &mint, all));
    refuses(&mut world, &budget, terms(), VaultShort);
    world.fund(budget.address, &mint, 1);
    let off = MintTerms { enabled: false, bond_numerator: 1, bond_denominator: 1 };
    world.governs(off.of(&mint));
    refuses(&mut world, &budget, terms(), PaymentMintDisabled);
}

#[test]
fn ids_are_never_used_twice() {
    let (mut world, budget) = ready(limits());
    let (job, post) = world.next_budget_job(budget.agent, &budget, terms());
    world.accepts(&post);
    world.refuses(&post, JobIdMismatch);
    world.accepts(&world.cancel_budget_job(budget.agent, &job));
    world.pay_out(&job);
    world.accepts(&world.close_job(&job));
    world.refuses(&post, JobIdMismatch);
}

/// A credit of the budget goes to its own associated token account: nobody can sign as the budget.
#[test]
fn nobody_redirects_a_refund() {
    use assay::instructions::CreditRole;
    let (mut world, budget) = ready(limits());
    let job = world.post_from(&budget, terms());
    world.accepts(&world.cancel_budget_job(budget.agent, &job));
    for (thief, mint) in [(budget.agent, budget.mint), (budget.owner, budget.mint), (world.mallory, budget.mint)] {
        world.fund(thief, &mint, 0);
        let call = world.withdraw_credit_to(thief, &job, CreditRole::Client, associated(thief, &mint));
        world.refuses(&call, DestinationNotCanonical);
    }
    world.pay_out(&job);
    assert_eq!(world.tokens(budget.vault), BUDGET_TOKENS);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, budget) = ready(limits());
    let other = world.budget("other", limits());
    let others_job = world.post_from(&other, terms());
    world.fund(budget.agent, &budget.mint.clone(), 10_000);
    let (_, call) = world.next_budget_job(budget.agent, &budget, terms());
    let right = call.accounts;
    let seeds = || ErrorCode::ConstraintSeeds.into();
    let table = [
        ("a stranger", PostBudgetJob { authority: world.mallory, ..right }, NotBudgetAgent.into()),
        ("another agent", PostBudgetJob { authority: other.agent, ..right }, NotBudgetAgent.into()),
        (
            "another account of the program as network",
            PostBudgetJob { network: others_job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another mint's record",
            PostBudgetJob { payment_mint: address::payment_mint(&world.mint_2022.address), ..right },
            WrongMint.into(),
        ),
        (
            "another account of the program as register",
            PostBudgetJob { stake_register: others_job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another mint", PostBudgetJob { mint: world.stake_mint.address, ..right }, WrongMint.into()),
        ("another's budget", PostBudgetJob { budget: other.address, ..right }, seeds()),
        (
            "another client's counter",
            PostBudgetJob { client_account: address::client(&other.address), ..right },
            seeds(),
        ),
        ("another budget's job", PostBudgetJob { job: others_job.address, ..right }, seeds()),
        ("the address of another id", PostBudgetJob { job: address::job(&budget.address, 1), ..right }, seeds()),
        ("another job's vault", PostBudgetJob { vault: others_job.vault, ..right }, seeds()),
        (
            "another budget's tokens",
            PostBudgetJob { source: other.vault, ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "the agent's own tokens",
            PostBudgetJob { source: associated(budget.agent, &budget.mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "tokens of another mint",
            PostBudgetJob { source: associated(budget.address, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            PostBudgetJob { token_program: TOKEN_2022, ..right },
            InstructionError::IncorrectProgramId.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}

/// Another allowed mint with its own record: the budget's is fixed.
#[test]
fn the_mint_of_a_budget_is_fixed() {
    let (mut world, budget) = ready(limits());
    let mint = world.mint_2022;
    world.fund(budget.address, &mint, 10_000);
    let (_, call) = world.next_budget_job(budget.agent, &budget, terms());
    let elsewhere = call.with(|accounts| {
        accounts.payment_mint = address::payment_mint(&mint.address);
        accounts.mint = mint.address;
        accounts.source = associated(budget.address, &mint);
        accounts.token_program = mint.program;
    });
    world.refuses(&elsewhere, WrongMint);
}
