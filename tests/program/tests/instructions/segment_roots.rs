//! `record_segment_root`, `prove_equivocation`, `post_segment_root`, `close_segment_claim`.

use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{CloseSegmentClaim, PostSegmentRoot, ProveEquivocation, RecordSegmentRoot};
use assay::dispute::signature::SegmentStatement;
use assay::events::{FaultProved, ProofOutcome, SegmentRootPosted, SegmentRootRecorded};
use assay::state::{Demand, DemandState, Fault, SegmentClaim};
use assay::state_machine::JobState;
use assay::{accounts, address};
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::tokens::associated;
use program_tests::trial::{A, Case, Trial, signature_check};
use program_tests::{Call, Why};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

fn record(trial: &Trial, segment: u16, root: [u8; 32]) -> Call<accounts::RecordSegmentRoot> {
    trial.world.record_segment_root(trial.challenger, &trial.job, segment, root)
}

fn refuses(trial: &mut Trial, what: &str, instructions: &[Instruction], why: impl Into<Why>) {
    let refusal = trial.world.transact(instructions).expect_err(what);
    assert_eq!(refusal.why, why.into(), "{what}: {:#?}", refusal.logs);
}

#[test]
fn a_signed_root_is_recorded_once() {
    let mut trial = Trial::new(Case::honest());
    let root = trial.case.segment_root(0);
    let call = record(&trial, 0, root);
    let check = trial.signed(&trial.statement(0, root));
    let event: SegmentRootRecorded = trial.world.must(&[check.clone(), call.instruction()]).event();
    let claim = call.accounts.claim;
    assert_eq!(event, SegmentRootRecorded { job: trial.job.address, segment: 0, root, claim });
    let state: SegmentClaim = trial.world.read(claim);
    let operator = trial.world.node.operator;
    assert_eq!((state.signed, state.author, state.root, state.bond), (true, operator, root, 0));
    refuses(&mut trial, "twice", &[check, call.instruction()], ACCOUNT_IN_USE);
    let other = trial.signed(&trial.statement(0, [8; 32]));
    let second = record(&trial, 0, [8; 32]).instruction();
    refuses(&mut trial, "a second root", &[other, second], ACCOUNT_IN_USE);
}

/// Every way in which a signature can be over something else, or somewhere else.
#[test]
fn no_other_signature_passes() {
    let mut trial = Trial::new(Case::honest());
    let root = trial.case.segment_root(0);
    let call = record(&trial, 0, root).instruction();
    let right = trial.statement(0, root);
    let check = trial.signed(&right);
    let invalid = AssayError::SignatureInvalid;
    let others = [
        ("another cluster", SegmentStatement { genesis_hash: [0; 32], ..right }),
        ("another job", SegmentStatement { job: Pubkey::new_from_array([9; 32]), ..right }),
        ("another commitment", SegmentStatement { commitment: [9; 32], ..right }),
        ("another segment", SegmentStatement { segment: 1, ..right }),
        ("another version", SegmentStatement { ir_version: right.ir_version + 1, ..right }),
        ("another root", SegmentStatement { root: [9; 32], ..right }),
    ];
    for (what, statement) in others {
        let check = trial.signed(&statement);
        refuses(&mut trial, what, &[check, call.clone()], invalid);
    }
    for (what, key) in [("the cold key", trial.world.node.owner), ("a stranger", trial.world.mallory)] {
        let check = signature_check(trial.world.keypair(key), &right.message());
        refuses(&mut trial, what, &[check, call.clone()], invalid);
    }
    // The offsets of the signature, of the key or of the message lead to another instruction that holds the right bytes.
    for at in [4, 8, 14] {
        let mut foreign = check.clone();
        foreign.data[at..at + 2].copy_from_slice(&0u16.to_le_bytes());
        refuses(&mut trial, "a foreign index", &[check.clone(), foreign, call.clone()], invalid);
    }
    let mut two = check.clone();
    two.data = [&[2, 0][..], &check.data[2..16], &check.data[2..16], &check.data[16..]].concat();
    for at in 0..2 {
        for (place, add) in [(2, 14), (6, 14), (10, 14)] {
            let at = 2 + 14 * at + place - 2;
            let moved = u16::from_le_bytes([two.data[at], two.data[at + 1]]) + add;
            two.data[at..at + 2].copy_from_slice(&moved.to_le_bytes());
        }
    }
    refuses(&mut trial, "two signatures", &[two, call.clone()], invalid);
    let missing = AssayError::SignatureMissing;
    refuses(&mut trial, "none", std::slice::from_ref(&call), missing);
    let filler = trial.world.burn_nothing();
    refuses(&mut trial, "not right before", &[check.clone(), filler, call.clone()], missing);
    refuses(&mut trial, "after", &[call.clone(), check.clone()], missing);
    trial.world.must(&[check, call]);
}

