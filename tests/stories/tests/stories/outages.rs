//! Validators and nodes die, and the chain cannot be reached for a while, in the middle of a dispute.

use assay::state_machine::JobState;
use assay_client::Terms;
use std::net::SocketAddr;
use std::time::Duration;
use story_tests::{Challenger, NodeProcess, Placement, Proxy, Story, ValidatorProcess, everything_work};

/// The graphs of these stories.
const RESUMED: u32 = 7;
const CUT_OFF: u32 = 8;
const KILLED: u32 = 9;
const OFFLINE: u32 = 10;
const BOND: u64 = 10_000_000;

/// The window of an honest result is waited for.
fn terms(story: &Story) -> Terms {
    Terms { bond: Some(BOND), window_slots: Some(250), ..story.terms() }
}

/// That of a lie is ended by the conviction, however often the validator dies or is cut off before.
fn terms_of_a_liar(story: &Story) -> Terms {
    Terms { window_slots: Some(1_000), ..terms(story) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_killed_at_every_step_of_its_dispute_goes_on_and_wins() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies("weight");
    node.start(None).await;
    let work = everything_work(RESUMED, 0);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &work);
    let before = story.stake_tokens_of(&validator.key).await;
    let posted = story.post(&work, &terms_of_a_liar(&story)).await;
    for place in ["after_seal", "after_commit_landed", "after_upload_part", "after_prove_signed"] {
        validator.start(Some(place)).await;
        validator.dies().await;
    }
    validator.start(None).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Convicted, "{}", validator.log());
    let record = validator.is_through_with(&posted.address).await;
    assert_eq!(record["ending"]["ending"], "won", "{record}");
    story.close_one(&posted.address).await;
    assert_eq!(story.stake_tokens_of(&validator.key).await - before, BOND / 2, "one bond, one bounty");
    story.leaves_nothing(&[posted.address, validator.key]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_cut_off_from_the_chain_again_and_again_wins_all_the_same() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies("table");
    node.start(None).await;
    let straight = story.placement();
    let target = |url: &str| -> SocketAddr { url.split("//").nth(1).unwrap().trim_end_matches('/').parse().unwrap() };
    let rpc = Proxy::to(target(&straight.rpc_url)).await;
    let ws = Proxy::to(target(&straight.ws_url)).await;
    let placement =
        Placement { rpc_url: format!("http://{}", rpc.address()), ws_url: format!("ws://{}", ws.address()) };
    let work = everything_work(CUT_OFF, 0);
    let mut validator = ValidatorProcess::new(&story, "validator", placement, "audit", &work);
    validator.start(None).await;
    let cutting = tokio::spawn(async move {
        loop {
            // Longer than a busy machine takes to answer, or nothing would ever get through.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            rpc.cut();
            ws.cut();
        }
    });
    let posted = story.post(&work, &terms_of_a_liar(&story)).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Convicted, "{}", validator.log());
    let record = validator.is_through_with(&posted.address).await;
    assert_eq!(record["ending"]["ending"], "won", "{record}");
    cutting.abort();
    story.close_one(&posted.address).await;
    story.leaves_nothing(&[posted.address, validator.key]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_while_it_answers_a_challenge_finishes_after_its_restart() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(Some("before_root_recorded")).await;
    let work = everything_work(KILLED, 0);
    let posted = story.post(&work, &terms(&story)).await;
    let liar = Challenger::demanding(&story, &work, &posted.address).await;
    node.dies().await;
    node.start(None).await;
    story
        .until("the node answers", async || !story.chain().segment_claims(&posted.address).await.unwrap().is_empty())
        .await;
    liar.withdraw().await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Settled);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.locked, account.open_jobs, account.fraud_convictions), (0, 0, 0));
    assert!(account.stake > Story::STAKE, "half of the liar's bond is the node's: {}", account.stake);
    liar.close_demands().await;
    liar.close().await;
    liar.burn().await;
    story.close_one(&posted.address).await;
    story.leaves_nothing(&[posted.address, liar.address()]).await;
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offline_node_that_others_answer_for_keeps_its_bond() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;
    let work = everything_work(OFFLINE, 0);
    let mut defender = ValidatorProcess::new(&story, "defender", story.placement(), "defend", &work);
    defender.start(None).await;
    let before = story.stake_tokens_of(&defender.key).await;
    let posted = story.post(&work, &terms(&story)).await;
    defender.until(&posted.address, |record| record["audit"]["audit"] == "agreed").await;
    node.kill();
    let liar = Challenger::demanding(&story, &work, &posted.address).await;
    story
        .until("somebody answers", async || !story.chain().segment_claims(&posted.address).await.unwrap().is_empty())
        .await;
    liar.withdraw().await;
    node.start(None).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Settled);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.locked, account.open_jobs, account.fraud_convictions), (0, 0, 0));
    liar.close_demands().await;
    liar.close().await;
    liar.burn().await;
    story.until("the defender's bond is back", async || story.stake_tokens_of(&defender.key).await == before).await;
    story.close_one(&posted.address).await;
    story.leaves_nothing(&[posted.address, liar.address(), defender.key]).await;
    story.balanced(&[node.address]).await;
}
