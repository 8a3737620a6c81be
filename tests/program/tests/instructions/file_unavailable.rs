use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::FileUnavailable;
use assay::address;
use assay::dispute::{ChallengeState, Target};
use assay::events::UnavailableFiled;
use assay::state::{Credits, Fault};
use assay::state_machine::JobState;
use program_tests::budgets::{BUDGET_TOKENS, limits};
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::terms::terms;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::trial::Y;
use program_tests::world::POCKET;
use program_tests::{Case, Trial, World};

const BOND: u64 = 301;

#[test]
fn a_filing_is_a_revealed_challenge_and_stops_the_acceptance() {
    let (mut trial, _) = Trial::audited(Case::honest());
    let (job, client) = (trial.job, trial.world.client);
    let before = trial.world.tokens(address::stake_vault());
    let file = trial.world.file_unavailable(&job, client, None);
    let event: UnavailableFiled = trial.world.accepts(&file).event();
    let node = trial.world.node.address;
    assert_eq!(event, UnavailableFiled { job: job.address, node, challenger: client, bond: BOND });
    let filing = trial.world.read_challenge(&job, client);
    assert_eq!((filing.state, filing.target, filing.bond), (ChallengeState::Revealed, Target::OUTPUT, BOND));
    assert_eq!(filing.clocks.since_slot, trial.world.slot());
    assert_eq!(trial.world.tokens(address::stake_vault()), before + BOND);
    let state = trial.world.read_job(&job);
    assert_eq!((state.record.challenges_open, state.unavailable_open), (1, 1));
    trial.world.refuses(&trial.world.accept_result(&job), AssayError::OutputUnavailable);
    trial.world.refuses(&file, ACCOUNT_IN_USE);
    let last = state.challenge_deadline().unwrap().last().0;
    trial.world.warp_to(last + 1);
    trial.world.refuses(&trial.world.finalise_job(&trial.world.node, &job), AssayError::ChallengesOpen);
}

/// Leaf by leaf: the top of the output's tree, then all eight places whose answers are the bytes.
#[test]
fn what_is_answered_leaf_by_leaf_frees_the_result() {
    let (mut trial, _) = Trial::audited(Case::honest());
    let (job, owner) = (trial.job, trial.world.node.owner);
    let filer = trial.file();
    let top = trial.demand_output(filer);
    trial.world.refuses(&trial.world.end_filing(&job, filer), AssayError::DemandPending);
    trial.answer(owner, top, false);
    let mut bytes = Vec::new();
    for index in 0..8 {
        let call = trial.output_demand(filer, 4, index);
        trial.world.accepts(&call);
        trial.answer(owner, call.accounts.demand, false);
        bytes.extend(trial.case.answer(Y, 4, index, false));
    }
    assert_eq!(bytes, trial.case.right[usize::from(Y)], "the output is whole");
    trial.world.accepts(&trial.world.end_filing(&job, filer));
    assert_eq!(trial.world.read_challenge(&job, filer).state, ChallengeState::Moot);
    assert_eq!(trial.world.read_job(&job).unavailable_open, 0);
    trial.world.accepts(&trial.world.accept_result(&job));
    let before = trial.world.balance(filer, &trial.world.stake_mint.clone());
    trial.world.accepts(&trial.world.close_challenge(owner, &job, filer));
    assert_eq!(trial.world.balance(filer, &trial.world.stake_mint.clone()), before + BOND);
    let node = trial.world.node;
    trial.world.finalise(&job);
    assert_eq!(trial.world.read_node(&node).fraud_convictions, 0);
}

#[test]
fn what_is_not_answered_convicts() {
    let (mut trial, [validator, _]) = Trial::audited(Case::honest());
    let (job, node) = (trial.job, trial.world.node);
    trial.world.accepts(&trial.world.attest(&validator, &job));
    let stake = trial.world.read_node(&node).stake;
    let filer = trial.file();
    trial.demand_output(filer);
    let clock = u64::from(trial.world.read_job(&job).dispute.defender_clock_slots);
    trial.world.advance(clock);
    trial.world.refuses(&trial.world.time_out_defender(&job, filer), AssayError::DefenderHasTime);
    trial.world.advance(1);
    trial.world.accepts(&trial.world.time_out_defender(&job, filer));
    let state = trial.world.read_job(&job);
    assert_eq!((state.state, state.record.fault), (JobState::Convicted, Fault::Withheld));
    assert_eq!(state.credits, Credits { client: terms().price_max + 1_000, ..Credits::default() }, "price and pot");
    let slashed = (stake - terms().bond) / 4;
    assert_eq!(trial.world.read_node(&node).stake, stake - terms().bond - slashed);
    assert_eq!((state.record.challenges_open, state.unavailable_open), (0, 0));

    // A filing earns no bounty: all of it burns, and the bond returns.
    trial.settle(&[filer]);
    let filing = trial.world.read_challenge(&job, filer);
    assert_eq!((filing.state, filing.bond, filing.earned), (ChallengeState::Won, BOND, 0));
    assert_eq!(trial.world.read_job(&job).record.burn_credit, terms().bond + slashed);
}

