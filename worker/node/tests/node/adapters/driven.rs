//! Drivers over several jobs at once.

use super::{Fault, Staged, engine_of, sum_of};
use crate::rig::{BOND, NODE, Rig, STAKE, Source, config, shape, until, world};
use crate::world::TestMarket;
use assay::AssayError;
use assay::state::{Job, JobNode};
use assay::state_machine::{JobEvent, JobState};
use assay::units::Slot;
use assay_kernels::commit::Hasher;
use assay_models::artifact::encode_bundle;
use assay_models::mlp;
use assay_node::config::{Limits, NodeConfig, Retention, Sessions};
use assay_node::journal::{Outcome, Purpose, Stage};
use assay_node::status;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const AMPLE: u64 = 1 << 40;

/// Several jobs at a time, and no session that slows them down.
fn several(jobs: usize) -> NodeConfig {
    let sessions = Sessions { enabled: false, ..Sessions::default() };
    NodeConfig { concurrent_jobs: jobs, sessions, ..config() }
}

/// A job with params of its own, and what tells them apart.
async fn job_of(source: &Source, seed: u64) -> (Job, u64) {
    let params = mlp::model(&shape(), seed).unwrap().params;
    let params_root = Hasher::default().params_root(&source.resolved, &params).unwrap();
    let params_uri = source.put(encode_bundle(&params)).await;
    (Job { params_root, params_uri, ..source.job().await }, sum_of(&params))
}

struct Scene {
    folder: tempfile::TempDir,
    source: Source,
    market: TestMarket,
}

impl Scene {
    async fn new() -> Self {
        let source = Source::start().await;
        let market = TestMarket::new(world(&Pubkey::new_unique(), &source.job().await));
        market.with(|world| world.jobs.clear());
        Self { folder: tempfile::tempdir().unwrap(), source, market }
    }

    fn post(&self, job: &Job) -> Pubkey {
        let address = Pubkey::new_unique();
        self.market.with(|world| world.put_job(&address, job));
        address
    }

    fn job(&self, address: &Pubkey) -> Job {
        self.market.with(|world| world.job(address).unwrap())
    }
}

