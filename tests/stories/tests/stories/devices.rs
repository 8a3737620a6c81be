//! A device that is lost in the middle of a run: the job is computed all the same, and paid.

use assay::state_machine::JobState;
use assay_client::Work;
use assay_node::config::BackendChoice;
use assay_node::journal::{Computed, Record};
use std::io::Write;
use story_tests::{NodeProcess, Story};

/// Posts a job, waits until it is paid, checks its result, and says what computed it.
async fn computed(story: &Story, node: &NodeProcess, work: &Work) -> Computed {
    let job = story.post(work, &story.terms()).await.address;
    let ended = story.end(&job).await;
    assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
    story.client.result(&job, work, &ended).await.expect("the result is served");
    let record = node.until(&job, Record::is_finished).await;
    story.close_one(&job).await;
    record.computed.expect("it was computed")
}

async fn lost_nothing(story: &Story, node: &NodeProcess, jobs: u64) {
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    assert_eq!((account.jobs_settled, account.jobs_missed), (jobs, 0));
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_breaks_off_with_its_only_device_is_run_again_and_paid() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {}).lies("lose-device:backend=cpu");
    node.start(None).await;
    assert_eq!(computed(&story, &node, &story.work(1)).await.backend, "cpu");
    let log = node.whole_log();
    assert!(log.contains("fails in its middle, on purpose") && log.contains("backend failed"), "{log}");
    lost_nothing(&story, &node, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_adapter_is_lost_moves_to_the_processor_and_the_next_one_finds_the_adapter_again() {
    let story = Story::begin().await;
    let on_an_adapter = |config: &mut assay_node::config::NodeConfig| config.backend = BackendChoice::Auto;
    let mut node =
        NodeProcess::register(&story, "node", story.placement(), on_an_adapter).lies("lose-device:backend=wgpu");
    node.start(None).await;
    let backends = node.status().await.expect("it answers").backends;
    if !backends.iter().any(|(name, _)| name == "wgpu") {
        assert!(std::env::var_os("ASSAY_REQUIRE_GPU").is_none(), "there is no adapter: {}", node.log());
        let _ = writeln!(std::io::stderr(), "NOT TESTED: an adapter that is lost, because there is none");
        return;
    }
    assert_eq!(computed(&story, &node, &story.work(1)).await.backend, "cpu", "{}", node.log());
    let log = node.whole_log();
    assert!(log.contains("backend failed") && log.contains("the work moved to this adapter"), "{log}");
    assert_eq!(computed(&story, &node, &story.work(2)).await.backend, "wgpu", "{}", node.log());
    assert!(node.whole_log().contains("the device was lost and is opened again"), "{}", node.log());
    lost_nothing(&story, &node, 2).await;
}
