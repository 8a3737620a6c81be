//! An auditor that was drawn and attests without looking loses what it put at risk.

use assay::audit::{Epoch, seed_after};
use assay::state::Validator;
use assay::state_machine::JobState;
use assay::units::Slot;
use assay_chain::{instructions, read_keypair};
use assay_client::Terms;
use assay_node::config::NodeConfig;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use story_tests::{NodeProcess, Pace, Story, ValidatorProcess, everything_work};

/// The graph of this story.
const ATTESTED: u32 = 17;
const BOND: u64 = 10_000_000;
const POT: u64 = 90_000;
/// Steps from the end of the chain of seeds to its beginning.
const CHAIN_LENGTH: u64 = 10_000;
const SECRET: [u8; 32] = [0x5e; 32];

async fn account(story: &Story, authority: &Pubkey) -> Validator {
    story.chain().find_validator(authority).await.expect("the chain answers").expect("it is registered")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_attests_a_result_that_is_convicted_loses_its_bond() {
    let story = Story::begin_at(Pace::Hasty).await;
    let work = everything_work(ATTESTED, 0);
    let hurried = |config: &mut NodeConfig| config.disputes.least_clock_slots = 1;
    let mut node = NodeProcess::register(&story, "liar", story.placement(), hurried).lies("weight");
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &work);
    let key = read_keypair(&story.new_owner("auditor")).expect("its keypair");
    let (me, mint, sender, chain) = (key.pubkey(), story.stake_mint(), story.sender(), story.chain());
    let address = assay::address::validator(&me);
    // With all the stake of all validators it is drawn for certain.
    let steps = [
        instructions::register_validator(&me, &me),
        instructions::stake_validator(&me, mint, &mint.associated_account(&me), Story::STAKE),
        instructions::commit_chain(&me, &address, seed_after(SECRET, CHAIN_LENGTH)),
    ];
    sender.execute(&steps, &[&key]).await.expect("it is registered");
    let seeds = account(&story, &me).await.chain;
    let epoch_slots = u64::from(seeds.epoch_slots);
    chain.wait_for_slot(seeds.first_epoch * epoch_slots).await.expect("the chain goes on");

    node.start(None).await;
    // A conviction ends the window.
    let terms = Terms { bond: Some(BOND), window_slots: Some(1_000), audit_pot: POT, audit_cap: POT, ..story.terms() };
    let posted = story.post(&work, &terms).await;
    let job = &posted.address;
    let committed = story.committed(job).await;
    let epoch = Epoch::of(Slot(committed.committed_slot), seeds.epoch_slots).expect("an epoch").0;
    chain.wait_for_slot((epoch + 1) * epoch_slots).await.expect("the chain goes on");
    let seed = seed_after(SECRET, CHAIN_LENGTH - (epoch + 1 - seeds.first_epoch));
    sender.execute(&[instructions::attest(&me, &address, job, seed)], &[&key]).await.expect("it is drawn");
    let at_risk = account(&story, &me).await;
    let bond = committed.audit.attestation_bond;
    assert_eq!((at_risk.stake, at_risk.locked, at_risk.open_attestations), (Story::STAKE, bond, 1));
    assert_eq!(bond, 10 * POT, "ten times what it could earn");
    let attestation = chain.find_attestation(job, &address).await.unwrap().expect("it is attested");

    // Only now does anybody look.
    validator.start(None).await;
    let ended = story.end(job).await;
    assert_eq!(ended.state, JobState::Convicted, "{}", validator.log());
    assert_eq!(validator.is_through_with(job).await["ending"]["ending"], "won");
    // Anybody may end it, so that somebody else may have.
    let settled = sender.execute(&[instructions::settle_attestation(&attestation)], &[&key]).await;
    assert!(chain.find_attestation(job, &address).await.unwrap().is_none(), "{settled:?}");
    let lost = account(&story, &me).await;
    assert_eq!((lost.stake, lost.locked, lost.open_attestations), (Story::STAKE - bond, 0, 0), "the bond is gone");
    assert_eq!((lost.upheld, lost.slashed), (0, 1));
    let purse = chain.token_balance(&story.payment_mint_account(&me)).await.expect("a balance");
    assert_eq!(purse.unwrap_or(0), 0, "it earned nothing");

    story.close_one(job).await;
    story.leaves_nothing(&[*job, validator.key]).await;
    assert_eq!(story.accounts().await.tokens, Story::PURSE, "price and pot are back with the client");
    // What is left of its stake is its own again, so that no later story draws it.
    sender.execute(&[instructions::request_validator_withdrawal(&me, lost.stake)], &[&key]).await.expect("it is free");
}
