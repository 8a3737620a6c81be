//! Which backends are used, and how one that differed from the scalar reference comes to be used again.

use super::{Engine, Slate};
use assay_kernels::conformance::{Level, vectors, verify};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Engine {
    /// Where each backend that is not used any more differed from the scalar reference, in words; and how many are still used.
    pub fn trust(&self) -> (Vec<String>, usize) {
        let differing: Vec<String> =
            self.backends.iter().filter_map(|slate| Some(format!("{}: {}", slate.name, slate.difference()?))).collect();
        let trusted = self.backends.len() - differing.len();
        (differing, trusted)
    }

    /// Runs the vectors of the self-test on every backend that differed; those that pass are used again, and check themselves on the
    /// first run of each graph as after a start.
    pub fn test_again(&self) {
        let vectors = vectors(Level::SelfTest);
        for slate in self.backends.iter().filter(|slate| slate.difference().is_some()) {
            // A driver that panics has not passed.
            let tested = catch_unwind(AssertUnwindSafe(|| verify(slate.backend.as_ref(), &vectors)));
            let name = &slate.name;
            match tested {
                Ok(Ok(())) => {
                    tracing::warn!(adapter = name, "the backend passed its self-test and is used again");
                    slate.set_difference(None);
                }
                Ok(Err(error)) => tracing::error!(adapter = name, %error, "the backend failed its self-test"),
                Err(_) => tracing::error!(adapter = name, "the backend panicked in its self-test"),
            }
        }
    }
}

impl Slate {
    /// Where it differed from the scalar reference, if it did.
    pub(super) fn difference(&self) -> Option<String> {
        self.distrusted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub(super) fn set_difference(&self, difference: Option<String>) {
        *self.distrusted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = difference;
    }
}
