use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::Delegate;
use assay::address;
use assay::events::Delegated;
use assay::state::{Parameters, SchedulingParameters};
use program_tests::delegation_calls::DELEGATED;
use program_tests::scheduling_calls::scheduling;
use program_tests::terms::{parameters, terms};
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::trial::{A, Case, Trial};
use program_tests::world::{POCKET, STAKE};
use program_tests::{Node, World};
use solana_sdk::pubkey::Pubkey;

/// A node with a pool, and somebody who may delegate to it.
fn ready() -> (World, Node, Pubkey) {
    let mut world = World::new();
    let (node, owner) = (world.node, world.delegator("delegator"));
    world.accepts(&world.open_delegation_pool(&node, 0));
    (world, node, owner)
}

#[test]
fn tokens_become_shares_and_weigh() {
    let (mut world, node, owner) = ready();
    let (vault, weight) = (world.tokens(address::stake_vault()), world.read_node(&node).weights.present());
    let event: Delegated = world.accepts(&world.delegate(&node, owner, 60_000)).event();
    assert_eq!((event.node, event.owner, event.amount), (node.address, owner, 60_000));
    assert_eq!((event.shares, event.delegated_stake), (60_000, 60_000));
    assert_eq!(world.balance(owner, &world.stake_mint), POCKET - 60_000);
    assert_eq!(world.tokens(address::stake_vault()), vault + 60_000);
    let state = world.read_node(&node);
    assert_eq!((state.stake, state.delegation.stake), (STAKE, 60_000));
    assert_eq!((state.weights.present(), state.counted_stake), (weight + 30_000, STAKE + 60_000));
    let register = world.stake_register();
    assert_eq!((register.stake, register.weights.present()), (2 * STAKE + 60_000, STAKE + 30_000));
    world.accepts(&world.delegate(&node, owner, 40_000));
    let delegation = world.read_delegation(&node, owner);
    assert_eq!((delegation.owner, delegation.held.shares), (owner, 100_000));
    assert_eq!(world.read_pool(&node).delegations, 1, "one account for both");
}

/// The multiple of the own stake is a cap for what comes in, and for what counts when the own stake leaves.
#[test]
fn capped_by_a_multiple_of_the_own_stake() {
    let (mut world, node, owner) = ready();
    let full = AssayError::DelegationCapReached;
    world.refuses(&world.delegate(&node, owner, 3 * STAKE + 1), full);
    world.accepts(&world.delegate(&node, owner, 3 * STAKE));
    world.refuses(&world.delegate(&node, owner, 1), full);
    assert_eq!(world.read_node(&node).weights.present(), 2 * STAKE);
    world.accepts(&world.request_withdrawal(&node, STAKE / 2));
    assert_eq!(world.read_node(&node).weights.present(), STAKE, "three times the own, and the own, by half");
    let none = SchedulingParameters { delegation_multiple_bps: 0, ..scheduling() };
    world.changes_parameters(Parameters { scheduling: none, ..parameters() });
    world.refuses(&world.delegate(&node, owner, 1), full);
    world.accepts(&world.weigh_node(&node));
    assert_eq!(world.read_node(&node).weights.present(), STAKE / 4, "nothing of it counts");
}

/// Delegated stake opens no job, carries no bond, and is no stake that a client asks for.
#[test]
fn bonds_places_and_minimum_come_from_the_own_stake() {
    let mut world = World::new();
    let node = world.registered_node("small", 10_000);
    let owner = world.delegator("delegator");
    world.accepts(&world.open_delegation_pool(&node, 0));
    world.accepts(&world.delegate(&node, owner, 30_000));
    let (client, mint) = (world.client, world.mint);
    let easy = assay::instructions::PostJobArgs { minimum_stake: 0, ..terms() };
    let demanding = world.post(client, &mint, terms());
    world.refuses(&world.claim_job(&node, &demanding), AssayError::StakeBelowJobMinimum);
    let large = world.post(client, &mint, assay::instructions::PostJobArgs { bond: 7_501, ..easy.clone() });
    world.refuses(&world.claim_job(&node, &large), AssayError::InsufficientFreeStake);
    let [first, second] = [(); 2].map(|()| world.post(client, &mint, easy.clone()));
    world.accepts(&world.claim_job(&node, &first));
    world.refuses(&world.claim_job(&node, &second), AssayError::CapacityReached);
}

#[test]
fn not_to_a_convicted_node_and_not_nothing() {
    let (mut world, node, owner) = ready();
    world.refuses(&world.delegate(&node, owner, 0), AssayError::AmountZero);
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let owner = trial.world.take_delegation();
    trial.convict_wrong_element();
    let call = trial.world.delegate(&trial.world.node, owner, 1);
    trial.world.refuses(&call, AssayError::NodeConvicted);
    assert_eq!(trial.world.read_delegation(&trial.world.node, owner).held.shares, DELEGATED);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, node, owner) = ready();
    let other = world.other_node;
    world.accepts(&world.open_delegation_pool(&other, 0));
    let job = world.posted();
    let other_pool = address::delegation_pool(&other.address);
    let call = world.delegate(&node, owner, 500);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("another owner", Delegate { owner: world.mallory, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("a node as network", Delegate { network: other.address, ..right }, mismatch()),
        ("a node as register", Delegate { stake_register: other.address, ..right }, mismatch()),
        ("another node", Delegate { node: other.address, ..right }, AssayError::WrongNode.into()),
        ("another node's pool", Delegate { pool: other_pool, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "another node's pool with what is delegated to it",
            Delegate { pool: other_pool, delegation: address::delegation(&other_pool, &owner), ..right },
            AssayError::WrongNode.into(),
        ),
        (
            "another owner's delegation",
            Delegate { delegation: address::delegation(&right.pool, &world.mallory), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        ("another mint", Delegate { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        ("a job's vault", Delegate { stake_vault: job.vault, ..right }, AssayError::WrongVault.into()),
        (
            "somebody else's tokens",
            Delegate { source: associated(world.mallory, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "the other token program",
            Delegate { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