trait Filler {
    fn burn_nothing(&self) -> Instruction;
}

impl Filler for program_tests::World {
    /// An instruction that does nothing.
    fn burn_nothing(&self) -> Instruction {
        solana_system_interface::instruction::transfer(&self.payer(), &self.payer(), 0)
    }
}

#[test]
fn recording_refuses_wrong_accounts() {
    let mut trial = Trial::new(Case::honest());
    let root = trial.case.segment_root(0);
    let check = trial.signed(&trial.statement(0, root));
    let call = record(&trial, 0, root);
    let right = call.accounts;
    let other_job = trial.world.committed();
    let copy = trial.world.forge(trial.job.address, program_tests::tokens::TOKEN);
    let table: [(&str, RecordSegmentRoot, Why); 7] = [
        ("another job", RecordSegmentRoot { job: other_job.address, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("a forged job", RecordSegmentRoot { job: copy, ..right }, ErrorCode::AccountOwnedByWrongProgram.into()),
        (
            "a node as network",
            RecordSegmentRoot { network: trial.world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another place for the claim",
            RecordSegmentRoot {
                claim: address::segment_claim(&trial.job.address, 1, &trial.world.node.operator),
                ..right
            },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "a demand left out",
            RecordSegmentRoot { demand: trial.challenger, ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "a forged sysvar",
            RecordSegmentRoot { instructions: trial.world.node.address, ..right },
            ErrorCode::ConstraintAddress.into(),
        ),
        (
            "another system program",
            RecordSegmentRoot { system_program: assay::ID, ..right },
            ErrorCode::InvalidProgramId.into(),
        ),
    ];
    for (what, accounts, why) in table {
        let wrong = Call { accounts, data: call.data.clone() }.instruction();
        refuses(&mut trial, what, &[check.clone(), wrong], why);
    }
    trial.world.must(&[check, call.instruction()]);
}

#[test]
fn a_job_without_a_result_has_no_segments() {
    let mut trial = Trial::new(Case::honest());
    trial.job = trial.world.claimed();
    let check = trial.signed(&trial.statement(0, [1; 32]));
    let call = record(&trial, 0, [1; 32]).instruction();
    refuses(&mut trial, "a claimed job", &[check, call], AssayError::JobNotChallengeable);
}

#[test]
fn two_signed_roots_convict() {
    let mut trial = Trial::new(Case::honest());
    let challenger = trial.challenge();
    trial.record(0);
    let same = trial.case.segment_root(0);
    let equal = trial.world.prove_equivocation(challenger, &trial.job, 0, same).instruction();
    let check = trial.signed(&trial.statement(0, same));
    refuses(&mut trial, "the same root", &[check, equal], AssayError::RootsEqual);
    let call = trial.world.prove_equivocation(challenger, &trial.job, 0, [8; 32]);
    let check = trial.signed(&trial.statement(0, [8; 32]));
    let elsewhere = trial.signed(&trial.statement(1, [8; 32]));
    refuses(&mut trial, "of another segment", &[elsewhere, call.instruction()], AssayError::SignatureInvalid);

    let other = trial.party("other");
    let right = call.accounts;
    let table: [(&str, ProveEquivocation, Why); 5] = [
        ("another signer", ProveEquivocation { challenger: other, ..right }, AssayError::NotChallenger.into()),
        (
            "another node",
            ProveEquivocation { node: trial.world.other_node.address, ..right },
            AssayError::WrongNode.into(),
        ),
        (
            "a challenge as claim",
            ProveEquivocation { claim: right.challenge, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a job as network",
            ProveEquivocation { network: right.job, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a forged sysvar",
            ProveEquivocation { instructions: right.job, ..right },
            ErrorCode::ConstraintAddress.into(),
        ),
    ];
    for (what, accounts, why) in table {
        let wrong = Call { accounts, data: call.data.clone() }.instruction();
        refuses(&mut trial, what, &[check.clone(), wrong], why);
    }
    let event: FaultProved = trial.world.must(&[check.clone(), call.instruction()]).event();
    assert_eq!((event.outcome, event.fault), (ProofOutcome::Convicted, Fault::Equivocation));
    assert_eq!(trial.world.read_job(&trial.job).state, JobState::Convicted);
    refuses(&mut trial, "twice", &[check, call.instruction()], AssayError::IllegalChallengeTransition);
}

/// Past its clock a challenge ends by time-out, whatever its challenger still has to show; while it waits for an answer, its
/// clock stands.
#[test]
fn two_signed_roots_convict_only_while_the_challenger_has_time() {
    let mut trial = Trial::new(Case::honest());
    let challenger = trial.challenge();
    let begin = trial.world.slot();
    trial.record(0);
    let call = trial.world.prove_equivocation(challenger, &trial.job, 0, [8; 32]);
    let check = trial.signed(&trial.statement(0, [8; 32]));
    let time_out = trial.world.time_out_challenger(&trial.job, challenger);
    trial.world.warp_to(begin + 201);
    refuses(&mut trial, "late", &[check.clone(), call.instruction()], AssayError::ChallengerOutOfTime);
    trial.world.clone().accepts(&time_out);
    trial.world.warp_to(begin + 200);
    trial.world.refuses(&time_out, AssayError::ChallengerHasTime);
    trial.world.clone().must(&[check.clone(), call.instruction()]);

    let demand = trial.demand_root(challenger, 1);
    trial.world.advance(1_000);
    let unsaid = ProveEquivocation { waiting: None, ..call.accounts };
    let unsaid = Call { accounts: unsaid, data: call.data.clone() }.instruction();
    refuses(&mut trial, "what it waits for left out", &[check.clone(), unsaid], AssayError::WrongDemand);
    let call = trial.world.prove_equivocation(challenger, &trial.job, 0, [8; 32]);
    assert_eq!(call.accounts.waiting, Some(demand));
    trial.world.must(&[check, call.instruction()]);
}

/// A root that somebody posts stands in the way of a time-out; its bond comes back when the job has ended.
#[test]
fn a_posted_root_saves_a_silent_node_and_its_bond_returns() {
    let mut trial = Trial::new(Case::honest());
    let challenger = trial.challenge();
    let demand = trial.demand_root(challenger, 0);
    let saviour = trial.party("saviour");
    let root = trial.case.segment_root(0);
    let call = trial.world.post_segment_root(saviour, &trial.job, 0, root);
    let event: SegmentRootPosted = trial.world.accepts(&call).event();
    assert_eq!((event.claim, event.poster, event.bond), (call.accounts.claim, saviour, 301));
    let state: Demand = trial.world.read(demand);
    assert_eq!((state.state, state.posted_standing, state.signed), (DemandState::Answered, 1, false));
    let job = trial.world.read_job(&trial.job);
    let frozen = trial.world.slot() + job.dispute.longest_slots().0;
    assert_eq!(trial.world.read_node(&trial.world.node).frozen_until_slot, frozen);
    trial.world.advance(151);
    trial.world.refuses(&trial.world.time_out_defender(&trial.job, challenger), AssayError::DefenderHasTime);
    trial.world.advance(50);
    trial.world.accepts(&trial.world.time_out_challenger(&trial.job, challenger));

    let mint = trial.world.stake_mint;
    let other = trial.world.create_token_account("another account of the saviour", saviour, &mint);
    let close = trial.world.close_segment_claim(saviour, call.accounts.claim).with(|a| a.destination = Some(other));
    trial.world.refuses(&close, AssayError::DisputeNotOver);
    trial.world.accepts(&trial.world.finalise_job(&trial.world.node, &trial.job));
    let right = close.accounts;
    let world = &mut trial.world;
    let table = [
        ("another job", CloseSegmentClaim { job: world.node.address, ..right }, AssayError::WrongJob.into()),
        ("another payer", CloseSegmentClaim { payer: challenger, ..right }, AssayError::WrongSegmentClaim.into()),
        (
            "a helper, to an account of its choice",
            CloseSegmentClaim { authority: world.mallory, ..right },
            AssayError::DestinationNotCanonical.into(),
        ),
        (
            "a demand as claim",
            CloseSegmentClaim { claim: demand, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the vault",
            CloseSegmentClaim { destination: Some(right.stake_vault), ..right },
            AssayError::DestinationIsVault.into(),
        ),
        ("nothing", CloseSegmentClaim { destination: None, ..right }, AssayError::DestinationNotCanonical.into()),
        (
            "another vault",
            CloseSegmentClaim { stake_vault: associated(challenger, &mint), ..right },
            AssayError::WrongVault.into(),
        ),
        ("another mint", CloseSegmentClaim { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "a node as network",
            CloseSegmentClaim { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another token program",
            CloseSegmentClaim { token_program: program_tests::tokens::TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&close, table);
    assert_eq!(trial.world.tokens(other), 301);
    assert!(!trial.world.exists(call.accounts.claim));
}

#[test]
fn roots_are_posted_by_others_while_they_are_demanded() {
    let mut trial = Trial::new(Case::honest());
    let challenger = trial.challenge();
    let poster = trial.party("poster");
    let begin = trial.world.slot();
    trial.demand_root(challenger, 0);
    let call = trial.world.post_segment_root(poster, &trial.job, 0, [1; 32]);
    let mint = trial.world.stake_mint;
    trial.world.svm.airdrop(&trial.world.node.operator, 1_000_000_000).unwrap();
    trial.world.fund(trial.world.node.operator, &mint, 1_000);
    let by_operator = trial.world.post_segment_root(trial.world.node.operator, &trial.job, 0, [1; 32]);
    trial.world.refuses(&by_operator, AssayError::OperatorMustSign);
    trial.world.warp_to(begin + 151);
    trial.world.refuses(&call, AssayError::PostTimeOver);
    trial.world.warp_to(begin + 150);
    let world = &mut trial.world;
    let other_job = world.committed();
    let right = call.accounts;
    let seeds = || ErrorCode::ConstraintSeeds.into();
    let table = [
        ("another signer", PostSegmentRoot { poster: challenger, ..right }, seeds()),
        ("another job", PostSegmentRoot { job: other_job.address, ..right }, seeds()),
        ("another node", PostSegmentRoot { node: world.other_node.address, ..right }, AssayError::WrongNode.into()),
        (
            "a claim elsewhere",
            PostSegmentRoot { claim: address::segment_claim(&trial.job.address, 1, &poster), ..right },
            seeds(),
        ),
        (
            "a job as demand",
            PostSegmentRoot { demand: trial.job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a node as network",
            PostSegmentRoot { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another mint", PostSegmentRoot { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "another vault",
            PostSegmentRoot { stake_vault: associated(challenger, &mint), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "another's tokens",
            PostSegmentRoot { source: associated(challenger, &mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "another token program",
            PostSegmentRoot { token_program: program_tests::tokens::TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
    trial.record(0);
    let late = trial.party("late");
    let call = trial.world.post_segment_root(late, &trial.job, 0, [1; 32]);
    trial.world.refuses(&call, AssayError::SegmentRootSigned);
}

/// Signing answers the demand and earns its fee.
#[test]
fn a_signature_answers_a_demand() {
    let mut trial = Trial::new(Case::wrong_in(A, 9));
    let challenger = trial.challenge();
    let demand = trial.demand_root(challenger, 0);
    let before = trial.world.lamports(demand);
    trial.record(0);
    let state: Demand = trial.world.read(demand);
    assert_eq!((state.state, state.signed, state.fee_lamports), (DemandState::Answered, true, 0));
    assert_eq!(before - trial.world.lamports(demand), 7_000);
    let again = trial.world.demand_segment_root(challenger, &trial.job, 0, A, None);
    trial.world.refuses(&again, AssayError::SegmentRootSigned);
}
