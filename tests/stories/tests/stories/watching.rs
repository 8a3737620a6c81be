//! Mode `watch`: it sees everything, says it, and never sends a transaction.

use assay::dispute::{ChallengeState, Target};
use assay::state_machine::JobState;
use assay_client::Terms;
use assay_validator::watching::Market;
use serde_json::Value;
use std::net::SocketAddr;
use story_tests::{Challenger, NodeProcess, Placement, Proxy, Story, ValidatorProcess, everything_work};

/// The graph of this story.
const WATCHED: u32 = 16;

/// A placement behind a proxy that counts requests.
async fn counted(story: &Story) -> (Proxy, Placement) {
    let straight = story.placement();
    let target: SocketAddr = straight.rpc_url.split("//").nth(1).unwrap().trim_end_matches('/').parse().unwrap();
    let proxy = Proxy::to(target).await;
    let rpc_url = format!("http://{}", proxy.address());
    (proxy, Placement { rpc_url, ws_url: straight.ws_url })
}

/// What a validator in mode `watch` sees.
async fn market(watch: &ValidatorProcess) -> Market {
    watch.status().await.and_then(|status| status.market).unwrap_or_default()
}

async fn alerted(watch: &ValidatorProcess, code: &str, job: &str) -> bool {
    market(watch).await.alerts.iter().any(|alert| alert.code == code && alert.job == job)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_sees_a_dispute_from_its_beginning_to_the_conviction_and_sends_nothing() {
    let story = Story::begin().await;
    let work = everything_work(WATCHED, 0);
    let (watched, placement) = counted(&story).await;
    let mut watch = ValidatorProcess::new(&story, "watch", placement, "watch", &work);
    watch.start(None).await;
    let held = story.stake_tokens_of(&watch.key).await;
    let mut node = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies("weight");
    node.start(None).await;
    let terms = Terms { bond: Some(10_000_000), window_slots: Some(1_000), ..story.terms() };
    let posted = story.post(&work, &terms).await;
    let (job, text) = (&posted.address, posted.address.to_string());
    let challenger = Challenger::new(&story, "challenger", job, Target::boundary(0), [7; 32]);
    let committed = story.committed(job).await;
    let listed = async || market(&watch).await.jobs.into_iter().find(|open| open.job == text);
    story.until("the open result is listed", async || listed().await.is_some()).await;
    let open = listed().await.expect("its window is open");
    assert_eq!((open.state.as_str(), open.last_slot), ("committed", committed.committed_slot + committed.window_slots));

    // Somebody seals a challenge and gives it up again: until then nobody else knows that the result is wrong.
    challenger.commit().await;
    let seen = async || market(&watch).await.challenges.into_iter().find(|challenge| challenge.job == text);
    story.until("the challenge is listed", async || seen().await.is_some()).await;
    let sealed = seen().await.expect("it is not closed");
    assert_eq!((sealed.state.as_str(), sealed.target), ("sealed", None));
    assert_eq!(sealed.challenger, challenger.address().to_string());
    assert!(sealed.clock.is_some_and(|clock| clock.left_slots <= clock.length_slots), "{:?}", sealed.clock);
    story.until("the challenge is told", async || alerted(&watch, "V0801", &text).await).await;
    challenger.withdraw().await;
    challenger.reaches(ChallengeState::Lost).await;

    // The same executable in mode `audit`, through a proxy of the same kind: this one sends.
    let (audited, placement) = counted(&story).await;
    let mut audit = ValidatorProcess::new(&story, "audit", placement, "audit", &work);
    audit.start(None).await;
    assert_eq!(story.end(job).await.state, JobState::Convicted, "{}", audit.log());
    story.until("the conviction is told", async || alerted(&watch, "V0803", &text).await).await;
    assert!(audit.is_through_with(job).await["ending"]["ending"] == "won");
    story.until("the job is no longer open", async || listed().await.is_none()).await;

    // The command says what the process says.
    let (said, told) = (watch.status().await.expect("it answers"), watch.told());
    assert_eq!((&told["running"], &told["mode"]), (&Value::Bool(true), &Value::from("watch")));
    assert_eq!(told["challenger"], Value::from(watch.key.to_string()));
    let codes = |market: &Value| -> Vec<Value> {
        let alerts = market["alerts"].as_array().cloned().unwrap_or_default();
        alerts.into_iter().filter(|alert| alert["job"] == text.as_str()).map(|alert| alert["code"].clone()).collect()
    };
    let said = serde_json::to_value(said.market).expect("JSON");
    assert_eq!(codes(&told["market"]), codes(&said));
    let codes = codes(&said);
    assert_eq!((codes.first(), codes.last()), (Some(&Value::from("V0801")), Some(&Value::from("V0803"))), "{codes:?}");
    assert_eq!(told["jobs"], Value::Array(Vec::new()), "it looked into nothing itself");

    let ((asked, sent), (_, audit_sent)) = (watched.requests(), audited.requests());
    assert!(asked > 0, "it does look at the chain");
    assert_eq!(sent, 0, "and never sends; of {asked} requests, {sent} did");
    assert!(audit_sent > 0, "which the proxy would have seen");
    assert_eq!(story.stake_tokens_of(&watch.key).await, held);

    challenger.close().await;
    story.close_one(job).await;
    story.leaves_nothing(&[*job, challenger.address(), audit.key]).await;
}
