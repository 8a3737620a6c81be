//! A device that fails in the middle of a run on purpose: in development builds alone, for tests and drills.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the next run fails; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doom(Arc<AtomicBool>);

impl Doom {
    /// The next run that gets so far fails.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether this is the run that fails: no later one does.
    pub(crate) fn strikes(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}
