//! A node that stops claiming by itself, and what its owner sees of it and can do about it.

use assay::state_machine::JobState;
use assay_node::config::NodeConfig;
use serde_json::Value;
use std::time::Duration;
use story_tests::{FaultyRpc, NodeProcess, RpcFault, Story};

/// What `assay node breaker` says of one cause.
fn cause<'a>(shown: &'a Value, name: &str) -> &'a Value {
    let causes = shown["causes"].as_array().expect("a list of causes");
    causes.iter().find(|cause| cause["cause"] == name).unwrap_or_else(|| panic!("{name} is not in {shown}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_died_over_its_job_keeps_it_and_claims_nothing_more_until_its_owner_says_so() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| {
        config.breaker.failures = 1;
        config.breaker.pause_slots = 1_000_000;
        config.breaker.longest_pause_slots = 1_000_000;
    });
    node.start(Some("after_run")).await;
    let first = story.post(&story.work(1), &story.terms()).await;
    node.dies().await;
    node.start(None).await;
    let mut patient = story.terms();
    patient.claim_slots = 2_000;
    let second = story.post(&story.work(2), &patient).await;
    let kept = story.end(&first.address).await;
    assert_eq!((kept.state, kept.node), (JobState::Settled, node.address), "the promise is kept");

    let (status, shown, said) = node.ask(&["node", "breaker"]);
    assert_eq!(
        (status, shown["claims"].as_bool(), shown["running"].as_bool()),
        (Some(0), Some(false), Some(true)),
        "{said}"
    );
    assert_eq!(cause(&shown, "failures")["phase"], "open", "{shown}");
    assert_eq!(cause(&shown, "balance")["phase"], "closed", "{shown}");
    let status = node.status().await.expect("it runs");
    assert!(status.readiness.reasons.iter().any(|reason| reason.code == "N0241"), "{:?}", status.readiness);
    let (_, doctor, said) = node.ask(&["node", "doctor", "--quick"]);
    let findings = doctor["findings"].as_array().cloned().unwrap_or_default();
    assert!(findings.iter().any(|finding| finding["code"] == "N0241"), "{doctor} {said}");

    // A restart is no way around it, and the journal says so while nothing runs.
    node.terminate();
    assert_eq!(node.ends().await, Some(0), "{}", node.log());
    let (status, shown, said) = node.ask(&["node", "breaker"]);
    assert_eq!((status, shown["running"].as_bool()), (Some(0), Some(false)), "{said}");
    assert_eq!(cause(&shown, "failures")["phase"], "open", "{shown}");
    node.start(None).await;
    let is_open = || async {
        let status = node.status().await;
        status.is_some_and(|status| status.slot > 0 && status.breaker.stops(None).is_some())
    };
    story.until("it is stopped as before", is_open).await;
    assert_eq!(story.chain().job(&second.address).await.unwrap().state, JobState::Posted);

    let (status, shown, said) = node.ask(&["node", "breaker", "reset", "--cause", "failures"]);
    assert_eq!((status, shown["claims"].as_bool()), (Some(0), Some(true)), "{shown} {said}");
    let taken = story.end(&second.address).await;
    assert_eq!((taken.state, taken.node), (JobState::Settled, node.address));
    let (_, shown, said) = node.ask(&["node", "breaker"]);
    assert_eq!(
        (cause(&shown, "failures")["trips"].as_u64(), shown["claims"].as_bool()),
        (Some(1), Some(true)),
        "{said}"
    );
}

/// From its next start on, the node compares its endpoint with this one.
fn compare_with(node: &NodeProcess, endpoint: &str) {
    let path = node.data().join("node.toml");
    let mut config = NodeConfig::from_file(&path).expect("the settings that init wrote");
    config.disputes.further_endpoints = vec![endpoint.to_owned()];
    // Ten seconds: longer than a busy machine answers one question after the other, and shorter than the lag.
    (config.breaker.disagreement_slots, config.breaker.disagreement_seconds) = (50, 1);
    std::fs::write(&path, config.to_toml().expect("settings are TOML")).expect("settings can be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_endpoints_contradict_each_other_claims_nothing_until_they_agree() {
    let story = Story::begin().await;
    let straight = story.placement().rpc_url;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    compare_with(&node, &straight);
    node.start(None).await;
    let first = story.post(&story.work(1), &story.terms()).await;
    assert_eq!(story.end(&first.address).await.node, node.address, "two that agree are in nobody's way");
    let (_, shown, said) = node.ask(&["node", "breaker"]);
    assert_eq!(
        (cause(&shown, "disagreement")["trips"].as_u64(), shown["claims"].as_bool()),
        (Some(0), Some(true)),
        "{said}"
    );
    node.kill();

    let behind = FaultyRpc::to(&straight, RpcFault::Lags { by: Duration::from_secs(20) }).await;
    compare_with(&node, &behind.url());
    node.start(None).await;
    let is_open = || async {
        let status = node.status().await;
        status.and_then(|status| status.breaker.stops(None).map(|report| report.code == "N0245")).unwrap_or(false)
    };
    story.until("it stops", is_open).await;
    let mut patient = story.terms();
    patient.claim_slots = 2_000;
    let second = story.post(&story.work(2), &patient).await;
    node.kill();
    assert_eq!(story.chain().job(&second.address).await.unwrap().state, JobState::Posted);

    compare_with(&node, &straight);
    node.start(None).await;
    assert_eq!(story.end(&second.address).await.node, node.address);
    let (_, shown, said) = node.ask(&["node", "breaker"]);
    assert_eq!(
        (cause(&shown, "disagreement")["trips"].as_u64(), shown["claims"].as_bool()),
        (Some(1), Some(true)),
        "{said}"
    );
}
