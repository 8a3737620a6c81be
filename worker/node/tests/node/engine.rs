//! Backends that fail, panic and lie.

use crate::rig::{ROWS, Rig, Source, config, cpu, world};
use crate::world::TestMarket;
use assay_kernels::{Backend, Execution, Keep, KernelError, Model, TensorSet};
use assay_models::mlp;
use assay_node::config::SelfCheck;
use assay_node::engine::{Engine, EngineError};
use assay_node::prepare::Prepared;
use referee::graph::ResolvedGraph;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Device,
    Panic,
    /// One element of the output is wrong.
    Lie,
}

/// The CPU backend with a fault.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    loads: Arc<AtomicUsize>,
    runs: Arc<AtomicUsize>,
}

struct FaultyModel {
    inner: Box<dyn Model>,
    fault: Fault,
    output: u16,
    runs: Arc<AtomicUsize>,
}

impl Faulty {
    fn new(fault: Fault) -> Arc<Self> {
        Arc::new(Self { fault, loads: Arc::default(), runs: Arc::default() })
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

impl Backend for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }
    fn description(&self) -> String {
        format!("{:?}", self.fault)
    }
    fn load(&self, graph: Arc<ResolvedGraph>, params: &TensorSet) -> Result<Box<dyn Model>, KernelError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let output = graph.outputs[0];
        let inner = cpu().load(graph, params)?;
        Ok(Box::new(FaultyModel { inner, fault: self.fault, output, runs: Arc::clone(&self.runs) }))
    }
}

impl Model for FaultyModel {
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let mut execution = self.inner.run(inputs, keep)?;
        match self.fault {
            Fault::None => Ok(execution),
            Fault::Device => Err(KernelError::Device { device: "faulty".into(), reason: "lost".into() }),
            Fault::Panic => panic!("the driver panics"),
            Fault::Lie => {
                let mut bytes = execution.tensors[&self.output].to_vec();
                bytes[0] ^= 1;
                execution.tensors.insert(self.output, bytes.into());
                Ok(execution)
            }
        }
    }
    fn working_bytes(&self) -> u64 {
        self.inner.working_bytes()
    }
    fn param_bytes(&self) -> u64 {
        self.inner.param_bytes()
    }
}

fn prepared(seed: u64) -> Prepared {
    let shape = mlp::Shape::tiny();
    let model = mlp::model(&shape, seed).unwrap();
    let graph = model.resolve(&[ROWS]).unwrap();
    Prepared {
        definition: Arc::new(model.graph),
        graph: Arc::new(graph),
        params: Arc::new(model.params),
        inputs: Arc::new(mlp::inputs(&shape, ROWS, 1)),
        params_root: [seed as u8; 32],
    }
}

fn engine(backends: &[&Arc<Faulty>], cached: usize, check: SelfCheck) -> Engine {
    Engine::new(backends.iter().map(|backend| Arc::clone(backend) as Arc<dyn Backend>).collect(), cached, check)
}

/// What the scalar reference gives.
fn right_root(job: &Prepared) -> [u8; 32] {
    engine(&[&Faulty::new(Fault::None)], 1, SelfCheck::Always).run(job).unwrap().boundary.root
}

#[test]
fn a_device_error_or_panic_moves_the_job_to_the_next_backend_and_the_model_is_loaded_anew() {
    let job = prepared(1);
    for fault in [Fault::Device, Fault::Panic] {
        let (bad, good) = (Faulty::new(fault), Faulty::new(Fault::None));
        let engine = engine(&[&bad, &good], 4, SelfCheck::First);
        for round in 1..=2 {
            assert_eq!(engine.run(&job).unwrap().boundary.root, right_root(&job));
            assert_eq!((bad.loads(), bad.runs(), good.runs()), (round, round, round), "a lost device may come back");
        }
        assert_eq!(engine.backends().len(), 2);
    }
}

#[test]
fn a_backend_that_lies_is_caught_and_never_used_again() {
    let job = prepared(1);
    let (liar, honest) = (Faulty::new(Fault::Lie), Faulty::new(Fault::None));
    let engine = engine(&[&liar, &honest], 4, SelfCheck::First);
    for _ in 0..3 {
        let run = engine.run(&job).unwrap();
        assert_eq!(run.boundary.root, right_root(&job));
    }
    assert_eq!((liar.runs(), honest.runs()), (1, 3));
    assert_eq!(engine.backends().len(), 1, "status shows only what is in use");
}

#[test]
fn a_liar_without_a_second_backend_gives_no_result() {
    let job = prepared(1);
    let liar = Faulty::new(Fault::Lie);
    let engine = engine(&[&liar], 4, SelfCheck::Always);
    assert!(matches!(engine.run(&job), Err(EngineError::Differs { element: 0, .. })));
    assert!(matches!(engine.run(&job), Err(EngineError::Kernel(KernelError::Quarantined { .. }))));
    assert_eq!(liar.runs(), 1);
}

#[test]
fn without_self_check_the_lie_is_believed() {
    // The check is what catches it: with it switched off, the wrong root comes out.
    let job = prepared(1);
    let engine = engine(&[&Faulty::new(Fault::Lie)], 4, SelfCheck::Never);
    assert_ne!(engine.run(&job).unwrap().boundary.root, right_root(&job));
}

#[test]
fn the_least_recently_used_model_leaves_the_cache() {
    let backend = Faulty::new(Fault::None);
    let engine = engine(&[&backend], 2, SelfCheck::First);
    let [a, b, c] = [prepared(1), prepared(2), prepared(3)];
    for job in [&a, &b, &a, &c, &a] {
        engine.run(job).unwrap();
    }
    assert_eq!(backend.loads(), 3, "a stays, b leaves for c");
    engine.run(&b).unwrap();
    assert_eq!(backend.loads(), 4);
    engine.run(&a).unwrap();
    assert_eq!(backend.loads(), 4, "c left for b");
}

#[test]
fn no_backend_is_an_error_with_a_code() {
    let error = engine(&[], 1, SelfCheck::First).run(&prepared(1)).unwrap_err();
    assert!(error.to_string().starts_with("K0004"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_keeps_exactly_the_boundary_whether_it_checks_itself_or_not() {
    let source = Source::start().await;
    let folder = tempfile::tempdir().unwrap();
    let job = source.job().await;
    let rig = Rig::new(folder.path(), &TestMarket::new(world(&Pubkey::new_unique(), &job)), config());
    let prepared = rig.shared.artifacts.prepare(&job).await.unwrap();
    let slots: Vec<_> = prepared.graph.boundary.iter().map(|entry| entry.slot).collect();
    for _ in 0..2 {
        let run = rig.shared.engine.run(&prepared).unwrap();
        assert_eq!(run.tensors.keys().copied().collect::<Vec<_>>(), slots);
        assert_eq!(run.boundary_slots, slots);
    }
}
