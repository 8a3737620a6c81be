//! Runs prepared jobs on its adapters: keeps loaded models, checks a sample against the scalar reference, falls back to another
//! adapter when one fails, hashes the boundary, and remembers how long it all took. Computes single segments again for disputes.
//!
//! | module | what it is |
//! |---|---|
//! | `assign` | the adapter of a run, before the claim and when one fails |
//! | `booking` | a place in an adapter's queue, and memory |
//! | `need` | the memory that a run takes |
//! | `warm`, `warm_load` | which loaded models stay; those of sessions, with memory held for them |
//! | `slate` | one adapter: its loaded models, its times, whether it is trusted |
//! | `check` | a run against the scalar reference |
//! | `trust` | which adapters are used, and how one is used again |
//! | `report`, `busy` | how the adapters fare |
//! | `segment` | segments, computed again |
//! | `fault` | runs with a fault in them: development builds alone |

mod assign;
mod booking;
mod busy;
mod check;
#[cfg(debug_assertions)]
mod fault;
mod need;
mod report;
mod segment;
mod slate;
mod trust;
mod warm;
mod warm_load;

pub use assign::{NotBooked, Terms, Wanted};
pub use booking::Booking;
pub use need::AdapterMemory;
pub use report::AdapterReport;
pub use segment::SegmentRun;
pub use warm::WarmModel;
pub use warm_load::NotWarm;

use crate::config::SelfCheck;
use crate::estimate::operations;
use crate::prepare::Prepared;
use crate::schedule::memory::Books;
use assay_audit::guard::GuardError;
use assay_kernels::commit::{Boundary, Hasher};
use assay_kernels::{Backend, Keep, KernelError, TensorSet};
use booking::Dispatch;
use check::compare_samples;
use referee::graph::Slot;
use slate::{Loaded, Slate};
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use warm::Warm;

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
    /// Name of its adapter.
    pub adapter: String,
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

/// One adapter, and what may be used of it.
#[derive(Clone, Debug)]
pub struct Executor {
    /// What people call it; each has a name of its own.
    pub name: String,
    /// What computes.
    pub backend: Arc<dyn Backend>,
    /// Whether it is there only for what no other one can do.
    pub is_fallback: bool,
    /// Most bytes of its memory for models and runs; nothing where only the machine's bound counts.
    pub memory_bytes: Option<u64>,
    /// Where it has its memory.
    pub memory: AdapterMemory,
}

/// What bounds the loaded models of each adapter; those that a promise or a session needs stay in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    /// How many.
    pub models: usize,
    /// Bytes of all that are loaded.
    pub bytes: u64,
}

/// The adapters of a node, in order of preference, with their queues and loaded models.
#[derive(Debug)]
pub struct Engine {
    backends: Vec<Slate>,
    /// Models that stay loaded.
    warm: Arc<Warm>,
    dispatch: Arc<Dispatch>,
    self_check: SelfCheck,
    #[cfg(debug_assertions)]
    fault: Option<assay_audit::fault::Fault>,
}

impl Engine {
    /// An engine that uses the first backend and, when that fails, the next; memory is bound by the machine's alone.
    pub fn new(backends: Vec<Arc<dyn Backend>>, cached_models: usize, self_check: SelfCheck) -> Self {
        let mut seen: HashMap<&'static str, usize> = HashMap::new();
        let executor = |(index, backend): (usize, Arc<dyn Backend>)| {
            let same = seen.entry(backend.name()).or_default();
            *same += 1;
            let name = if *same > 1 { format!("{}-{same}", backend.name()) } else { backend.name().to_owned() };
            let memory = AdapterMemory::Processor;
            Executor { name, backend, is_fallback: index > 0, memory_bytes: None, memory }
        };
        let executors = backends.into_iter().enumerate().map(executor).collect();
        Self::of(executors, CacheBounds { models: cached_models, bytes: u64::MAX }, self_check)
    }

    /// An engine of these adapters, in order of preference.
    pub fn of(executors: Vec<Executor>, cache: CacheBounds, self_check: SelfCheck) -> Self {
        let books = Books::new(u64::MAX, executors.iter().map(|one| (one.memory_bytes, one.memory.is_in_machine())));
        let (warm, dispatch) = (Arc::new(Warm::default()), Arc::new(Dispatch::new(books, executors.len())));
        let slate = |(index, executor): (usize, Executor)| Slate {
            index,
            name: executor.name,
            backend: executor.backend,
            is_fallback: executor.is_fallback,
            memory: executor.memory,
            cache,
            warm: Arc::clone(&warm),
            dispatch: Arc::clone(&dispatch),
            models: Mutex::default(),
            estimator: Mutex::default(),
            busy: Mutex::default(),
            distrusted: Mutex::default(),
        };
        Self {
            backends: executors.into_iter().enumerate().map(slate).collect(),
            warm,
            dispatch,
            self_check,
            #[cfg(debug_assertions)]
            fault: None,
        }
    }

    /// Name and description of each backend that is in use, in order of preference.
    pub fn backends(&self) -> Vec<(&'static str, String)> {
        let trusted = self.backends.iter().filter(|slate| slate.difference().is_none());
        trusted.map(|slate| (slate.backend.name(), slate.backend.description())).collect()
    }

