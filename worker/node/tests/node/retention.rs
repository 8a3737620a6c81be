//! What stays in the node's store, and for how long.

use crate::rig::{Rig, Source, config, until, world};
use crate::world::TestMarket;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_node::config::{NodeConfig, Retention};
use assay_node::journal::Stage;
use assay_store::{ArtifactId, ArtifactUri};
use solana_sdk::pubkey::Pubkey;

const JOB: Pubkey = Pubkey::new_from_array([3; 32]);

/// Only jobs keep artifacts: nothing stays because it is young.
fn strict(results_slots: u64) -> NodeConfig {
    NodeConfig { retention: Retention { results_slots, unused_seconds: 0, ..Retention::default() }, ..config() }
}

async fn has(rig: &Rig, id: ArtifactId) -> bool {
    rig.shared.publisher.store.contains(&id).await.unwrap()
}

fn inputs_of(job: &Job) -> ArtifactId {
    ArtifactUri::parse(&job.inputs_uri).unwrap().id()
}

async fn stored(rig: &Rig) -> usize {
    rig.shared.publisher.store.list().await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_stay_through_the_window_and_some_slots_more_and_then_go() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, strict(10_000_000));
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    until("commit", || market.with(|world| world.job(&JOB).unwrap().state == JobState::Committed)).await;
    let manifest = ArtifactId(market.with(|world| world.job(&JOB).unwrap().result_manifest));
    // Graph, params, inputs, two boundary tensors and their manifest.
    for _ in 0..3 {
        assert_eq!(rig.shared.tidy(u64::MAX).await.unwrap().artifacts, 0, "the window is open");
    }
    assert_eq!(stored(&rig).await, 6);
    market.with(|world| {
        let mut job = world.job(&JOB).unwrap();
        job.window_slots = 1;
        world.put_job(&JOB, &job);
    });
    until("the end", || driver.is_finished()).await;
    driver.await.unwrap().unwrap();
    let over = rig.record(&JOB).unwrap().last_slot;
    let kept = over + 10_000_000;
    assert_eq!(rig.shared.journal.holding(&JOB).unwrap().unwrap().release_slot, Some(kept));
    assert_eq!(rig.shared.tidy(kept - 1).await.unwrap().artifacts, 0, "clients may still fetch the result");
    assert!(has(&rig, manifest).await && has(&rig, inputs_of(&job)).await);
    assert_eq!(rig.shared.tidy(kept).await.unwrap().artifacts, 6);
    assert_eq!(stored(&rig).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_fetched_for_a_job_that_others_took_goes_at_the_next_look() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.bond = 600;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, strict(0));
    // All is fetched before the stake is looked at again; then the claim fails for good.
    market.refuse(assay_node::journal::Purpose::Claim, assay::AssayError::StakeBelowJobMinimum);
    rig.drive(&JOB).await;
    assert!(matches!(rig.record(&JOB).unwrap().stage, Stage::Finished(_)));
    assert_eq!(stored(&rig).await, 3);
    assert_eq!(rig.shared.tidy(market.with(|world| world.slot)).await.unwrap().artifacts, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_that_two_jobs_share_stay_for_the_one_that_is_open() {
    let source = Source::start().await;
    let job = source.job().await;
    let open = Pubkey::new_unique();
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let mut longer = source.job().await;
    longer.window_slots = 1_000_000;
    market.with(|world| world.put_job(&open, &longer));
    let rig = Rig::new(folder.path(), &market, strict(0));
    rig.drive(&JOB).await;
    let driver = tokio::spawn(rig.driver(&open).run(rig.cancel.clone()));
    until("commit", || market.with(|world| world.job(&open).unwrap().state == JobState::Committed)).await;
    let swept = rig.shared.tidy(u64::MAX - 1).await.unwrap();
    assert_eq!(swept.artifacts, 1, "the manifest of the job that is over; all else is the same in both");
    assert!(has(&rig, inputs_of(&job)).await);
    rig.cancel.cancel();
    driver.await.unwrap().unwrap();
    // The driver is gone, the job is not over: the journal alone keeps what it needs.
    assert_eq!(rig.shared.tidy(u64::MAX - 1).await.unwrap().artifacts, 0);
    let slots = source.resolved.boundary.len();
    let manifest = market.with(|world| world.job(&open).unwrap().result_manifest);
    assert_eq!(rig.shared.publisher.result(&manifest, &source.resolved).await.unwrap().len(), slots);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_an_earlier_version_are_held_from_the_start() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, strict(0));
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    until("commit", || matches!(rig.record(&JOB).map(|record| record.stage), Some(Stage::Committed(_)))).await;
    rig.cancel.cancel();
    driver.await.unwrap().unwrap();
    rig.shared.journal.release(&JOB, 0).unwrap();
    rig.shared.journal.forget_released(0).unwrap();
    rig.shared.adopt_results().await.unwrap();
    rig.shared.tidy(u64::MAX - 1).await.unwrap();
    let manifest = market.with(|world| world.job(&JOB).unwrap().result_manifest);
    assert!(rig.shared.publisher.result(&manifest, &source.resolved).await.is_ok());
}

/// Nobody drives the job: what the journal holds is what stays, also after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_and_traces_outlive_a_restart_until_their_window_is_over() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, strict(100));
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    until("commit", || matches!(rig.record(&JOB).map(|record| record.stage), Some(Stage::Committed(_)))).await;
    let trace = rig.shared.segment(JOB, 0).await.unwrap();
    rig.cancel.cancel();
    driver.await.unwrap().unwrap();
    let count = stored(&rig).await;
    rig.crash().await;
    let rig = Rig::new(folder.path(), &market, strict(100));
    for _ in 0..2 {
        assert_eq!(rig.shared.tidy(u64::MAX - 1).await.unwrap().artifacts, 0, "the window is open");
    }
    assert_eq!(stored(&rig).await, count);
    assert_eq!(rig.shared.segment(JOB, 0).await.unwrap(), trace);
    assert_eq!(rig.runs.load(std::sync::atomic::Ordering::SeqCst), 0, "it is served, not computed again");
    // The window is over: the client has some slots more, and then everything goes.
    market.with(|world| {
        let mut job = world.job(&JOB).unwrap();
        job.window_slots = 1;
        world.put_job(&JOB, &job);
    });
    rig.drive(&JOB).await;
    let over = rig.record(&JOB).unwrap().last_slot;
    rig.crash().await;
    let rig = Rig::new(folder.path(), &market, strict(100));
    assert_eq!(rig.shared.tidy(over + 99).await.unwrap().artifacts, 0, "clients may still fetch the result");
    assert_eq!(rig.shared.tidy(over + 100).await.unwrap().artifacts, count);
    assert_eq!(stored(&rig).await, 0);
}
