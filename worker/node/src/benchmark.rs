//! How fast this machine is, in the measure in which jobs say what they cost: what a node may promise in its profile.

use crate::adapters::executors;
use crate::config::NodeConfig;
use assay::fairness::lateness::cost_units;
use assay_kernels::{Backend, Keep, KernelError};
use assay_models::builder::BuildError;
use assay_models::mlp::{self, Shape};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What Solana aims at, and what a promise per slot is measured against.
pub const NOMINAL_SLOT: Duration = Duration::from_millis(400);
/// The share of the measured speed that a node can promise whatever else it does: fetching, hashing, sending, other jobs.
pub const PROMISED_DIVISOR: u64 = 4;
/// How often the graph is run at least, and for how long.
const LEAST_RUNS: u32 = 5;
const LEAST_TIME: Duration = Duration::from_secs(2);

/// Why a machine cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// The graph cannot be built.
    #[error("N0713 the benchmark's graph cannot be built: {0}; report this as a bug")]
    Graph(#[from] BuildError),
    /// The graph cannot be resolved.
    #[error("N0712 the benchmark's graph cannot be resolved: {0}; report this as a bug")]
    Resolve(String),
    /// No backend computes.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// What was measured on one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its short name.
    pub backend: &'static str,
    /// What it runs on.
    pub device: String,
    /// Runs that were timed.
    pub runs: u32,
    /// Cost units of one run.
    pub cost_units: u64,
    /// The slowest of them.
    pub slowest: Duration,
}

impl Measured {
    /// Cost units a second, of the slowest run.
    pub fn units_per_second(&self) -> u64 {
        rate(self.cost_units, self.slowest, Duration::from_secs(1))
    }

    /// What the node can promise to do in a slot.
    pub fn promised_units_per_slot(&self) -> u64 {
        rate(self.cost_units, self.slowest, NOMINAL_SLOT) / PROMISED_DIVISOR
    }
}

fn rate(units: u64, time: Duration, each: Duration) -> u64 {
    let done = u128::from(units).saturating_mul(each.as_nanos()) / time.as_nanos().max(1);
    u64::try_from(done).unwrap_or(u64::MAX)
}

/// Times the backend that the settings choose first, as jobs use it: linear layers of 1,024 by 1,024 on 64 rows.
///
/// # Errors
/// [`BenchmarkError`]
pub fn benchmark(config: &NodeConfig) -> Result<Measured, BenchmarkError> {
    let chosen = executors(config)?;
    let first =
        chosen.first().ok_or_else(|| KernelError::NoAdapter { reason: "the node has no backend".to_owned() })?;
    measure(&first.backend, &Shape { inputs: 1_024, hidden: vec![1_024, 1_024], outputs: 1_024, max_batch: 64 })
}

fn measure(backend: &Arc<dyn Backend>, shape: &Shape) -> Result<Measured, BenchmarkError> {
    let model = mlp::model(shape, 1)?;
    let graph = model.resolve(&[shape.max_batch]).map_err(|error| BenchmarkError::Resolve(error.to_string()))?;
    let (cost_units, inputs) = (cost_units(&graph), mlp::inputs(shape, shape.max_batch, 1));
    let loaded = backend.load(Arc::new(graph), &model.params)?;
    // The first run compiles and allocates.
    loaded.run(&inputs, Keep::Boundary)?;
    let (started, mut runs, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    while runs < LEAST_RUNS || started.elapsed() < LEAST_TIME {
        let run = Instant::now();
        loaded.run(&inputs, Keep::Boundary)?;
        slowest = slowest.max(run.elapsed());
        runs += 1;
    }
    Ok(Measured { backend: backend.name(), device: backend.description(), runs, cost_units, slowest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BackendChoice;

    #[test]
    fn a_promise_is_a_part_of_the_slowest_run() {
        let measured = Measured {
            backend: "cpu",
            device: String::new(),
            runs: 5,
            cost_units: 1_000_000,
            slowest: Duration::from_millis(200),
        };
        assert_eq!((measured.units_per_second(), measured.promised_units_per_slot()), (5_000_000, 500_000));
        let endless = Measured { cost_units: u64::MAX, slowest: Duration::ZERO, ..measured };
        assert_eq!(endless.units_per_second(), u64::MAX);
    }

    #[test]
    fn the_machine_is_measured_by_what_its_backend_does() {
        let config = NodeConfig { backend: BackendChoice::Cpu, ..NodeConfig::default() };
        let cpu = executors(&config).unwrap().remove(0).backend;
        let measured = measure(&cpu, &Shape::tiny()).unwrap();
        let model = mlp::model(&Shape::tiny(), 1).unwrap();
        assert_eq!((measured.backend, measured.cost_units), ("cpu", cost_units(&model.resolve(&[64]).unwrap())));
        assert!(measured.runs >= LEAST_RUNS && measured.promised_units_per_slot() > 0);
        assert!(measured.units_per_second() >= measured.promised_units_per_slot() * PROMISED_DIVISOR);
    }
}
