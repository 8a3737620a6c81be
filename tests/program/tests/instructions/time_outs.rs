//! `time_out_defender`, `time_out_challenger`, `withdraw_challenge`.

use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{TimeOutChallenger, TimeOutDefender, WithdrawChallenge};
use assay::dispute::ChallengeState;
use assay::dispute::signature::SLOT_HASHES_SYSVAR;
use assay::events::{ChallengeEnded, DefenderTimedOut, TimeOutOutcome};
use assay::state::{Demand, Fault, SegmentClaim};
use assay::state_machine::JobState;
use program_tests::trial::{A, B, Case, Trial};
use program_tests::world::STAKE;
use solana_sdk::account::Account;
use solana_sdk::pubkey::Pubkey;

fn challenged() -> (Trial, Pubkey) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenge();
    (trial, challenger)
}

/// Makes the chain look as if only every `step`-th slot had a block.
fn skip_slots(trial: &mut Trial, step: u64) {
    let mut data = 512u64.to_le_bytes().to_vec();
    for at in 0..512 {
        data.extend((1_000_000 - at * step).to_le_bytes());
        data.extend([1; 32]);
    }
    let owner = solana_sdk::pubkey!("Sysvar1111111111111111111111111111111111111");
    let account = Account { lamports: 1, data, owner, executable: false, rent_epoch: 0 };
    trial.world.svm.set_account(SLOT_HASHES_SYSVAR, account).expect("a sysvar can be set");
}

/// The node shows nothing at all: it is convicted when its clock is used up, and not a slot before.
#[test]
fn silence_convicts_when_the_clock_is_used_up() {
    let (mut trial, challenger) = challenged();
    trial.demand_root(challenger, 0);
    let begin = trial.world.slot();
    let call = trial.world.time_out_defender(&trial.job, challenger);
    trial.world.warp_to(begin + 150);
    trial.world.refuses(&call, AssayError::DefenderHasTime);
    trial.world.warp_to(begin + 151);
    let event: DefenderTimedOut = trial.world.accepts(&call).event();
    assert_eq!((event.outcome, event.bounty), (TimeOutOutcome::Convicted, 1_500));
    let job = trial.world.read_job(&trial.job);
    assert_eq!((job.state, job.record.fault), (JobState::Convicted, Fault::Withheld));
    assert_eq!(trial.world.read_challenge(&trial.job, challenger).state, ChallengeState::Won);
    trial.world.refuses(&call, AssayError::IllegalChallengeTransition);
    assert_eq!(trial.world.read_node(&trial.world.node).fraud_convictions, 1);
}

/// An opening below the boundary root that does not come convicts as well; one that came does not.
#[test]
fn an_unanswered_opening_convicts_and_an_answered_one_does_not() {
    for answered in [false, true] {
        let (mut trial, challenger) = challenged();
        let call = trial.tensor_demand(challenger, B, None);
        trial.world.accepts(&call);
        let begin = trial.world.slot();
        if answered {
            // Anybody can: here somebody with no part in anything.
            let helper = trial.party("helper");
            trial.world.advance(150);
            trial.answer(helper, call.accounts.demand, false);
        }
        trial.world.warp_to(begin + 151);
        let call = trial.world.time_out_defender(&trial.job, challenger);
        if answered {
            trial.world.refuses(&call, AssayError::DefenderHasTime);
            assert_eq!(trial.world.read_job(&trial.job).state, JobState::Committed);
        } else {
            let event: DefenderTimedOut = trial.world.accepts(&call).event();
            assert_eq!(event.outcome, TimeOutOutcome::Convicted);
        }
    }
}

/// Time adds up over all demands of one challenge.
#[test]
fn the_clock_goes_on_with_the_next_demand() {
    let (mut trial, challenger) = challenged();
    let helper = trial.party("helper");
    let call = trial.tensor_demand(challenger, B, None);
    trial.world.accepts(&call);
    trial.world.advance(100);
    trial.answer(helper, call.accounts.demand, false);
    trial.demand_root(challenger, 0);
    let call = trial.world.time_out_defender(&trial.job, challenger);
    trial.world.advance(50);
    trial.world.refuses(&call, AssayError::DefenderHasTime);
    trial.world.advance(1);
    trial.world.accepts(&call);
}

