//! Runs prepared jobs: keeps loaded models, checks a sample against the scalar reference, falls back to the CPU when a
//! device fails, hashes the boundary, and remembers how long it all took. Computes single segments again for disputes.

#[cfg(debug_assertions)]
mod fault;
mod segment;
mod trust;
mod warm;

pub use segment::SegmentRun;
pub use warm::WarmModel;

use crate::config::SelfCheck;
use crate::estimate::{Estimator, operations};
use crate::prepare::Prepared;
use assay_audit::guard::GuardError;
use assay_kernels::commit::{Boundary, Hasher};
use assay_kernels::{Backend, Keep, KernelError, Model, TensorSet};
use referee::graph::{ResolvedGraph, Slot};
use referee::semantics::{Fetch, evaluate_output};
use std::any::Any;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use warm::Warm;

/// Elements of each tensor that a self-check recomputes.
const SAMPLES: u32 = 8;

/// Graph root, params root, symbols.
type ModelKey = ([u8; 32], [u8; 32], Vec<u32>);

/// What a run gave.
#[derive(Debug)]
pub struct Run {
    /// The tensors of the boundary tree.
    pub tensors: TensorSet,
    /// Their slots, in the order of the tree.
    pub boundary_slots: Vec<Slot>,
    /// Their hashes, the tree over them and its root.
    pub boundary: Boundary,
    /// Name of the backend that computed.
    pub backend: &'static str,
    /// Time in kernels.
    pub kernel_time: Duration,
    /// Time in hashing.
    pub commit_time: Duration,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Every backend failed.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A backend computed something else than the scalar reference.
    #[error(
        "N0211 {backend}: element {element} of tensor {slot} is {computed}, the scalar reference gives {reference}; the hardware or its driver is faulty"
    )]
    Differs {
        /// Which backend.
        backend: &'static str,
        /// Which tensor.
        slot: Slot,
        /// Which element, row-major.
        element: u32,
        /// What the backend gave.
        computed: i64,
        /// What is right.
        reference: i64,
    },
    /// A segment that was computed again may not be signed.
    #[error("N0214 {backend}: {error}")]
    Guard {
        /// Which backend.
        backend: &'static str,
        /// What the guard found.
        error: GuardError,
    },
    /// The fault that the node is to make changes nothing in this job: development builds alone.
    #[cfg(debug_assertions)]
    #[error("{0}")]
    Fault(assay_audit::fault::FaultError),
    /// The boundary could not be hashed; impossible for a model that ran.
    #[error("N0213 the result cannot be committed to: {0}")]
    Commit(String),
}

/// The backends of a node, in order of preference, with their loaded models.
#[derive(Debug)]
pub struct Engine {
    backends: Vec<Slate>,
    /// Models that stay loaded.
    warm: Arc<Warm>,
    self_check: SelfCheck,
    estimator: Mutex<Estimator<ModelKey>>,
    #[cfg(debug_assertions)]
    fault: Option<assay_audit::fault::Fault>,
}

/// One backend and what it has loaded.
#[derive(Debug)]
struct Slate {
    backend: Arc<dyn Backend>,
    /// Models beside those that stay.
    capacity: usize,
    warm: Arc<Warm>,
    models: Mutex<VecDeque<Loaded>>,
    /// Where it differed from the scalar reference: it is not used until it passes its self-test again.
    distrusted: Mutex<Option<String>>,
}

/// A loaded model; the most recently used stands last.
#[derive(Clone)]
struct Loaded {
    key: ModelKey,
    model: Arc<dyn Model>,
    /// Whether a run of it was compared with the scalar reference.
    checked: bool,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("checked", &self.checked).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that uses the first backend and, when that fails, the next.
    pub fn new(backends: Vec<Arc<dyn Backend>>, cached_models: usize, self_check: SelfCheck) -> Self {
        let warm = Arc::new(Warm::default());
        let slate = |backend| Slate {
            backend,
            capacity: cached_models.max(1),
            warm: Arc::clone(&warm),
            models: Mutex::default(),
            distrusted: Mutex::default(),
        };
        Self {
            backends: backends.into_iter().map(slate).collect(),
            warm,
            self_check,
            estimator: Mutex::default(),
            #[cfg(debug_assertions)]
            fault: None,
        }
    }

