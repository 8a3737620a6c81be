use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::AddRewardMint;
use assay::address;
use assay::events::RewardMintAdded;
use assay::state::Change;
use program_tests::World;
use program_tests::governance_calls::allowance;
use solana_sdk::instruction::InstructionError;

/// A node with a pool that shares nothing yet.
fn ready() -> World {
    let mut world = World::new();
    world.accepts(&world.open_delegation_pool(&world.node, 0));
    world
}

#[test]
fn takes_a_place_and_creates_its_vault() {
    let mut world = ready();
    let (node, mint) = (world.node, world.mint_2022);
    let pool = address::delegation_pool(&node.address);
    let vault = address::delegation_rewards(&pool, &mint.address);
    let event: RewardMintAdded = world.accepts(&world.add_reward_mint(&node, &mint)).event();
    assert_eq!((event.pool, event.mint, event.vault), (pool, mint.address, vault));
    let place = world.read_pool(&node).rewards[0];
    assert_eq!((place.mint, place.vault, place.sum.owed), (mint.address, vault, 0));
    assert_eq!(world.tokens(vault), 0);
    assert!(world.transact(&[world.add_reward_mint(&node, &mint).instruction()]).is_err(), "twice");
}

#[test]
fn there_are_four_places() {
    let mut world = ready();
    let node = world.node;
    for number in 0..3 {
        let mint = world.create_mint(&format!("reward mint {number}"), false);
        world.governs(allowance(&mint, 1, 1));
        world.accepts(&world.add_reward_mint(&node, &mint));
    }
    let (fourth, fifth) = (world.mint, world.mint_2022);
    world.accepts(&world.add_reward_mint(&node, &fourth));
    world.refuses(&world.add_reward_mint(&node, &fifth), AssayError::RewardPlacesFull);
}

/// A stranger adds the mint of a job that owes something to delegators, and no other.
#[test]
fn anyone_adds_what_a_job_owes() {
    let mut world = World::with_delegation();
    let (node, client, mint) = (world.node, world.client, world.mint_2022);
    let (unclaimed, job) = (world.posted(), world.post(client, &mint, program_tests::terms::terms()));
    world.claim(&job);
    world.commit(&job);
    let by = |world: &World, payer, job: Option<&program_tests::Job>| {
        world.add_reward_mint(&node, &mint).with(|a| (a.payer, a.job) = (payer, job.map(|job| job.address)))
    };
    let stranger = world.mallory;
    world.refuses(&by(&world, stranger, None), AssayError::NotWithdrawAuthority);
    world.refuses(&by(&world, stranger, Some(&job)), AssayError::NothingOwed);
    world.refuses(&by(&world, stranger, Some(&unclaimed)), AssayError::WrongNode);
    world.finalise(&job);
    let elsewhere = world.settled();
    world.refuses(&by(&world, stranger, Some(&elsewhere)), AssayError::WrongMint);
    // Even if no new job can be paid in it any more.
    world.governs(Change::SetPaymentMint {
        mint: mint.address,
        enabled: false,
        bond_numerator: 1,
        bond_denominator: 1,
    });
    world.accepts(&by(&world, stranger, Some(&job)));
    world.accepts(&world.collect_delegation_reward(&node, &job));
}

/// Nobody fills the places with mints in which no job can be paid.
#[test]
fn only_mints_that_are_allowed() {
    let mut world = ready();
    let (node, mint) = (world.node, world.mint);
    world.governs(Change::SetPaymentMint {
        mint: mint.address,
        enabled: false,
        bond_numerator: 1,
        bond_denominator: 1,
    });
    world.refuses(&world.add_reward_mint(&node, &mint), AssayError::PaymentMintDisabled);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = ready();
    let (node, other, mint) = (world.node, world.other_node, world.mint);
    let job = world.posted();
    let call = world.add_reward_mint(&node, &mint);
    let right = call.accounts;
    let elsewhere = address::delegation_rewards(&address::delegation_pool(&other.address), &mint.address);
    let table = [
        (
            "a node as pool",
            AddRewardMint { pool: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another mint's record",
            AddRewardMint { payment_mint: address::payment_mint(&world.mint_2022.address), ..right },
            AssayError::WrongMint.into(),
        ),
        ("another mint", AddRewardMint { mint: world.mint_2022.address, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("another address", AddRewardMint { reward_vault: elsewhere, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "the other token program",
            AddRewardMint { token_program: world.mint_2022.program, ..right },
            program_tests::Why::Runtime(InstructionError::IncorrectProgramId),
        ),
        ("a stranger", AddRewardMint { payer: world.mallory, ..right }, AssayError::NotWithdrawAuthority.into()),
        ("another node", AddRewardMint { node: other.address, ..right }, AssayError::WrongNode.into()),
        ("a job of nobody", AddRewardMint { job: Some(job.address), ..right }, AssayError::WrongNode.into()),
    ];
    world.refuses_accounts(&call, table);
}
