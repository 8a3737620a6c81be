use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::Prove;
use assay::dispute::ChallengeState;
use assay::events::{FaultProved, ProofOutcome};
use assay::fairness::reputation::Score;
use assay::state::{Credits, Demand, DemandState, Fault, SegmentClaim};
use assay::state_machine::JobState;
use program_tests::terms::terms;
use program_tests::trial::{A, C, Case, Trial, Y};
use program_tests::world::STAKE;
use referee::proof::Source;

const BOND: u64 = 3_001;
/// A quarter of what is left of the stake without the bond.
const SLASHED: u64 = (STAKE - BOND) / 4;

/// The second boundary tensor is wrong in one element of its first op: its proof needs the inside of its segment.
fn wrong_inside() -> Trial {
    Trial::new(Case::wrong_in(C, 700))
}

#[test]
fn a_wrong_element_convicts() {
    let mut trial = wrong_inside();
    let challenger = trial.challenge();
    let claim = trial.record(1);
    let node = trial.world.node;
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    let event: FaultProved = trial.prove(challenger, &proof, Some(claim)).event();
    let bounty = BOND / 2;
    let expected = FaultProved {
        job: trial.job.address,
        node: node.address,
        challenge: trial.challenge_of(challenger),
        outcome: ProofOutcome::Convicted,
        fault: Fault::WrongElement,
        slot: C,
        element: 700,
        bounty,
        burn_credit: BOND - bounty + SLASHED,
        score_before: Score(0),
        score_after: Score(0),
    };
    assert_eq!(event, expected);
    let job = trial.world.read_job(&trial.job);
    assert_eq!(job.state, JobState::Convicted);
    assert_eq!(job.credits, Credits { client: terms().price_max, ..Credits::default() });
    assert_eq!((job.record.convicted_slot, job.record.valid_claims), (trial.world.slot(), 1));
    let state = trial.world.read_node(&node);
    assert_eq!((state.stake, state.locked, state.open_jobs), (STAKE - BOND - SLASHED, 0, 0));
    assert_eq!((state.fraud_convictions, state.frozen_until_slot), (1, trial.world.slot() + 1_400));
    let challenge = trial.world.read_challenge(&trial.job, challenger);
    assert_eq!((challenge.state, challenge.bond, challenge.earned), (ChallengeState::Won, 301, 0));
}

#[test]
fn the_inside_of_a_segment_needs_its_root() {
    let mut trial = Trial::new(Case::wrong_in(A, 3));
    let challenger = trial.challenge();
    let claim = trial.record(0);
    let proof = trial.case.element_proof(0, A, 3, Source::Segment);
    let buffer = trial.upload_proof(challenger, &proof);
    trial.world.refuses(&trial.world.prove(challenger, &trial.job, buffer, None), AssayError::ProofRejected);
    trial.world.accepts(&trial.world.prove(challenger, &trial.job, buffer, Some(claim)));
}

/// A boundary tensor with another hash in the signed segment convicts without any leaf.
#[test]
fn a_boundary_mismatch_convicts() {
    let case = Case::new(|committed, _| committed[usize::from(Y)][5] ^= 1);
    let mut trial = Trial::new(case);
    let challenger = trial.challenge();
    let claim = trial.record(1);
    let proof = trial.case.mismatch_proof(1, Y);
    let event: FaultProved = trial.prove(challenger, &proof, Some(claim)).event();
    assert_eq!((event.outcome, event.fault, event.slot), (ProofOutcome::Convicted, Fault::BoundaryMismatch, Y));
}

#[test]
fn what_shows_no_fault_convicts_nobody() {
    let mut trial = wrong_inside();
    let challenger = trial.challenge();
    let claim = trial.record(1);
    let right_element = trial.case.element_proof(1, C, 701, Source::Segment);
    let wrong_element = trial.case.element_proof(1, C, 700, Source::Segment);
    let mut longer = wrong_element.clone();
    longer.push(0);
    let mut other_kind = wrong_element.clone();
    other_kind[0] = 1;
    let other_graph = {
        let mut bytes = wrong_element.clone();
        bytes[20] ^= 1;
        bytes
    };
    let table = [
        ("a right element", right_element),
        ("a byte more", longer),
        ("a byte less", wrong_element[..wrong_element.len() - 1].to_vec()),
        ("another kind", other_kind),
        ("another graph", other_graph),
        ("nothing", vec![0]),
        ("counts without end", vec![0xff; 900]),
        ("a mismatch where there is none", trial.case.mismatch_proof(1, Y)),
    ];
    for (id, (what, proof)) in (10..).zip(table) {
        let buffer = trial.world.upload(challenger, id, &proof);
        let call = trial.world.prove(challenger, &trial.job, buffer, Some(claim));
        let refusal = trial.world.transact(&[call.instruction()]).expect_err(what);
        assert_eq!(refusal.why, AssayError::ProofRejected.into(), "{what}: {:#?}", refusal.logs);
        assert!(refusal.logs.iter().any(|line| line.contains("rejected: R")), "{what}: {:#?}", refusal.logs);
    }
    assert_eq!(trial.world.read_job(&trial.job).state, JobState::Committed);
    trial.prove(challenger, &wrong_element, Some(claim));
}

#[test]
fn only_while_the_challenger_has_time() {
    let mut trial = wrong_inside();
    let challenger = trial.challenge();
    let begin = trial.world.slot();
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    let buffer = trial.upload_proof(challenger, &proof);
    let call = trial.world.prove(challenger, &trial.job, buffer, Some(claim));
    trial.world.warp_to(begin + 201);
    trial.world.refuses(&call, AssayError::ChallengerOutOfTime);
    trial.world.warp_to(begin + 200);
    trial.world.accepts(&call);
    // A second slash for the same fault.
    trial.world.refuses(&call, AssayError::IllegalChallengeTransition);
    assert_eq!(trial.world.read_node(&trial.world.node).fraud_convictions, 1);
}

