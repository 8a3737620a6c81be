use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::RemoveRewardMint;
use assay::address;
use assay::events::RewardMintRemoved;
use program_tests::World;
use program_tests::tokens::{TOKEN_2022, associated};

/// A pool that shares rewards in a mint, and to which nobody delegates.
fn ready() -> World {
    let mut world = World::new();
    let (node, mint) = (world.node, world.mint);
    world.accepts(&world.open_delegation_pool(&node, 0));
    world.accepts(&world.add_reward_mint(&node, &mint));
    world
}

#[test]
fn what_is_left_and_the_rent_go_to_the_authority() {
    let mut world = ready();
    let (node, mint) = (world.node, world.mint);
    let vault = address::delegation_rewards(&address::delegation_pool(&node.address), &mint.address);
    world.mint_to(&mint, vault, 7);
    let (rent, lamports) = (world.lamports(vault), world.lamports(node.owner));
    let event: RewardMintRemoved = world.accepts(&world.remove_reward_mint(&node, &mint)).event();
    assert_eq!((event.mint, event.dust, event.destination), (mint.address, 7, associated(node.owner, &mint)));
    assert_eq!(world.balance(node.owner, &mint), 7);
    assert_eq!((world.exists(vault), world.lamports(node.owner)), (false, lamports + rent));
    world.accepts(&world.add_reward_mint(&node, &mint));
    assert_eq!(world.read_pool(&node).rewards[0].mint, mint.address, "the place can be used again");
}

#[test]
fn not_while_anybody_delegates() {
    let mut world = World::with_delegation();
    let (node, mint, owner) = (world.node, world.mint, world.key("delegator"));
    world.refuses(&world.remove_reward_mint(&node, &mint), AssayError::DelegationsOpen);
    world.leave_delegation(&node, owner);
    world.refuses(&world.remove_reward_mint(&node, &mint), AssayError::DelegationsOpen);
    world.accepts(&world.close_delegation(&node, owner));
    world.accepts(&world.remove_reward_mint(&node, &mint));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = ready();
    let (node, other, mint) = (world.node, world.other_node, world.mint);
    world.accepts(&world.open_delegation_pool(&other, 0));
    world.accepts(&world.add_reward_mint(&node, &world.mint_2022.clone()));
    let call = world.remove_reward_mint(&node, &mint);
    let right = call.accounts;
    let missing = || AssayError::RewardMintMissing.into();
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let vault_2022 = world.remove_reward_mint(&node, &world.mint_2022).accounts.reward_vault;
    let table = [
        ("a stranger", RemoveRewardMint { withdraw_authority: world.mallory, ..right }, not_owner()),
        ("another node", RemoveRewardMint { node: other.address, ..right }, not_owner()),
        (
            "another node's pool",
            RemoveRewardMint { pool: address::delegation_pool(&other.address), ..right },
            AssayError::WrongNode.into(),
        ),
        ("a mint that is not shared", RemoveRewardMint { mint: world.stake_mint.address, ..right }, missing()),
        (
            "the vault of another mint",
            RemoveRewardMint { reward_vault: vault_2022, ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the vault as destination",
            RemoveRewardMint { destination: right.reward_vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "the other token program",
            RemoveRewardMint { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
