//! One adapter: its loaded models, its measured times, and whether it is trusted.

use super::booking::Dispatch;
use super::busy::Busy;
use super::need::{AdapterMemory, Need, Planned};
use super::warm::{self, Warm};
use super::{CacheBounds, EngineError, ModelKey, key};
use crate::estimate::Estimator;
use crate::prepare::Prepared;
use assay_kernels::{Backend, KernelError, Model};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One adapter and what it has loaded.
#[derive(Debug)]
pub(super) struct Slate {
    /// Its place in the order of preference.
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) is_fallback: bool,
    pub(super) memory: AdapterMemory,
    pub(super) cache: CacheBounds,
    pub(super) warm: Arc<Warm>,
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) models: Mutex<VecDeque<Loaded>>,
    pub(super) estimator: Mutex<Estimator<ModelKey>>,
    pub(super) busy: Mutex<Busy>,
    /// Where it differed from the scalar reference: it is not used until it passes its self-test again.
    pub(super) distrusted: Mutex<Option<String>>,
}

/// A loaded model; the most recently used stands last.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) key: ModelKey,
    pub(super) model: Arc<dyn Model>,
    /// By the model's own plan.
    pub(super) bytes: u64,
    /// Whether a run of it was compared with the scalar reference.
    pub(super) checked: bool,
}

impl Loaded {
    pub(super) fn planned(&self) -> Planned {
        Planned::of(self.model.as_ref())
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("bytes", &self.bytes).field("checked", &self.checked).finish_non_exhaustive()
    }
}

impl Slate {
    pub(super) fn lock(&self) -> MutexGuard<'_, VecDeque<Loaded>> {
        // A panic while the lock was held leaves a list that is merely shorter.
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn estimator(&self) -> MutexGuard<'_, Estimator<ModelKey>> {
        self.estimator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn model(&self, job: &Prepared) -> Result<Loaded, KernelError> {
        let key = key(job);
        if let Some(loaded) = use_again(&mut self.lock(), &key) {
            return Ok(loaded);
        }
        // Room is made first, so that there are never more bytes than there may be, not even for a moment.
        self.make_room(self.coming(&key, Need::of(&job.graph).planned().bytes()));
        let model: Arc<dyn Model> = Arc::from(self.backend.load(Arc::clone(&job.graph), &job.params)?);
        let loaded = {
            let mut models = self.lock();
            // Another job may have loaded it meanwhile.
            if let Some(loaded) = use_again(&mut models, &key) {
                return Ok(loaded);
            }
            let bytes = Planned::of(model.as_ref()).bytes();
            let loaded = Loaded { key, model, bytes, checked: false };
            models.push_back(loaded.clone());
            loaded
        };
        self.make_room(0);
        Ok(loaded)
    }

    /// Bytes that a model takes from the room of those that nobody needs: memory is held already for those that somebody does.
    fn coming(&self, key: &ModelKey, bytes: u64) -> u64 {
        let state = self.dispatch.state();
        let family = warm::family(key);
        let is_held = state.books.needs(self.index, key) || state.families.values().any(|held| *held == family);
        if is_held { 0 } else { bytes }
    }

    /// Drops loaded models that nobody needs until there is room for so many bytes more.
    pub(super) fn make_room(&self, coming: u64) {
        let room = self.dispatch.room(self.index, self.cache.models, self.cache.bytes);
        let cached = self.warm.make_room(&mut self.lock(), &room, coming);
        self.dispatch.note_cached(self.index, cached);
    }

    /// What is known of a loaded model: its plan, and whether it was compared with the scalar reference.
    pub(super) fn known(&self, key: &ModelKey) -> Option<(Planned, bool)> {
        self.lock().iter().find(|loaded| loaded.key == *key).map(|loaded| (loaded.planned(), loaded.checked))
    }

    /// Counts the adapter as busy as long as this lives.
    pub(super) fn working(&self) -> Working<'_> {
        self.busy().begin(self.dispatch.now());
        Working(self)
    }

    pub(super) fn busy(&self) -> MutexGuard<'_, Busy> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the adapter is not used, if it is not.
    pub(super) fn quarantined(&self) -> Option<EngineError> {
        let vector = self.difference()?;
        Some(EngineError::Kernel(KernelError::Quarantined { device: self.backend.description(), vector }))
    }

    pub(super) fn note_checked(&self, key: &ModelKey) {
        if let Some(loaded) = self.lock().iter_mut().find(|loaded| loaded.key == *key) {
            loaded.checked = true;
        }
    }

    /// A backend that computed something wrong is not used again; a device that failed loses its models, which may
    /// have died with it.
    pub(super) fn learn(&self, error: &EngineError) {
        match error {
            EngineError::Differs { slot, element, .. } => {
                tracing::error!(
                    adapter = self.name,
                    "backend is quarantined until the node is restarted, or the operator resets the breaker"
                );
                self.set_difference(Some(format!("element {element} of tensor {slot}")));
                self.lock().clear();
                // Whoever waits for it goes to another one.
                self.dispatch.ring();
            }
            EngineError::Kernel(KernelError::Device { .. }) => self.lock().clear(),
            EngineError::Kernel(_) | EngineError::Guard { .. } | EngineError::Commit(_) => {}
            #[cfg(debug_assertions)]
            EngineError::Fault(_) => {}
        }
    }
}

/// One run at work.
pub(super) struct Working<'a>(&'a Slate);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.busy().end(self.0.dispatch.now());
    }
}

fn use_again(models: &mut VecDeque<Loaded>, key: &ModelKey) -> Option<Loaded> {
    let at = models.iter().position(|loaded| loaded.key == *key)?;
    let loaded = models.remove(at)?;
    models.push_back(loaded.clone());
    Some(loaded)
}
