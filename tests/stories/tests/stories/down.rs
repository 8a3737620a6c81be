//! Stores that are down for a while: nothing is promised that could not be kept, and what was promised is kept.

use assay::state_machine::JobState;
use assay_client::{Terms, Work};
use assay_node::journal::{Outcome, Record, Stage};
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;
use story_tests::{NodeProcess, Proxy, Story};

/// The client's store as others see it, and where.
async fn store_of(story: &Story) -> (Proxy, String) {
    let target: SocketAddr = story.store_url.trim_start_matches("http://").parse().expect("an address");
    let proxy = Proxy::to(target).await;
    let url = format!("http://{}", proxy.address());
    (proxy, url)
}

fn register(story: &Story) -> NodeProcess {
    NodeProcess::register(story, "node", story.placement(), |config| config.limits.fetch_seconds = 2)
}

/// Posts a job whose artifacts lie at `url`.
async fn post(story: &Story, work: &Work, url: &str, terms: &Terms) -> Pubkey {
    let artifacts = work.store(&story.store, url).await.expect("artifacts are stored");
    story.client.post(work, &artifacts, terms).await.expect("the job is posted").address
}

/// Waits until the node has said so many times that this job's artifacts are not to be had.
async fn misses_the_store(story: &Story, node: &NodeProcess, job: &Pubkey, times: usize) {
    let job = job.to_string();
    let told = || node.whole_log().lines().filter(|line| line.contains(&job) && line.contains("N0201")).count();
    story.until("the node says what it lacks", async || told() >= times).await;
}

async fn has_nothing_at_risk(story: &Story, node: &NodeProcess) {
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    assert_eq!(account.jobs_missed, 0);
}

/// The job is paid, its result is right, and nothing is left of it.
async fn settles(story: &Story, node: &NodeProcess, work: &Work, job: &Pubkey) {
    let ended = story.end(job).await;
    assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
    story.client.result(job, work, &ended).await.expect("the node serves the result");
    node.until(job, Record::is_finished).await;
    story.close_one(job).await;
    has_nothing_at_risk(story, node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_store_is_down_waits_unclaimed_until_it_is_back_and_is_left_if_it_never_is() {
    let story = Story::begin().await;
    let (store, url) = store_of(&story).await;
    let mut node = register(&story);
    node.start(None).await;
    store.goes_down();
    let (work, terms) = (story.work(1), Terms { claim_slots: 2_000, ..story.terms() });
    let waiting = post(&story, &work, &url, &terms).await;
    misses_the_store(&story, &node, &waiting, 2).await;
    assert_eq!(story.chain().job(&waiting).await.unwrap().state, JobState::Posted, "nothing is promised");
    has_nothing_at_risk(&story, &node).await;
    store.comes_back();
    settles(&story, &node, &work, &waiting).await;

    store.goes_down();
    // Long enough for a busy node to see it, or it would not know why others could not have it.
    let lost = post(&story, &story.work(2), &url, &Terms { claim_slots: 100, ..terms }).await;
    assert_eq!(story.end(&lost).await.state, JobState::Expired);
    let record = node.until(&lost, Record::is_finished).await;
    let Stage::Finished(Outcome::Skipped(refusal)) = &record.stage else { panic!("{record:?}") };
    assert_eq!(refusal.code, "N0201", "{refusal}");
    has_nothing_at_risk(&story, &node).await;
    story.close_one(&lost).await;
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_claimed_is_committed_to_and_paid_although_every_store_of_the_client_is_down() {
    let story = Story::begin().await;
    let (store, url) = store_of(&story).await;
    let mut node = register(&story);
    node.start(Some("after_claim_landed")).await;
    let terms = Terms { run_slots: 2_000, store_uri: Some(url.clone()), ..story.terms() };
    let work = story.work(3);
    let job = post(&story, &work, &url, &terms).await;
    node.dies().await;
    store.goes_down();
    node.start(None).await;
    settles(&story, &node, &work, &job).await;
    let log = node.whole_log();
    assert!(log.contains("upload failed") || log.contains("upload took too long"), "it was tried: {log}");
    story.balanced(&[node.address]).await;
}

/// The node's own store, with all that it had fetched, is gone when it starts again, and the client's is down.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_store_after_the_claim_keeps_its_promise_when_the_clients_is_back() {
    let story = Story::begin().await;
    let (store, url) = store_of(&story).await;
    let mut node = register(&story);
    node.start(Some("after_claim_landed")).await;
    let (work, terms) = (story.work(4), Terms { run_slots: 2_000, ..story.terms() });
    let job = post(&story, &work, &url, &terms).await;
    node.dies().await;
    std::fs::remove_dir_all(node.data().join("artifacts")).expect("the store was there");
    store.goes_down();
    node.start(None).await;
    misses_the_store(&story, &node, &job, 1).await;
    assert_eq!(story.chain().job(&job).await.unwrap().state, JobState::Claimed, "there is time");
    store.comes_back();
    settles(&story, &node, &work, &job).await;
    story.balanced(&[node.address]).await;
}
