//! Everything goes as it should.

use assay::state_machine::JobState;
use assay_client::Client;
use assay_kernels::{CpuBackend, CpuOptions};
use assay_node::journal::{Outcome, Stage};
use story_tests::{NodeProcess, Story};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_posted_computed_settled_paid_and_closed() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;
    let before = story.accounts().await;
    let work = story.work(1);
    let posted = story.post(&work, &story.terms()).await;
    assert_eq!(story.accounts().await.tokens, before.tokens - 1_000_000, "the maximum price is escrowed");

    let job = story.end(&posted.address).await;
    assert_eq!(job.state, JobState::Settled);
    assert_eq!(job.node, node.address);
    assert_eq!(job.price, 1_000_000);
    let output = story.client.result(&posted.address, &work, &job).await.expect("a checked result");
    assert!(!output.is_empty());
    let replay = CpuBackend::new(CpuOptions::default()).expect("a CPU backend");
    Client::verify(&work, &job, &replay).expect("the commitment is that of a replay");

    let record = node.until(&posted.address, |record| record.is_finished()).await;
    assert!(matches!(record.stage, Stage::Finished(Outcome::Paid { amount }) if amount > 0), "{record:?}");
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    assert_eq!((account.jobs_settled, account.jobs_missed), (1, 0));
    story.close(&posted.address, &[node.address]).await;
    // 2 % of the price is the protocol's; posting and closing cost fees, but no rent but that of the client's counter.
    assert_eq!(story.fees().await, 20_000);
    assert_eq!(story.paid_to(&node.address).await, 980_000);
    let spent = before.lamports - story.accounts().await.lamports;
    assert!(spent < 3_000_000, "rent came back: {spent} lamports were spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_race_and_the_loser_loses_nothing() {
    let story = Story::begin().await;
    let mut nodes = Vec::new();
    for name in ["first", "second"] {
        let mut node = NodeProcess::register(&story, name, story.placement(), |_| {});
        node.start(None).await;
        nodes.push(node);
    }
    let work = story.work(2);
    let mut posted = Vec::new();
    for _ in 0..4 {
        posted.push(story.post(&work, &story.terms()).await);
    }
    for one in &posted {
        assert_eq!(story.end(&one.address).await.state, JobState::Settled);
    }
    for one in &posted {
        story.close_one(&one.address).await;
    }
    let mut settled = 0;
    for node in &nodes {
        // A node may not even have seen the jobs that the other one took.
        node.until_idle().await;
        let account = story.chain().node(&node.address).await.unwrap();
        assert_eq!((account.stake, account.locked, account.open_jobs, account.jobs_missed), (Story::STAKE, 0, 0, 0));
        settled += account.jobs_settled;
    }
    assert_eq!(settled, 4, "each job has exactly one winner");
    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    story.balanced(&addresses).await;
}
