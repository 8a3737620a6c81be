//! The threads of a backend.

use crate::KernelError;
use rayon::prelude::*;

/// A pool of its own, or the calling thread alone.
#[derive(Debug)]
pub(crate) struct Pool {
    pool: Option<rayon::ThreadPool>,
    threads: usize,
}

impl Pool {
    pub(crate) fn new(threads: usize) -> Result<Self, KernelError> {
        let threads = threads.max(1);
        if threads == 1 {
            return Ok(Self { pool: None, threads });
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("assay-cpu-{index}"))
            .build()
            .map_err(|error| KernelError::Device { device: "cpu".into(), reason: error.to_string() })?;
        Ok(Self { pool: Some(pool), threads })
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `work` on a thread of the pool, so that the ops within need not wake one each.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Calls `task(index, thread)` for each index below `tasks`, where `thread` is below [`threads`](Self::threads)
    /// and no two calls at one time have the same. Without `worthwhile` the calling thread does all.
    pub(crate) fn for_each(&self, tasks: usize, worthwhile: bool, task: impl Fn(usize, usize) + Sync) {
        let thread = || if self.pool.is_some() { rayon::current_thread_index().unwrap_or(0) } else { 0 };
        if self.pool.is_none() || tasks < 2 || !worthwhile {
            let thread = thread();
            (0..tasks).for_each(|index| task(index, thread));
        } else {
            (0..tasks).into_par_iter().with_max_len(1).for_each(|index| task(index, thread()));
        }
    }
}
