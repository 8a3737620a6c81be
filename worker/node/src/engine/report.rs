//! How the adapters fare, for people and metrics.

use super::Engine;
use serde::{Deserialize, Serialize};

/// How one adapter fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdapterReport {
    /// What it is called in the settings.
    pub name: String,
    /// The backend that computes on it.
    pub backend: String,
    /// What it runs on.
    pub device: String,
    /// Whether it is there only for what no other one can do.
    pub is_fallback: bool,
    /// Where it differed from the scalar reference, if it did: it is not used until the node is started again.
    pub distrusted: Option<String>,
    /// Promised runs, the one at work counted.
    pub queued: u64,
    /// Whether a promised run is at work.
    pub is_running: bool,
    /// Bytes of memory that promises and sessions hold.
    pub held_bytes: u64,
    /// Bytes of memory that there are for them.
    pub memory_bytes: u64,
    /// Models that are loaded.
    pub models: u64,
    /// Their bytes, each with the memory of a run.
    pub model_bytes: u64,
    /// Milliseconds with at least one run, sessions and traces counted, since the start.
    pub busy_millis: u64,
    /// The share of that in the last five minutes, in parts of 10,000.
    pub busy_bps: u32,
}

impl Engine {
    /// Every adapter, in order of preference; those that are not trusted, too.
    pub fn adapters(&self) -> Vec<AdapterReport> {
        let now = self.dispatch.now();
        let report = |slate: &super::Slate| {
            let (models, model_bytes) = {
                let models = slate.lock();
                (models.len() as u64, models.iter().map(|loaded| loaded.bytes).fold(0, u64::saturating_add))
            };
            let (total, busy_bps) = {
                let busy = slate.busy();
                (busy.total(now), busy.share_bps(now))
            };
            let state = self.dispatch.state();
            let queue = state.queues.get(slate.index);
            AdapterReport {
                name: slate.name.clone(),
                backend: slate.backend.name().to_owned(),
                device: slate.backend.description(),
                is_fallback: slate.is_fallback,
                distrusted: slate.difference(),
                queued: queue.map_or(0, |queue| queue.len() as u64),
                is_running: queue.is_some_and(crate::schedule::queue::Queue::is_running),
                held_bytes: state.books.held(slate.index),
                memory_bytes: state.books.bound(slate.index),
                models,
                model_bytes,
                busy_millis: u64::try_from(total.as_millis()).unwrap_or(u64::MAX),
                busy_bps,
            }
        };
        self.backends.iter().map(report).collect()
    }
}
