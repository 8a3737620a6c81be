//! The service around the drivers: sightings in, HTTP out, draining.

use crate::rig::{PATIENCE, Rig, Source, config, until, world};
use crate::world::TestMarket;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_node::config::NodeConfig;
use assay_node::journal::{Outcome, Record, Stage};
use assay_node::leaving::Ended;
use assay_node::service::{Considering, Service, ServiceError, Sighting};
use assay_node::status;
use assay_store::{ArtifactId, ArtifactUri, LocalStore};
use solana_sdk::pubkey::Pubkey;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A service at work.
pub(crate) struct Running {
    pub(crate) service: JoinHandle<Result<Ended, ServiceError>>,
    pub(crate) sightings: mpsc::Sender<Sighting>,
    pub(crate) artifacts: String,
    pub(crate) status: String,
}

pub(crate) async fn start(rig: &Rig) -> Running {
    start_with(rig, Considering::default()).await
}

/// One that considers so many jobs at a time.
async fn start_with(rig: &Rig, considering: Considering) -> Running {
    let listen = || TcpListener::bind("127.0.0.1:0");
    let (artifacts_listener, status_listener) = (listen().await.unwrap(), listen().await.unwrap());
    let artifacts = format!("http://{}", artifacts_listener.local_addr().unwrap());
    let status = status_listener.local_addr().unwrap().to_string();
    let (sender, sightings) = mpsc::channel(16);
    let service = Service { shared: rig.shared.clone(), sightings, artifacts_listener, status_listener, considering };
    let service = tokio::spawn(service.run(rig.cancel.clone()));
    Running { service, sightings: sender, artifacts, status }
}

pub(crate) async fn see(running: &Running, market: &TestMarket, address: Pubkey) {
    let (job, slot) = market.with(|world| (world.job(&address).unwrap(), world.slot));
    running.sightings.send(Sighting::Job(address, Box::new(job), slot)).await.unwrap();
}