#[test]
fn an_abandoned_challenge_is_lost() {
    let (mut trial, challenger) = challenged();
    let begin = trial.world.slot();
    let call = trial.world.time_out_challenger(&trial.job, challenger);
    trial.world.warp_to(begin + 200);
    trial.world.refuses(&call, AssayError::ChallengerHasTime);
    trial.world.warp_to(begin + 201);
    let event: ChallengeEnded = trial.world.accepts(&call).event();
    assert_eq!(event.state, ChallengeState::Lost);
    let node = trial.world.read_node(&trial.world.node);
    assert_eq!(node.stake, STAKE + 150, "half pays the defence");
    let job = trial.world.read_job(&trial.job);
    assert_eq!((job.record.challenges_open, job.record.burn_credit), (0, 151));
    trial.world.refuses(&call, AssayError::IllegalChallengeTransition);
    trial.world.accepts(&trial.world.finalise_job(&trial.world.node, &trial.job));
}

#[test]
fn a_challenge_that_is_never_revealed_burns() {
    let mut trial = Trial::new(Case::honest());
    trial.commit(trial.challenger);
    let begin = trial.world.slot();
    let call = trial.world.time_out_challenger(&trial.job, trial.challenger);
    trial.world.warp_to(begin + 20);
    trial.world.refuses(&call, AssayError::RevealTimeLeft);
    trial.world.warp_to(begin + 21);
    trial.world.accepts(&call);
    assert_eq!(trial.world.read_node(&trial.world.node).stake, STAKE);
    assert_eq!(trial.world.read_job(&trial.job).record.burn_credit, 301);
}

#[test]
fn a_challenger_that_waits_cannot_be_timed_out() {
    let (mut trial, challenger) = challenged();
    trial.demand_root(challenger, 0);
    trial.world.advance(1_000);
    trial.world.refuses(&trial.world.time_out_challenger(&trial.job, challenger), AssayError::ChallengerHasTime);
}

/// A chain that skips slots extends each time by half, once.
#[test]
fn skipped_slots_extend_a_clock_once() {
    let (mut trial, challenger) = challenged();
    trial.demand_root(challenger, 0);
    skip_slots(&mut trial, 2);
    trial.world.advance(151);
    let call = trial.world.time_out_defender(&trial.job, challenger);
    let event: DefenderTimedOut = trial.world.accepts(&call).event();
    assert_eq!(event.outcome, TimeOutOutcome::Extended);
    assert_eq!(trial.world.read_job(&trial.job).state, JobState::Committed);
    trial.world.refuses(&call, AssayError::DefenderHasTime);
    trial.world.advance(74);
    trial.world.refuses(&call, AssayError::DefenderHasTime);
    trial.world.advance(1);
    let event: DefenderTimedOut = trial.world.accepts(&call).event();
    assert_eq!(event.outcome, TimeOutOutcome::Convicted);

    let (mut trial, challenger) = challenged();
    skip_slots(&mut trial, 2);
    trial.world.advance(201);
    let call = trial.world.time_out_challenger(&trial.job, challenger);
    let event: ChallengeEnded = trial.world.accepts(&call).event();
    assert_eq!(event.state, ChallengeState::Revealed);
    trial.world.refuses(&call, AssayError::ChallengerHasTime);
    trial.world.advance(100);
    trial.world.accepts(&call);

    let mut trial = Trial::new(Case::honest());
    trial.commit(trial.challenger);
    skip_slots(&mut trial, 2);
    trial.world.advance(21);
    let call = trial.world.time_out_challenger(&trial.job, trial.challenger);
    let event: ChallengeEnded = trial.world.accepts(&call).event();
    assert_eq!(event.state, ChallengeState::Sealed);
    trial.world.refuses(&call, AssayError::RevealTimeLeft);
    let mut revealed = trial.world.clone();
    revealed.accepts(&trial.reveal_call(trial.challenger));
    trial.world.advance(10);
    let event: ChallengeEnded = trial.world.accepts(&call).event();
    assert_eq!(event.state, ChallengeState::Lost);
}

