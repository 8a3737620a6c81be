use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::RevealChallenge;
use assay::dispute::{ChallengeState, Target};
use assay::events::ChallengeRevealed;
use program_tests::trial::{B, Case, SALT, Trial};

fn committed() -> Trial {
    let mut trial = Trial::new(Case::wrong_in(B, 700));
    trial.commit(trial.challenger);
    trial
}

#[test]
fn records_the_claim_and_starts_the_clock() {
    let mut trial = committed();
    trial.world.advance(1);
    let call = trial.reveal_call(trial.challenger);
    let event: ChallengeRevealed = trial.world.accepts(&call).event();
    let (target, own_hash) = trial.claim();
    let challenge = trial.challenge_of(trial.challenger);
    assert_eq!(event, ChallengeRevealed { job: trial.job.address, challenge, target, own_hash });
    let state = trial.world.read_challenge(&trial.job, trial.challenger);
    assert_eq!((state.state, state.target, state.own_hash), (ChallengeState::Revealed, target, own_hash));
    assert_eq!((state.revealed_slot, state.clocks.since_slot), (trial.world.slot(), trial.world.slot()));
    trial.world.refuses(&call, AssayError::IllegalChallengeTransition);
}

#[test]
fn not_in_the_slot_of_the_commit_and_not_after_its_time() {
    let mut trial = committed();
    let call = trial.reveal_call(trial.challenger);
    let begin = trial.world.slot();
    trial.world.refuses(&call, AssayError::RevealTooEarly);
    trial.world.warp_to(begin + 21);
    trial.world.refuses(&call, AssayError::RevealTooLate);
    trial.world.warp_to(begin + 20);
    trial.world.accepts(&call);
}

#[test]
fn refuses_what_was_not_sealed() {
    let mut trial = committed();
    trial.world.advance(1);
    let (target, hash) = trial.claim();
    let challenger = trial.challenger;
    let reveal =
        |trial: &Trial, target, hash, salt| trial.world.reveal_challenge(&trial.job, challenger, target, hash, salt);
    for (call, why) in [
        (reveal(&trial, target, hash, [1; 32]), AssayError::SealMismatch),
        (reveal(&trial, target, [1; 32], SALT), AssayError::SealMismatch),
        (reveal(&trial, Target::boundary(1), hash, SALT), AssayError::SealMismatch),
        (reveal(&trial, Target::segment(0), hash, SALT), AssayError::SealMismatch),
        (reveal(&trial, Target::boundary(2), hash, SALT), AssayError::ChallengeTargetInvalid),
        (reveal(&trial, Target::boundary(u16::MAX), hash, SALT), AssayError::ChallengeTargetInvalid),
        (reveal(&trial, Target::OUTPUT, hash, SALT), AssayError::ChallengeTargetInvalid),
    ] {
        trial.world.refuses(&call, why);
    }
    trial.world.accepts(&reveal(&trial, target, hash, SALT));
}

/// Who copies a sealed hash cannot open it, even knowing everything that the first challenger reveals.
#[test]
fn a_copied_claim_cannot_be_opened() {
    let mut trial = committed();
    let copier = trial.party("copier");
    let sealed = trial.world.read_challenge(&trial.job, trial.challenger).sealed;
    trial.world.accepts(&trial.world.commit_challenge(&trial.job, copier, sealed));
    trial.reveal(trial.challenger);
    trial.world.refuses(&trial.reveal_call(copier), AssayError::SealMismatch);
}

#[test]
fn refuses_wrong_accounts() {
    let mut trial = committed();
    let other = trial.party("other");
    trial.commit(other);
    trial.world.advance(1);
    let others_job = trial.world.committed();
    let call = trial.reveal_call(trial.challenger);
    let right = call.accounts;
    let table = [
        ("another signer", RevealChallenge { challenger: other, ..right }, AssayError::NotChallenger.into()),
        ("another job", RevealChallenge { job: others_job.address, ..right }, AssayError::WrongJob.into()),
        (
            "another's challenge",
            RevealChallenge { challenge: trial.challenge_of(other), ..right },
            AssayError::NotChallenger.into(),
        ),
        (
            "a job as challenge",
            RevealChallenge { challenge: trial.job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    trial.world.refuses_accounts(&call, table);
}
