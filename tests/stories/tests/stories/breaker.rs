//! A node that stops claiming by itself, and what its owner sees of it and can do about it.

use assay::state_machine::JobState;
use serde_json::Value;
use story_tests::{NodeProcess, Story};

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
    assert!(node.log().contains("the breaker opened"), "{}", node.log());

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
