//! The node dies, at every place at which that could cost its bond, and comes back.

use assay::state_machine::JobState;
use story_tests::{NodeProcess, Story};

/// Kills a node at a place, starts it again, and expects the job to settle as if nothing had happened.
async fn dies_and_recovers(places: &[&str]) {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    for (index, place) in places.iter().enumerate() {
        let work = story.work(index as u64);
        node.start(Some(place)).await;
        let posted = story.post(&work, &story.terms()).await;
        node.dies().await;
        node.start(None).await;
        let job = story.end(&posted.address).await;
        assert_eq!(job.state, JobState::Settled, "died {place}");
        assert_eq!(job.node, node.address, "died {place}");
        story.client.result(&posted.address, &work, &job).await.expect("the result survived");
        node.until(&posted.address, |record| record.is_finished()).await;
        let account = story.chain().node(&node.address).await.unwrap();
        assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0), "died {place}");
        assert_eq!(account.jobs_missed, 0, "died {place}");
        assert_eq!(account.jobs_settled, index as u64 + 1, "claimed and settled once: died {place}");
        story.close(&posted.address, &[node.address]).await;
        node.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_claim_and_commitment() {
    dies_and_recovers(&["after_claim_signed", "after_claim_landed", "after_run", "after_execute"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_the_commitment_and_the_payment() {
    dies_and_recovers(&[
        "after_commit_signed",
        "after_commit_landed",
        "after_finalise_signed",
        "after_withdraw_signed",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_never_delivers_pays_the_charge_and_the_client_loses_nothing() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(Some("after_claim_landed")).await;
    let before = story.accounts().await;
    let mut terms = story.terms();
    terms.run_slots = 15;
    let posted = story.post(&story.work(1), &terms).await;
    node.dies().await;
    let job = story.end(&posted.address).await;
    assert_eq!(job.state, JobState::Missed);
    assert_eq!(job.credits.client, 1_000_000, "the whole escrow comes back");
    // 5 % of the bond, which is as large as the price.
    assert_eq!((job.bond, job.charge_credit), (1_000_000, 50_000));
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE - 50_000, 0, 0));
    assert_eq!((account.jobs_settled, account.jobs_missed), (0, 1));
    story.close(&posted.address, &[node.address]).await;
    let after = story.accounts().await;
    assert_eq!((after.tokens, after.stake_tokens), (before.tokens, before.stake_tokens + 50_000));
}
