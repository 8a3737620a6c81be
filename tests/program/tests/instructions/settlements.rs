//! `resolve_challenge`, `settle_dispute`, `close_challenge`, `burn_slash`, and what a conviction leaves behind.

use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{BurnSlash, CloseChallenge, ResolveChallenge};
use assay::dispute::ChallengeState;
use assay::events::{ChallengeClosed, DisputeSettled, SlashBurned};
use assay::state_machine::JobState;
use program_tests::tokens::associated;
use program_tests::trial::{C, Case, Trial};
use program_tests::world::{POCKET, STAKE};
use referee::proof::Source;
use solana_sdk::pubkey::Pubkey;

const BOND: u64 = 3_001;
const SLASHED: u64 = (STAKE - BOND) / 4;

/// Convicted by the first challenger; all others committed before it revealed, and revealed.
fn convicted(others: &[&str]) -> (Trial, Vec<Pubkey>) {
    let mut trial = Trial::new(Case::wrong_in(C, 700));
    let mut challengers = vec![trial.challenger];
    challengers.extend(others.iter().map(|name| trial.party(name)).collect::<Vec<_>>());
    for challenger in &challengers {
        trial.commit(*challenger);
    }
    trial.world.advance(1);
    for challenger in &challengers {
        let call = trial.reveal_call(*challenger);
        trial.world.accepts(&call);
    }
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(challengers[0], &proof, Some(claim));
    (trial, challengers)
}