#[test]
fn a_sealed_challenge_proves_nothing() {
    let mut trial = wrong_inside();
    trial.commit(trial.challenger);
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    let buffer = trial.upload_proof(trial.challenger, &proof);
    let call = trial.world.prove(trial.challenger, &trial.job, buffer, Some(claim));
    trial.world.refuses(&call, AssayError::IllegalChallengeTransition);
}

/// A false root that somebody else posted costs the poster its bond and convicts nobody.
#[test]
fn a_false_post_is_refuted_and_the_node_unharmed() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenge();
    let demand = trial.demand_root(challenger, 0);
    let poster = trial.party("poster");
    let root = trial.case.segment_root(0);
    let post = trial.world.post_segment_root(poster, &trial.job, 0, root);
    trial.world.accepts(&post);
    let claim = post.accounts.claim;
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    let event: FaultProved = trial.prove(challenger, &proof, Some(claim)).event();
    assert_eq!((event.outcome, event.bounty, event.burn_credit), (ProofOutcome::RootRefuted, 0, 151));
    let state: SegmentClaim = trial.world.read(claim);
    assert_eq!((state.refuted_slot, state.bond), (trial.world.slot(), 0));
    let demand: Demand = trial.world.read(demand);
    assert_eq!((demand.state, demand.posted_standing), (DemandState::Open, 0));
    let challenge = trial.world.read_challenge(&trial.job, challenger);
    assert_eq!((challenge.state, challenge.earned), (ChallengeState::Revealed, 150));
    assert_eq!(trial.world.read_job(&trial.job).state, JobState::Committed);
    assert_eq!(trial.world.read_node(&trial.world.node).stake, STAKE);
    let again = trial.world.prove(challenger, &trial.job, assay::address::buffer(&challenger, 1), Some(claim));
    trial.world.refuses(&again, AssayError::SegmentClaimRefuted);
}

/// Others may prove as well after the conviction, until their time for it is over.
#[test]
fn after_a_conviction_others_prove_too() {
    let mut trial = wrong_inside();
    let (first, second) = (trial.challenger, trial.party("second"));
    let third = trial.party("third");
    for challenger in [first, second, third] {
        let call = trial.world.commit_challenge(
            &trial.job,
            challenger,
            assay::dispute::seal(
                &challenger,
                &trial.job.address,
                assay::dispute::Target::segment(1),
                &challenger.to_bytes(),
                &program_tests::trial::SALT,
            ),
        );
        trial.world.accepts(&call);
    }
    trial.world.advance(1);
    for challenger in [first, second, third] {
        let call = trial.world.reveal_challenge(
            &trial.job,
            challenger,
            assay::dispute::Target::segment(1),
            challenger.to_bytes(),
            program_tests::trial::SALT,
        );
        trial.world.accepts(&call);
    }
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(first, &proof, Some(claim));
    let convicted = trial.world.slot();
    trial.world.refuses(&trial.world.resolve_challenge(&trial.job, second), AssayError::ProofTimeLeft);
    trial.world.advance(200);
    let event: FaultProved = trial.prove(second, &proof, Some(claim)).event();
    assert_eq!(event.outcome, ProofOutcome::ProvedToo);
    assert_eq!(trial.world.read_job(&trial.job).record.valid_claims, 2);
    assert_eq!(trial.world.read_node(&trial.world.node).fraud_convictions, 1);
    let buffer = trial.upload_proof(third, &proof);
    let late = trial.world.prove(third, &trial.job, buffer, Some(claim));
    trial.world.warp_to(convicted + (20 + 200) * 3 / 2 + 1);
    trial.world.refuses(&late, AssayError::ChallengerOutOfTime);
    trial.world.accepts(&trial.world.resolve_challenge(&trial.job, third));
    assert_eq!(trial.world.read_challenge(&trial.job, third).state, ChallengeState::Moot);
}

#[test]
fn refuses_wrong_accounts() {
    let mut trial = wrong_inside();
    let challenger = trial.challenge();
    let other = trial.party("other");
    trial.commit(other);
    trial.reveal(other);
    let claim = trial.record(1);
    let elsewhere = trial.record(0);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    let buffer = trial.upload_proof(challenger, &proof);
    let others_buffer = trial.upload_proof(other, &proof);
    let call = trial.world.prove(challenger, &trial.job, buffer, Some(claim));
    let right = call.accounts;
    let world = &mut trial.world;
    let others_job = world.committed();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("another signer", Prove { challenger: other, ..right }, AssayError::NotChallenger.into()),
        ("another job", Prove { job: others_job.address, ..right }, AssayError::WrongJob.into()),
        ("another node", Prove { node: world.other_node.address, ..right }, AssayError::WrongNode.into()),
        ("a job as network", Prove { network: right.job, ..right }, mismatch()),
        ("a job as register", Prove { stake_register: right.job, ..right }, mismatch()),
        (
            "another's challenge",
            Prove { challenge: assay::address::challenge(&right.job, &other), ..right },
            AssayError::NotChallenger.into(),
        ),
        ("another's buffer", Prove { buffer: others_buffer, ..right }, AssayError::NotBufferOwner.into()),
        ("another segment's root", Prove { claim: Some(elsewhere), ..right }, AssayError::ProofRejected.into()),
        ("no root", Prove { claim: None, ..right }, AssayError::ProofRejected.into()),
        ("a buffer as root", Prove { claim: Some(buffer), ..right }, mismatch()),
        ("a buffer as demand", Prove { segment_demand: Some(buffer), ..right }, mismatch()),
        ("a buffer as what is waited for", Prove { waiting: Some(buffer), ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}