#[test]
fn a_filing_that_is_left_loses_its_bond() {
    let (mut trial, _) = Trial::audited(Case::honest());
    let job = trial.job;
    let filer = trial.file();
    let stake = trial.world.read_node(&trial.world.node).stake;
    let clock = u64::from(trial.world.read_job(&job).dispute.challenger_clock_slots);
    trial.world.advance(clock);
    trial.world.refuses(&trial.world.time_out_challenger(&job, filer), AssayError::ChallengerHasTime);
    trial.world.advance(1);
    trial.world.accepts(&trial.world.time_out_challenger(&job, filer));
    let state = trial.world.read_job(&job);
    assert_eq!(
        (state.unavailable_open, state.record.challenges_open, state.record.burn_credit),
        (0, 0, BOND - BOND / 2)
    );
    assert_eq!(trial.world.read_node(&trial.world.node).stake, stake + BOND / 2);
    trial.world.finalise(&job);
}

#[test]
fn only_the_client_or_a_drawn_validator() {
    let (mut trial, [validator, other]) = Trial::audited(Case::honest());
    let (job, client) = (trial.job, trial.world.client);
    let seed = trial.world.seed_for(&validator, &job);
    let stranger = trial.challenger;
    let file = |trial: &Trial, by, drawn| trial.world.file_unavailable(&job, by, drawn);
    let address = validator.address;
    for (call, why) in [
        (file(&trial, stranger, None), AssayError::NotClient),
        (file(&trial, validator.auditor, None), AssayError::NotClient),
        (file(&trial, stranger, Some((address, seed))), AssayError::NotAuditor),
        (file(&trial, client, Some((address, seed))), AssayError::NotAuditor),
        (file(&trial, other.auditor, Some((address, seed))), AssayError::NotAuditor),
        (file(&trial, validator.auditor, Some((address, [1; 32]))), AssayError::WrongSeed),
    ] {
        trial.world.refuses(&call, why);
    }
    // A validator without a seed, and a seed without a validator.
    let right = file(&trial, validator.auditor, Some((address, seed)));
    let mut without_seed = file(&trial, client, None);
    without_seed.accounts.validator = Some(address);
    trial.world.refuses(&without_seed, AssayError::FilerUnclear);
    trial.world.refuses(&right.with(|accounts| accounts.validator = None), AssayError::FilerUnclear);
    trial.world.accepts(&right);
    trial.world.accepts(&file(&trial, client, None));
    assert_eq!(trial.world.read_job(&job).unavailable_open, 2);
    let undrawn = trial.world.registered_validator("without a chain", 0);
    let stake_mint = trial.world.stake_mint;
    trial.world.fund(undrawn.auditor, &stake_mint, BOND);
    trial.world.refuses(&file(&trial, undrawn.auditor, Some((undrawn.address, seed))), AssayError::ChainMissing);
}

#[test]
fn only_while_committed_and_in_the_window() {
    let (mut trial, _) = Trial::audited(Case::honest());
    let (job, client) = (trial.job, trial.world.client);
    let file = trial.world.file_unavailable(&job, client, None);
    let mut accepted = trial.world.clone();
    accepted.accepts(&accepted.accept_result(&job));
    accepted.refuses(&file, AssayError::IllegalTransition);
    let last = trial.world.read_job(&job).challenge_deadline().unwrap().last().0;
    trial.world.warp_to(last + 1);
    trial.world.refuses(&file, AssayError::ChallengeWindowClosed);
    trial.world.warp_to(last);
    trial.world.accepts(&file);
    let posted = trial.world.posted();
    trial.world.refuses(&trial.world.file_unavailable(&posted, client, None), AssayError::IllegalTransition);
}

