//! How a node is spoken to while it runs, how it leaves, and what its exit status says.

use assay::state_machine::JobState;
use assay_node::journal::Stage;
use story_tests::{NodeProcess, Story};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_to_leave_sees_its_window_to_the_end_whatever_happens_meanwhile() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let (status, dry, said) = node.ask(&["node", "exit", "--dry-run"]);
    assert_eq!((status, dry["left"].as_bool(), dry["running"].as_bool()), (Some(0), Some(true), Some(false)), "{said}");
    node.start(None).await;
    let mut terms = story.terms();
    // All of what is said to it and done to it has to come before the end of the window, on a busy machine too.
    terms.window_slots = Some(250);
    let posted = story.post(&story.work(1), &terms).await;
    node.until(&posted.address, |record| matches!(record.stage, Stage::Committed(_))).await;

    let (status, dry, said) = node.ask(&["node", "exit", "--dry-run"]);
    assert_eq!(status, Some(0), "{said}");
    let job = story.chain().job(&posted.address).await.unwrap();
    let window_ends = job.committed_slot + job.window_slots + 1;
    assert_eq!(dry["service_until_slot"].as_u64(), Some(window_ends), "{dry}");
    assert_eq!(dry["holds"][0]["address"].as_str(), Some(posted.address.to_string().as_str()), "{dry}");
    assert_eq!(dry["leaving"].as_bool(), Some(false), "a dry run changes nothing");

    // Told, then cut off twice: the command does not wait, and the node is killed.
    let (status, told, said) = node.ask(&["node", "exit", "--no-wait"]);
    assert_eq!((status, told["leaving"].as_bool()), (Some(0), Some(true)), "{said}");
    node.kill();
    node.start(None).await;
    let leaves = || async { node.status().await.is_some_and(|status| status.is_draining) };
    story.until("it goes on leaving", leaves).await;
    let reasons = node.status().await.unwrap().readiness.reasons;
    assert!(reasons.iter().any(|reason| reason.code == "N0521"), "{reasons:?}");
    let mut patient = story.terms();
    patient.claim_slots = 2_000;
    let late = story.post(&story.work(2), &patient).await;

    let (status, left, said) = node.ask(&["node", "exit"]);
    assert_eq!(
        (status, left["left"].as_bool(), left["running"].as_bool()),
        (Some(0), Some(true), Some(false)),
        "{said}"
    );
    assert_eq!(node.ends().await, Some(6), "{}", node.log());
    assert_eq!(story.chain().job(&posted.address).await.unwrap().state, JobState::Settled);
    assert_eq!(story.chain().job(&late.address).await.unwrap().state, JobState::Posted, "nothing new was taken");
    let held = left["holds"].as_array().unwrap();
    assert!(held.iter().all(|hold| hold["needs_service"] == false), "{left}");
    assert!(!node.data().join("leaving").exists());

    // It comes back as if nothing had been.
    node.start(None).await;
    node.until(&late.address, |record| record.is_finished()).await;
    node.terminate();
    assert_eq!(node.ends().await, Some(0), "{}", node.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_running_node_is_changed_by_its_owner_alone_and_its_exit_status_says_why_it_ended() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let (status, _, said) = node.ask(&["node", "log"]);
    assert!(status == Some(1) && said.contains("T0112"), "nobody is there: {said}");
    node.start(None).await;
    let (status, shown, said) = node.ask(&["node", "log"]);
    assert!(status == Some(0) && shown["filter"].as_str().unwrap().contains("assay_node=debug"), "{shown} {said}");
    let (status, _, said) = node.ask(&["node", "log", "assay_node=loud"]);
    assert!(status == Some(1) && said.contains("A0221"), "{said}");
    let (status, changed, said) = node.ask(&["node", "log", "error,assay=warn"]);
    assert!(status == Some(0) && changed["before"].as_str().unwrap().contains("debug"), "{changed} {said}");
    assert!(node.whole_log().contains("the filter of the log was changed"), "{}", node.log());
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(node.data().join("control")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);

    let (status, _, said) = node.ask(&["node", "run"]);
    assert!(status == Some(7) && said.contains("N0930"), "another node on the same folder: {said}");
    node.terminate();
    assert_eq!(node.ends().await, Some(0), "{}", node.log());
    std::fs::write(node.data().join("node.toml"), "concurrent_jobs = 0\n").unwrap();
    let (status, _, said) = node.ask(&["node", "run"]);
    assert!(status == Some(8) && said.contains("N0003"), "{said}");
}
