use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::Stake;
use assay::address;
use assay::events::Staked;
use program_tests::World;
use program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::{POCKET, STAKE};

#[test]
fn moves_tokens_into_the_vault_and_counts_them() {
    let mut world = World::new();
    let node = world.node;
    let vault = address::stake_vault();
    let before = world.tokens(vault);
    let event: Staked = world.accepts(&world.stake(&node, node.owner, 70)).event();
    assert_eq!((event.node, event.amount, event.stake), (node.address, 70, STAKE + 70));
    assert_eq!(world.read_node(&node).stake, STAKE + 70);
    assert_eq!(world.tokens(vault), before + 70);
    assert_eq!(world.balance(node.owner, &world.stake_mint), POCKET - STAKE - 70);
    assert_eq!(world.read_node(&world.other_node).stake, STAKE, "and no other node");
}

/// Anybody may stake for a node; only the node's owner can take it out again.
#[test]
fn a_gift_belongs_to_the_owner() {
    let mut world = World::new();
    let node = world.node;
    world.accepts(&world.stake(&node, world.mallory, 50));
    assert_eq!(world.read_node(&node).stake, STAKE + 50);
    let take_back = world.request_withdrawal(&node, 50).with(|a| a.withdraw_authority = world.mallory);
    world.refuses(&take_back, AssayError::NotWithdrawAuthority);
}

#[test]
fn amounts_are_positive_and_covered() {
    let mut world = World::new();
    let node = world.node;
    world.refuses(&world.stake(&node, node.owner, 0), AssayError::AmountZero);
    world.refuses(&world.stake(&node, node.owner, POCKET), TOKEN_INSUFFICIENT_FUNDS);
    world.refuses(&world.stake(&node, node.owner, u64::MAX), AssayError::ArithmeticOverflow);
    world.accepts(&world.stake(&node, node.owner, POCKET - STAKE));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, mint) = (world.node, world.mint);
    let job = world.posted();
    let own_vault = world.create_token_account("own vault", world.mallory, &world.stake_mint.clone());
    let call = world.stake(&node, node.owner, 10);
    let right = call.accounts;
    let table = [
        (
            "somebody who does not own the source",
            Stake { funder: world.mallory, ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "another account of the program as network",
            Stake { network: job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another account of the program as node",
            Stake { node: job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a node as register",
            Stake { stake_register: node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another mint", Stake { stake_mint: mint.address, ..right }, AssayError::WrongMint.into()),
        ("the caller's own account as vault", Stake { stake_vault: own_vault, ..right }, AssayError::WrongVault.into()),
        ("another vault of the program", Stake { stake_vault: job.vault, ..right }, AssayError::WrongVault.into()),
        (
            "tokens of another mint",
            Stake { source: associated(node.owner, &mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "tokens of somebody else",
            Stake { source: associated(world.mallory, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "the vault as source",
            Stake { source: address::stake_vault(), ..right },
            ErrorCode::ConstraintDuplicateMutableAccount.into(),
        ),
        (
            "the other token program",
            Stake { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
