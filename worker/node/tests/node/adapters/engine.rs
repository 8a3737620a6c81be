//! The engine alone: which adapter, when, and with which memory.

use super::{Fault, Staged, engine_of};
use crate::rig::{ROWS, until};
use assay_kernels::commit::Hasher;
use assay_models::mlp;
use assay_node::engine::{Engine, NotBooked, NotWarm, Terms, Wanted};
use assay_node::prepare::Prepared;
use assay_node::schedule::choice::Obstacle;
use assay_node::schedule::memory::Lack;
use assay_node::schedule::queue::Late;
use std::sync::Arc;
use std::time::Duration;

const AMPLE: u64 = 1 << 40;

fn prepared_of(shape: &mlp::Shape, rows: u32, seed: u64) -> Prepared {
    let model = mlp::model(shape, seed).unwrap();
    let graph = model.resolve(&[rows]).unwrap();
    let params_root = Hasher::default().params_root(&graph, &model.params).unwrap();
    Prepared {
        definition: Arc::new(model.graph),
        graph: Arc::new(graph),
        params: Arc::new(model.params),
        inputs: Arc::new(mlp::inputs(shape, rows, 1)),
        params_root,
    }
}

fn prepared(seed: u64) -> Prepared {
    prepared_of(&mlp::Shape::tiny(), ROWS, seed)
}

/// Large enough to tell the speed.
fn large() -> Prepared {
    prepared_of(&mlp::Shape { inputs: 128, hidden: vec![128], outputs: 64, max_batch: 16 }, 16, 1)
}

/// A slot takes a second, it is slot 0.
fn terms(seconds: u64, machine_bytes: u64) -> Terms {
    Terms { deadline_slot: seconds, slot: 0, slot_time: Duration::from_secs(1), runs_beside: 0, machine_bytes }
}

fn obstacle(error: NotBooked) -> Obstacle {
    match error {
        NotBooked::Obstacle(obstacle) => obstacle,
        NotBooked::Engine(error) => panic!("{error}"),
    }
}

fn queues(engine: &Engine) -> Vec<u64> {
    engine.adapters().iter().map(|adapter| adapter.queued).collect()
}

fn holds_nothing(engine: &Engine) -> bool {
    engine.adapters().iter().all(|adapter| adapter.held_bytes == 0 && adapter.queued == 0)
}

#[test]
fn a_job_goes_where_it_ends_first_and_many_go_to_both() {
    // A pause of a busy machine does not make up for the difference.
    let slow = Staged { delay: Duration::from_millis(1_500), ..Staged::default() };
    let fast = Staged { delay: Duration::from_millis(75), ..Staged::default() };
    let (engine, job) = (engine_of(&[(&slow, None), (&fast, None)], AMPLE), large());
    engine.calibrate(&job).unwrap();
    let first = engine.book(Wanted::from(&job), &terms(1_000, AMPLE)).unwrap();
    assert_eq!(queues(&engine), [0, 1]);
    let more: Vec<_> = (0..40).map(|_| engine.book(Wanted::from(&job), &terms(1_000, AMPLE)).unwrap()).collect();
    let [on_slow, on_fast] = queues(&engine).try_into().unwrap();
    assert!(on_slow > 0 && on_fast > on_slow, "{on_slow} {on_fast}");
    drop((first, more));
    assert!(holds_nothing(&engine));
}

#[test]
fn what_would_end_too_late_behind_what_is_promised_is_not_promised() {
    let staged = Staged { delay: Duration::from_millis(300), ..Staged::default() };
    let (engine, job) = (engine_of(&[(&staged, None)], AMPLE), prepared(1));
    // Nothing is known yet, and nothing refused for that.
    drop(engine.book(Wanted::from(&job), &terms(1, AMPLE)).unwrap());
    engine.run(&job).unwrap();
    let run = engine.estimate(&job).unwrap();
    let slots = |runs: f64| terms((run.as_secs_f64() * 1_000.0 * runs) as u64, AMPLE);
    // Now a slot takes a millisecond.
    let within = |runs: f64| Terms { slot_time: Duration::from_millis(1), ..slots(runs) };
    let slow = engine.book(Wanted::from(&job), &within(0.9)).unwrap_err();
    assert_eq!(obstacle(slow), Obstacle::Slow { run });
    let beside = Terms { runs_beside: 1, ..within(1.5) };
    assert_eq!(obstacle(engine.book(Wanted::from(&job), &beside).unwrap_err()), Obstacle::Slow { run: run * 2 });
    let first = engine.book(Wanted::from(&job), &within(1.5)).unwrap();
    let late = engine.book(Wanted::from(&job), &within(1.6)).unwrap_err();
    assert!(matches!(obstacle(late), Obstacle::Queue(Late { number: None, .. } | Late { number: Some(_), .. })));
    let second = engine.book(Wanted::from(&job), &within(2.2)).unwrap_err();
    let NotBooked::Obstacle(Obstacle::Queue(late)) = second else { panic!("{second}") };
    assert!(late.number.is_some(), "the first would be late if the second began before its claim: {late:?}");
    drop(first);
    let first = engine.book(Wanted::from(&job), &within(2.2)).unwrap();
    let second = engine.book(Wanted::from(&job), &within(2.3)).unwrap();
    drop((first, second));
    assert!(holds_nothing(&engine));
}

