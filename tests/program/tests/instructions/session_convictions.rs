//! Receipts that are called in and proved wrong, or withheld: the whole session is refunded, the bond goes once.

use assay::AssayError;
use assay::events::{FaultProved, ProofOutcome};
use assay::instructions::CreditRole;
use assay::session::SessionState;
use assay::state::{Fault, SessionCredits};
use assay::state_machine::JobState;
use program_tests::trial::{A, Y};
use program_tests::world::{POCKET, STAKE};
use program_tests::{Case, Session, Trial};
use referee::proof::Source;
use solana_sdk::pubkey::Pubkey;

const BOND: u64 = 3_001;
const BALANCE: u64 = 2_003;

/// A wrong output in a receipt that is called in, challenged and revealed, with its proof uploaded.
fn challenged() -> (Trial, Session, Pubkey, Pubkey) {
    let (mut trial, session) = Trial::of_receipt(Case::wrong_in(Y, 7));
    trial.world.pay(&session, 1_500);
    let challenger = trial.challenge();
    let buffer = proof(&mut trial, challenger);
    (trial, session, challenger, buffer)
}

fn proof(trial: &mut Trial, challenger: Pubkey) -> Pubkey {
    trial.record(1);
    let proof = trial.case.element_proof(1, Y, 7, Source::Segment);
    trial.upload_proof(challenger, &proof)
}

fn claim(trial: &Trial) -> Option<Pubkey> {
    Some(assay::address::segment_claim(&trial.job.address, 1, &trial.world.node.operator))
}

/// Tokens of the payment mint that anybody holds, and stake tokens in the vault, with what the accounts say of them.
fn stake_is_covered(trial: &Trial) {
    let world = &trial.world;
    let (node, job) = (world.read_node(&world.node), world.read_job(&trial.job));
    let challenge = world.find::<assay::state::Challenge>(trial.challenge_of(trial.challenger));
    let owed = node.stake + job.record.bounty + job.record.burn_credit + challenge.map_or(0, |c| c.bond + c.earned);
    assert!(world.tokens(assay::address::stake_vault()) >= owed, "the stake vault covers what is owed");
}

#[test]
fn a_wrong_receipt_refunds_the_whole_session_and_takes_the_bond() {
    let (mut trial, session, challenger, buffer) = challenged();
    let call = trial.world.prove(challenger, &trial.job, buffer, claim(&trial));
    let event: FaultProved = trial.world.accepts(&call).event();
    assert_eq!((event.outcome, event.fault, event.element), (ProofOutcome::Convicted, Fault::WrongElement, 7));
    let state = trial.world.read_session(&session);
    assert_eq!((state.state, state.open_receipts, state.paid), (SessionState::Convicted, 0, 1_500));
    assert_eq!(state.credits, SessionCredits { client: BALANCE, ..SessionCredits::default() }, "whatever was signed");
    let node = trial.world.read_node(&trial.world.node);
    let slashed = (STAKE - BOND) / 4;
    assert_eq!((node.stake, node.locked, node.open_jobs), (STAKE - BOND - slashed, 0, 0));
    assert_eq!(node.fraud_convictions, 1);
    let job = trial.world.read_job(&trial.job);
    assert_eq!((job.state, job.bond, job.record.bounty), (JobState::Convicted, BOND, BOND / 2));
    assert_eq!(job.record.burn_credit, BOND - BOND / 2 + slashed);
    stake_is_covered(&trial);

    // Nothing is recorded, called in or finalised any more.
    let voucher = trial.world.voucher(&session, 2_000);
    let refusal = trial.world.transact(&voucher).unwrap_err();
    assert_eq!(refusal.why, AssayError::IllegalSessionTransition.into());
    trial.world.advance(10_000);
    trial.world.refuses(&trial.world.finalise_session(&session), AssayError::IllegalSessionTransition);
    trial.world.refuses(&trial.world.finalise_receipt(&session, &trial.job), AssayError::IllegalTransition);

    // Everything has a way out.
    trial.settle(&[challenger]);
    trial.world.accepts(&trial.world.close_challenge(challenger, &trial.job, challenger));
    trial.world.refuses(&trial.world.close_receipt(&session, &trial.job), AssayError::CreditsOutstanding);
    trial.world.accepts(&trial.world.burn_slash(&trial.job));
    trial.world.accepts(&trial.world.close_receipt(&session, &trial.job));
    trial.world.accepts(&trial.world.withdraw_session_credit(challenger, &session, CreditRole::Client));
    assert_eq!(trial.world.balance(session.client, &session.mint), POCKET, "the client has everything back");
    trial.world.accepts(&trial.world.close_session(&session));
    assert!(!trial.world.exists(trial.job.address) && !trial.world.exists(session.address));
}