pub(crate) async fn get(address: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_jobs_are_taken_paid_served_and_shown() {
    let source = Source::start().await;
    let job = source.job().await;
    let addresses = [Pubkey::new_unique(), Pubkey::new_unique()];
    let market = TestMarket::new(world(&addresses[0], &job));
    market.with(|world| world.put_job(&addresses[1], &job));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, NodeConfig { concurrent_jobs: 2, ..config() });
    let running = start(&rig).await;
    for address in addresses {
        see(&running, &market, address).await;
        see(&running, &market, address).await;
    }
    until("both paid", || rig.shared.journal.totals().unwrap().paid == 2).await;
    assert_eq!(rig.free_places(), 2);

    let elsewhere = tempfile::tempdir().unwrap();
    let store = LocalStore::open(elsewhere.path()).unwrap();
    let manifest = ArtifactId(market.with(|world| world.job(&addresses[0]).unwrap().result_manifest));
    let uri = ArtifactUri::new(&running.artifacts, manifest).unwrap();
    crate::rig::fetcher(PATIENCE).fetch(uri.as_str(), manifest, 1 << 20, &store).await.unwrap();

    let answer = get(&running.status, "/v1/status").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"paid\":2"), "{answer}");
    assert!(get(&running.status, "/v1/health").await.ends_with("ok"));
    assert_eq!(status::of(&rig.shared).unwrap().jobs.len(), 2);

    // What is over is not started again, and costs no request.
    let mut calls = market.calls_for_jobs();
    loop {
        // Whoever follows the node's own account may not have heard of its last change.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let before = std::mem::replace(&mut calls, market.calls_for_jobs());
        if calls == before {
            break;
        }
    }
    see(&running, &market, addresses[0]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(market.calls_for_jobs(), calls);

    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(&running.status).await.is_err(), "the servers ended too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_cancelled_commits_what_it_claimed_and_takes_nothing_new() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let (claimed, waiting) = (Pubkey::new_unique(), Pubkey::new_unique());
    let market = TestMarket::new(world(&claimed, &job));
    market.with(|world| world.put_job(&waiting, &job));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    see(&running, &market, claimed).await;
    until("claim", || market.with(|world| !world.landed.is_empty())).await;
    rig.cancel.cancel();
    let _ = running.sightings.send(Sighting::Closed(waiting)).await;
    tokio::time::timeout(PATIENCE, running.service).await.unwrap().unwrap().unwrap();
    market.with(|world| {
        assert_eq!(world.job(&claimed).unwrap().state, JobState::Committed);
        assert_eq!(world.job(&waiting).unwrap().state, JobState::Posted);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_service_goes_on_by_its_journal_without_any_sighting() {
    let source = Source::start().await;
    let address = Pubkey::new_unique();
    let market = TestMarket::new(world(&address, &source.job().await));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let driver = tokio::spawn(rig.driver(&address).run(rig.cancel.clone()));
    until("claim", || rig.record(&address).is_some_and(|record| record.stage != Stage::Admitted)).await;
    driver.abort();
    let _ = driver.await;
    rig.crash().await;
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    until("paid", || rig.shared.journal.totals().unwrap().paid == 1).await;
    let stage = rig.record(&address).unwrap().stage;
    assert_eq!(stage, Stage::Finished(Outcome::Paid { amount: 975 }));
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_its_watcher_ends_with_an_error() {
    let source = Source::start().await;
    let market = TestMarket::new(world(&Pubkey::new_unique(), &source.job().await));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let Running { service, sightings, .. } = start(&rig).await;
    drop(sightings);
    let error = service.await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("N0502"), "{error}");
    assert!(!rig.cancel.is_cancelled(), "the caller's token is the caller's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_leaves_takes_nothing_new_and_ends_when_its_last_window_is_over() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 400;
    let (claimed, waiting) = (Pubkey::new_unique(), Pubkey::new_unique());
    let market = TestMarket::new(world(&claimed, &job));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    until_ready(&running.status).await;
    // As long as its run is held up, the node cannot be done with what it claimed.
    rig.hold_runs(true);
    see(&running, &market, claimed).await;
    until("claim", || market.with(|world| !world.landed.is_empty())).await;
    market.with(|world| world.put_job(&waiting, &job));
    rig.shared.leaving.begin();
    see(&running, &market, waiting).await;
    let ready = get(&running.status, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("N0521"), "{ready}");
    assert!(get(&running.status, "/healthz").await.ends_with("ok"), "it lives all the same");
    rig.hold_runs(false);
    let ended = tokio::time::timeout(PATIENCE, running.service).await.unwrap().unwrap().unwrap();
    assert_eq!(ended, Ended::Left);
    assert!(!rig.cancel.is_cancelled(), "nobody had to end it");
    assert_eq!(rig.record(&claimed).unwrap().stage, Stage::Finished(Outcome::Paid { amount: 975 }));
    assert_eq!(rig.record(&waiting), None);
    market.with(|world| assert_eq!(world.job(&waiting).unwrap().state, JobState::Posted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_of_a_node_that_worked_are_served_with_its_stages_and_transactions() {
    let source = Source::start().await;
    let address = Pubkey::new_unique();
    let market = TestMarket::new(world(&address, &source.job().await));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    until_ready(&running.status).await;
    see(&running, &market, address).await;
    until("paid", || rig.shared.journal.totals().unwrap().paid == 1).await;
    let text = get(&running.status, "/metrics").await;
    assert!(text.contains("content-type: text/plain; version=0.0.4"), "{text}");
    for stage in ["fetch", "prepare", "run", "commit", "confirm"] {
        let line = format!("assay_node_job_stage_seconds_count{{stage=\"{stage}\"}} 1\n");
        assert!(text.contains(&line), "{stage}: {text}");
    }
    for purpose in ["claim", "commit", "finalise", "withdraw"] {
        let line = format!("assay_node_transactions_total{{purpose=\"{purpose}\",fate=\"landed\"}} 1\n");
        assert!(text.contains(&line), "{purpose}: {text}");
    }
    let mint = Pubkey::new_from_array([9; 32]);
    for line in [
        format!("assay_node_earned_units_total{{mint=\"{mint}\"}} 975\n"),
        "assay_node_jobs_paid_total 1\n".to_owned(),
        "assay_node_ready 1\n".to_owned(),
        "assay_node_stake_units 1000\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    rig.cancel.cancel();
    assert_eq!(running.service.await.unwrap().unwrap(), Ended::Asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_dies_over_a_committed_result_is_replaced_after_growing_pauses_until_the_job_is_paid() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000_000;
    let address = Pubkey::new_unique();
    let market = TestMarket::new(world(&address, &job));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    see(&running, &market, address).await;
    let is_committed = || matches!(rig.record(&address), Some(Record { stage: Stage::Committed(_), .. }));
    until("committed", is_committed).await;
    market.panic(2);
    see(&running, &market, address).await;
    until("the first one dies", || market.panicked() == 1).await;
    let first = Instant::now();
    until("the one after it dies", || market.panicked() == 2).await;
    assert!(first.elapsed() > Duration::from_millis(500), "it takes over after a pause");
    market.with(|world| {
        let job = world.job(&address).unwrap();
        world.put_job(&address, &Job { window_slots: 1, ..job });
    });
    until("paid", || rig.shared.journal.totals().unwrap().paid == 1).await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_leaving_is_taken_back_takes_what_it_passed_by_and_goes_on() {
    let source = Source::start().await;
    let job = source.job().await;
    let (claimed, passed, later) = (Pubkey::new_unique(), Pubkey::new_unique(), Pubkey::new_unique());
    let market = TestMarket::new(world(&claimed, &job));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    until_ready(&running.status).await;
    rig.hold_runs(true);
    see(&running, &market, claimed).await;
    until("claim", || market.with(|world| !world.landed.is_empty())).await;
    rig.shared.leaving.begin();
    market.with(|world| world.put_job(&passed, &job));
    see(&running, &market, passed).await;
    let ready = get(&running.status, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("N0521"), "{ready}");
    assert!(rig.shared.leaving.take_back());
    until_ready(&running.status).await;
    rig.hold_runs(false);
    until("both paid", || rig.shared.journal.totals().unwrap().paid == 2).await;
    assert!(!running.service.is_finished(), "it goes on");
    market.with(|world| world.put_job(&later, &job));
    see(&running, &market, later).await;
    until("all paid", || rig.shared.journal.totals().unwrap().paid == 3).await;
    rig.cancel.cancel();
    assert_eq!(running.service.await.unwrap().unwrap(), Ended::Asked);
    assert!(!rig.shared.leaving.take_back(), "it has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_nothing_is_promised_to_share_few_places_and_each_has_its_turn() {
    let source = Source::start().await;
    let job = source.job().await;
    let taken = Pubkey::new_unique();
    let market = TestMarket::new(world(&taken, &job));
    // Nobody claims these before their price has risen, which takes longer than the test.
    let dear =
        Job { price_min: 1, price_max: 9_000, ramp_hold_slots: 1_000_000_000, claim_slots: 2_000_000_000, ..job };
    let dear_ones: Vec<Pubkey> = std::iter::repeat_with(Pubkey::new_unique).take(6).collect();
    dear_ones.iter().for_each(|address| market.with(|world| world.put_job(address, &dear)));
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, NodeConfig { price_floor: 500, ..config() });
    let running = start_with(&rig, Considering { places: 2, turn: Duration::from_millis(50) }).await;
    for address in dear_ones {
        see(&running, &market, address).await;
    }
    see(&running, &market, taken).await;
    until("paid", || rig.shared.journal.totals().unwrap().paid == 1).await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

/// Waits until the node says that it takes jobs.
async fn until_ready(status: &str) {
    for _ in 0..20_000 {
        if get(status, "/readyz").await.starts_with("HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it is not ready: {}", get(status, "/readyz").await);
}
