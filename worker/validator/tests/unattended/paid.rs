//! A validator account that earns audit fees by itself.

use crate::liar::{Liar, Withholds, honest};
use crate::market::{Customer, Validator, WINDOW_SLOTS, alone, config, shared};
use assay::state_machine::JobState;
use assay_chain::instructions;
use solana_sdk::signer::Signer;
use std::time::{Duration, Instant};

const PURSE: u64 = 2_000_000_000;
const POT: u64 = 90_000;

/// Drawn for certain, because it has all the stake: commits to its seeds, attests, and is paid.
#[tokio::test(flavor = "multi_thread")]
async fn an_audit_is_attested_and_paid() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, node) = (Customer::new(shared, 30).await, Liar::new(shared).await);
    let key = shared.key_with_stake(PURSE).await;
    let (sender, mint, me) = (shared.sender(), shared.market.stake_mint, key.pubkey());
    let steps = [
        instructions::register_validator(&me, &me),
        instructions::stake_validator(&me, mint, &mint.associated_account(&me), PURSE / 2),
    ];
    sender.execute(&steps, &[&key]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let validator = Validator::start(shared, folder.path(), &key, config()).await;
    // A chain counts from the second epoch after the one in which it was committed.
    let started = Instant::now();
    let first_slot = loop {
        let account = sender.chain().find_validator(&me).await.unwrap().unwrap();
        if account.chain.epoch_slots != 0 {
            break account.chain.first_epoch * u64::from(account.chain.epoch_slots);
        }
        assert!(started.elapsed() < Duration::from_secs(60), "no chain was committed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    sender.chain().wait_for_slot(first_slot + 1).await.unwrap();
    let job = customer.post_with(shared, WINDOW_SLOTS, POT).await.address;
    node.commit(shared, &job, &customer.work, &honest(&customer.work), Withholds::Nothing).await;
    let address = assay::address::validator(&me);
    let started = Instant::now();
    while sender.chain().find_attestation(&job, &address).await.unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(100), "nothing was attested");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let account = sender.chain().job(&job).await.unwrap();
    sender.chain().wait_for_slot(account.committed_slot + account.window_slots + 1).await.unwrap();
    sender.execute(&[instructions::finalise_job(&node.node, &job)], &[&key]).await.unwrap();
    let purse = shared.market.payment_mint.associated_account(&me);
    let started = Instant::now();
    while sender.chain().token_balance(&purse).await.unwrap() != Some(POT) {
        assert!(started.elapsed() < Duration::from_secs(60), "the fee does not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(sender.chain().job(&job).await.unwrap().state, JobState::Settled);
    let account = sender.chain().find_validator(&me).await.unwrap().unwrap();
    assert_eq!((account.locked, account.open_attestations, account.upheld), (0, 0, 1));
    let status = assay_validator::status::of(&validator.shared).unwrap();
    assert_eq!((status.duties.attested, status.duties.missed, status.duties.slashed), (1, 0, 0));
    validator.stop().await;
}