#[test]
fn few_skipped_slots_extend_nothing() {
    let (mut trial, challenger) = challenged();
    trial.demand_root(challenger, 0);
    skip_slots(&mut trial, 1);
    trial.world.advance(151);
    let event: DefenderTimedOut = trial.world.accepts(&trial.world.time_out_defender(&trial.job, challenger)).event();
    assert_eq!(event.outcome, TimeOutOutcome::Convicted);
}

/// Below a posted root only its poster is out of time; then the node's time runs again.
#[test]
fn a_silent_poster_loses_its_bond_and_the_node_has_its_time_again() {
    let (mut trial, challenger) = challenged();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    let demand = trial.demand_root(challenger, 0);
    let poster = trial.party("poster");
    let root = trial.case.segment_root(0);
    let post = trial.world.post_segment_root(poster, &trial.job, 0, root);
    trial.world.accepts(&post);
    let claim = post.accounts.claim;
    for challenger in [challenger, second] {
        let below = trial.tensor_demand(challenger, A, Some((claim, false)));
        trial.world.accepts(&below);
    }
    let begin = trial.world.slot();
    let call = trial.world.time_out_defender(&trial.job, challenger);
    trial.world.warp_to(begin + 150);
    trial.world.refuses(&call, AssayError::DefenderHasTime);
    trial.world.warp_to(begin + 151);
    let event: DefenderTimedOut = trial.world.accepts(&call).event();
    assert_eq!(event.outcome, TimeOutOutcome::RootRefuted);
    assert_eq!(trial.world.read_job(&trial.job).state, JobState::Committed, "the node is not convicted");
    assert_eq!(trial.world.read::<SegmentClaim>(claim).bond, 0);
    let state = trial.world.read_challenge(&trial.job, challenger);
    assert_eq!((state.earned, state.clocks.demand, state.clocks.defender_used_slots), (150, Pubkey::default(), 0));

    // Who waited below the same root gets its turn back, and nothing else.
    let event: DefenderTimedOut = trial.world.accepts(&trial.world.time_out_defender(&trial.job, second)).event();
    assert_eq!(event.outcome, TimeOutOutcome::Resumed);
    assert_eq!(trial.world.read_challenge(&trial.job, second).earned, 0);

    assert_eq!(trial.demand_root(challenger, 0), demand);
    assert_eq!(trial.world.read::<Demand>(demand).posted_standing, 0);
    trial.world.advance(151);
    let event: DefenderTimedOut = trial.world.accepts(&trial.world.time_out_defender(&trial.job, challenger)).event();
    assert_eq!(event.outcome, TimeOutOutcome::Convicted);
}

/// A poster that answers keeps its bond, and its time is not the node's.
#[test]
fn a_poster_that_answers_is_not_out_of_time() {
    let (mut trial, challenger) = challenged();
    trial.demand_root(challenger, 0);
    let poster = trial.party("poster");
    let root = trial.case.segment_root(0);
    let post = trial.world.post_segment_root(poster, &trial.job, 0, root);
    trial.world.accepts(&post);
    let below = trial.tensor_demand(challenger, A, Some((post.accounts.claim, false)));
    trial.world.accepts(&below);
    trial.world.advance(140);
    trial.answer(poster, below.accounts.demand, true);
    trial.world.advance(100);
    trial.world.refuses(&trial.world.time_out_defender(&trial.job, challenger), AssayError::DemandAnswered);
    let state = trial.world.read_challenge(&trial.job, challenger);
    assert_eq!(state.clocks.defender_used_slots, 0);
    assert_eq!(trial.world.read::<SegmentClaim>(post.accounts.claim).clock.used_slots, 140);
}

