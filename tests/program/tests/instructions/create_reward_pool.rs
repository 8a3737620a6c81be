use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CreateRewardPool;
use assay::address;
use assay::events::RewardPoolCreated;
use assay::state::RewardPool;
use program_tests::World;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::tokens::{TOKEN_2022, associated};
use solana_sdk::instruction::InstructionError;

#[test]
fn creates_an_empty_pool_once() {
    let mut world = World::new();
    // Lamports that somebody sent ahead do not stop it.
    world.svm.airdrop(&address::reward_vault(), 5_000_000).unwrap();
    let call = world.create_reward_pool();
    let event: RewardPoolCreated = world.accepts(&call).event();
    assert_eq!(event.vault, address::reward_vault());
    let pool = world.reward_pool();
    let expected = RewardPool { version: 1, bump: pool.bump, vault: event.vault, fees_burned: 0, rewards_paid: 0 };
    assert_eq!(pool, expected);
    assert_eq!(world.tokens(pool.vault), 0);
    world.refuses(&call, ACCOUNT_IN_USE);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let call = world.create_reward_pool();
    let right = call.accounts;
    let funded = associated(world.mallory, &world.stake_mint);
    let table = [
        (
            "another account of the program",
            CreateRewardPool { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another pool", CreateRewardPool { reward_pool: world.mallory, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("another vault", CreateRewardPool { reward_vault: funded, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("another mint", CreateRewardPool { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "the other token program",
            CreateRewardPool { token_program: TOKEN_2022, ..right },
            InstructionError::IncorrectProgramId.into(),
        ),
        (
            "another payer, who is the one that pays",
            CreateRewardPool { payer: world.key("a poor key"), ..right },
            program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS,
        ),
    ];
    world.refuses_accounts(&call, table);
}