/// Acceptance frees the client's money, not the node: what it has at risk stays at risk until the window is over.
#[test]
fn a_conviction_after_acceptance_still_slashes() {
    let (mut trial, [validator, _]) = Trial::audited(Case::wrong_in(Y, 7));
    let (job, node, client) = (trial.job, trial.world.node, trial.world.client);
    trial.world.accepts(&trial.world.attest(&validator, &job));
    trial.world.accepts(&trial.world.accept_result(&job));
    trial.world.pay_out(&job);
    assert_eq!(trial.world.tokens(job.vault), 1_000, "the pot");
    let before = trial.world.read_node(&node).stake;
    let challenger = trial.challenge();
    trial.record(1);
    let proof = trial.case.element_proof(1, Y, 7, referee::proof::Source::Boundary);
    let claim = trial.world.exists(address::segment_claim(&job.address, 1, &node.operator));
    assert!(claim);
    let claim = address::segment_claim(&job.address, 1, &node.operator);
    trial.prove(challenger, &proof, Some(claim));
    let state = trial.world.read_job(&job);
    assert_eq!(state.state, JobState::Convicted);
    assert_eq!(
        state.credits,
        Credits { client: 1_000, ..Credits::default() },
        "what was paid is paid, the pot returns"
    );
    let after = trial.world.read_node(&node);
    assert_eq!(after.stake, before - terms().bond - (before - terms().bond) / 4);
    assert_eq!((after.locked, after.fraud_convictions), (0, 1));
    trial.world.accepts(&trial.world.settle_attestation(&validator, &job));
    assert_eq!(trial.world.read_validator(&validator).slashed, 1);
    trial.world.pay_out(&job);
    assert_eq!(trial.world.tokens(job.vault), 0);
    assert!(trial.world.balance(client, &job.mint) > 0);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut trial, [validator, _]) = Trial::audited(Case::honest());
    let (job, client) = (trial.job, trial.world.client);
    let seed = trial.world.seed_for(&validator, &job);
    let call = trial.world.file_unavailable(&job, validator.auditor, Some((validator.address, seed)));
    let right = call.accounts;
    let world = &trial.world;
    let other = world.job_at(client, 1, &world.mint);
    let table = [
        (
            "another account of the program as network",
            FileUnavailable { network: validator.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("somebody else", FileUnavailable { challenger: client, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "an account that is no job",
            FileUnavailable { job: validator.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "an account that is no validator",
            FileUnavailable { validator: Some(job.address), ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the challenge of another job",
            FileUnavailable { challenge: address::challenge(&other.address, &validator.auditor), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        ("another mint", FileUnavailable { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "another vault",
            FileUnavailable { stake_vault: address::fee_vault(&world.mint.address), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "somebody else's tokens",
            FileUnavailable { source: associated(client, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "the other token program",
            FileUnavailable { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    trial.world.refuses_accounts(&call, table);
}

/// For a budget its agent or its owner files, with a bond of its own that returns to it: the budget puts nothing at risk.
#[test]
fn a_budgets_agent_and_owner_file_with_bonds_of_their_own() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let other = world.budget("other", limits());
    let (stake_mint, mallory) = (world.stake_mint, world.mallory);
    let job = world.post_from(&budget, terms());
    world.claim(&job);
    world.commit(&job);
    world.refuses(&world.file_for_budget(mallory, &job), AssayError::NotBudgetAgent);
    world.refuses(&world.file_for_budget(other.agent, &job), AssayError::NotBudgetAgent);
    world.refuses(&world.file_unavailable(&job, budget.agent, None), AssayError::NotClient);
    let elsewhere = world.file_for_budget(other.agent, &job).with(|accounts| accounts.budget = Some(other.address));
    world.refuses(&elsewhere, AssayError::WrongBudget);
    let drawn = Some((job.address, [0; 32]));
    let seeded = world.file_unavailable(&job, budget.agent, drawn);
    let both = seeded.with(|accounts| (accounts.budget, accounts.validator) = (Some(budget.address), None));
    world.refuses(&both, AssayError::FilerUnclear);

    let (held, lamports) = (world.balance(budget.address, &stake_mint), world.lamports(budget.address));
    for filer in [budget.agent, budget.owner] {
        let before = world.balance(filer, &stake_mint);
        world.accepts(&world.file_for_budget(filer, &job));
        assert_eq!(world.balance(filer, &stake_mint), before - BOND);
        world.accepts(&world.withdraw_challenge(&job, filer));
        world.accepts(&world.close_challenge(mallory, &job, filer));
    }
    assert_eq!(world.balance(budget.address, &stake_mint), held);
    assert_eq!(world.lamports(budget.address), lamports);
    assert_eq!(world.read_job(&job).unavailable_open, 0);
    let mut late = world.clone();
    late.set_last_slot(&budget, late.slot() - 1);
    late.refuses(&late.file_for_budget(budget.agent, &job), AssayError::BudgetExpired);
}

/// A result that was proved wrong: the escrow returns to the budget.
#[test]
fn a_conviction_refunds_the_budget() {
    let case = Case::wrong_in(Y, 7);
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let job = world.post_from(&budget, case.terms());
    world.claim(&job);
    world.accepts(&world.commit_result(&world.node, &job, case.result()));
    let challenger = world.rich_key("challenger");
    let stake_mint = world.stake_mint;
    world.fund(challenger, &stake_mint, POCKET);
    let mut trial = Trial { world, case, job, challenger };
    trial.challenge();
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, Y, 7, referee::proof::Source::Boundary);
    trial.prove(challenger, &proof, Some(claim));
    trial.world.pay_out(&job);
    assert_eq!(trial.world.tokens(budget.vault), BUDGET_TOKENS);
}
