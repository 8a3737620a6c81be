use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::BurnFee;
use assay::address;
use assay::events::FeeBurned;
use assay::instructions::{CreditRole, PostJobArgs};
use assay::state::Change;
use assay::state_machine::JobState;
use program_tests::governance_calls::{REWARDS, stake_terms};
use program_tests::trial::A;
use program_tests::{Case, Job, Trial, World};
use referee::proof::Source;

/// Of a price of 20,000.
const FEE: u64 = 500;
/// Half of it, as `begin_rewards` decides.
const BURNED: u64 = 250;
/// Half of what burned, before the first halving.
const REWARD: u64 = 125;

fn ready() -> (World, Job) {
    let mut world = World::new();
    world.begin_rewards();
    let job = world.settled_in_stake();
    (world, job)
}

/// A share burns, the rest goes to the treasury, the node is rewarded, and everybody's tokens come out.
#[test]
fn burns_keeps_and_rewards() {
    let (mut world, job) = ready();
    let mint = world.stake_mint;
    let (supply, owed) = (world.supply(&mint), world.read_job(&job).credits.node);
    let event: FeeBurned = world.accepts(&world.burn_fee(&job)).event();
    assert_eq!((event.job, event.burned, event.kept, event.reward), (job.address, BURNED, FEE - BURNED, REWARD));
    assert_eq!(event.fees_burned, BURNED);
    assert_eq!(world.supply(&mint), supply - BURNED);
    assert_eq!(world.tokens(address::fee_vault(&mint.address)), FEE - BURNED);
    assert_eq!(world.tokens(address::reward_vault()), REWARDS - REWARD);
    let pool = world.reward_pool();
    assert_eq!((pool.fees_burned, pool.rewards_paid), (BURNED, REWARD));
    let credits = world.read_job(&job).credits;
    assert_eq!((credits.node, credits.fee), (owed + REWARD, 0));
    let before = world.balance(world.node.owner, &mint);
    world.pay_out(&job);
    assert_eq!(world.balance(world.node.owner, &mint), before + owed + REWARD);
    world.accepts(&world.close_job(&job));
}

/// A node that took its price before is owed the reward as well.
#[test]
fn a_reward_that_comes_after_the_price_is_withdrawn_on_its_own() {
    let (mut world, job) = ready();
    let mint = world.stake_mint;
    world.accepts(&world.withdraw_credit(world.payer(), &job, CreditRole::Node));
    world.accepts(&world.burn_fee(&job));
    let before = world.balance(world.node.owner, &mint);
    world.pay_out(&job);
    assert_eq!(world.balance(world.node.owner, &mint), before + REWARD);
    world.accepts(&world.close_job(&job));
}

/// Who is client and node at once gets back at most half of what burned, at any share that governance can set.
#[test]
fn trading_with_oneself_loses() {
    for fee_burn_bps in [0, 1, 5_000, 10_000] {
        let mut world = World::new();
        world.begin_rewards();
        let mint = world.stake_mint;
        world.governs(Change::FeeBurn { fee_burn_bps });
        let both = |world: &World| world.balance(world.client, &mint) + world.balance(world.node.owner, &mint);
        let before = both(&world);
        let job = world.settled_in_stake();
        let reward = world.accepts(&world.burn_fee(&job)).event::<FeeBurned>().reward;
        world.pay_out(&job);
        assert_eq!(before - both(&world), FEE - reward, "{fee_burn_bps}");
        assert!(reward <= FEE / 2, "{fee_burn_bps}");
    }
}

/// An empty pool pays what it has, and no fee waits for it to be filled.
#[test]
fn the_pool_pays_what_it_holds() {
    let mut world = World::new();
    world.accepts(&world.create_reward_pool());
    let stake_mint = world.stake_mint;
    world.governs(program_tests::governance_calls::allowance(&stake_mint, 1, 1));
    world.governs(Change::FeeBurn { fee_burn_bps: 10_000 });
    let client = program_tests::tokens::associated(world.client, &stake_mint);
    world.mint_to(&stake_mint, client, 1_000_000);
    for (held, reward) in [(0, 0), (7, 7), (1_000, 250)] {
        world.mint_to(&stake_mint, address::reward_vault(), held);
        let job = world.settled_in_stake();
        let event: FeeBurned = world.accepts(&world.burn_fee(&job)).event();
        assert_eq!((event.burned, event.kept, event.reward), (FEE, 0, reward));
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
    }
}