#[test]
fn giving_up_costs_the_bond() {
    let (mut trial, challenger) = challenged();
    let sealed = trial.party("sealed");
    trial.commit(sealed);
    let call = trial.world.withdraw_challenge(&trial.job, challenger);
    let right = call.accounts;
    let world = &mut trial.world;
    let others_job = world.committed();
    let table = [
        ("another signer", WithdrawChallenge { challenger: sealed, ..right }, AssayError::NotChallenger.into()),
        ("another node", WithdrawChallenge { node: world.other_node.address, ..right }, AssayError::WrongNode.into()),
        ("another job", WithdrawChallenge { job: others_job.address, ..right }, AssayError::WrongJob.into()),
        (
            "a job as challenge",
            WithdrawChallenge { challenge: right.job, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
    assert_eq!(world.read_node(&world.node).stake, STAKE + 150);
    assert_eq!(world.read_job(&trial.job).record.burn_credit, 151);
    world.accepts(&world.withdraw_challenge(&trial.job, sealed));
    assert_eq!(world.read_node(&world.node).stake, STAKE + 150, "what was never revealed burns whole");
    assert_eq!(world.read_job(&trial.job).record.burn_credit, 151 + 301);
    world.refuses(&call, AssayError::IllegalChallengeTransition);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut trial, challenger) = challenged();
    trial.demand_root(challenger, 0);
    let other = trial.party("other");
    trial.commit(other);
    trial.reveal(other);
    let elsewhere = trial.tensor_demand(other, B, None);
    trial.world.accepts(&elsewhere);
    let claim = trial.record(1);
    trial.world.advance(151);
    let call = trial.world.time_out_defender(&trial.job, challenger);
    let right = call.accounts;
    let world = &mut trial.world;
    let others_job = world.committed();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("a job as network", TimeOutDefender { network: right.job, ..right }, mismatch()),
        ("another node", TimeOutDefender { node: world.other_node.address, ..right }, AssayError::WrongNode.into()),
        ("another job", TimeOutDefender { job: others_job.address, ..right }, AssayError::WrongNode.into()),
        ("a job as challenge", TimeOutDefender { challenge: right.job, ..right }, mismatch()),
        (
            "another demand",
            TimeOutDefender { waiting: elsewhere.accounts.demand, ..right },
            AssayError::WrongDemand.into(),
        ),
        ("a root", TimeOutDefender { claim: Some(claim), ..right }, AssayError::WrongSegmentClaim.into()),
        ("a demand", TimeOutDefender { segment_demand: Some(right.waiting), ..right }, ErrorCode::ConstraintMut.into()),
        ("a forged sysvar", TimeOutDefender { slot_hashes: right.job, ..right }, ErrorCode::ConstraintAddress.into()),
    ];
    let mut branch = world.clone();
    for (what, accounts, why) in table {
        let call = program_tests::Call { accounts, data: call.data.clone() };
        if what == "a demand" || what == "another job" {
            branch.transact(&[call.instruction()]).expect_err(what);
        } else {
            branch.refuses(&call, why);
        }
    }
    world.accepts(&call);

    let (mut trial, challenger) = challenged();
    trial.world.advance(201);
    let call = trial.world.time_out_challenger(&trial.job, challenger);
    let right = call.accounts;
    let world = &mut trial.world;
    let others_job = world.committed();
    let table = [
        ("another node", TimeOutChallenger { node: world.other_node.address, ..right }, AssayError::WrongNode.into()),
        ("another job", TimeOutChallenger { job: others_job.address, ..right }, AssayError::WrongJob.into()),
        ("a job as challenge", TimeOutChallenger { challenge: right.job, ..right }, mismatch()),
        ("a job as what is waited for", TimeOutChallenger { waiting: Some(right.job), ..right }, mismatch()),
        ("a forged sysvar", TimeOutChallenger { slot_hashes: right.job, ..right }, ErrorCode::ConstraintAddress.into()),
    ];
    world.refuses_accounts(&call, table);
}