#[test]
fn what_does_not_fit_beside_what_is_promised_is_not_promised() {
    let says = Some((10_000, 2_000));
    let staged = Staged { says, ..Staged::default() };
    let (a, b) = (prepared(1), prepared(2));
    let engine = engine_of(&[(&staged, None)], AMPLE);
    // By the model's own plan, and what its artifacts, its check and its result take.
    let booking = engine.book(Wanted::from(&a), &terms(1_000, AMPLE)).unwrap();
    engine.load_booked(&a, &booking, &terms(1_000, AMPLE)).unwrap();
    let one = engine.adapters()[0].held_bytes;
    assert!(one > 12_000, "{one}");
    let shared = engine.book(Wanted::from(&a), &terms(1_000, AMPLE)).unwrap();
    engine.load_booked(&a, &shared, &terms(1_000, AMPLE)).unwrap();
    let both = engine.adapters()[0].held_bytes;
    assert_eq!(both, one + (one - 12_000), "two jobs of one model share it");
    drop(shared);
    let lack = engine.book(Wanted::from(&b), &terms(1_000, one)).unwrap_err();
    assert!(matches!(obstacle(lack), Obstacle::Memory(Lack::Now { free: 0, .. })));
    drop(booking);
    assert!(holds_nothing(&engine));
    // Before the load it fits by its tensors; the plan says otherwise.
    let booking = engine.book(Wanted::from(&b), &terms(1_000, 12_000)).unwrap();
    let lack = engine.load_booked(&b, &booking, &terms(1_000, 12_000)).unwrap_err();
    assert!(matches!(obstacle(lack), Obstacle::Memory(Lack::Never { bound: 12_000, .. })));
    drop(booking);
    assert!(holds_nothing(&engine));
}

