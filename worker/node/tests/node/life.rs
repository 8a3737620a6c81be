//! The life of one job.

use crate::rig::{BOND, NODE, PATIENCE, Rig, STAKE, Source, config, until, world};
use crate::world::TestMarket;
use assay::AssayError;
use assay::state::{Job, JobNode};
use assay::state_machine::{JobEvent, JobState};
use assay::units::Slot;
use assay_node::config::NodeConfig;
use assay_node::journal::{Outcome, Purpose, Record, Stage};
use assay_store::ArtifactId;
use solana_sdk::pubkey::Pubkey;
use std::sync::atomic::Ordering;
use std::time::Duration;

struct Scene {
    folder: tempfile::TempDir,
    source: Source,
    market: TestMarket,
    address: Pubkey,
}

impl Scene {
    async fn new(change: impl FnOnce(&mut Job)) -> Self {
        let source = Source::start().await;
        let mut job = source.job().await;
        change(&mut job);
        let address = Pubkey::new_unique();
        let market = TestMarket::new(world(&address, &job));
        Self { folder: tempfile::tempdir().unwrap(), source, market, address }
    }

    fn rig(&self, config: NodeConfig) -> Rig {
        Rig::new(self.folder.path(), &self.market, config)
    }

    fn job(&self) -> Job {
        self.market.with(|world| world.job(&self.address).unwrap())
    }

    fn change_job(&self, change: impl FnOnce(&mut Job, u64)) {
        self.market.with(|world| {
            let mut job = world.job(&self.address).unwrap();
            change(&mut job, world.slot);
            world.put_job(&self.address, &job);
        });
    }

    /// No bond was ever locked, and nothing was sent.
    fn assert_nothing_promised(&self) {
        self.market.with(|world| {
            assert_eq!((world.node().locked, world.node().stake), (0, STAKE));
            assert!(world.sent.is_empty(), "{:?}", world.sent);
        });
    }
}