#[test]
fn once_and_only_when_the_job_has_ended() {
    let (mut world, job) = ready();
    world.accepts(&world.burn_fee(&job));
    world.refuses(&world.burn_fee(&job), AssayError::NothingOwed);
    let mint = world.stake_mint;
    let accepted = world.post(world.client, &mint, stake_terms());
    world.refuses(&world.burn_fee(&accepted), AssayError::JobNotEnded);
    world.claim(&accepted);
    world.commit(&accepted);
    world.refuses(&world.burn_fee(&accepted), AssayError::JobNotEnded);
    world.accepts(&world.accept_result(&accepted));
    world.refuses(&world.burn_fee(&accepted), AssayError::JobNotEnded);
    world.finalise(&accepted);
    let event: FeeBurned = world.accepts(&world.burn_fee(&accepted)).event();
    assert_eq!((event.reward, event.fees_burned), (REWARD, 2 * BURNED));
}

/// A result that its client accepted and that was proved wrong afterwards earns no reward; its fee leaves all the same.
#[test]
fn a_convicted_job_is_not_rewarded() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    trial.world.begin_rewards();
    let world = &mut trial.world;
    let stake_mint = world.stake_mint;
    let terms = PostJobArgs { price_min: 20_000, price_max: 20_000, bond: 20_000, ..trial.case.terms() };
    trial.job = world.post(world.client, &stake_mint, terms);
    world.claim(&trial.job);
    world.accepts(&world.commit_result(&world.node, &trial.job, trial.case.result()));
    world.accepts(&world.accept_result(&trial.job));
    let challenger = trial.challenge();
    let claim = trial.record(0);
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    trial.prove(challenger, &proof, Some(claim));
    let world = &mut trial.world;
    assert_eq!(world.read_job(&trial.job).state, JobState::Convicted);
    let event: FeeBurned = world.accepts(&world.burn_fee(&trial.job)).event();
    assert_eq!((event.burned, event.kept, event.reward), (BURNED, FEE - BURNED, 0));
}

/// Only the stake mint burns and is rewarded: no rate between mints can be wrong.
#[test]
fn each_fee_has_one_way_out() {
    let (mut world, job) = ready();
    world.refuses(&world.sweep_fee(&job), AssayError::FeeMustBurn);
    let other = world.settled();
    world.refuses(&world.burn_fee(&other), AssayError::WrongMint);
    world.accepts(&world.sweep_fee(&other));
    assert_eq!(world.reward_pool().fees_burned, 0);
    world.accepts(&world.burn_fee(&job));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = ready();
    let other = world.settled_in_stake();
    let elsewhere = world.settled();
    let call = world.burn_fee(&job);
    let right = call.accounts;
    let funded = program_tests::tokens::associated(world.mallory, &world.stake_mint);
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("another account as network", BurnFee { network: world.node.address, ..right }, mismatch()),
        ("another account as pool", BurnFee { reward_pool: world.node.address, ..right }, mismatch()),
        ("another pool vault", BurnFee { reward_vault: funded, ..right }, AssayError::WrongVault.into()),
        ("the stake vault", BurnFee { reward_vault: address::stake_vault(), ..right }, AssayError::WrongVault.into()),
        ("another job", BurnFee { job: other.address, ..right }, AssayError::WrongVault.into()),
        (
            "a job in another mint",
            BurnFee { job: elsewhere.address, vault: elsewhere.vault, ..right },
            AssayError::WrongMint.into(),
        ),
        ("another job's vault", BurnFee { vault: other.vault, ..right }, AssayError::WrongVault.into()),
        (
            "another record",
            BurnFee { payment_mint: address::payment_mint(&world.mint.address), ..right },
            AssayError::WrongMint.into(),
        ),
        ("another mint", BurnFee { mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "another fee vault",
            BurnFee { fee_vault: address::fee_vault(&world.mint.address), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the other token program",
            BurnFee { token_program: program_tests::tokens::TOKEN_2022, ..right },
            AssayError::WrongTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