/// A session is needed exactly where a receipt is convicted, and it is the receipt's own.
#[test]
fn a_conviction_names_the_receipts_session_and_no_other() {
    let (mut trial, _, challenger, buffer) = challenged();
    let second = trial.world.active();
    let call = trial.world.prove(challenger, &trial.job, buffer, claim(&trial));
    trial.world.refuses(&call.with(|a| a.session = None), AssayError::SessionMissing);
    trial.world.refuses(&call.with(|a| a.session = Some(second.address)), AssayError::WrongSession);
    trial.world.accepts(&call);

    let mut ordinary = Trial::new(Case::wrong_in(Y, 7));
    let challenger = ordinary.challenge();
    let buffer = proof(&mut ordinary, challenger);
    let session = ordinary.world.active();
    let call = ordinary.world.prove(challenger, &ordinary.job, buffer, claim(&ordinary));
    ordinary.world.refuses(&call.with(|a| a.session = Some(session.address)), AssayError::WrongSession);
    ordinary.world.accepts(&call);
}

/// A later conviction finds no bond: it takes the share of the rest, and has nothing to share out.
#[test]
fn the_bond_of_a_session_goes_once() {
    let (mut trial, session, challenger, buffer) = challenged();
    let first = trial.job;
    trial.next_receipt(&session, 2);
    let second = trial.job;
    trial.commit(challenger);
    trial.reveal(challenger);
    trial.record(1);
    let call = trial.world.prove(challenger, &first, buffer, Some(claim_of(&trial, first.address)));
    trial.world.accepts(&call);
    let left = trial.world.read_node(&trial.world.node).stake;
    let credits = trial.world.read_session(&session).credits;

    let call = trial.world.prove(challenger, &second, buffer, claim(&trial));
    assert_eq!(call.accounts.session, Some(session.address), "still needed: its open receipts are counted");
    trial.world.refuses(&call.with(|a| a.session = None), AssayError::SessionMissing);
    let event: FaultProved = trial.world.accepts(&call).event();
    assert_eq!((event.outcome, event.bounty, event.burn_credit), (ProofOutcome::Convicted, 0, left / 4));
    let node = trial.world.read_node(&trial.world.node);
    assert_eq!((node.stake, node.locked, node.open_jobs, node.fraud_convictions), (left - left / 4, 0, 0, 2));
    let state = trial.world.read_session(&session);
    assert_eq!((state.open_receipts, state.credits), (0, credits), "nothing is refunded twice");
    assert_eq!(trial.world.read_job(&second).bond, 0);
    for job in [first, second] {
        trial.job = job;
        trial.settle(&[challenger]);
        trial.world.accepts(&trial.world.close_challenge(challenger, &job, challenger));
        trial.world.accepts(&trial.world.burn_slash(&job));
        trial.world.accepts(&trial.world.close_receipt(&session, &job));
    }
}

fn claim_of(trial: &Trial, job: Pubkey) -> Pubkey {
    assay::address::segment_claim(&job, 1, &trial.world.node.operator)
}