#[test]
fn a_job_that_an_adapter_cannot_hold_is_booked_on_another_before_it_is_claimed() {
    let (small, full) = (Staged::default(), Staged { fault: Fault::Load, ..Staged::default() });
    let (right, job) = (Staged::default(), prepared(1));
    let engine = engine_of(&[(&small, Some(10)), (&full, None), (&right, None)], AMPLE);
    let booking = engine.book(Wanted::from(&job), &terms(1_000, AMPLE)).unwrap();
    assert_eq!(queues(&engine), [0, 1, 0], "the first is too small");
    engine.load_booked(&job, &booking, &terms(1_000, AMPLE)).unwrap();
    assert_eq!(queues(&engine), [0, 0, 1]);
    let held: Vec<bool> = engine.adapters().iter().map(|adapter| adapter.held_bytes > 0).collect();
    assert_eq!(held, [false, false, true]);
    let only = engine_of(&[(&full, None)], AMPLE);
    let booking = only.book(Wanted::from(&job), &terms(1_000, AMPLE)).unwrap();
    let error = only.load_booked(&job, &booking, &terms(1_000, AMPLE)).unwrap_err();
    assert!(matches!(&error, NotBooked::Engine(error) if error.to_string().starts_with("K0003")), "{error}");
    drop(booking);
    assert!(holds_nothing(&only));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promised_job_moves_when_its_adapter_fails_and_those_behind_it_when_it_is_not_trusted() {
    let job = prepared(1);
    let right = engine_of(&[(&Staged::default(), None)], AMPLE).run(&job).unwrap().boundary.root;
    for fault in [Fault::Device, Fault::Panic, Fault::Lie] {
        let (bad, good) = (Staged { fault, ..Staged::default() }, Staged::default());
        let engine = Arc::new(engine_of(&[(&bad, None), (&good, None)], AMPLE));
        bad.counts.gate.close(true);
        let compute = || {
            let booking = Arc::new(engine.book_promised(Wanted::from(&job), &terms(1_000, AMPLE)));
            let (engine, job) = (Arc::clone(&engine), job.clone());
            tokio::spawn(async move { engine.compute(&job, &booking, || terms(1_000, AMPLE)).await })
        };
        let runs = [compute(), compute()];
        until("the first runs", || bad.counts.gate.waiting() == 1).await;
        assert_eq!(queues(&engine), [2, 0], "nothing is known of either: the first is taken");
        bad.counts.gate.close(false);
        for run in runs {
            assert_eq!(run.await.unwrap().unwrap().boundary.root, right, "{fault:?}");
        }
        let (tried, trusted) = (bad.runs(), engine.adapters()[0].distrusted.is_none());
        assert_eq!((tried, trusted), if fault == Fault::Lie { (1, false) } else { (2, true) }, "{fault:?}");
        assert_eq!(good.runs(), 2);
        assert!(holds_nothing(&engine));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_moves_waits_for_memory_where_it_goes() {
    let says = Some((20_000, 20_000));
    let (lost, good) =
        (Staged { fault: Fault::Device, says, ..Staged::default() }, Staged { says, ..Staged::default() });
    let (a, b) = (prepared(1), prepared(2));
    let one = {
        let probe = engine_of(&[(&good, None)], AMPLE);
        let booking = probe.book(Wanted::from(&a), &terms(1_000, AMPLE)).unwrap();
        probe.load_booked(&a, &booking, &terms(1_000, AMPLE)).unwrap();
        probe.adapters()[0].held_bytes
    };
    let bound = one + 1_000;
    let engine = Arc::new(engine_of(&[(&lost, Some(bound)), (&good, Some(bound))], AMPLE));
    let book = |job: &Prepared| {
        let booking = engine.book(Wanted::from(job), &terms(1_000, AMPLE)).unwrap();
        engine.load_booked(job, &booking, &terms(1_000, AMPLE)).unwrap();
        Arc::new(booking)
    };
    let (on_lost, on_good) = (book(&a), book(&b));
    assert_eq!(queues(&engine), [1, 1], "the second does not fit beside the first");
    good.counts.gate.close(true);
    let compute = |job: &Prepared, booking| {
        let (engine, job) = (Arc::clone(&engine), job.clone());
        tokio::spawn(async move {
            engine.compute(&job, &booking, || terms(1_000, AMPLE)).await.map(|run| run.boundary.root)
        })
    };
    let second = compute(&b, Arc::clone(&on_good));
    until("it runs", || good.counts.gate.waiting() == 1).await;
    let first = compute(&a, on_lost);
    until("it moved", || queues(&engine) == [0, 2]).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    good.counts.gate.close(false);
    assert!(second.await.unwrap().is_ok());
    // It ran, and its result is not stored yet: what it holds is still held.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((good.runs(), first.is_finished()), (1, false));
    assert!(engine.adapters()[1].held_bytes <= bound);
    let right = engine_of(&[(&good, None)], AMPLE).run(&a).unwrap().boundary.root;
    drop(on_good);
    assert_eq!(first.await.unwrap().unwrap(), right);
    assert!(holds_nothing(&engine));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_fails_everywhere_gives_everything_back() {
    let job = prepared(1);
    let (lost, panics) =
        (Staged { fault: Fault::Device, ..Staged::default() }, Staged { fault: Fault::Panic, ..Staged::default() });
    let engine = Arc::new(engine_of(&[(&lost, None), (&panics, None)], AMPLE));
    let booking = Arc::new(engine.book(Wanted::from(&job), &terms(1_000, AMPLE)).unwrap());
    let error = engine.compute(&job, &booking, || terms(1_000, AMPLE)).await.unwrap_err();
    assert!(error.to_string().starts_with("K0006"), "{error}");
    assert_eq!((lost.runs(), panics.runs()), (1, 1));
    drop(booking);
    assert!(holds_nothing(&engine));
}

#[test]
fn loaded_models_stay_within_their_bytes_and_promised_ones_in_any_case() {
    let staged = Staged { says: Some((800, 200)), ..Staged::default() };
    let [a, b, c] = [prepared(1), prepared(2), prepared(3)];
    let engine = engine_of(&[(&staged, None)], 2_500);
    for job in [&a, &b, &a, &c, &a] {
        engine.run(job).unwrap();
    }
    assert_eq!((staged.loads(), engine.adapters()[0].model_bytes), (3, 2_000), "a stays, b leaves for c");
    engine.run(&b).unwrap();
    engine.run(&a).unwrap();
    assert_eq!(staged.loads(), 4, "c left for b");
    let booking = engine.book(Wanted::from(&a), &terms(1_000, AMPLE)).unwrap();
    for job in [&b, &c, &b, &c] {
        engine.run(job).unwrap();
    }
    // It was there at first, and beside a there is room for one.
    assert_eq!(staged.loads(), 4 + 3, "b stays at first, then one leaves for the other");
    engine.run(&a).unwrap();
    assert_eq!(staged.loads(), 4 + 3, "a is promised");
    drop(booking);
}

#[test]
fn the_model_of_a_session_holds_memory_where_it_is_loaded_until_it_is_let_go() {
    let (small, large) = (Staged { says: Some((900, 100)), ..Staged::default() }, Staged::default());
    let engine = engine_of(&[(&small, Some(200)), (&large, Some(1 << 20))], AMPLE);
    let job = prepared(1);
    let keep = || engine.keep_warm(job.graph.root, job.params_root, 2);
    let warm = keep();
    engine.load_warm(&warm, std::slice::from_ref(&job), 2, AMPLE).unwrap();
    let held: Vec<u64> = engine.adapters().iter().map(|adapter| adapter.held_bytes).collect();
    assert!(held[0] == 0 && held[1] > 0, "{held:?}");
    engine.run(&job).unwrap();
    assert_eq!((small.runs(), large.runs(), large.loads()), (0, 1, 1), "requests run where the model is");
    let after: Vec<u64> = engine.adapters().iter().map(|adapter| adapter.held_bytes).collect();
    assert_eq!(after, held);
    let second = keep();
    let lack = engine.load_warm(&second, std::slice::from_ref(&job), 100_000, AMPLE).unwrap_err();
    assert!(matches!(lack, NotWarm::Memory(Lack::Never { .. })), "{lack}");
    drop((warm, second));
    assert!(holds_nothing(&engine));
}
