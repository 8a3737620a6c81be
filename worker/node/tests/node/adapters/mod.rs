//! Several adapters: queues, memory, models that stay, and adapters that fail.

mod driven;
mod engine;

use crate::rig::{Counts, cpu};
use assay_kernels::{Backend, Execution, Keep, KernelError, Model, TensorSet};
use assay_node::config::SelfCheck;
use assay_node::engine::{AdapterMemory, CacheBounds, Engine, Executor};
use referee::graph::ResolvedGraph;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How an adapter of these tests misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    /// It is lost.
    Device,
    /// Its driver panics.
    Panic,
    /// One element of the output is wrong.
    Lie,
    /// It can hold no model.
    Load,
}

/// The CPU backend, as slow, as large and as faulty as a test wants.
#[derive(Clone, Debug, Default)]
struct Staged {
    fault: Fault,
    delay: Duration,
    /// Bytes that each model says that it takes, params and run; nothing: what it really does.
    says: Option<(u64, u64)>,
    counts: Counts,
    /// The params of each run, in order.
    log: Arc<Mutex<Vec<u64>>>,
}

struct StagedModel {
    staged: Staged,
    inner: Box<dyn Model>,
    output: u16,
    params: u64,
}

/// Tells params apart.
fn sum_of(params: &TensorSet) -> u64 {
    params
        .values()
        .flat_map(|bytes| bytes.iter())
        .fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

impl Staged {
    fn runs(&self) -> usize {
        self.counts.runs.load(Ordering::SeqCst)
    }

    fn loads(&self) -> usize {
        self.counts.loads.load(Ordering::SeqCst)
    }
}

impl Backend for Staged {
    fn name(&self) -> &'static str {
        "staged"
    }
    fn description(&self) -> String {
        format!("{:?}", self.fault)
    }
    fn load(&self, graph: Arc<ResolvedGraph>, params: &TensorSet) -> Result<Box<dyn Model>, KernelError> {
        self.counts.loads.fetch_add(1, Ordering::SeqCst);
        if self.fault == Fault::Load {
            let device = "staged".to_owned();
            return Err(KernelError::Limit { limit: "everything", device, needed: 2, available: 1 });
        }
        let output = graph.outputs[0];
        let inner = cpu().load(graph, params)?;
        Ok(Box::new(StagedModel { staged: self.clone(), inner, output, params: sum_of(params) }))
    }
}

impl Model for StagedModel {
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError> {
        let Staged { fault, delay, counts, log, .. } = &self.staged;
        counts.gate.pass();
        counts.runs.fetch_add(1, Ordering::SeqCst);
        log.lock().unwrap().push(self.params);
        std::thread::sleep(*delay);
        let mut execution = self.inner.run(inputs, keep)?;
        match fault {
            Fault::None | Fault::Load => {}
            Fault::Device => {
                return Err(KernelError::Device { device: "staged".to_owned(), reason: "lost".to_owned() });
            }
            Fault::Panic => panic!("the driver panics"),
            Fault::Lie => {
                let mut bytes = execution.tensors[&self.output].to_vec();
                bytes[0] ^= 1;
                execution.tensors.insert(self.output, bytes.into());
            }
        }
        Ok(execution)
    }
    fn working_bytes(&self) -> u64 {
        self.staged.says.map_or_else(|| self.inner.working_bytes(), |(_, working)| working)
    }
    fn param_bytes(&self) -> u64 {
        self.staged.says.map_or_else(|| self.inner.param_bytes(), |(params, _)| params)
    }
}

/// An engine of these adapters, in order, with a bound on the memory of each.
fn engine_of(adapters: &[(&Staged, Option<u64>)], cache_bytes: u64) -> Engine {
    let executor = |(number, (staged, memory_bytes)): (usize, &(&Staged, Option<u64>))| Executor {
        name: format!("staged-{number}"),
        backend: Arc::new((*staged).clone()),
        is_fallback: false,
        memory_bytes: *memory_bytes,
        memory: AdapterMemory::Processor,
    };
    let executors = adapters.iter().enumerate().map(executor).collect();
    Engine::of(executors, CacheBounds { models: 64, bytes: cache_bytes }, SelfCheck::First)
}
