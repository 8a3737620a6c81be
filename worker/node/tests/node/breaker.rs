//! The breaker: for each cause it stops claims, keeps what was promised, and lets claims through again by its rule.

use crate::rig::{Rig, Source, config, cpu, until, world};
use crate::service::{Running, get, see, start};
use crate::sessions::{self, Setting};
use crate::world::TestMarket;
use assay::AssayError;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_kernels::Backend;
use assay_node::breaker::{Breaker, Cause, CauseReport, Machine, Phase};
use assay_node::config::{BreakerSettings, MismatchRule, NodeConfig};
use assay_node::journal::{Executed, Journal, Outcome, Purpose, Record, SessionPurpose, Stage};
use assay_node::market::EndpointView;
use assay_node::status;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const FIRST: Pubkey = Pubkey::new_from_array([31; 32]);
const SECOND: Pubkey = Pubkey::new_from_array([32; 32]);
const THIRD: Pubkey = Pubkey::new_from_array([33; 32]);
/// So many that a run counts as one that says something about speed.
const ROWS: u32 = 32;
const FOURTH: Pubkey = Pubkey::new_from_array([34; 32]);

/// A node with a breaker, and jobs that are seen one by one.
struct Scene {
    _folder: tempfile::TempDir,
    _source: Source,
    market: TestMarket,
    rig: Rig,
    running: Running,
    job: Job,
}

impl Scene {
    /// A node that has seen no job yet; with a backend to fall back to, if it has a spare one.
    async fn new(breaker: BreakerSettings, has_spare: bool) -> Self {
        let source = Source::with_rows(ROWS).await;
        let job = source.job().await;
        let market = TestMarket::new(world(&FIRST, &job));
        let folder = tempfile::tempdir().unwrap();
        let settings = NodeConfig { concurrent_jobs: 3, breaker, ..config() };
        let spares: Vec<Arc<dyn Backend>> = if has_spare { vec![Arc::new(cpu())] } else { Vec::new() };
        let rig = Rig::with_spares(folder.path(), &market, settings, None, spares);
        let running = start(&rig).await;
        Self { _folder: folder, _source: source, market, rig, running, job }
    }

    /// A node that has claimed the first job, whose run is held up.
    async fn bound(breaker: BreakerSettings, has_spare: bool) -> Self {
        let scene = Self::new(breaker, has_spare).await;
        scene.rig.hold_runs(true);
        scene.see(FIRST).await;
        scene.is(&FIRST, &[JobState::Claimed]).await;
        scene
    }

    fn is_ill(&self, is_ill: bool) {
        self.rig.illness.fails.store(is_ill, Ordering::SeqCst);
    }

    async fn see(&self, job: Pubkey) {
        see(&self.running, &self.market, job).await;
    }

    /// Posts a job like the first.
    async fn post(&self, address: Pubkey, change: impl FnOnce(&mut Job)) {
        let mut job = self.job.clone();
        change(&mut job);
        self.market.with(|world| world.put_job(&address, &job));
        self.see(address).await;
    }

    fn on_chain(&self, job: &Pubkey) -> Job {
        self.market.with(|world| world.job(job).unwrap())
    }

    async fn is(&self, job: &Pubkey, states: &[JobState]) -> Job {
        until(&format!("{job} is one of {states:?}"), || states.contains(&self.on_chain(job).state)).await;
        self.on_chain(job)
    }

    async fn is_delivered(&self, job: &Pubkey) -> Job {
        self.is(job, &[JobState::Committed, JobState::Settled]).await
    }

    fn cause(&self, cause: Cause) -> CauseReport {
        self.rig.shared.breaker_report().of(cause).unwrap().clone()
    }

    async fn opens(&self, cause: Cause) -> CauseReport {
        until(&format!("{} opens", cause.name()), || self.cause(cause).phase == Phase::Open).await;
        self.cause(cause)
    }

    async fn closes(&self, cause: Cause) {
        until(&format!("{} closes", cause.name()), || self.cause(cause).phase == Phase::Closed).await;
    }