    /// Runs a job at once, beside whatever else runs, and hashes its boundary: on the adapter on which its model is kept warm, if it is.
    ///
    /// # Errors
    /// Every backend failed, or differs from the scalar reference.
    pub fn run(&self, job: &Prepared) -> Result<Run, EngineError> {
        let run = self.first_for(self.warm_adapter(key(job)), |slate| {
            let _held = self.duty(slate, job);
            self.run_timed(slate, job)
        })?;
        #[cfg(debug_assertions)]
        let run = self.spoil(job, run)?;
        Ok(run)
    }

    /// Runs a job of no client on every adapter, so that the time of others can be told before the first of them.
    ///
    /// # Errors
    /// What the last one said, if all failed.
    pub fn calibrate(&self, job: &Prepared) -> Result<(), EngineError> {
        let measure = |slate: &Slate| {
            // The first run compiles, allocates and checks itself; the second is what later runs are like.
            self.run_on(slate, job)?;
            let started = Instant::now();
            self.run_on(slate, job)?;
            slate.estimator().calibrate(operations(&job.graph), started.elapsed());
            Ok(())
        };
        let measured: Vec<Result<(), EngineError>> =
            self.backends.iter().map(|slate| self.attempt(slate, &measure)).collect();
        if measured.iter().any(Result::is_ok) {
            return Ok(());
        }
        measured.into_iter().next_back().unwrap_or_else(|| Err(self.no_backend()))
    }

    /// How long a run of the job is thought to take on the first adapter while nothing else runs; `None` before anything was measured.
    pub fn estimate(&self, job: &Prepared) -> Option<Duration> {
        let slate = self.backends.iter().find(|slate| slate.difference().is_none())?;
        slate.estimator().estimate(&key(job), operations(&job.graph))
    }

    /// How long so many operations take at the measured speed of all adapters together, without any margin: what of the machine's time
    /// they cost. `None` before anything was measured.
    pub fn run_time(&self, operations: u64) -> Option<Duration> {
        let trusted = || self.backends.iter().filter(|slate| slate.difference().is_none());
        let has_workers = trusted().any(|slate| !slate.is_fallback);
        let rates =
            trusted().filter(|slate| !has_workers || !slate.is_fallback).filter_map(|slate| slate.estimator().rate());
        let rate = rates.fold(0, u64::saturating_add);
        let nanoseconds = u128::from(operations).saturating_mul(1_000_000_000).checked_div(rate.into())?;
        Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)))
    }

    fn first_that<T>(&self, attempt: impl Fn(&Slate) -> Result<T, EngineError>) -> Result<T, EngineError> {
        self.first_for(None, attempt)
    }

    /// Tries the adapters one after the other, `first` before all others.
    fn first_for<T>(
        &self,
        first: Option<usize>,
        attempt: impl Fn(&Slate) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut last = self.no_backend();
        let is_first = |slate: &&Slate| first == Some(slate.index);
        let rest = self.backends.iter().filter(|slate| !is_first(slate));
        for slate in self.backends.iter().filter(is_first).chain(rest) {
            match self.attempt(slate, &attempt) {
                Ok(done) => return Ok(done),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Tries one adapter, and learns from it if that fails.
    fn attempt<T>(&self, slate: &Slate, attempt: &dyn Fn(&Slate) -> Result<T, EngineError>) -> Result<T, EngineError> {
        if let Some(error) = slate.quarantined() {
            return Err(error);
        }
        // A driver that panics must not take the next backend with it.
        let attempted = catch_unwind(AssertUnwindSafe(|| attempt(slate))).unwrap_or_else(|panic| {
            let reason = format!("it panicked: {}", panic_text(panic.as_ref()));
            Err(EngineError::Kernel(KernelError::Device { device: slate.backend.description(), reason }))
        });
        if let Err(error) = &attempted {
            tracing::warn!(adapter = slate.name, %error, "backend failed");
            slate.learn(error);
        }
        attempted
    }

    /// Why nothing can be computed.
    fn no_backend(&self) -> EngineError {
        let quarantined = self.backends.iter().rev().find_map(Slate::quarantined);
        let none = || EngineError::Kernel(KernelError::NoAdapter { reason: "the node has no backend".to_owned() });
        quarantined.unwrap_or_else(none)
    }

    /// Makes room for what was just promised: of every adapter, models leave that nobody needs.
    fn trim(&self) {
        self.backends.iter().for_each(|slate| slate.make_room(0));
    }

    fn run_timed(&self, slate: &Slate, job: &Prepared) -> Result<Run, EngineError> {
        let started = Instant::now();
        let run = self.run_on(slate, job)?;
        slate.estimator().observe(key(job), operations(&job.graph), started.elapsed());
        Ok(run)
    }

    fn run_on(&self, slate: &Slate, job: &Prepared) -> Result<Run, EngineError> {
        let _working = slate.working();
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
            adapter: slate.name.clone(),
            kernel_time: execution.kernel_time,
            commit_time: started.elapsed(),
        })
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

fn key(job: &Prepared) -> ModelKey {
    (job.graph.root, job.params_root, job.graph.symbols.clone())
}
