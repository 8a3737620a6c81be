use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::SettleDelegationSlash;
use assay::address;
use assay::events::DelegationSlashed;
use assay::fairness::loss::WHOLE;
use program_tests::World;
use program_tests::delegation_calls::DELEGATED;
use program_tests::trial::{A, Case, Trial};
use program_tests::world::STAKE;
use solana_sdk::pubkey::Pubkey;

/// A node to which somebody delegates is convicted.
fn convicted() -> (Trial, Pubkey) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let owner = trial.world.take_delegation();
    trial.convict_wrong_element();
    (trial, owner)
}

#[test]
fn the_same_share_burns_of_everything_and_none_of_it_is_paid() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let owner = trial.world.take_delegation();
    let node = trial.world.node;
    trial.world.accepts(&trial.world.undelegate(&node, owner, 40_000));
    trial.convict_wrong_element();
    let bounty = trial.world.read_job(&trial.job).record.bounty;
    let world = &mut trial.world;
    assert_eq!(bounty, 1_500, "half of the bond, whatever was delegated");
    assert_eq!(world.read_node(&node).delegation.loss.taken, WHOLE / 4);
    let (supply, vault) = (world.supply(&world.stake_mint), world.tokens(address::stake_vault()));
    let event: DelegationSlashed = world.accepts(&world.settle_delegation_slash(&node)).event();
    assert_eq!((event.node, event.burned, event.loss), (node.address, DELEGATED / 4, WHOLE / 4));
    assert_eq!(event.delegated_stake, 45_000);
    let pool = world.read_pool(&node).stake;
    assert_eq!((pool.active.tokens, pool.unbonding.tokens), (45_000, 30_000));
    assert_eq!(world.supply(&world.stake_mint), supply - DELEGATED / 4);
    assert_eq!(world.tokens(address::stake_vault()), vault - DELEGATED / 4);
    world.refuses(&world.settle_delegation_slash(&node), AssayError::NoDelegationSlash);
}

/// The charge for company multiplies what the conviction took of delegations as it does for the node's own stake; stake that the
/// node adds in between spares neither.
#[test]
fn the_charge_for_company_follows() {
    let (mut trial, owner) = convicted();
    let (node, world) = (trial.world.node, &mut trial.world);
    let register = world.stake_register();
    assert_eq!(register.convicted.buckets.iter().sum::<u64>(), STAKE + DELEGATED, "delegated stake is convicted too");
    world.accepts(&world.settle_delegation_slash(&node));
    world.accepts(&world.stake(&node, node.owner, 50 * STAKE));
    world.advance(64);
    world.accepts(&world.charge_correlation(&node));
    let event: DelegationSlashed = world.accepts(&world.settle_delegation_slash(&node)).event();
    assert_eq!((event.burned, event.delegated_stake, event.loss), (DELEGATED / 2, DELEGATED / 4, WHOLE / 4 * 3));
    assert_eq!(world.read_delegation(&node, owner).held.shares, DELEGATED, "nobody's shares change");
}

#[test]
fn nothing_without_a_conviction() {
    let mut world = World::with_delegation();
    world.refuses(&world.settle_delegation_slash(&world.node), AssayError::NoDelegationSlash);
    let missed = world.missed();
    assert!(world.read_job(&missed).charge_credit > 0);
    world.refuses(&world.settle_delegation_slash(&world.node), AssayError::NoDelegationSlash);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut trial, _) = convicted();
    let (node, other, job) = (trial.world.node, trial.world.other_node, trial.job);
    trial.world.accepts(&trial.world.open_delegation_pool(&other, 0));
    let call = trial.world.settle_delegation_slash(&node);
    let right = call.accounts;
    let mint = trial.world.mint.address;
    let other_pool = address::delegation_pool(&other.address);
    let table = [
        (
            "a node as network",
            SettleDelegationSlash { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another node", SettleDelegationSlash { node: other.address, ..right }, AssayError::WrongNode.into()),
        ("another node's pool", SettleDelegationSlash { pool: other_pool, ..right }, AssayError::WrongNode.into()),
        (
            "a node that was never convicted, and its pool",
            SettleDelegationSlash { node: other.address, pool: other_pool, ..right },
            AssayError::NoDelegationSlash.into(),
        ),
        ("another mint", SettleDelegationSlash { stake_mint: mint, ..right }, AssayError::WrongMint.into()),
        ("a job's vault", SettleDelegationSlash { stake_vault: job.vault, ..right }, AssayError::WrongVault.into()),
    ];
    trial.world.refuses_accounts(&call, table);
}
