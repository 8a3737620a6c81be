//! Jobs that no node computes.

use assay::state_machine::JobState;
use assay_client::{ClientError, Reclaimed};
use solana_sdk::pubkey::Pubkey;
use story_tests::{NodeProcess, Story};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_takes_its_job_back() {
    let story = Story::begin().await;
    let before = story.accounts().await;
    let posted = story.post(&story.work(1), &story.terms()).await;
    story.client.cancel(&posted.address).await.expect("nobody has claimed");
    assert_eq!(story.end(&posted.address).await.state, JobState::Cancelled);
    let reclaimed = story.client.reclaim(&posted.address).await.expect("the escrow comes back");
    assert_eq!((reclaimed.refund, reclaimed.closed), (1_000_000, true));
    assert_eq!(story.accounts().await.tokens, before.tokens);
    let second = story.client.cancel(&posted.address).await.expect_err("there is nothing to cancel any more");
    assert!(!second.to_string().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reclaims_second_finds_it_done() {
    let story = Story::begin().await;
    let before = story.accounts().await;
    let posted = story.post(&story.work(1), &story.terms()).await;
    story.client.cancel(&posted.address).await.expect("nobody has claimed");
    story.end(&posted.address).await;
    let both = tokio::join!(story.client.reclaim(&posted.address), story.client.reclaim(&posted.address));
    for reclaimed in [both.0, both.1] {
        assert!(reclaimed.expect("whoever was first").closed);
    }
    let again = story.client.reclaim(&posted.address).await.expect("closing it once more is harmless");
    assert_eq!(again, Reclaimed { closed: true, ..Reclaimed::default() });
    assert_eq!(story.accounts().await.tokens, before.tokens);
    let never = story.client.reclaim(&Pubkey::new_unique()).await.expect_err("there was no such job");
    assert!(matches!(never, ClientError::NoJob { .. }), "{never}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_claims_and_everything_comes_back() {
    let story = Story::begin().await;
    // A node is there, but the job never reaches its floor.
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| config.price_floor = 5_000_000);
    node.start(None).await;
    let before = story.accounts().await;
    let mut terms = story.terms();
    // Long enough for a busy node to see it while it could be claimed.
    terms.claim_slots = 100;
    let posted = story.post(&story.work(1), &terms).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Expired);
    let record = node.until(&posted.address, |record| record.is_finished()).await;
    assert!(serde_json::to_string(&record).unwrap().contains("N0206"), "{record:?}");
    story.close(&posted.address, &[]).await;
    assert_eq!(story.accounts().await.tokens, before.tokens);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rising_price_is_taken_at_the_floor() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| config.price_floor = 2_000_000);
    node.start(None).await;
    let mut terms = story.terms();
    (terms.price_min, terms.price_max) = (1_800_000, 4_000_000);
    // The floor is reached after a tenth of the ramp; the rest is time for a busy node to see it.
    (terms.ramp_hold_slots, terms.ramp_slots) = (2, 450);
    let posted = story.post(&story.work(1), &terms).await;
    let job = story.end(&posted.address).await;
    assert_eq!(job.state, JobState::Settled);
    assert!((2_000_000..4_000_000).contains(&job.price), "claimed at {}", job.price);
    story.close(&posted.address, &[node.address]).await;
}
