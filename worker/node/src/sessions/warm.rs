//! Models of sessions: loaded where they fit beside what is promised, with memory held for them as long as they are kept.

use crate::driver::{Shared, no_memory};
use crate::engine::{NotWarm, WarmModel};
use crate::market::Market;
use crate::prepare::{NotWhole, Prepared};
use crate::refusal::Refusal;
use crate::schedule::memory::Lack;

impl<M: Market> Shared<M> {
    /// Loads forms of a model that is kept warm. It may block for long.
    ///
    /// # Errors
    /// They fit nowhere, at present or at all: N0205, N0210, N0246.
    pub(super) fn load_warm(&self, warm: &WarmModel, forms: &[Prepared]) -> Result<(), NotWhole> {
        let config = self.config.now();
        let runs = config.sessions.concurrent_runs;
        let loaded = self.engine.load_warm(warm, forms, runs, config.total_memory_bytes());
        loaded.map_err(|error| match error {
            NotWarm::Memory(lack @ Lack::Now { .. }) => NotWhole::Passing(no_memory(lack)),
            NotWarm::Memory(lack) => NotWhole::Refused(no_memory(lack)),
            NotWarm::Engine(error) => {
                let remedy = "offer a smaller graph, or use another node";
                NotWhole::Refused(Refusal::new("N0210", error.to_string(), remedy))
            }
        })
    }
}
