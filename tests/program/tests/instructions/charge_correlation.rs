use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::ChargeCorrelation;
use assay::events::CorrelationCharged;
use assay::fairness::endings::{FaultSide, Reason};
use assay::fairness::reputation::Score;
use program_tests::trial::{C, Case, Trial};
use program_tests::world::STAKE;
use referee::proof::Source;

const BOND: u64 = 3_001;
const SLASHED: u64 = (STAKE - BOND) / 4;

/// The node is convicted: half of the network's stake with it.
fn convicted() -> Trial {
    let mut trial = Trial::new(Case::wrong_in(C, 700));
    let challenger = trial.challenge();
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(challenger, &proof, Some(claim));
    trial
}

/// What a conviction writes beside the money: why, whose fault, the score at its floor, the tombstone, no weight.
#[test]
fn a_conviction_leaves_its_marks() {
    let trial = convicted();
    let job = trial.world.read_job(&trial.job);
    assert_eq!((job.reason, job.fault_side), (Reason::WrongResult, FaultSide::Provider));
    let node = trial.world.read_node(&trial.world.node);
    assert!(node.standing.tombstoned && node.score == Score(0) && node.weights.present() == 0);
    assert_eq!(node.pending_charge.base, SLASHED);
    let register = trial.world.stake_register();
    assert_eq!((register.stake, register.weights.present()), (STAKE, STAKE / 2), "the other node alone");
    assert_eq!(register.convicted.buckets.iter().sum::<u64>(), STAKE);
}

/// With more than a third of the network convicted the base slash is tripled: twice as much again, burned, half a window later,
/// once. No stake leaves before.
#[test]
fn is_taken_half_a_window_later_and_once() {
    let mut trial = convicted();
    let node = trial.world.node;
    let world = &mut trial.world;
    let convicted_slot = world.slot();
    let call = world.charge_correlation(&node);
    world.warp_to(convicted_slot + 63);
    world.refuses(&call, AssayError::CorrelationNotDue);
    let (stake, supply) = (world.read_node(&node).stake, world.supply(&world.stake_mint));
    world.accepts(&world.request_withdrawal(&node, 1_000));
    world.warp_to(convicted_slot + 10_000);
    world.refuses(&world.withdraw_stake(&node), AssayError::CorrelationOutstanding);
    let mut in_time = world.clone();
    in_time.warp_to(convicted_slot + 64);
    for world in [world, &mut in_time] {
        let event: CorrelationCharged = world.accepts(&call).event();
        assert_eq!((event.node, event.burned), (node.address, 2 * SLASHED));
        let after = world.read_node(&node);
        assert_eq!(after.stake + 1_000, stake - 2 * SLASHED);
        assert_eq!(world.supply(&world.stake_mint), supply - 2 * SLASHED);
        world.refuses(&call, AssayError::CorrelationNotDue);
    }
    trial.world.accepts(&trial.world.withdraw_stake(&node));
}

/// A liar that is alone in a large network pays the base slash, and hardly more.
#[test]
fn who_lies_alone_pays_hardly_more() {
    let mut trial = Trial::new(Case::wrong_in(C, 700));
    let (node, whale) = (trial.world.node, trial.world.registered_node("whale", STAKE * 98));
    assert_eq!(trial.world.read_node(&whale).counted_stake, STAKE * 98);
    let challenger = trial.challenge();
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(challenger, &proof, Some(claim));
    trial.world.advance(64);
    let event: CorrelationCharged = trial.world.accepts(&trial.world.charge_correlation(&node)).event();
    assert_eq!(event.burned, 2 * SLASHED * 3 / 100);
}

/// A convicted node keeps its account, and so its tombstone, whatever it withdraws.
#[test]
fn a_tombstone_cannot_be_closed() {
    let mut trial = convicted();
    let (node, job) = (trial.world.node, trial.job);
    let challenger = trial.challenger;
    let world = &mut trial.world;
    world.advance(64);
    world.accepts(&world.charge_correlation(&node));
    let stake = world.read_node(&node).stake;
    world.accepts(&world.request_withdrawal(&node, stake));
    world.advance(10_000);
    world.accepts(&world.withdraw_stake(&node));
    world.refuses(&world.deregister_node(&node), AssayError::NodeHasMarks);
    assert_eq!(world.read_challenge(&job, challenger).challenger, challenger);
}

#[test]
fn refuses_wrong_accounts() {
    let mut trial = convicted();
    trial.world.advance(64);
    let (node, job, mint) = (trial.world.node, trial.job, trial.world.mint);
    let call = trial.world.charge_correlation(&node);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let other = trial.world.other_node;
    let table = [
        ("a node as network", ChargeCorrelation { network: other.address, ..right }, mismatch()),
        ("a node as register", ChargeCorrelation { stake_register: other.address, ..right }, mismatch()),
        (
            "a node that owes nothing",
            ChargeCorrelation { node: other.address, ..right },
            AssayError::CorrelationNotDue.into(),
        ),
        ("another mint", ChargeCorrelation { stake_mint: mint.address, ..right }, AssayError::WrongMint.into()),
        ("another vault", ChargeCorrelation { stake_vault: job.vault, ..right }, AssayError::WrongVault.into()),
    ];
    trial.world.refuses_accounts(&call, table);
}