fn skipped(record: Option<Record>) -> String {
    match record.unwrap().stage {
        Stage::Finished(Outcome::Skipped(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    }
}

fn paid(record: Option<Record>) -> u64 {
    match record.unwrap().stage {
        Stage::Finished(Outcome::Paid { amount }) => amount,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_claimed_computed_committed_settled_and_paid() {
    let scene = Scene::new(|_| {}).await;
    let rig = scene.rig(config());
    let record = rig.drive(&scene.address).await;
    assert_eq!(paid(record.clone()), 975, "the price less 2.5 %");
    assert_eq!(record.unwrap().computed.unwrap().backend, "cpu");
    let job = scene.job();
    assert_eq!((job.state, job.credits.node, job.price), (JobState::Settled, 0, 1_000));
    scene.market.with(|world| {
        assert_eq!((world.paid, world.node().locked, world.node().stake), (975, 0, STAKE));
        for purpose in [Purpose::Claim, Purpose::Commit, Purpose::Finalise, Purpose::Withdraw] {
            assert_eq!(world.sent(purpose).len(), 1, "{purpose:?}");
        }
    });
    assert_eq!(rig.free_places(), 1);
    // What was committed is what the node serves.
    let manifest = ArtifactId(job.result_manifest);
    assert!(rig.shared.publisher.store.contains(&manifest).await.unwrap());
    assert_eq!(rig.shared.journal.totals().unwrap().earned, 975);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_another_node_claims_first_is_lost_without_a_bond() {
    let scene = Scene::new(|_| {}).await;
    let rig = scene.rig(config());
    // Nobody has a place for it: the driver waits with everything fetched.
    let place = rig.shared.capacity.clone().acquire_owned().await.unwrap();
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    let graph = scene.source.store.list().await.unwrap().len();
    until("artifacts", || std::fs::read_dir(scene.folder.path().join("artifacts/objects")).unwrap().count() >= graph)
        .await;
    let other = JobNode { node: Pubkey::new_unique(), operator: Pubkey::new_unique(), payee: Pubkey::new_unique() };
    scene.change_job(|job, slot| job.claim(other, Slot(slot)).unwrap());
    driver.await.unwrap().unwrap();
    assert_eq!(rig.record(&scene.address), None);
    drop(place);
    scene.assert_nothing_promised();
    assert_eq!(rig.free_places(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_is_refused_again_and_again_is_given_up_and_one_for_free_stake_is_not() {
    let scene = Scene::new(|_| {}).await;
    let rig = scene.rig(config());
    for _ in 0..3 {
        scene.market.refuse(Purpose::Claim, AssayError::NotOperator);
    }
    let record = rig.drive(&scene.address).await.unwrap();
    assert!(matches!(record.stage, Stage::Finished(Outcome::Lost { .. })), "{record:?}");
    scene.assert_nothing_promised();

    let scene = Scene::new(|_| {}).await;
    let rig = scene.rig(config());
    for _ in 0..4 {
        scene.market.refuse(Purpose::Claim, AssayError::InsufficientFreeStake);
    }
    assert_eq!(paid(rig.drive(&scene.address).await), 975);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_signed_anew_only_after_they_expired() {
    let scene = Scene::new(|_| {}).await;
    scene.market.with(|world| world.lose = 2);
    let rig = scene.rig(config());
    assert_eq!(paid(rig.drive(&scene.address).await), 975);
    scene.market.with(|world| {
        let claims = world.sent(Purpose::Claim);
        assert_eq!(claims.len(), 3);
        for pair in claims.windows(2) {
            let signed_at = pair[1].last_slot - crate::world::VALID_SLOTS;
            assert!(signed_at > pair[0].last_slot, "{pair:?}");
        }
        assert_eq!(world.landed.len(), 4);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_now_and_then_costs_nothing() {
    let scene = Scene::new(|_| {}).await;
    let rig = scene.rig(config());
    scene.market.unreachable(3);
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    until("claim", || scene.job().state != JobState::Posted).await;
    scene.market.unreachable(3);
    driver.await.unwrap().unwrap();
    assert_eq!(paid(rig.record(&scene.address)), 975);
    scene.market.with(|world| assert_eq!(world.sent.len(), 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_stake_is_waited_for_without_holding_a_place() {
    let scene = Scene::new(|_| {}).await;
    let lock = |locked: u64| {
        scene.market.with(|world| {
            let mut node = world.node();
            node.locked = locked;
            node.open_jobs = u32::from(locked > 0);
            world.put_node(&node);
        });
    };
    lock(STAKE - BOND + 1);
    let rig = scene.rig(config());
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((rig.free_places(), scene.job().state), (1, JobState::Posted));
    let calls = scene.market.calls();
    assert!(calls < 20, "{calls} calls: it waits for a bell, it does not poll");
    lock(0);
    driver.await.unwrap().unwrap();
    assert_eq!(paid(rig.record(&scene.address)), 975);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_price_is_waited_for_without_holding_a_place() {
    let scene = Scene::new(|job| {
        (job.price_min, job.price_max, job.ramp_hold_slots, job.ramp_slots) = (0, 2_000, 10_000, 200);
    })
    .await;
    let rig = scene.rig(NodeConfig { price_floor: 1_000, ..config() });
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rig.free_places(), 1);
    scene.market.with(|world| world.slot += 10_000);
    driver.await.unwrap().unwrap();
    assert!(scene.job().price >= 1_000, "{}", scene.job().price);
    assert!(paid(rig.record(&scene.address)) >= 975);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terms_stake_and_time_are_refused_by_code_before_anything_is_promised() {
    type Change = fn(&mut Job, &mut NodeConfig);
    let cases: [(&str, Change); 9] = [
        ("N0206", |_, config| config.price_floor = 2_001),
        ("N0233", |job, config| {
            (job.cost_units, config.prices.floor_per_giga_operation) = (job.cost_units.max(2_000_000_000), 1_001);
        }),
        ("N0235", |_, config| config.prices.allowed_graphs = vec!["ab".repeat(32)]),
        ("N0236", |job, config| config.prices.denied_graphs = vec![hex::encode(job.graph_root)]),
        ("N0207", |job, config| (job.run_slots, config.limits.margin_slots) = (100, 101)),
        ("N0208", |job, _| job.bond = STAKE + 1),
        ("N0208", |job, _| job.minimum_stake = STAKE + 1),
        ("N0212", |_, config| config.accepted_mints = vec![Pubkey::new_unique().to_string()]),
        ("N0231", |job, _| job.invited_node = Pubkey::new_unique()),
    ];
    for (code, change) in cases {
        let mut settings = config();
        let scene = Scene::new(|job| change(job, &mut settings)).await;
        let rig = scene.rig(settings);
        assert_eq!(skipped(rig.drive(&scene.address).await), code);
        scene.assert_nothing_promised();
        assert_eq!(rig.free_places(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_would_take_too_long_is_refused_by_measured_speed() {
    let scene = Scene::new(|job| job.run_slots = 20).await;
    let rig = scene.rig(config());
    let prepared = rig.shared.artifacts.prepare(&scene.job()).await.unwrap();
    rig.shared.engine.calibrate(&prepared).unwrap();
    assert_eq!(rig.shared.engine.estimate(&prepared), None, "too small a run to tell the speed");
    rig.shared.engine.run(&prepared).unwrap();
    // No slot is left beside the margin of 5: a run that is known to take time is too long, whatever a slot takes.
    scene.change_job(|job, _| job.run_slots = 5);
    assert_eq!(skipped(rig.drive(&scene.address).await), "N0207");
    scene.assert_nothing_promised();
}

/// The operator knows what an hour costs; what the run takes is measured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_would_not_pay_for_its_run_is_refused_by_measured_speed() {
    let operations = 50_000_000;
    let scene = Scene::new(|job| job.cost_units = operations).await;
    let mut settings = config();
    // A second of this machine costs a million.
    settings.prices.cost_per_hour = 3_600_000_000;
    let rig = scene.rig(settings.clone());
    assert_eq!(rig.shared.engine.run_time(operations), None, "nothing was measured, so nothing is asked");
    let shape = assay_models::mlp::Shape { inputs: 512, hidden: vec![512], outputs: 512, max_batch: 64 };
    let model = assay_models::mlp::model(&shape, 1).unwrap();
    let graph = model.resolve(&[64]).unwrap();
    let params_root = assay_kernels::commit::Hasher::default().params_root(&graph, &model.params).unwrap();
    let large = assay_node::prepare::Prepared {
        definition: std::sync::Arc::new(model.graph),
        graph: std::sync::Arc::new(graph),
        params: std::sync::Arc::new(model.params),
        inputs: std::sync::Arc::new(assay_models::mlp::inputs(&shape, 64, 1)),
        params_root,
    };
    rig.shared.engine.calibrate(&large).unwrap();
    let seconds = rig.shared.engine.run_time(operations).unwrap().as_secs_f64();
    assert!(seconds > 0.000_02, "{seconds}");
    // With the margin a hundred times as much: a price of 2,000 pays for twenty microseconds, and no machine is as fast.
    let dear =
        NodeConfig { prices: assay_node::config::Prices { margin_bps: 1_000_000, ..settings.prices }, ..settings };
    rig.shared.config.take_up(Ok(dear));
    assert_eq!(skipped(rig.drive(&scene.address).await), "N0234", "{seconds} s");
    scene.assert_nothing_promised();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_that_are_out_of_reach_are_waited_for_until_nobody_can_claim() {
    // A port on which nobody listens yet, and which nobody else can take meanwhile.
    let reserved = tokio::net::TcpSocket::new_v4().unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = reserved.local_addr().unwrap();
    let scene = Scene::new(|job| {
        let path = job.params_uri.split_once("/v1/").unwrap().1.to_owned();
        job.params_uri = format!("http://{port}/v1/{path}");
    })
    .await;
    let rig = scene.rig(config());
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!((rig.record(&scene.address), rig.free_places()), (None, 1), "neither skipped nor in the way");
    let listener = reserved.listen(1_024).unwrap();
    tokio::spawn(assay_store::serve(scene.source.store.clone(), listener, Default::default(), rig.cancel.clone()));
    driver.await.unwrap().unwrap();
    assert_eq!(paid(rig.record(&scene.address)), 975);

    let scene = Scene::new(|job| {
        let path = job.params_uri.split_once("/v1/").unwrap().1.to_owned();
        job.params_uri = format!("http://127.0.0.1:1/v1/{path}");
        (job.claim_slots, job.ramp_hold_slots) = (1_000, 1_000);
    })
    .await;
    let rig = scene.rig(config());
    assert_eq!(skipped(rig.drive(&scene.address).await), "N0201", "the reason is kept when nobody can claim any more");
    scene.assert_nothing_promised();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_before_the_claim_stops_and_after_it_drains_to_the_commitment() {
    let scene = Scene::new(|job| (job.price_min, job.ramp_hold_slots) = (0, 15_000)).await;
    let rig = scene.rig(config());
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    rig.cancel.cancel();
    tokio::time::timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
    scene.assert_nothing_promised();

    let scene = Scene::new(|job| job.window_slots = 1_000_000).await;
    let rig = scene.rig(config());
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    until("claim", || scene.job().state != JobState::Posted).await;
    rig.cancel.cancel();
    tokio::time::timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
    assert_eq!(scene.job().state, JobState::Committed);
    assert!(matches!(rig.record(&scene.address).unwrap().stage, Stage::Committed(_)));
    assert_eq!(rig.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_deadline_costs_the_charge_once_and_frees_the_rest_of_the_bond() {
    let scene = Scene::new(|job| job.run_slots = 1_000).await;
    // The artifacts are nowhere, and the claim is from an earlier life: it cannot be delivered.
    scene.market.with(|world| {
        let mut job = world.job(&scene.address).unwrap();
        let mut node = world.node();
        job.params_uri = "http://127.0.0.1:1/v1/artifacts/".to_owned() + &"ab".repeat(32);
        let by = JobNode { node: NODE, operator: Pubkey::new_from_array([8; 32]), payee: node.withdraw_authority };
        job.claim(by, Slot(world.slot)).unwrap();
        let slash = assay::units::BasisPoints(u32::from(job.dispute.slash_bps));
        node.lock_bond(assay::units::TokenAmount(BOND), slash, Slot(world.slot), job.last_obligation().unwrap())
            .unwrap();
        world.put_job(&scene.address, &job);
        world.put_node(&node);
    });
    let rig = scene.rig(config());
    let record = rig.drive(&scene.address).await.unwrap();
    assert!(matches!(record.stage, Stage::Finished(Outcome::Missed { .. })), "{record:?}");
    scene.market.with(|world| assert_eq!((world.node().locked, world.node().stake), (0, STAKE - 1)));
    assert_eq!(scene.job().state, JobState::Missed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_cannot_be_moved_stays_in_the_vault_and_is_said_so() {
    let scene = Scene::new(|_| {}).await;
    let rig = scene.rig(config());
    for _ in 0..5 {
        scene.market.refuse(Purpose::Withdraw, AssayError::DestinationNotCanonical);
    }
    let record = rig.drive(&scene.address).await.unwrap();
    assert!(matches!(record.stage, Stage::Finished(Outcome::Credited { amount: 975, .. })), "{record:?}");
    assert_eq!(scene.job().credits.node, 975);

    let scene = Scene::new(|_| {}).await;
    let rig = scene.rig(NodeConfig { withdraw_payments: false, ..config() });
    let record = rig.drive(&scene.address).await.unwrap();
    assert!(matches!(record.stage, Stage::Finished(Outcome::Credited { amount: 975, .. })), "{record:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_the_job_back_ends_it() {
    let scene = Scene::new(|job| (job.price_min, job.ramp_hold_slots) = (0, 15_000)).await;
    let rig = scene.rig(config());
    let driver = tokio::spawn(rig.driver(&scene.address).run(rig.cancel.clone()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    scene.change_job(|job, _| job.refund(JobEvent::Cancel).unwrap());
    tokio::time::timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
    assert_eq!(rig.record(&scene.address), None);
    scene.assert_nothing_promised();
}
