//! The backend that every node has: the processor.
//!
//! At load each op becomes a kernel: a product of matrices where it is one, else a reduction or a program over batches
//! of points. All of them read operands through their views; none copies one first. Kernels are written once and
//! compiled for each instruction set; only the inner loop of products is written by hand for each.

mod access;
mod aligned;
mod buffers;
mod gemm;
mod isa;
mod kernel;
mod lanes;
mod model;
mod output;
mod parallel;
mod scratch;
mod strip;
mod sweep;
mod table;
#[cfg(target_arch = "x86_64")]
mod table_avx512;

pub(crate) use access::{AXES, Access, Point};
pub use isa::Isa;
pub(crate) use isa::{Available, Job};

use crate::{Backend, KernelError, Model, TensorSet};
use parallel::Pool;
use referee::graph::ResolvedGraph;
use std::sync::Arc;

/// How the backend runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuOptions {
    /// Threads; 0 takes as many as the machine runs at once.
    pub threads: usize,
    /// Instruction set; none takes the best that the processor has.
    pub isa: Option<Isa>,
}

/// Computes graphs on the processor.
#[derive(Clone, Debug)]
pub struct CpuBackend {
    pool: Arc<Pool>,
    isa: Available,
    /// For drills.
    #[cfg(debug_assertions)]
    doom: crate::doom::Doom,
}

impl CpuBackend {
    /// Opens the backend and starts its threads.
    ///
    /// # Errors
    /// [`KernelError::Device`] if the processor lacks the instruction set or the threads cannot be started.
    pub fn new(options: CpuOptions) -> Result<Self, KernelError> {
        let isa = options.isa.unwrap_or_else(Isa::detect);
        let Some(isa) = Available::new(isa) else {
            return Err(KernelError::Device { device: "cpu".into(), reason: format!("the processor lacks {isa}") });
        };
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Ok(Self {
            pool: Arc::new(Pool::new(threads)?),
            isa,
            #[cfg(debug_assertions)]
            doom: crate::doom::Doom::default(),
        })
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa.get()
    }

    /// Threads in use.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Runs `work` on the backend's threads: commitments made within use them too.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn description(&self) -> String {
        let threads = self.threads();
        format!("{}, {threads} thread{}", self.isa(), if threads == 1 { "" } else { "s" })
    }

    fn load(&self, graph: Arc<ResolvedGraph>, params: &TensorSet) -> Result<Box<dyn Model>, KernelError> {
        let model = model::CpuModel::new(graph, params, self.isa, Arc::clone(&self.pool))?;
        #[cfg(debug_assertions)]
        let model = model.with_doom(self.doom.clone());
        Ok(Box::new(model))
    }

    #[cfg(debug_assertions)]
    fn lose_in_next_run(&self) {
        self.doom.set();
    }
}