    /// The driver of a job has come to the breaker, and waits there with nothing promised.
    async fn waits(&self, job: &Pubkey, cause: Cause) {
        let now = self.market.with(|world| world.slot);
        until("some slots go by", || self.market.with(|world| world.slot) > now + 50).await;
        assert_eq!(self.on_chain(job).state, JobState::Posted);
        assert_eq!(self.rig.record(job), None);
        let ready = get(&self.running.status, "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 503") && ready.contains(cause.code()), "{ready}");
    }

    async fn stop(self) {
        self.rig.cancel.cancel();
        self.running.service.await.unwrap().unwrap();
    }
}

fn skipped(rig: &Rig, job: &Pubkey) -> Option<String> {
    match rig.record(job)?.stage {
        Stage::Finished(Outcome::Skipped(refusal)) => Some(refusal.code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_in_a_row_stop_claims_until_a_trial_is_kept_and_promises_are_kept_meanwhile() {
    // So long that what was promised before the pause is kept in it, on a busy machine, too.
    let settings = BreakerSettings { failures: 2, pause_slots: 1_000, ..config().breaker };
    let scene = Scene::bound(settings, false).await;
    scene.is_ill(true);
    scene.rig.hold_runs(false);
    let until_slot = scene.opens(Cause::Failures).await.until_slot.unwrap();
    scene.is_ill(false);
    scene.post(SECOND, |_| {}).await;
    scene.post(THIRD, |_| {}).await;
    let first = scene.is_delivered(&FIRST).await;
    scene.closes(Cause::Failures).await;
    let [second, third] = [scene.is_delivered(&SECOND).await, scene.is_delivered(&THIRD).await];
    let (trial, other) = if second.claimed_slot < third.claimed_slot { (&second, &third) } else { (&third, &second) };
    assert!(trial.claimed_slot >= until_slot, "{} {until_slot}", trial.claimed_slot);
    assert!(other.claimed_slot >= trial.committed_slot, "one at a time, though there are places for three");
    assert!(first.committed_slot > 0 && scene.market.with(|world| world.node().jobs_missed) == 0);
    let metrics = get(&scene.running.status, "/metrics").await;
    for line in
        ["assay_node_breaker_open{cause=\"failures\"} 0", "assay_node_breaker_trips_total{cause=\"failures\"} 1"]
    {
        assert!(metrics.contains(line), "{metrics}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commitment_that_is_refused_counts_once_for_its_job() {
    for (failures, refusals, trips) in [(1, 1, 1), (2, 3, 0)] {
        let settings = BreakerSettings { failures, pause_slots: 1_000_000, ..config().breaker };
        let scene = Scene::bound(settings, false).await;
        (0..refusals).for_each(|_| scene.market.refuse(Purpose::Commit, AssayError::NotOperator));
        scene.rig.hold_runs(false);
        scene.is_delivered(&FIRST).await;
        let report = scene.cause(Cause::Failures);
        assert_eq!(report.trips, trips, "{report:?}");
        let is_said = report.reason.is_some_and(|reason| reason.contains("commitment was refused"));
        assert_eq!(is_said, trips > 0);
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_waited_for_the_breaker_in_vain_is_skipped_by_its_code_and_a_reset_lets_the_next_one_through() {
    let settings = BreakerSettings { failures: 1, pause_slots: 1_000_000, ..config().breaker };
    let scene = Scene::bound(settings, false).await;
    scene.is_ill(true);
    scene.rig.hold_runs(false);
    scene.opens(Cause::Failures).await;
    scene.is_ill(false);
    scene.is_delivered(&FIRST).await;
    scene.post(SECOND, |_| {}).await;
    scene.waits(&SECOND, Cause::Failures).await;
    let shown = status::of(&scene.rig.shared).unwrap();
    assert_eq!(shown.breaker.stops(None).map(|report| report.cause), Some(Cause::Failures));
    scene.market.with(|world| {
        let mut job = world.job(&SECOND).unwrap();
        job.claim_slots = world.slot - job.posted_slot;
        world.put_job(&SECOND, &job);
    });
    until("it is skipped", || skipped(&scene.rig, &SECOND).as_deref() == Some("N0241")).await;
    scene.post(THIRD, |_| {}).await;
    scene.waits(&THIRD, Cause::Failures).await;
    let report = scene.rig.shared.reset_breaker(&[Cause::Failures]).unwrap();
    assert_eq!(report.stops(None), None);
    scene.is_delivered(&THIRD).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_again_and_again_over_a_job_it_claimed_is_stopped_all_the_same() {
    let source = Source::start().await;
    let job = source.job().await;
    let market = TestMarket::new(world(&FIRST, &job));
    let folder = tempfile::tempdir().unwrap();
    let breaker = BreakerSettings { failures: 2, pause_slots: 1_000_000, ..config().breaker };
    let settings = || NodeConfig { breaker: breaker.clone(), ..config() };
    for death in 0..3u64 {
        let rig = Rig::new(folder.path(), &market, settings());
        rig.shared.adopt_breaker().unwrap();
        let report = rig.shared.breaker_report();
        let failures = report.of(Cause::Failures).unwrap();
        assert_eq!((failures.phase == Phase::Open, failures.trips), (death == 2, u64::from(death == 2)), "{death}");
        rig.hold_runs(true);
        let driver = tokio::spawn(rig.driver(&FIRST).run(rig.cancel.clone()));
        until("it computes", || rig.held_runs() > 0).await;
        driver.abort();
        let _ = driver.await;
        rig.hold_runs(false);
        rig.crash().await;
    }
    // It keeps what it promised, and promises nothing more.
    market.with(|world| world.put_job(&SECOND, &job));
    let rig = Rig::new(folder.path(), &market, settings());
    let running = start(&rig).await;
    until("paid", || rig.shared.journal.totals().unwrap().paid == 1).await;
    see(&running, &market, SECOND).await;
    let now = market.with(|world| world.slot);
    until("some slots go by", || market.with(|world| world.slot) > now + 50).await;
    assert_eq!(market.with(|world| world.job(&SECOND).unwrap().state), JobState::Posted);
    assert!(!rig.shared.breaker_report().is_on_trial());
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_one_death_of_the_node_left_uncomputed_are_one_failure() {
    let source = Source::start().await;
    let market = TestMarket::new(world(&FIRST, &source.job().await));
    let folder = tempfile::tempdir().unwrap();
    let breaker = BreakerSettings { failures: 2, ..config().breaker };
    let rig = Rig::new(folder.path(), &market, NodeConfig { breaker, ..config() });
    for job in [FIRST, SECOND, THIRD] {
        rig.shared.journal.put(&job, &Record::new(&job, Stage::Claimed, 1)).unwrap();
    }
    let trips = || rig.shared.breaker_report().of(Cause::Failures).unwrap().trips;
    rig.shared.adopt_breaker().unwrap();
    assert_eq!(trips(), 0, "three jobs have one cause");
    rig.shared.adopt_breaker().unwrap();
    assert_eq!(trips(), 1, "the second death is the second failure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_a_crash_left_without_a_claim_is_anothers_to_make() {
    let source = Source::start().await;
    let market = TestMarket::new(world(&FIRST, &source.job().await));
    let folder = tempfile::tempdir().unwrap();
    let on_trial =
        json!({ "failures": { "latch": { "open": { "number": 1, "until_slot": 5, "trial": FIRST.to_string() } } } });
    let on_trial: Machine = serde_json::from_value(on_trial).unwrap();
    let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
    journal.put_breaker(&on_trial).unwrap();
    drop(journal);
    let rig = Rig::new(folder.path(), &market, config());
    until("slots go by", || rig.shared.board.slot() > 5).await;
    let trial = || rig.shared.breaker_report().of(Cause::Failures).unwrap().trial.clone();
    // What is signed may land: the trial is not over.
    let executed =
        Executed { manifest: [1; 32], boundary_root: [2; 32], output_root: [3; 32], output_path: Vec::new() };
    rig.shared.journal.put(&FIRST, &Record::new(&FIRST, Stage::Executed(executed), 1)).unwrap();
    rig.shared.adopt_breaker().unwrap();
    assert_eq!(trial(), Some(FIRST.to_string()));
    rig.shared.journal.put(&FIRST, &Record::new(&FIRST, Stage::Admitted, 1)).unwrap();
    rig.shared.adopt_breaker().unwrap();
    assert_eq!(trial(), None);
    assert_eq!(rig.shared.journal.breaker().unwrap().report(5, &config().breaker).stops(None), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mismatch_stops_claims_what_is_promised_is_computed_by_the_spare_and_a_passed_test_ends_it() {
    let scene = Scene::bound(config().breaker, true).await;
    scene.rig.illness.lies.store(true, Ordering::SeqCst);
    scene.rig.hold_runs(false);
    scene.is_delivered(&FIRST).await;
    let report = scene.opens(Cause::Mismatch).await;
    assert!(report.reason.as_ref().is_some_and(|reason| reason.contains("element 0")), "{report:?}");
    scene.post(SECOND, |_| {}).await;
    scene.waits(&SECOND, Cause::Mismatch).await;

    // Words alone do not mend it.
    scene.rig.shared.reset_breaker(&Cause::ALL).unwrap();
    let is_tested = || !scene.rig.shared.breaker_report().is_testing;
    until("it was tested", is_tested).await;
    assert_eq!(scene.cause(Cause::Mismatch).phase, Phase::Open);
    scene.waits(&SECOND, Cause::Mismatch).await;

    scene.rig.illness.lies.store(false, Ordering::SeqCst);
    assert!(scene.rig.shared.reset_breaker(&[Cause::Mismatch]).unwrap().is_testing);
    scene.closes(Cause::Mismatch).await;
    scene.is_delivered(&SECOND).await;
    assert_eq!(scene.rig.shared.engine.backends().len(), 2, "it is used again");
    assert_eq!(scene.market.with(|world| world.node().fraud_convictions), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_settings_a_mismatch_stops_claims_only_when_no_backend_is_left() {
    let breaker = BreakerSettings { mismatch: MismatchRule::All, ..config().breaker };
    for has_spare in [true, false] {
        let scene = Scene::bound(BreakerSettings { failures: 0, ..breaker.clone() }, has_spare).await;
        scene.rig.illness.lies.store(true, Ordering::SeqCst);
        scene.rig.hold_runs(false);
        until("it was caught", || !scene.rig.shared.engine.trust().0.is_empty()).await;
        scene.post(SECOND, |_| {}).await;
        if has_spare {
            scene.is_delivered(&SECOND).await;
            assert_eq!(scene.cause(Cause::Mismatch).phase, Phase::Closed);
            scene.stop().await;
        } else {
            scene.waits(&SECOND, Cause::Mismatch).await;
            // What it promised it cannot keep until the backend is well: the service would wait for that before it ends.
            scene.rig.illness.lies.store(false, Ordering::SeqCst);
            scene.rig.shared.reset_breaker(&[Cause::Mismatch]).unwrap();
            scene.is_delivered(&FIRST).await;
            scene.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_runs_stop_claims_until_the_device_has_cooled_and_is_fast_again() {
    let settings = BreakerSettings { slow_runs: 2, cooling_slots: 300, ..config().breaker };
    let scene = Scene::new(settings, false).await;
    let takes = |millis| scene.rig.illness.kernel_millis.store(millis, Ordering::SeqCst);
    takes(100);
    scene.see(FIRST).await;
    scene.is_delivered(&FIRST).await;
    takes(900);
    scene.post(SECOND, |_| {}).await;
    scene.is_delivered(&SECOND).await;
    assert_eq!(scene.cause(Cause::Slowdown).phase, Phase::Closed, "one is none");
    scene.post(THIRD, |_| {}).await;
    scene.is_delivered(&THIRD).await;
    let until_slot = scene.opens(Cause::Slowdown).await.until_slot.unwrap();
    takes(110);
    scene.post(FOURTH, |_| {}).await;
    let fourth = scene.is_delivered(&FOURTH).await;
    assert!(fourth.claimed_slot >= until_slot, "{} {until_slot}", fourth.claimed_slot);
    scene.closes(Cause::Slowdown).await;
    assert_eq!(scene.cause(Cause::Slowdown).trips, 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_anothers_trial_holds_no_place_at_the_adapter() {
    let source = Source::start().await;
    let job = source.job().await;
    let market = TestMarket::new(world(&FIRST, &job));
    market.with(|world| world.put_job(&SECOND, &job));
    let folder = tempfile::tempdir().unwrap();
    let half_open = json!({ "failures": { "latch": { "open": { "number": 1, "until_slot": 1, "trial": null } } } });
    let half_open: Machine = serde_json::from_value(half_open).unwrap();
    let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
    journal.put_breaker(&half_open).unwrap();
    drop(journal);
    let rig = Rig::new(folder.path(), &market, NodeConfig { concurrent_jobs: 3, ..config() });
    rig.hold_runs(true);
    rig.loading.close(true);
    let running = start(&rig).await;
    for job in [FIRST, SECOND] {
        see(&running, &market, job).await;
    }
    // Both have a place at the adapter before either is the trial.
    until("both load", || rig.loading.waiting() == 2).await;
    rig.loading.close(false);
    until("the trial runs", || rig.held_runs() == 1).await;
    let places = || {
        let queued: u64 = rig.shared.engine.adapters().iter().map(|adapter| adapter.queued).sum();
        (queued, rig.free_places())
    };
    until("the other one has come to the breaker", || places() == (1, 2)).await;
    let now = market.with(|world| world.slot);
    until("some slots go by", || market.with(|world| world.slot) > now + 50).await;
    let states = || [FIRST, SECOND].map(|job| market.with(|world| world.job(&job).unwrap().state));
    assert!(states().contains(&JobState::Posted), "{:?}", states());
    assert_eq!(places(), (1, 2), "only the trial has a place");
    rig.hold_runs(false);
    until("both are delivered", || !states().contains(&JobState::Posted) && !states().contains(&JobState::Claimed))
        .await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

/// A trial whose run cannot be compared with another shows nothing: it is over when it is kept, long before its window is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_of_a_model_that_is_not_known_makes_room_for_the_next_one() {
    let scene = Scene::new(config().breaker, false).await;
    let settings = scene.rig.shared.config.now();
    scene.rig.illness.kernel_millis.store(100, Ordering::SeqCst);
    let hot = json!({ "slowdown": { "row": 5, "latch": { "open": { "number": 1, "until_slot": 1, "trial": null } } } });
    let hot: Machine = serde_json::from_value(hot).unwrap();
    assert!(hot.report(1, &settings.breaker).is_on_trial());
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
    journal.put_breaker(&hot).unwrap();
    drop(journal);
    let market = TestMarket::new(world(&FIRST, &Job { window_slots: 1_000_000, ..scene.job.clone() }));
    market.with(|world| world.put_job(&SECOND, &scene.job));
    let rig = Rig::new(folder.path(), &market, (*settings).clone());
    rig.illness.kernel_millis.store(100, Ordering::SeqCst);
    let running = start(&rig).await;
    see(&running, &market, FIRST).await;
    let state = |job: &Pubkey| market.with(|world| world.job(job).unwrap().state);
    until("the trial is kept", || state(&FIRST) == JobState::Committed).await;
    let cause = || rig.shared.breaker_report().of(Cause::Slowdown).unwrap().clone();
    until("it is nobody's trial", || cause().trial.is_none()).await;
    assert_eq!(cause().phase, Phase::HalfOpen);
    see(&running, &market, SECOND).await;
    until("the next one shows that it is fast", || cause().phase == Phase::Closed).await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_low_balance_stops_claims_until_it_is_a_quarter_above_the_bound() {
    let least = 1_000_000_000;
    let scene = Scene::bound(BreakerSettings { least_lamports: least, ..config().breaker }, false).await;
    let holds = |lamports| scene.market.with(|world| world.lamports = lamports);
    holds(least - 1);
    scene.opens(Cause::Balance).await;
    scene.post(SECOND, |_| {}).await;
    scene.rig.hold_runs(false);
    scene.is_delivered(&FIRST).await;
    scene.waits(&SECOND, Cause::Balance).await;
    holds(least + least / 5);
    scene.waits(&SECOND, Cause::Balance).await;
    holds(2 * least);
    scene.is_delivered(&SECOND).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_disagree_stop_claims_until_they_agree() {
    let settings = BreakerSettings { disagreement_seconds: 1, ..config().breaker };
    let scene = Scene::bound(settings, false).await;
    // Both speak of the same slot, in which an account is one thing only.
    let say = |nodes: [u8; 2]| {
        let slot = scene.market.with(|world| world.slot);
        let view = |endpoint: &str, node: u8| EndpointView {
            endpoint: endpoint.to_owned(),
            slot,
            genesis_hash: [1; 32],
            node: Some([node; 32]),
        };
        scene.market.show(vec![Some(view("a", nodes[0])), Some(view("b", nodes[1]))]);
    };
    say([1, 2]);
    let report = scene.opens(Cause::Disagreement).await;
    assert!(report.reason.as_ref().is_some_and(|reason| reason.contains("different accounts")), "{report:?}");
    scene.post(SECOND, |_| {}).await;
    scene.rig.hold_runs(false);
    scene.is_delivered(&FIRST).await;
    scene.waits(&SECOND, Cause::Disagreement).await;
    say([3, 3]);
    scene.is_delivered(&SECOND).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_not_accepted_while_the_breaker_is_open_and_one_that_is_served_goes_on() {
    let least = 1_000_000_000;
    let breaker = BreakerSettings { least_lamports: least, ..config().breaker };
    let serving = Setting::serving(NodeConfig { breaker: breaker.clone(), ..config() }).await;
    serving.market.with(|world| world.lamports = least - 1);
    let stops = |setting: &Setting| setting.rig.shared.breaker_report().stops(None).is_some();
    until("it opens", || stops(&serving)).await;
    let reply = serving.ask(1, 7).await;
    assert!(!reply.output.is_empty());
    serving.stop().await;

    // A node that was poor before it looked for the first time.
    let source = Source::start().await;
    let session = sessions::offer(&source).await;
    let market = TestMarket::new(sessions::world_with(&session));
    market.with(|world| world.lamports = least - 1);
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, NodeConfig { breaker, ..config() });
    let running = start(&rig).await;
    sessions::see(&running, &market).await;
    until("some slots go by", || market.with(|world| world.slot) > 120).await;
    market.with(|world| assert!(world.sent_in_sessions(SessionPurpose::Accept).is_empty()));
    market.with(|world| world.lamports = 2 * least);
    sessions::served(&running).await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_breaker_knows_is_in_the_journal_before_anybody_acts_on_it() {
    let source = Source::start().await;
    let market = TestMarket::new(world(&FIRST, &source.job().await));
    let folder = tempfile::tempdir().unwrap();
    let breaker = BreakerSettings { failures: 1, pause_slots: 1_000_000, ..config().breaker };
    let rig = Rig::new(folder.path(), &market, NodeConfig { breaker: breaker.clone(), ..config() });
    rig.illness.fails.store(true, Ordering::SeqCst);
    let driver = tokio::spawn(rig.driver(&FIRST).run(rig.cancel.clone()));
    let shown = || rig.shared.breaker_report().of(Cause::Failures).unwrap().clone();
    until("it trips", || shown().phase == Phase::Open).await;
    let slot = rig.shared.board.slot();
    let written = Breaker::of(&rig.shared.journal).unwrap().report(slot, &breaker);
    assert_eq!(
        written.of(Cause::Failures).map(|report| (report.phase, report.until_slot)),
        Some((Phase::Open, shown().until_slot))
    );
    driver.abort();
    let _ = driver.await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    rig.crash().await;
}