    /// Name and description of each backend that is in use, in order of preference.
    pub fn backends(&self) -> Vec<(&'static str, String)> {
        let trusted = self.backends.iter().filter(|slate| slate.difference().is_none());
        trusted.map(|slate| (slate.backend.name(), slate.backend.description())).collect()
    }

    /// Loads the job's model, so that a graph that no backend can hold is refused before the claim.
    ///
    /// # Errors
    /// What the last backend said.
    pub fn load(&self, job: &Prepared) -> Result<(), EngineError> {
        self.first_that(|slate| slate.model(job).map(|_| ()).map_err(EngineError::from))
    }

    /// Runs a job and hashes its boundary.
    ///
    /// # Errors
    /// Every backend failed, or differs from the scalar reference.
    pub fn run(&self, job: &Prepared) -> Result<Run, EngineError> {
        let started = Instant::now();
        let run = self.first_that(|slate| self.run_on(slate, job))?;
        self.estimator().observe(key(job), operations(&job.graph), started.elapsed());
        #[cfg(debug_assertions)]
        let run = self.spoil(job, run)?;
        Ok(run)
    }

    /// Runs a job of no client, so that the time of others can be told before the first of them.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn calibrate(&self, job: &Prepared) -> Result<(), EngineError> {
        // The first run compiles, allocates and checks itself; the second is what later runs are like.
        self.first_that(|slate| self.run_on(slate, job))?;
        let started = Instant::now();
        self.first_that(|slate| self.run_on(slate, job))?;
        self.estimator().calibrate(operations(&job.graph), started.elapsed());
        Ok(())
    }

    /// How long a run of the job is thought to take while nothing else runs; `None` before anything was measured.
    pub fn estimate(&self, job: &Prepared) -> Option<Duration> {
        self.estimator().estimate(&key(job), operations(&job.graph))
    }

    /// How long so many operations take at the measured speed, without any margin; `None` before anything was measured.
    pub fn run_time(&self, operations: u64) -> Option<Duration> {
        self.estimator().at_rate(operations)
    }

    fn estimator(&self) -> MutexGuard<'_, Estimator<ModelKey>> {
        self.estimator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn first_that<T>(&self, attempt: impl Fn(&Slate) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let mut last = EngineError::Kernel(KernelError::NoAdapter { reason: "the node has no backend".to_owned() });
        let mut has_moved = false;
        for slate in &self.backends {
            if let Some(vector) = slate.difference() {
                let device = slate.backend.description();
                last = EngineError::Kernel(KernelError::Quarantined { device, vector });
                continue;
            }
            // A driver that panics must not take the next backend with it.
            let attempted = catch_unwind(AssertUnwindSafe(|| attempt(slate))).unwrap_or_else(|panic| {
                let reason = format!("it panicked: {}", panic_text(panic.as_ref()));
                Err(EngineError::Kernel(KernelError::Device { device: slate.backend.description(), reason }))
            });
            match attempted {
                Ok(done) => {
                    if has_moved {
                        tracing::warn!(backend = slate.backend.name(), "the work moved to this backend");
                    }
                    return Ok(done);
                }
                Err(error) => {
                    tracing::warn!(backend = slate.backend.name(), %error, "backend failed");
                    has_moved = true;
                    slate.learn(&error);
                    last = error;
                }
            }
        }
        Err(last)
    }

    fn run_on(&self, slate: &Slate, job: &Prepared) -> Result<Run, EngineError> {
        let Loaded { model, checked, .. } = slate.model(job)?;
        let check = match self.self_check {
            SelfCheck::Always => true,
            SelfCheck::Never => false,
            SelfCheck::First => !checked,
        };
        let keep = if check { Keep::Everything } else { Keep::Boundary };
        let mut execution = model.run(&job.inputs, keep)?;
        if check {
            compare_samples(slate.backend.name(), job, &execution.tensors)?;
            slate.note_checked(&key(job));
            let boundary: HashSet<Slot> = job.graph.boundary.iter().map(|entry| entry.slot).collect();
            execution.tensors.retain(|slot, _| boundary.contains(slot));
        }
        let started = Instant::now();
        let boundary = Hasher::default().boundary(&job.graph, &execution.tensors)?;
        Ok(Run {
            boundary_slots: job.graph.boundary.iter().map(|entry| entry.slot).collect(),
            tensors: execution.tensors,
            boundary,
            backend: slate.backend.name(),
            kernel_time: execution.kernel_time,
            commit_time: started.elapsed(),
        })
    }
}

