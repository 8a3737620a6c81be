//! Models of sessions: loaded where they fit, with memory held for them.

use super::assign::Wanted;
use super::booking::Booking;
use super::need::Need;
use super::slate::Slate;
use super::{Engine, EngineError, ModelKey, WarmModel};
use crate::prepare::Prepared;
use crate::schedule::memory::{Claim, Lack};
use std::sync::PoisonError;

/// Why the model of a session is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum NotWarm {
    /// It does not fit, at present or at all.
    #[error(transparent)]
    Memory(Lack),
    /// No backend can be used, or none can hold it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Loads the forms of a session's model where they fit, and holds memory for them and for `runs` requests at a time, as long as
    /// the model is kept warm.
    ///
    /// # Errors
    /// No adapter can hold them, or none at present.
    pub fn load_warm(
        &self,
        warm: &WarmModel,
        forms: &[Prepared],
        runs: usize,
        machine_bytes: u64,
    ) -> Result<(), NotWarm> {
        let mut lacking = None;
        let mut last = None;
        for slate in self.by_preference() {
            let number = {
                let mut state = self.dispatch.state();
                state.books.bound_machine(machine_bytes);
                state.number()
            };
            let hold = |this: &Self| {
                let claim = this.warm_claim(slate, forms, runs);
                let mut state = this.dispatch.state();
                state.books.hold(slate.index, number, claim)
            };
            let booking = Booking::new(number, slate.index, self.warm_claim(slate, forms, runs), &self.dispatch);
            if let Err(lack) = hold(self) {
                lacking = better(lacking, lack);
                continue;
            }
            self.dispatch.state().families.insert(number, warm.family);
            self.trim();
            let load = |slate: &Slate| {
                forms.iter().try_for_each(|form| slate.model(form).map(drop)).map_err(EngineError::from)
            };
            match self.attempt(slate, &load).map(|()| hold(self)) {
                Ok(Ok(())) => {
                    *warm.booking.lock().unwrap_or_else(PoisonError::into_inner) = Some(booking);
                    return Ok(());
                }
                Ok(Err(lack)) => lacking = better(lacking, lack),
                Err(error) => last = Some(error),
            }
        }
        match (lacking, last) {
            (Some(lack), _) => Err(NotWarm::Memory(lack)),
            (None, Some(error)) => Err(NotWarm::Engine(error)),
            (None, None) => Err(NotWarm::Engine(self.no_backend())),
        }
    }

    /// The adapter that holds memory for sessions of this model.
    pub(super) fn warm_adapter(&self, key: ModelKey) -> Option<usize> {
        let state = self.dispatch.state();
        let mut numbers = state.families.iter().filter(|(_, family)| **family == (key.0, key.1));
        numbers.find_map(|(number, _)| {
            (0..self.backends.len()).find(|adapter| state.books.adapter_bytes_of(*adapter, *number) > 0)
        })
    }

    fn warm_claim(&self, slate: &Slate, forms: &[Prepared], runs: usize) -> Claim<ModelKey> {
        let runs = u64::try_from(runs).unwrap_or(u64::MAX);
        let mut claim = Claim { model: None, model_bytes: 0, adapter_bytes: 0, machine_bytes: 0 };
        let mut of_runs = 0;
        for form in forms {
            let wanted = Wanted::from(form);
            let need = Need::of(wanted.graph);
            let known = slate.known(&wanted.key());
            let planned = known.map_or_else(|| need.planned(), |(planned, _)| planned);
            let checks = self.checks(known.is_some_and(|(_, checked)| checked));
            let (of_adapter, of_machine) = need.warm(planned, slate.memory, checks, runs);
            claim.adapter_bytes = claim.adapter_bytes.saturating_add(of_adapter);
            of_runs = of_machine.max(of_runs);
            // All forms have the same.
            claim.machine_bytes = need.params();
        }
        claim.machine_bytes = claim.machine_bytes.saturating_add(of_runs);
        claim
    }

    /// Usable adapters in order of preference, fallbacks last.
    fn by_preference(&self) -> Vec<&Slate> {
        let mut slates: Vec<&Slate> = self.usable(&[]).collect();
        slates.sort_by_key(|slate| (slate.is_fallback, slate.index));
        slates
    }
}

/// What passes is the better news.
fn better(known: Option<Lack>, lack: Lack) -> Option<Lack> {
    match known {
        Some(known @ Lack::Now { .. }) => Some(known),
        _ => Some(lack),
    }
}