fn is_paid(rig: &Rig, address: &Pubkey) -> bool {
    matches!(rig.record(address).map(|record| record.stage), Some(Stage::Finished(Outcome::Paid { .. })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claimed_jobs_run_one_after_the_other_the_earliest_deadline_first() {
    let (scene, staged) = (Scene::new().await, Staged::default());
    staged.counts.gate.close(true);
    let rig = Rig::with_engine(scene.folder.path(), &scene.market, several(3), engine_of(&[(&staged, None)], AMPLE));
    let (mut tags, mut drivers, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
    for (number, run_slots) in [(1, 15_000), (2, 19_000), (3, 17_000)] {
        let (job, tag) = job_of(&scene.source, number).await;
        let address = scene.post(&Job { run_slots, ..job });
        drivers.push(tokio::spawn(rig.driver(&address).run(rig.cancel.clone())));
        // Each is claimed before the next one is seen, and the first begins.
        until("it is claimed", || scene.job(&address).state == JobState::Claimed).await;
        until("it waits", || rig.shared.engine.adapters()[0].queued == number).await;
        if number == 1 {
            until("it runs", || staged.counts.gate.waiting() == 1).await;
        }
        tags.push(tag);
        jobs.push(address);
    }
    // A claim is known some time after it landed: the first run ends when both are ready.
    let is_known = |address: &Pubkey| rig.record(address).is_some_and(|record| record.stage == Stage::Claimed);
    until("all claims are known", || jobs.iter().all(is_known)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((staged.counts.gate.waiting(), rig.shared.engine.adapters()[0].is_running), (1, true));
    staged.counts.gate.close(false);
    for driver in drivers {
        driver.await.unwrap().unwrap();
    }
    assert_eq!(*staged.log.lock().unwrap(), [tags[0], tags[2], tags[1]]);
    assert!(jobs.iter().all(|address| is_paid(&rig, address)) && rig.holds_nothing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_adapters_work_at_the_same_time() {
    // Both take so long that what was measured tells them apart too little, on a busy machine, too: the queue decides.
    let slow = || Staged { delay: Duration::from_millis(600), ..Staged::default() };
    let (scene, first, second) = (Scene::new().await, slow(), slow());
    let engine = engine_of(&[(&first, None), (&second, None)], AMPLE);
    let (known, _) = job_of(&scene.source, 1).await;
    let rig = Rig::with_engine(scene.folder.path(), &scene.market, several(2), engine);
    let prepared = rig.shared.artifacts.prepare(&known).await.unwrap();
    let large = mlp::Shape { inputs: 128, hidden: vec![128], outputs: 64, max_batch: 16 };
    let model = mlp::model(&large, 1).unwrap();
    let graph = Arc::new(model.resolve(&[16]).unwrap());
    let large = assay_node::prepare::Prepared {
        params_root: Hasher::default().params_root(&graph, &model.params).unwrap(),
        definition: Arc::new(model.graph),
        graph,
        params: Arc::new(model.params),
        inputs: Arc::new(mlp::inputs(&large, 16, 1)),
    };
    rig.shared.engine.calibrate(&large).unwrap();
    assert!(rig.shared.engine.estimate(&prepared).is_some_and(|time| time > Duration::ZERO));
    for staged in [&first, &second] {
        staged.counts.gate.close(true);
    }
    let mut drivers = Vec::new();
    for number in [1, 2] {
        let (job, _) = job_of(&scene.source, number).await;
        let address = scene.post(&job);
        drivers.push((address, tokio::spawn(rig.driver(&address).run(rig.cancel.clone()))));
        until("it runs", || first.counts.gate.waiting() + second.counts.gate.waiting() == number as usize).await;
    }
    assert_eq!((first.counts.gate.waiting(), second.counts.gate.waiting()), (1, 1));
    let shown = status::of(&rig.shared).unwrap().adapters;
    assert!(
        shown.iter().all(|adapter| adapter.is_running && adapter.queued == 1 && adapter.held_bytes > 0),
        "{shown:?}"
    );
    for staged in [&first, &second] {
        staged.counts.gate.close(false);
    }
    for (address, driver) in drivers {
        driver.await.unwrap().unwrap();
        assert!(is_paid(&rig, &address));
    }
    assert!(rig.holds_nothing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_does_not_fit_beside_a_promised_one_is_claimed_when_that_is_over_and_one_that_never_fits_is_skipped()
{
    let scene = Scene::new().await;
    let staged = Staged { says: Some((1 << 20, 1 << 20)), ..Staged::default() };
    staged.counts.gate.close(true);
    // One model fits, and not two.
    let engine = engine_of(&[(&staged, Some(3 << 20))], AMPLE);
    let rig = Rig::with_engine(scene.folder.path(), &scene.market, several(2), engine);
    let (first, second) =
        (scene.post(&job_of(&scene.source, 1).await.0), scene.post(&job_of(&scene.source, 2).await.0));
    let drive = |address: &Pubkey| tokio::spawn(rig.driver(address).run(rig.cancel.clone()));
    let first_driver = drive(&first);
    until("the first runs", || staged.counts.gate.waiting() == 1).await;
    let second_driver = drive(&second);
    until("the second was loaded", || staged.loads() == 2).await;
    let places = || (rig.free_places(), rig.shared.engine.adapters()[0].queued);
    until("it has left its place", || places() == (1, 1)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(scene.job(&second).state, JobState::Posted, "it waits without a bond");
    assert_eq!(places(), (1, 1));
    staged.counts.gate.close(false);
    first_driver.await.unwrap().unwrap();
    second_driver.await.unwrap().unwrap();
    assert!(is_paid(&rig, &first) && is_paid(&rig, &second) && rig.holds_nothing());

    let tiny = Limits { max_total_memory_bytes: 1 << 10, ..Limits::default() };
    rig.shared.config.take_up(Ok(NodeConfig { limits: tiny, ..several(2) }));
    let third = scene.post(&job_of(&scene.source, 3).await.0);
    let stage = rig.drive(&third).await.unwrap().stage;
    assert!(matches!(&stage, Stage::Finished(Outcome::Skipped(refusal)) if refusal.code == "N0205"), "{stage:?}");
    assert!(rig.holds_nothing());
}

/// Whatever becomes of a job, its memory and its place in the queue are free afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_ending_gives_everything_back() {
    let refused = |times: usize, error: AssayError| {
        move |scene: &Scene| (0..times).for_each(|_| scene.market.refuse(Purpose::Claim, error))
    };
    type Prepare = Box<dyn Fn(&Scene)>;
    let nothing = || Box::new(|_: &Scene| {}) as Prepare;
    let lose = Box::new(|scene: &Scene| scene.market.with(|world| world.lose = 1)) as Prepare;
    let cases: Vec<(&str, Fault, u64, Prepare)> = vec![
        ("paid", Fault::None, 20_000, nothing()),
        ("paid after a loss", Fault::None, 20_000, lose),
        ("paid after a wait", Fault::None, 20_000, Box::new(refused(2, AssayError::InsufficientFreeStake))),
        ("skipped", Fault::None, 20_000, Box::new(refused(1, AssayError::StakeBelowJobMinimum))),
        ("lost", Fault::None, 20_000, Box::new(refused(3, AssayError::NotOperator))),
        ("skipped", Fault::Load, 20_000, nothing()),
        ("missed", Fault::Device, 300, nothing()),
        ("missed", Fault::Panic, 300, nothing()),
        ("missed", Fault::Lie, 300, nothing()),
    ];
    for (ending, fault, run_slots, prepare) in cases {
        let (scene, staged) = (Scene::new().await, Staged { fault, ..Staged::default() });
        let rig =
            Rig::with_engine(scene.folder.path(), &scene.market, several(2), engine_of(&[(&staged, None)], AMPLE));
        let address = scene.post(&Job { run_slots, ..job_of(&scene.source, 1).await.0 });
        prepare(&scene);
        let stage = rig.drive(&address).await.unwrap().stage;
        let came = match &stage {
            Stage::Finished(Outcome::Paid { .. }) => "paid",
            Stage::Finished(Outcome::Skipped(_)) => "skipped",
            Stage::Finished(Outcome::Lost { .. }) => "lost",
            Stage::Finished(Outcome::Missed { .. }) => "missed",
            other => panic!("{other:?}"),
        };
        assert!(ending.starts_with(came), "{ending}: {stage:?}");
        until("all is given back", || rig.holds_nothing()).await;
        assert_eq!(rig.free_places(), 2, "{ending}");
    }
}

/// The same for endings that come from outside, while the job waits or runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endings_from_outside_give_everything_back_too() {
    let (scene, staged) = (Scene::new().await, Staged::default());
    let rig = Rig::with_engine(scene.folder.path(), &scene.market, several(2), engine_of(&[(&staged, None)], AMPLE));
    // Too few lamports: it is held back with nothing held for it, and then the client takes it back.
    scene.market.with(|world| world.lamports = 1_000_000);
    let address = scene.post(&job_of(&scene.source, 1).await.0);
    let driver = tokio::spawn(rig.driver(&address).run(rig.cancel.clone()));
    until("it is held back", || !rig.shared.reserve.funds().held_back.is_empty()).await;
    until("nothing is held", || rig.holds_nothing()).await;
    scene.market.with(|world| {
        let mut job = world.job(&address).unwrap();
        job.refund(JobEvent::Cancel).unwrap();
        world.put_job(&address, &job);
    });
    driver.await.unwrap().unwrap();
    assert!(rig.holds_nothing());

    // The node ends while a run is at work: what is claimed is committed first.
    scene.market.with(|world| world.lamports = crate::rig::RICH);
    staged.counts.gate.close(true);
    let address = scene.post(&Job { window_slots: 1_000_000, ..job_of(&scene.source, 2).await.0 });
    let driver = tokio::spawn(rig.driver(&address).run(rig.cancel.clone()));
    until("it runs", || staged.counts.gate.waiting() == 1).await;
    rig.cancel.cancel();
    assert!(!rig.holds_nothing());
    staged.counts.gate.close(false);
    driver.await.unwrap().unwrap();
    assert!(matches!(rig.record(&address).unwrap().stage, Stage::Committed(_)) && rig.holds_nothing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_dies_gives_everything_back_when_its_kernel_has_ended() {
    let (scene, staged) = (Scene::new().await, Staged::default());
    staged.counts.gate.close(true);
    let rig = Rig::with_engine(scene.folder.path(), &scene.market, several(2), engine_of(&[(&staged, None)], AMPLE));
    let address = scene.post(&job_of(&scene.source, 1).await.0);
    let driver = tokio::spawn(rig.driver(&address).run(rig.cancel.clone()));
    until("it runs", || staged.counts.gate.waiting() == 1).await;
    driver.abort();
    assert!(driver.await.unwrap_err().is_cancelled());
    let adapter = || rig.shared.engine.adapters().remove(0);
    assert!(adapter().is_running && adapter().held_bytes > 0, "the kernel still runs");
    staged.counts.gate.close(false);
    until("all is given back", || rig.holds_nothing()).await;
    // A claim of an earlier life is computed all the same.
    assert_eq!(
        rig.drive(&address).await.map(|record| matches!(record.stage, Stage::Finished(Outcome::Paid { .. }))),
        Some(true)
    );
    assert!(rig.holds_nothing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_claims_nothing_and_loses_nothing() {
    let scene = Scene::new().await;
    let staged = Staged::default();
    let bounded = |most_bytes| NodeConfig {
        retention: Retention { results_slots: 10_000_000, unused_seconds: 0, most_bytes },
        ..several(1)
    };
    let rig =
        Rig::with_engine(scene.folder.path(), &scene.market, bounded(AMPLE), engine_of(&[(&staged, None)], AMPLE));
    let first = scene.post(&job_of(&scene.source, 1).await.0);
    rig.drive(&first).await;
    let kept = rig.shared.publisher.store.list().await.unwrap();
    let bytes: u64 = kept.iter().map(|stored| stored.bytes).sum();
    // The artifacts of another job would fit, its result would not; what the first job left is still its client's.
    rig.shared.config.take_up(Ok(bounded(bytes)));
    let second = scene.post(&job_of(&scene.source, 2).await.0);
    let driver = tokio::spawn(rig.driver(&second).run(rig.cancel.clone()));
    until("it is full", || status::readiness(&rig.shared).reasons.iter().any(|reason| reason.code == "N0248")).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((scene.job(&second).state, rig.free_places()), (JobState::Posted, 1));
    for stored in &kept {
        assert!(rig.shared.publisher.store.contains(&stored.id).await.unwrap(), "what is needed is never removed");
    }
    rig.shared.config.take_up(Ok(bounded(AMPLE)));
    driver.await.unwrap().unwrap();
    assert!(is_paid(&rig, &second) && rig.holds_nothing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_makes_room_by_what_nobody_needs() {
    let scene = Scene::new().await;
    let staged = Staged::default();
    let config =
        NodeConfig { retention: Retention { results_slots: 0, unused_seconds: 0, most_bytes: 0 }, ..several(1) };
    let rig =
        Rig::with_engine(scene.folder.path(), &scene.market, config.clone(), engine_of(&[(&staged, None)], AMPLE));
    let first = scene.post(&job_of(&scene.source, 1).await.0);
    rig.drive(&first).await;
    let bytes: u64 = rig.shared.publisher.store.list().await.unwrap().iter().map(|stored| stored.bytes).sum();
    let retention = Retention { most_bytes: bytes, ..config.retention.clone() };
    rig.shared.config.take_up(Ok(NodeConfig { retention, ..config }));
    // The first job is over and its results may go: the second takes their place.
    let second = scene.post(&job_of(&scene.source, 2).await.0);
    rig.drive(&second).await;
    assert!(is_paid(&rig, &second), "{:?}", rig.record(&second));
    assert_eq!(staged.runs(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_of_an_earlier_life_is_computed_although_it_fits_no_more() {
    let (scene, staged) = (Scene::new().await, Staged { says: Some((1 << 20, 1 << 20)), ..Staged::default() });
    let engine = engine_of(&[(&staged, Some(1 << 20))], AMPLE);
    let rig = Rig::with_engine(scene.folder.path(), &scene.market, several(1), engine);
    let address = scene.post(&job_of(&scene.source, 1).await.0);
    scene.market.with(|world| {
        let (mut job, mut node) = (world.job(&address).unwrap(), world.node());
        let by = JobNode { node: NODE, operator: Pubkey::new_from_array([8; 32]), payee: node.withdraw_authority };
        job.claim(by, Slot(world.slot)).unwrap();
        let slash = assay::units::BasisPoints(u32::from(job.dispute.slash_bps));
        let until = job.last_obligation().unwrap();
        node.lock_bond(assay::units::TokenAmount(BOND), slash, Slot(world.slot), until).unwrap();
        world.put_job(&address, &job);
        world.put_node(&node);
    });
    rig.drive(&address).await;
    assert!(is_paid(&rig, &address) && rig.holds_nothing());
    scene.market.with(|world| assert_eq!(world.node().stake, STAKE));
    assert_eq!(rig.runs.load(Ordering::SeqCst), 0, "this engine counts by itself");
    assert_eq!(staged.runs(), 1);
}
