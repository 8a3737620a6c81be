use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CommitChallenge;
use assay::dispute::ChallengeState;
use assay::events::ChallengeCommitted;
use assay::state::Network;
use program_tests::outcome::{ACCOUNT_IN_USE, TOKEN_INSUFFICIENT_FUNDS};
use program_tests::terms::terms;
use program_tests::tokens::associated;
use program_tests::trial::{B, Case, Trial};
use program_tests::world::POCKET;
use solana_sdk::pubkey::Pubkey;

/// A tenth of the bond, rounded up.
const BOND: u64 = 301;

fn trial() -> Trial {
    Trial::new(Case::wrong_in(B, 700))
}

#[test]
fn locks_the_bond_and_keeps_the_job_open() {
    let mut trial = trial();
    let challenger = trial.challenger;
    let vault = trial.world.tokens(trial.world.network().stake_vault);
    let call = trial.commit_call(challenger);
    let event: ChallengeCommitted = trial.world.accepts(&call).event();
    let now = trial.world.slot();
    let expected = ChallengeCommitted {
        job: trial.job.address,
        challenge: call.accounts.challenge,
        challenger,
        bond: BOND,
        last_reveal_slot: now + 20,
    };
    assert_eq!(event, expected);
    let state = trial.world.read_challenge(&trial.job, challenger);
    assert_eq!((state.state, state.bond, state.committed_slot), (ChallengeState::Sealed, BOND, now));
    assert_eq!(trial.world.read_job(&trial.job).record.challenges_open, 1);
    assert_eq!(trial.world.balance(challenger, &trial.world.stake_mint), POCKET - BOND);
    let network: Network = trial.world.network();
    assert_eq!(trial.world.tokens(network.stake_vault), vault + BOND);
    trial.world.refuses(&call, ACCOUNT_IN_USE);
    trial.world.advance(terms().window_slots + 1);
    trial.world.refuses(&trial.world.finalise_job(&trial.world.node, &trial.job), AssayError::ChallengesOpen);
}

#[test]
fn until_the_last_slot_of_the_window() {
    let mut trial = trial();
    let last = trial.world.read_job(&trial.job).challenge_deadline().unwrap().last().0;
    let call = trial.commit_call(trial.challenger);
    trial.world.warp_to(last + 1);
    trial.world.refuses(&call, AssayError::ChallengeWindowClosed);
    trial.world.warp_to(last);
    trial.world.accepts(&call);
}

#[test]
fn only_a_result_can_be_challenged() {
    let mut trial = trial();
    let (posted, claimed) = (trial.world.posted(), trial.world.claimed());
    let settled = trial.world.settled();
    for job in [posted, claimed, settled] {
        let call = trial.world.commit_challenge(&job, trial.challenger, [1; 32]);
        trial.world.refuses(&call, AssayError::JobNotChallengeable);
    }
}

#[test]
fn the_bond_must_be_there() {
    let mut trial = trial();
    let (poor, mint) = (trial.world.rich_key("poor"), trial.world.stake_mint);
    trial.world.fund(poor, &mint, BOND - 1);
    trial.world.refuses(&trial.commit_call(poor), TOKEN_INSUFFICIENT_FUNDS);
    trial.world.fund(poor, &mint, 1);
    trial.world.accepts(&trial.commit_call(poor));
}

#[test]
fn refuses_wrong_accounts() {
    let mut trial = trial();
    let other = trial.party("other");
    let world = &mut trial.world;
    let others_job = world.committed();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let call = world.commit_challenge(&trial.job, trial.challenger, [1; 32]);
    let right = call.accounts;
    let table = [
        ("another signer", CommitChallenge { challenger: other, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("another job", CommitChallenge { job: others_job.address, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("a node as job", CommitChallenge { job: world.node.address, ..right }, mismatch()),
        ("a job as network", CommitChallenge { network: trial.job.address, ..right }, mismatch()),
        (
            "another address",
            CommitChallenge { challenge: Pubkey::new_from_array([9; 32]), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        ("another mint", CommitChallenge { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "an own account as vault",
            CommitChallenge { stake_vault: associated(world.mallory, &world.stake_mint), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "somebody else's tokens",
            CommitChallenge { source: associated(world.mallory, &world.stake_mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "another token program",
            CommitChallenge { token_program: program_tests::tokens::TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