/// Ten honest challengers at once: each ends, all share, and every token has its way out.
#[test]
fn ten_challengers_share_the_bounty() {
    let names: Vec<String> = (1..10).map(|number| format!("challenger {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut trial, challengers) = convicted(&names);
    let early = trial.world.settle_dispute(&trial.job, &[]);
    assert_eq!(trial.world.transact(&[early]).unwrap_err().why, AssayError::ChallengesOpen.into());
    for challenger in &challengers[1..] {
        trial.world.accepts(&trial.world.resolve_challenge(&trial.job, *challenger));
        assert_eq!(trial.world.read_challenge(&trial.job, *challenger).state, ChallengeState::Won);
    }
    let (vault, supply) = (assay::address::stake_vault(), trial.world.supply(&trial.world.stake_mint));
    let in_vault = trial.world.tokens(vault);
    let event: DisputeSettled = trial.settle(&challengers).event();
    assert_eq!((event.bounty, event.valid_claims), (1_500, 10));
    for challenger in &challengers {
        let event: ChallengeClosed =
            trial.world.accepts(&trial.world.close_challenge(trial.world.payer(), &trial.job, *challenger)).event();
        assert_eq!(event.amount, 301 + 150);
        assert_eq!(trial.world.balance(*challenger, &trial.world.stake_mint), POCKET + 150);
    }
    let event: SlashBurned = trial.world.accepts(&trial.world.burn_slash(&trial.job)).event();
    assert_eq!(event.amount, BOND - 1_500 + SLASHED);
    assert_eq!(trial.world.supply(&trial.world.stake_mint), supply - event.amount);
    assert_eq!(trial.world.tokens(vault), in_vault - 10 * 451 - event.amount);
    trial.world.pay_out(&trial.job);
    trial.world.accepts(&trial.world.close_job(&trial.job));
}

/// Who commits when the first reveal is known shares nothing, even with the same claim.
#[test]
fn a_claim_copied_after_the_reveal_shares_nothing() {
    let mut trial = Trial::new(Case::wrong_in(C, 700));
    let first = trial.challenge();
    let copier = trial.party("copier");
    trial.commit(copier);
    trial.reveal(copier);
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(first, &proof, Some(claim));
    trial.world.accepts(&trial.world.resolve_challenge(&trial.job, copier));
    trial.settle(&[first, copier]);
    assert_eq!(trial.world.read_challenge(&trial.job, first).earned, 1_500);
    assert_eq!(trial.world.read_challenge(&trial.job, copier).earned, 0);
    trial.world.accepts(&trial.world.close_challenge(trial.world.payer(), &trial.job, copier));
    assert_eq!(trial.world.balance(copier, &trial.world.stake_mint), POCKET, "its bond, and nothing more");
}

#[test]
fn settles_once_with_every_claim_once() {
    let (mut trial, challengers) = convicted(&["second", "third"]);
    trial.world.accepts(&trial.world.resolve_challenge(&trial.job, challengers[1]));
    trial.world.accepts(&trial.world.withdraw_challenge(&trial.job, challengers[2]));
    assert_eq!(trial.world.read_challenge(&trial.job, challengers[2]).state, ChallengeState::Moot);
    let mut won = [trial.challenge_of(challengers[0]), trial.challenge_of(challengers[1])];
    won.sort();
    let moot = trial.challenge_of(challengers[2]);
    let incomplete = AssayError::ClaimsIncomplete;
    let node = trial.world.node.address;
    let table = [
        ("none", vec![], incomplete.into()),
        ("one of two", vec![won[0]], incomplete.into()),
        ("one twice", vec![won[0], won[0]], incomplete.into()),
        ("in descending order", vec![won[1], won[0]], incomplete.into()),
        (
            "one that did not win",
            {
                let mut all = vec![won[0], moot];
                all.sort();
                all
            },
            incomplete.into(),
        ),
        ("one more", vec![won[0], won[1], moot], incomplete.into()),
        (
            "a node",
            {
                let mut all = vec![won[0], node];
                all.sort();
                all
            },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    for (what, accounts, why) in table {
        let settle = trial.world.settle_dispute(&trial.job, &accounts);
        let refusal = trial.world.transact(&[settle]).expect_err(what);
        assert_eq!(refusal.why, why, "{what}: {:#?}", refusal.logs);
    }
    let mut readonly = trial.world.settle_dispute(&trial.job, &won);
    readonly.accounts.iter_mut().rev().take(2).for_each(|meta| meta.is_writable = false);
    assert_eq!(trial.world.transact(&[readonly]).unwrap_err().why, ErrorCode::ConstraintMut.into());
    let close = trial.world.close_challenge(trial.world.payer(), &trial.job, challengers[0]);
    trial.world.refuses(&close, AssayError::ChallengeNotPayable);
    trial.world.refuses(&trial.world.close_job(&trial.job), AssayError::DisputeUnsettled);
    let settle = trial.world.settle_dispute(&trial.job, &won);
    trial.world.must(std::slice::from_ref(&settle));
    let again = trial.world.transact(&[settle]).unwrap_err();
    assert_eq!(again.why, AssayError::DisputeAlreadySettled.into());
    trial.world.accepts(&close);
    // A replay after the settlement: the account is gone.
    trial.world.refuses(&close, ErrorCode::AccountNotInitialized);
}

#[test]
fn another_claim_is_moot_and_gets_its_bond_back() {
    let (mut trial, challengers) = {
        let mut trial = Trial::new(Case::wrong_in(C, 700));
        let (first, other) = (trial.challenger, trial.party("other"));
        trial.commit(first);
        let target = assay::dispute::Target::boundary(0);
        let sealed = assay::dispute::seal(&other, &trial.job.address, target, &[1; 32], &[2; 32]);
        trial.world.accepts(&trial.world.commit_challenge(&trial.job, other, sealed));
        trial.reveal(first);
        trial.world.accepts(&trial.world.reveal_challenge(&trial.job, other, target, [1; 32], [2; 32]));
        (trial, [first, other])
    };
    let resolve = trial.world.resolve_challenge(&trial.job, challengers[1]);
    trial.world.refuses(&resolve, AssayError::JobNotConvicted);
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(challengers[0], &proof, Some(claim));
    let proof_time = (20 + 200) * 3 / 2;
    trial.world.advance(proof_time);
    trial.world.refuses(&resolve, AssayError::ProofTimeLeft);
    trial.world.refuses(&trial.world.time_out_challenger(&trial.job, challengers[1]), AssayError::JobAlreadyConvicted);
    trial.world.advance(1);
    let right = resolve.accounts;
    let node = trial.world.node.address;
    let others_job = trial.world.settled_elsewhere();
    let table = [
        ("another job", ResolveChallenge { job: others_job, ..right }, AssayError::WrongJob.into()),
        ("a node as job", ResolveChallenge { job: node, ..right }, ErrorCode::AccountDiscriminatorMismatch.into()),
        (
            "a node as challenge",
            ResolveChallenge { challenge: node, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    trial.world.refuses_accounts(&resolve, table);
    trial.world.accepts(&trial.world.close_challenge(trial.world.payer(), &trial.job, challengers[1]));
    assert_eq!(trial.world.balance(challengers[1], &trial.world.stake_mint), POCKET);
}

trait Elsewhere {
    fn settled_elsewhere(&mut self) -> Pubkey;
}

impl Elsewhere for program_tests::World {
    fn settled_elsewhere(&mut self) -> Pubkey {
        let (other, job) = (self.other_node, self.posted());
        self.accepts(&self.claim_job(&other, &job));
        job.address
    }
}

/// What a lying challenger loses, and that its job settles as if nothing had been.
#[test]
fn a_lying_challenger_loses_and_the_node_is_paid() {
    let mut trial = Trial::new(Case::honest());
    let liar = trial.challenge();
    trial.world.advance(201);
    trial.world.accepts(&trial.world.time_out_challenger(&trial.job, liar));
    trial.world.accepts(&trial.world.finalise_job(&trial.world.node, &trial.job));
    let job = trial.world.read_job(&trial.job);
    assert_eq!(job.state, JobState::Settled);
    assert!(job.credits.node > 0);
    trial.world.pay_out(&trial.job);
    trial.world.refuses(&trial.world.close_job(&trial.job), AssayError::CreditsOutstanding);
    trial.world.accepts(&trial.world.burn_slash(&trial.job));
    trial.world.refuses(&trial.world.burn_slash(&trial.job), AssayError::NothingToBurn);
    trial.world.accepts(&trial.world.close_challenge(trial.world.payer(), &trial.job, liar));
    assert_eq!(trial.world.balance(liar, &trial.world.stake_mint), POCKET - 301);
    trial.world.accepts(&trial.world.close_job(&trial.job));
}

/// The same person as node and challenger loses by it: the bounty is never more than half of the bond.
#[test]
fn challenging_oneself_never_pays() {
    let mut trial = Trial::new(Case::wrong_in(C, 700));
    let node = trial.world.node;
    let mint = trial.world.stake_mint;
    let before = trial.world.balance(node.owner, &mint) + STAKE;
    trial.challenger = node.owner;
    let challenger = trial.challenge();
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(challenger, &proof, Some(claim));
    trial.settle(&[challenger]);
    trial.world.accepts(&trial.world.close_challenge(trial.world.payer(), &trial.job, challenger));
    let after = trial.world.balance(node.owner, &mint) + trial.world.read_node(&node).stake;
    assert_eq!(before - after, BOND - 1_500 + SLASHED);
}

/// A convicted node neither claims nor withdraws nor disappears, until its time; then what is left comes out.
#[test]
fn a_convicted_node_is_frozen() {
    let mut trial = Trial::new(Case::wrong_in(C, 700));
    let node = trial.world.node;
    trial.world.accepts(&trial.world.request_withdrawal(&node, 10_000));
    let challenger = trial.challenge();
    let claim = trial.record(1);
    let proof = trial.case.element_proof(1, C, 700, Source::Segment);
    trial.prove(challenger, &proof, Some(claim));
    let frozen_until = trial.world.slot() + 1_400;
    let state = trial.world.read_node(&node);
    assert_eq!((state.stake, state.unbonding[0].amount), (STAKE - 10_000 - BOND - SLASHED, 10_000));
    let posted = trial.world.posted();
    trial.world.refuses(&trial.world.claim_job(&node, &posted), AssayError::NodeConvicted);
    trial.world.refuses(&trial.world.deregister_node(&node), AssayError::NodeHasStake);
    let rest = state.stake;
    trial.world.accepts(&trial.world.request_withdrawal(&node, rest));
    trial.world.refuses(&trial.world.deregister_node(&node), AssayError::NodeHasUnbonding);
    trial.world.refuses(&trial.world.withdraw_stake(&node), AssayError::CorrelationOutstanding);
    trial.world.advance(64);
    trial.world.accepts(&trial.world.charge_correlation(&node));
    trial.world.warp_to(frozen_until - 1);
    trial.world.refuses(&trial.world.withdraw_stake(&node), AssayError::StakeFrozen);
    trial.world.warp_to(frozen_until + 64);
    trial.world.accepts(&trial.world.withdraw_stake(&node));
    trial.world.refuses(&trial.world.deregister_node(&node), AssayError::NodeHasMarks);
}

#[test]
fn payouts_refuse_wrong_accounts() {
    let (mut trial, challengers) = convicted(&["second"]);
    trial.world.accepts(&trial.world.resolve_challenge(&trial.job, challengers[1]));
    trial.settle(&challengers);
    let (first, second) = (challengers[0], challengers[1]);
    let job = trial.job.address;
    let other_challenge = trial.challenge_of(second);
    let world = &mut trial.world;
    let mint = world.stake_mint;
    let other = world.create_token_account("another account of the first", first, &mint);
    let close = world.close_challenge(first, &trial.job, first).with(|a| a.destination = other);
    let right = close.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        (
            "another's challenge",
            CloseChallenge { challenge: other_challenge, ..right },
            AssayError::NotChallenger.into(),
        ),
        ("another challenger", CloseChallenge { challenger: second, ..right }, AssayError::NotChallenger.into()),
        ("a job as challenge", CloseChallenge { challenge: job, ..right }, mismatch()),
        ("a job as network", CloseChallenge { network: job, ..right }, mismatch()),
        (
            "a helper, to an account of its choice",
            CloseChallenge { authority: second, ..right },
            AssayError::DestinationNotCanonical.into(),
        ),
        (
            "the vault",
            CloseChallenge { destination: right.stake_vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "another vault",
            CloseChallenge { stake_vault: associated(second, &mint), ..right },
            AssayError::WrongVault.into(),
        ),
        ("another mint", CloseChallenge { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "another token program",
            CloseChallenge { token_program: program_tests::tokens::TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&close, table);
    let burn = world.burn_slash(&trial.job);
    let right = burn.accounts;
    let others = world.settled_elsewhere();
    let table = [
        ("another job", BurnSlash { job: others, ..right }, AssayError::NothingToBurn.into()),
        ("a job as network", BurnSlash { network: job, ..right }, mismatch()),
        ("another vault", BurnSlash { stake_vault: associated(second, &mint), ..right }, AssayError::WrongVault.into()),
        ("another mint", BurnSlash { stake_mint: world.mint.address, ..right }, AssayError::WrongMint.into()),
        (
            "another token program",
            BurnSlash { token_program: program_tests::tokens::TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&burn, table);
}