/// A session stays until every receipt of it has ended; a late proof needs none, so it may be gone before.
#[test]
fn a_convicted_session_waits_for_its_receipts_and_late_proofs_do_without_it() {
    let (mut trial, session, challenger, buffer) = challenged();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    let first = trial.job;
    trial.next_receipt(&session, 2);
    let open = trial.job;
    trial.job = first;
    trial.world.accepts(&trial.world.prove(challenger, &first, buffer, claim(&trial)));
    trial.world.pay_out_session(&session);
    trial.world.refuses(&trial.world.close_session(&session), AssayError::ReceiptsOpen);
    trial.world.advance(31);
    trial.world.accepts(&trial.world.finalise_receipt(&session, &open));
    trial.world.accepts(&trial.world.close_session(&session));
    trial.world.accepts(&trial.world.close_receipt(&session, &open));

    let late = trial.case.element_proof(1, Y, 7, Source::Segment);
    let buffer = trial.upload_proof(second, &late);
    let call = trial.world.prove(second, &first, buffer, claim(&trial));
    assert_eq!(call.accounts.session, None);
    let event: FaultProved = trial.world.accepts(&call).event();
    assert_eq!(event.outcome, ProofOutcome::ProvedToo);
    trial.settle(&[challenger, second]);
}

/// Silence convicts a receipt, too.
#[test]
fn a_withheld_receipt_is_convicted_by_the_clock() {
    let (mut trial, session) = Trial::of_receipt(Case::wrong_in(A, 7));
    let challenger = trial.challenge();
    trial.demand_root(challenger, 0);
    trial.world.advance(151);
    let call = trial.world.time_out_defender(&trial.job, challenger);
    trial.world.refuses(&call.with(|a| a.session = None), AssayError::SessionMissing);
    trial.world.accepts(&call);
    let state = trial.world.read_session(&session);
    assert_eq!((state.state, state.credits.client), (SessionState::Convicted, BALANCE));
    assert_eq!(trial.world.read_job(&trial.job).record.fault, Fault::Withheld);
}

/// Two signed roots convict a receipt, too.
#[test]
fn an_equivocation_convicts_a_receipt() {
    let (mut trial, session) = Trial::of_receipt(Case::honest());
    let challenger = trial.challenge();
    trial.record(0);
    let call = trial.world.prove_equivocation(challenger, &trial.job, 0, [8; 32]);
    let check = trial.signed(&trial.statement(0, [8; 32]));
    let alone = call.with(|a| a.session = None).instruction();
    let refusal = trial.world.transact(&[check.clone(), alone]).unwrap_err();
    assert_eq!(refusal.why, AssayError::SessionMissing.into());
    trial.world.must(&[check, call.instruction()]);
    let state = trial.world.read_session(&session);
    assert_eq!((state.state, state.credits.client), (SessionState::Convicted, BALANCE));
}

/// A right receipt stands against a challenge: the challenger loses its bond, the node is paid at the end.
#[test]
fn a_right_receipt_stands_and_the_node_is_paid() {
    let (mut trial, session) = Trial::of_receipt(Case::honest());
    trial.world.pay(&session, 1_500);
    let challenger = trial.challenge();
    trial.world.advance(31);
    trial.world.refuses(&trial.world.finalise_receipt(&session, &trial.job), AssayError::ChallengesOpen);
    trial.world.advance(400);
    trial.world.accepts(&trial.world.time_out_challenger(&trial.job, challenger));
    trial.world.accepts(&trial.world.finalise_receipt(&session, &trial.job));
    trial.world.end_and_finalise(&session);
    let credits = trial.world.read_session(&session).credits;
    assert_eq!((credits.node, credits.client, credits.fee), (1_463, 503, 37));
    trial.world.refuses(&trial.world.close_receipt(&session, &trial.job), AssayError::CreditsOutstanding);
    trial.world.accepts(&trial.world.burn_slash(&trial.job));
    trial.world.accepts(&trial.world.close_receipt(&session, &trial.job));
}
