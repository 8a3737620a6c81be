use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CollectDelegationReward;
use assay::address;
use assay::events::{DelegationRewardCollected, JobSettled};
use assay::instructions::CreditRole;
use program_tests::governance_calls::allowance;
use program_tests::terms::terms;
use program_tests::tokens::TOKEN_2022;
use program_tests::{Job, World};

/// Of a price of 1,001.
const FEE: u64 = 25;
/// 45 % of the rest: half of what counts is delegated, less a tenth of it.
const SHARE: u64 = 439;

/// A job that settled for a node to which somebody delegates.
fn ready() -> (World, Job) {
    let mut world = World::with_delegation();
    let job = world.settled();
    (world, job)
}

fn collected(world: &mut World, job: &Job) -> (u64, u64, u64) {
    let node = world.node;
    let event: DelegationRewardCollected = world.accepts(&world.collect_delegation_reward(&node, job)).event();
    assert_eq!((event.job, event.node, event.mint), (job.address, node.address, job.mint.address));
    (event.to_delegators, event.to_node, event.to_fee)
}

#[test]
fn the_share_of_a_job_goes_to_the_pool() {
    let mut world = World::with_delegation();
    let node = world.node;
    let job = world.committed();
    world.advance(31);
    let event: JobSettled = world.accepts(&world.finalise_job(&node, &job)).event();
    assert_eq!((event.node_credit, event.delegators_credit, event.fee_credit), (1_001 - FEE - SHARE, SHARE, FEE));
    world.accepts(&world.withdraw_credit(node.owner, &job, CreditRole::Node));
    assert_eq!(world.balance(node.owner, &job.mint), 1_001 - FEE - SHARE);
    assert_eq!(collected(&mut world, &job), (SHARE, 0, 0));
    let place = world.read_pool(&node).rewards[0];
    assert_eq!((world.tokens(place.vault), place.sum.owed), (SHARE, SHARE));
    world.refuses(&world.collect_delegation_reward(&node, &job), AssayError::NothingOwed);
    world.pay_out(&job);
    world.accepts(&world.close_job(&job));
}

#[test]
fn an_accepted_job_shares_at_once_and_a_job_waits_for_it() {
    let mut world = World::with_delegation();
    let node = world.node;
    let job = world.committed();
    world.refuses(&world.collect_delegation_reward(&node, &job), AssayError::NothingOwed);
    world.accepts(&world.accept_result(&job));
    let mut late = world.clone();
    assert_eq!(collected(&mut world, &job), (SHARE, 0, 0));
    late.finalise(&job);
    late.pay_out(&job);
    late.refuses(&late.close_job(&job), AssayError::CreditsOutstanding);
    assert_eq!(collected(&mut late, &job), (SHARE, 0, 0));
    late.accepts(&late.close_job(&job));
}

/// Nobody holds shares any more, or the pool is closed: what nobody can claim is the node's.
#[test]
fn without_delegators_it_is_the_nodes() {
    let (mut world, job) = ready();
    let (node, owner, mint) = (world.node, world.key("delegator"), world.mint);
    world.leave_delegation(&node, owner);
    let mut closed = world.clone();
    for call in
        [closed.close_delegation(&node, owner).instruction(), closed.remove_reward_mint(&node, &mint).instruction()]
    {
        closed.must(&[call]);
    }
    closed.accepts(&closed.close_delegation_pool(&node));
    for world in [&mut world, &mut closed] {
        assert_eq!(collected(world, &job), (0, SHARE, 0));
        world.pay_out(&job);
        assert_eq!(world.balance(node.owner, &mint), 1_001 - FEE);
        world.accepts(&world.close_job(&job));
    }
}

/// A mint without a place waits for one while there is one; where there is none it is the protocol's, so that nobody gains by
/// filling the places.
#[test]
fn a_mint_without_a_place() {
    let mut world = World::with_delegation();
    let (node, client, mint) = (world.node, world.client, world.mint_2022);
    let job = world.post(client, &mint, terms());
    world.claim(&job);
    world.commit(&job);
    world.finalise(&job);
    world.refuses(&world.collect_delegation_reward(&node, &job), AssayError::RewardMintMissing);
    let mut waited = world.clone();
    waited.accepts(&waited.add_reward_mint(&node, &mint));
    let without_vault = waited.collect_delegation_reward(&node, &job).with(|a| a.reward_vault = None);
    waited.refuses(&without_vault, AssayError::WrongVault);
    assert_eq!(collected(&mut waited, &job), (SHARE, 0, 0));
    for number in 0..3 {
        let other = world.create_mint(&format!("reward mint {number}"), false);
        world.governs(allowance(&other, 1, 1));
        world.accepts(&world.add_reward_mint(&node, &other));
    }
    let call = world.collect_delegation_reward(&node, &job).with(|a| a.reward_vault = None);
    let event: DelegationRewardCollected = world.accepts(&call).event();
    assert_eq!((event.to_delegators, event.to_node, event.to_fee), (0, 0, SHARE));
    assert_eq!(world.read_job(&job).credits.fee, FEE + SHARE);
    world.pay_out(&job);
    world.accepts(&world.close_job(&job));
}

/// Before the delegation nothing is shared, and what was claimed before it came stays the node's.
#[test]
fn the_share_is_that_of_the_claim() {
    let mut world = World::new();
    let job = world.claimed();
    world.take_delegation();
    world.commit(&job);
    world.finalise(&job);
    world.refuses(&world.collect_delegation_reward(&world.node, &job), AssayError::NothingOwed);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = ready();
    let (node, other) = (world.node, world.other_node);
    world.accepts(&world.open_delegation_pool(&other, 0));
    world.accepts(&world.add_reward_mint(&other, &world.mint.clone()));
    let second = world.settled();
    let call = world.collect_delegation_reward(&node, &job);
    let right = call.accounts;
    let others = world.collect_delegation_reward(&other, &job).accounts;
    let table = [
        ("another job", CollectDelegationReward { job: second.address, ..right }, AssayError::WrongVault.into()),
        (
            "another job's vault",
            CollectDelegationReward { vault: second.vault, ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "another node's pool",
            CollectDelegationReward { pool: others.pool, ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "another pool's vault",
            CollectDelegationReward { reward_vault: others.reward_vault, ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the fee vault",
            CollectDelegationReward { reward_vault: Some(address::fee_vault(&job.mint.address)), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "another mint",
            CollectDelegationReward { mint: world.mint_2022.address, ..right },
            AssayError::WrongMint.into(),
        ),
        (
            "the other token program",
            CollectDelegationReward { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
