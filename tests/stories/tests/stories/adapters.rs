//! A node that computes on several adapters.

use assay::state_machine::JobState;
use assay_node::config::AdapterSettings;
use story_tests::{NodeProcess, Story};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_two_adapters_keeps_its_promises_and_holds_nothing_afterwards() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| {
        let cpu = || AdapterSettings { threads: 1, ..AdapterSettings::default() };
        config.adapters = vec![cpu(), cpu()];
        config.concurrent_jobs = 4;
    });
    node.start(None).await;
    let work = story.work(3);
    let mut posted = Vec::new();
    for _ in 0..4 {
        posted.push(story.post(&work, &story.terms()).await);
    }
    for one in &posted {
        assert_eq!(story.end(&one.address).await.state, JobState::Settled);
        node.until(&one.address, |record| record.is_finished()).await;
    }
    let adapters = node.status().await.expect("it answers").adapters;
    let names: Vec<&str> = adapters.iter().map(|adapter| adapter.name.as_str()).collect();
    assert_eq!(names, ["cpu", "cpu-2"]);
    for adapter in &adapters {
        assert!(!adapter.is_fallback && adapter.distrusted.is_none() && adapter.memory_bytes > 0, "{adapter:?}");
        assert_eq!((adapter.queued, adapter.is_running, adapter.held_bytes), (0, false, 0), "{adapter:?}");
    }
    assert!(adapters.iter().any(|adapter| adapter.models > 0 && adapter.model_bytes > 0), "{adapters:?}");
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.jobs_settled, account.jobs_missed), (Story::STAKE, 0, 4, 0));
    let addresses: Vec<_> = posted.iter().map(|one| one.address).collect();
    for address in &addresses {
        story.close_one(address).await;
    }
    story.balanced(&[node.address]).await;
}
