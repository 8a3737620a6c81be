//! The inside of committed segments over HTTP: what is served, what is refused, and that no second root is ever signed.

use crate::rig::{ROWS, Rig, Source, config, until, world};
use crate::service::{Running, get, see, start};
use crate::world::{TestMarket, World};
use assay::state_machine::JobState;
use assay_audit::segment_trace;
use assay_kernels::Keep;
use assay_kernels::commit::Hasher;
use assay_models::manifest::{AdviceManifest, SegmentManifest};
use assay_node::config::{NodeConfig, Serving};
use assay_node::failpoint;
use assay_node::segments::SegmentError;
use assay_store::ArtifactId;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashSet;
use std::path::Path;

const JOB: Pubkey = Pubkey::new_from_array([3; 32]);

struct Setting {
    source: Source,
    market: TestMarket,
    rig: Rig,
    running: Running,
    _folder: tempfile::TempDir,
}

/// A service with one committed job, whose window stays open.
async fn committed(config: NodeConfig) -> Setting {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, config);
    let running = start(&rig).await;
    see(&running, &market, JOB).await;
    until("commit", || market.with(|world| world.job(&JOB).unwrap().state == JobState::Committed)).await;
    Setting { source, market, rig, running, _folder: folder }
}

impl Setting {
    async fn get(&self, path: &str) -> (u16, String, String) {
        let address = self.running.artifacts.trim_start_matches("http://").to_owned();
        let answer = get(&address, path).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head[9..12].parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    async fn refusal(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.get(path).await;
        let value: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let code = value["code"].as_str().unwrap_or_default().to_owned();
        assert!(value["message"].as_str().unwrap_or_default().starts_with(&code), "{body}");
        (status, code)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_segment_is_served_signed_and_equal_to_a_replay_and_computed_once() {
    let setting = committed(config()).await;
    let graph = &setting.source.resolved;
    let loaded = assay_kernels::Backend::load(&crate::rig::cpu(), graph.clone().into(), &setting.source.params);
    let replay = loaded.unwrap().run(&setting.source.inputs, Keep::Everything).unwrap().tensors;
    for segment in 0..graph.segments.len() as u16 {
        let path = format!("/v1/segments/{JOB}/{segment}");
        let (status, _, body) = setting.get(&path).await;
        assert_eq!(status, 200, "{body}");
        let manifest = SegmentManifest::decode(body.as_bytes(), graph, segment).unwrap();
        let expected = segment_trace(graph, segment, &replay, &Hasher::default()).unwrap();
        assert_eq!(manifest.root_hash().unwrap(), expected.root);
        let tensors = setting.rig.shared.publisher.tensors(&manifest.tensors).await.unwrap();
        assert!(tensors.iter().all(|(slot, bytes)| replay[slot] == *bytes));
        let runs = setting.rig.runs.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(setting.get(&path).await.2, body, "served again from the store");
        assert_eq!(setting.rig.runs.load(std::sync::atomic::Ordering::SeqCst), runs);
    }
    setting.market.with(|world| assert_eq!(world.segments_signed.len(), graph.segments.len()));
    // What was served stays as long as the job does.
    assert_eq!(setting.rig.shared.tidy(u64::MAX - 1).await.unwrap().artifacts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn advice_is_the_sums_of_the_contractions_of_the_trace() {
    let setting = committed(config()).await;
    let graph = &setting.source.resolved;
    let tensors = crate::disputes::replay(&setting.source);
    for segment in 0..2 {
        let path = format!("/v1/segments/{JOB}/{segment}/advice");
        let (status, _, body) = setting.get(&path).await;
        assert_eq!(status, 200, "{body}");
        let manifest = AdviceManifest::decode(body.as_bytes(), graph, segment).unwrap();
        let sets = [&tensors, &setting.source.params, &setting.source.inputs];
        let given = |slot| sets.into_iter().find_map(|set| set.get(&slot));
        let expected = assay_kernels::audit::advice(&crate::rig::cpu(), graph, segment, given).unwrap();
        assert_eq!(manifest.sums.len(), expected.len());
        for entry in &manifest.sums {
            let id: ArtifactId = entry.artifact.parse().unwrap();
            let bytes = setting.rig.shared.publisher.store.read(&id, entry.bytes).await.unwrap();
            assert_eq!(bytes.as_ref(), expected[&entry.op].as_ref());
        }
        assert_eq!(setting.get(&path).await.2, body, "served again from the store");
    }
    assert_eq!(setting.rig.shared.tidy(u64::MAX - 1).await.unwrap().artifacts, 0, "it stays as long as the job does");
    assert_eq!(setting.refusal(&format!("/v1/segments/{JOB}/999/advice")).await, (404, "N0702".to_owned()));
    assert_eq!(setting.refusal("/v1/segments/x/0/advice").await, (400, "N0701".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_given_is_refused_by_code() {
    let setting = committed(config()).await;
    let unknown = Pubkey::new_unique();
    for path in [format!("/v1/segments/{JOB}/x"), format!("/v1/segments/{JOB}/65536"), "/v1/segments/x/0".into()] {
        assert_eq!(setting.refusal(&path).await, (400, "N0701".to_owned()), "{path}");
    }
    assert_eq!(setting.refusal(&format!("/v1/segments/{unknown}/0")).await, (404, "N0702".to_owned()));
    assert_eq!(setting.refusal(&format!("/v1/segments/{JOB}/999")).await, (404, "N0702".to_owned()));
    let (others, posted) = (Pubkey::new_unique(), Pubkey::new_unique());
    setting.market.with(|world| {
        let mut job = world.job(&JOB).unwrap();
        job.node = Pubkey::new_unique();
        world.put_job(&others, &job);
        let mut job = world.job(&JOB).unwrap();
        job.state = JobState::Claimed;
        world.put_job(&posted, &job);
    });
    assert_eq!(setting.refusal(&format!("/v1/segments/{others}/0")).await, (404, "N0702".to_owned()));
    assert_eq!(setting.refusal(&format!("/v1/segments/{posted}/0")).await, (410, "N0703".to_owned()));
    setting.market.with(|world| {
        let mut job = world.job(&JOB).unwrap();
        job.window_slots = 0;
        world.put_job(&others, &job);
    });
    until("its window is over", || {
        setting.market.with(|world| world.slot > world.job(&others).unwrap().committed_slot + 1)
    })
    .await;
    assert_eq!(setting.refusal(&format!("/v1/segments/{others}/0")).await, (410, "N0703".to_owned()));
    setting.market.with(|world| assert!(world.segments_signed.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_asks_too_often_is_told_when_to_ask_again() {
    let serving = Serving { segments_per_minute: 2, ..Serving::default() };
    let setting = committed(NodeConfig { serving, ..config() }).await;
    let path = format!("/v1/segments/{JOB}/0");
    assert_eq!(setting.get(&path).await.0, 200);
    for _ in 0..5 {
        assert_eq!(setting.get(&path).await.0, 200, "what is stored costs nothing");
    }
    assert_eq!(setting.refusal(&format!("/v1/segments/{JOB}/998")).await.0, 404);
    let (status, head, body) = setting.get(&format!("/v1/segments/{JOB}/999")).await;
    assert!(status == 429 && head.contains("retry-after: ") && body.contains("N0704"), "{head}\n{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_no_place_is_left_others_are_turned_away_and_the_same_segment_is_waited_for() {
    let serving = Serving { concurrent_segments: 1, queued_segments: 0, ..Serving::default() };
    let setting = committed(NodeConfig { serving, ..config() }).await;
    setting.rig.hold_runs(true);
    let (first, second) = (format!("/v1/segments/{JOB}/0"), format!("/v1/segments/{JOB}/1"));
    let waiting = async { tokio::join!(setting.get(&first), setting.get(&first)) };
    let turned_away = async {
        until("the first is computed", || setting.rig.held_runs() == 1).await;
        let (status, head, body) = setting.get(&second).await;
        assert!(status == 503 && head.contains("retry-after: 2") && body.contains("N0705"), "{head}\n{body}");
        setting.rig.hold_runs(false);
    };
    let ((one, other), ()) = tokio::join!(waiting, turned_away);
    assert_eq!((one.0, other.0), (200, 200));
    assert_eq!(one.2, other.2);
    assert_eq!(setting.get(&second).await.0, 200);
    setting.market.with(|world| assert_eq!(world.segments_signed.len(), 2, "each was computed once"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_root_than_the_promised_one_is_never_signed() {
    let setting = committed(config()).await;
    setting.rig.shared.journal.promise_root(&JOB, 0, [9; 32], 1).unwrap();
    assert_eq!(setting.rig.shared.segment(JOB, 0).await, Err(SegmentError::SecondRoot));
    assert_eq!(setting.refusal(&format!("/v1/segments/{JOB}/0")).await, (500, "N0707".to_owned()));
    setting.market.with(|world| assert!(world.segments_signed.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_result_that_is_not_the_committed_one_is_not_signed_for() {
    let setting = committed(config()).await;
    setting.market.with(|world| {
        let mut job = world.job(&JOB).unwrap();
        job.boundary_root[0] ^= 1;
        world.put_job(&JOB, &job);
    });
    let refused = setting.rig.shared.segment(JOB, 0).await.unwrap_err();
    assert!(refused.to_string().contains("not the committed one"), "{refused}");
    // Strangers are not told what is wrong inside.
    assert_eq!(setting.refusal(&format!("/v1/segments/{JOB}/0")).await, (500, "N0706".to_owned()));
    setting.market.with(|world| assert!(world.segments_signed.is_empty()));
}

/// What a child process does: commits to the job in its folder and computes both segments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests, in a process that may die"]
async fn child() {
    let folder = std::env::var("ASSAY_TEST_FOLDER").unwrap();
    let folder = Path::new(&folder);
    let market = TestMarket::in_file(folder.join("world"));
    let rig = Rig::new(folder, &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    until("commit", || market.with(|world| world.job(&JOB).unwrap().state == JobState::Committed)).await;
    for segment in 0..2 {
        rig.shared.segment(JOB, segment).await.unwrap();
    }
    rig.cancel.cancel();
    driver.await.unwrap().unwrap();
}

/// Kills a real process at every failpoint of a segment, then starts it again: of each segment one root is signed.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_it_signs_never_signs_a_second_root() {
    use anchor_lang::AnchorDeserialize;
    use std::os::unix::process::ExitStatusExt;
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 10_000_000;
    for place in failpoint::SEGMENT_NAMES {
        let folder = tempfile::tempdir().unwrap();
        TestMarket::save(&world(&JOB, &job), &folder.path().join("world"));
        let died = crate::crash::run_child("segments::child", folder.path(), Some(place)).await;
        assert!(died.signal().is_some(), "{place} was not reached: {died}");
        assert!(crate::crash::run_child("segments::child", folder.path(), None).await.success(), "{place}");
        let bytes = std::fs::read(folder.path().join("world")).unwrap();
        let world = World::deserialize(&mut bytes.as_slice()).unwrap();
        let roots: HashSet<_> = world.segments_signed.iter().cloned().collect();
        assert_eq!(roots.len(), 2, "{place}: {:?}", world.segments_signed);
    }
}

#[test]
fn the_graph_of_these_tests_has_two_segments() {
    let model = assay_models::mlp::model(&crate::rig::shape(), 5).unwrap();
    assert_eq!(model.resolve(&[ROWS]).unwrap().segments.len(), 2);
}
