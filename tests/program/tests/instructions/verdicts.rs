//! What may still happen to a job and its challenges before and after a conviction.

use anchor_lang::AccountSerialize;
use assay::AssayError;
use assay::address;
use assay::dispute::{ChallengeState, Target, seal};
use assay::state_machine::JobState;
use program_tests::trial::{A, Case, Trial};
use program_tests::world::Job;
use referee::proof::Source;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// Two challengers that have revealed.
fn two() -> (Trial, Pubkey, Pubkey) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let first = trial.challenge();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    (trial, first, second)
}

fn convict(trial: &mut Trial, challenger: Pubkey) {
    let claim = trial.record(0);
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    trial.prove(challenger, &proof, Some(claim));
    assert_eq!(trial.world.read_job(&trial.job).state, JobState::Convicted);
}

/// A challenge of the first challenger about another job of the node.
fn elsewhere(trial: &mut Trial) -> (Job, Pubkey) {
    let challenger = trial.challenger;
    let other = trial.world.committed();
    let (target, hash, salt) = (Target::boundary(0), [9; 32], [1; 32]);
    let sealed = seal(&challenger, &other.address, target, &hash, &salt);
    trial.world.accepts(&trial.world.commit_challenge(&other, challenger, sealed));
    trial.world.advance(1);
    trial.world.accepts(&trial.world.reveal_challenge(&other, challenger, target, hash, salt));
    let challenge = address::challenge(&other.address, &challenger);
    (other, challenge)
}

fn refuses(trial: &mut Trial, what: &str, instructions: &[Instruction], why: AssayError) {
    let refusal = trial.world.transact(instructions).expect_err(what);
    assert_eq!(refusal.why, why.into(), "{what}: {:#?}", refusal.logs);
}

/// Settled with nobody's claim before its conviction, a job would have no bounty left to share afterwards.
#[test]
fn only_a_convicted_job_is_settled() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let nobody = trial.world.settle_dispute(&trial.job, &[]);
    refuses(&mut trial, "before any challenge", &[nobody], AssayError::JobNotConvicted);
}

/// A claim that won another job's bounty takes none of this one's.
#[test]
fn claims_of_another_job_share_nothing() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let (other, foreign) = elsewhere(&mut trial);
    let mut state = trial.world.read_challenge(&other, trial.challenger);
    state.state = ChallengeState::Won;
    let mut account = trial.world.svm.get_account(&foreign).unwrap();
    let mut bytes = Vec::new();
    state.try_serialize(&mut bytes).unwrap();
    account.data[..bytes.len()].copy_from_slice(&bytes);
    trial.world.svm.set_account(foreign, account).unwrap();
    let challenger = trial.challenge();
    convict(&mut trial, challenger);
    let theft = trial.world.settle_dispute(&trial.job, &[foreign]);
    refuses(&mut trial, "another job's claim", &[theft], AssayError::WrongJob);
    trial.settle(&[challenger]);
}

/// Who revealed before the conviction has its bond back, however late; nobody times it out instead.
#[test]
fn after_a_conviction_no_challenger_is_timed_out() {
    let (mut trial, first, second) = two();
    convict(&mut trial, first);
    trial.world.advance(10_000);
    let time_out = trial.world.time_out_challenger(&trial.job, second);
    trial.world.refuses(&time_out, AssayError::JobAlreadyConvicted);
}

/// A job is convicted once, also by the clock.
#[test]
fn after_a_conviction_no_clock_convicts_again() {
    let (mut trial, first, second) = two();
    trial.demand_root(second, 1);
    convict(&mut trial, first);
    trial.world.advance(1_000);
    let time_out = trial.world.time_out_defender(&trial.job, second);
    trial.world.refuses(&time_out, AssayError::JobAlreadyConvicted);
}

/// The clock of a demand convicts through a challenge that stands, of the same job.
#[test]
fn the_clock_convicts_for_a_standing_challenge_of_the_job_alone() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let (_, foreign) = elsewhere(&mut trial);
    let challenger = trial.challenge();
    trial.demand_root(challenger, 0);
    let time_out = trial.world.time_out_defender(&trial.job, challenger);
    trial.world.refuses(&time_out.with(|a| a.challenge = foreign), AssayError::WrongJob);
    trial.world.accepts(&trial.world.withdraw_challenge(&trial.job, challenger));
    trial.world.advance(1_000);
    trial.world.refuses(&time_out, AssayError::IllegalChallengeTransition);
}

/// After a conviction others may prove too, until the time for that is over.
#[test]
fn a_second_signature_proves_in_time_only() {
    let mut trial = Trial::new(Case::honest());
    let first = trial.challenge();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    trial.record(0);
    let check = trial.signed(&trial.statement(0, [8; 32]));
    let prove =
        |trial: &Trial, challenger| trial.world.prove_equivocation(challenger, &trial.job, 0, [8; 32]).instruction();
    let (by_first, by_second) = (prove(&trial, first), prove(&trial, second));
    trial.world.must(&[check.clone(), by_first]);
    let late = trial.world.clone();
    trial.world.must(&[check.clone(), by_second.clone()]);
    trial.world = late;
    trial.world.advance(10_000);
    refuses(&mut trial, "late", &[check, by_second], AssayError::ChallengerOutOfTime);
}