impl Slate {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Loaded>> {
        // A panic while the lock was held leaves a list that is merely shorter.
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn model(&self, job: &Prepared) -> Result<Loaded, KernelError> {
        let key = key(job);
        if let Some(loaded) = use_again(&mut self.lock(), &key) {
            return Ok(loaded);
        }
        let model: Arc<dyn Model> = Arc::from(self.backend.load(Arc::clone(&job.graph), &job.params)?);
        let mut models = self.lock();
        // Another job may have loaded it meanwhile.
        if let Some(loaded) = use_again(&mut models, &key) {
            return Ok(loaded);
        }
        let loaded = Loaded { key, model, checked: false };
        models.push_back(loaded.clone());
        self.warm.make_room(&mut models, self.capacity);
        Ok(loaded)
    }

    fn note_checked(&self, key: &ModelKey) {
        if let Some(loaded) = self.lock().iter_mut().find(|loaded| loaded.key == *key) {
            loaded.checked = true;
        }
    }

    /// A backend that computed something wrong is not used again; a device that failed loses its models, which may
    /// have died with it.
    fn learn(&self, error: &EngineError) {
        match error {
            EngineError::Differs { slot, element, .. } => {
                tracing::error!(
                    backend = self.backend.name(),
                    "backend is quarantined until the node is restarted, or the operator resets the breaker"
                );
                self.set_difference(Some(format!("element {element} of tensor {slot}")));
                self.lock().clear();
            }
            EngineError::Kernel(KernelError::Device { .. }) => self.lock().clear(),
            EngineError::Kernel(_) | EngineError::Guard { .. } | EngineError::Commit(_) => {}
            #[cfg(debug_assertions)]
            EngineError::Fault(_) => {}
        }
    }
}

fn use_again(models: &mut VecDeque<Loaded>, key: &ModelKey) -> Option<Loaded> {
    let at = models.iter().position(|loaded| loaded.key == *key)?;
    let loaded = models.remove(at)?;
    models.push_back(loaded.clone());
    Some(loaded)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

fn key(job: &Prepared) -> ModelKey {
    (job.graph.root, job.params_root, job.graph.symbols.clone())
}

/// All tensors of a run, for the scalar reference.
struct Values<'a> {
    graph: &'a ResolvedGraph,
    sets: [&'a TensorSet; 3],
}

impl Fetch for Values<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let dtype = self.graph.tensors.get(usize::from(slot))?.dtype;
        let bytes = self.sets.iter().find_map(|set| set.get(&slot))?;
        dtype.read(bytes, element as usize)
    }
}

/// Recomputes first, last and evenly spread elements of every tensor that an op produced.
fn compare_samples(backend: &'static str, job: &Prepared, computed: &TensorSet) -> Result<(), EngineError> {
    let mut values = Values { graph: &job.graph, sets: [computed, &job.params, &job.inputs] };
    for (&slot, bytes) in computed {
        let Some(tensor) = job.graph.tensors.get(usize::from(slot)) else { continue };
        let last = tensor.elements().saturating_sub(1);
        let elements: HashSet<u32> =
            (0..SAMPLES).map(|sample| (u64::from(last) * u64::from(sample) / u64::from(SAMPLES - 1)) as u32).collect();
        for element in elements {
            let reference = evaluate_output(&job.graph, slot, element, &mut values)
                .map_err(|error| EngineError::Commit(error.to_string()))?;
            let got = tensor.dtype.read(bytes, element as usize);
            if got != Some(reference) {
                let computed = got.unwrap_or_default();
                return Err(EngineError::Differs { backend, slot, element, computed, reference });
            }
        }
    }
    Ok(())
}
