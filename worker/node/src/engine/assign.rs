//! The adapter of a run: memory and a place in its queue before a job is claimed, another one when it fails afterwards.

use super::booking::Booking;
use super::need::Need;
use super::{Engine, EngineError, Loaded, ModelKey, Run, Slate};
use crate::config::SelfCheck;
use crate::estimate::operations;
use crate::prepare::Prepared;
use crate::schedule::choice::{Obstacle, Offer, choose};
use crate::schedule::memory::{Claim, Lack};
use crate::schedule::queue::{Clock, Phase, Promise};
use assay_kernels::KernelError;
use referee::graph::ResolvedGraph;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What is to be run, before its artifacts are read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The checked graph.
    pub graph: &'a ResolvedGraph,
    /// Root of the params.
    pub params_root: [u8; 32],
}

impl<'a> From<&'a Prepared> for Wanted<'a> {
    fn from(job: &'a Prepared) -> Self {
        Self { graph: &job.graph, params_root: job.params_root }
    }
}

impl Wanted<'_> {
    pub(super) fn key(&self) -> ModelKey {
        (self.graph.root, self.params_root, self.graph.symbols.clone())
    }
}

/// When a run has to have ended, and what there is for it.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The slot of the job's deadline, the margin taken off; before the claim, if it were claimed now.
    pub deadline_slot: u64,
    /// The slot at present.
    pub slot: u64,
    /// How long a slot takes.
    pub slot_time: Duration,
    /// Runs of others that may be at work on the same adapter, which slow it down.
    pub runs_beside: u32,
    /// Bytes of the machine's memory for all models and runs.
    pub machine_bytes: u64,
}

/// Why nothing is booked.
#[derive(Debug, thiserror::Error)]
pub enum NotBooked {
    /// Time or memory is in the way.
    #[error(transparent)]
    Obstacle(Obstacle),
    /// No backend can be used, or none can hold the graph.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Books the adapter on which a job ends first, of those on which it fits beside what is promised and makes no promise late.
    ///
    /// # Errors
    /// There is none; nothing is held then.
    pub fn book(&self, wanted: Wanted<'_>, terms: &Terms) -> Result<Booking, NotBooked> {
        let number = self.dispatch.state().number();
        let adapter = self.take_on(wanted, terms, number, &[])?;
        let booking = Booking::new(number, adapter.0, adapter.1, &self.dispatch);
        self.trim();
        Ok(booking)
    }

    /// A place for a job that was claimed in an earlier life: on the adapter on which it ends first, in time or not. Its memory is held when it
    /// is its turn.
    pub fn book_promised(&self, wanted: Wanted<'_>, terms: &Terms) -> Booking {
        let number = self.dispatch.state().number();
        let booking = Booking::new(number, 0, self.claim_on(None, wanted, true), &self.dispatch);
        self.put_promised(&booking, wanted, terms, &[]);
        booking
    }

    /// Loads the model of a booked job where it is booked, and holds what the model's own plan says from then on. If the adapter cannot
    /// hold it, another one is booked.
    ///
    /// # Errors
    /// No adapter can hold it, or not at present. The booking is to be dropped then.
    pub fn load_booked(&self, job: &Prepared, booking: &Booking, terms: &Terms) -> Result<(), NotBooked> {
        let wanted = Wanted::from(job);
        let mut failed = Vec::new();
        loop {
            let adapter = booking.adapter();
            let slate = self.slate(adapter)?;
            let error = match self.attempt(slate, &|slate: &Slate| Ok(slate.model(job)?)) {
                Ok(loaded) => match self.correct(booking, slate, wanted, &loaded) {
                    Ok(()) => return Ok(()),
                    Err(lack @ Lack::Now { .. }) => return Err(NotBooked::Obstacle(Obstacle::Memory(lack))),
                    Err(lack) => NotBooked::Obstacle(Obstacle::Memory(lack)),
                },
                Err(error) => NotBooked::Engine(error),
            };
            failed.push(adapter);
            self.dispatch.state().books.release(booking.number);
            match self.take_on(wanted, terms, booking.number, &failed) {
                Ok((adapter, claim)) => booking.moved_to(adapter, claim),
                // What the first one said is worth more than that there is no other.
                Err(NotBooked::Engine(_)) => return Err(error),
                Err(obstacle) => return Err(obstacle),
            }
        }
    }

    /// Runs a booked job when it is its turn. When its adapter fails or is not trusted any more, another one takes over.
    ///
    /// # Errors
    /// Every backend failed, or differs from the scalar reference.
    pub async fn compute(
        self: &Arc<Self>,
        job: &Prepared,
        booking: &Arc<Booking>,
        terms: impl Fn() -> Terms,
    ) -> Result<Run, EngineError> {
        let (mut failed, mut last) = (Vec::new(), None);
        loop {
            let adapter = booking.adapter();
            let turn = booking.turn(terms().deadline_slot, |adapter| self.is_trusted(adapter)).await;
            if let Some(turn) = turn {
                let (engine, job, held) = (Arc::clone(self), job.clone(), Arc::clone(booking));
                let ran = tokio::task::spawn_blocking(move || {
                    // Given back before the result is stored: others can run meanwhile.
                    let _turn = turn;
                    engine.run_booked(adapter, &job, &held)
                });
                let died = |reason: String| KernelError::Device { device: "the engine".to_owned(), reason };
                match ran.await.unwrap_or_else(|error| Err(EngineError::Kernel(died(error.to_string())))) {
                    Ok(run) => {
                        if !failed.is_empty() {
                            tracing::warn!(adapter = run.adapter, "the work moved to this adapter");
                        }
                        return Ok(run);
                    }
                    Err(error) => last = Some(error),
                }
            }
            failed.push(adapter);
            if !self.put_promised(booking, Wanted::from(job), &terms(), &failed) {
                return Err(last.unwrap_or_else(|| self.no_backend()));
            }
        }
    }

    fn run_booked(&self, adapter: usize, job: &Prepared, booking: &Booking) -> Result<Run, EngineError> {
        let slate = self.slate(adapter)?;
        let run = self.attempt(slate, &|slate: &Slate| {
            // A run that was moved, or promised in an earlier life, is loaded only now.
            let loaded = slate.model(job)?;
            let claim = self.planned_claim(slate, Wanted::from(job), &loaded);
            self.dispatch.state().books.force(slate.index, booking.number, claim);
            self.run_timed(slate, job)
        })?;
        #[cfg(debug_assertions)]
        let run = self.spoil(job, run)?;
        Ok(run)
    }

    /// Holds memory for a run that cannot wait, whether it fits or not, so that nothing new is promised meanwhile. Sessions hold theirs
    /// already.
    pub(super) fn duty(&self, slate: &Slate, job: &Prepared) -> Option<Booking> {
        let wanted = Wanted::from(job);
        if self.warm_adapter(wanted.key()) == Some(slate.index) {
            return None;
        }
        let claim = self.claim_on(Some(slate), wanted, false);
        let mut state = self.dispatch.state();
        let number = state.number();
        state.books.force(slate.index, number, claim.clone());
        drop(state);
        Some(Booking::new(number, slate.index, claim, &self.dispatch))
    }

    /// Bounds the machine's memory for all models, runs and sessions from now on; who holds something keeps it.
    pub fn bound_machine(&self, bytes: u64) {
        self.dispatch.state().books.bound_machine(bytes);
    }

    /// Changes whenever memory or a place in a queue was given back.
    pub fn freed(&self) -> watch::Receiver<u64> {
        self.dispatch.freed()
    }

    /// Holds what a loaded model's own plan says instead of what was held before.
    fn correct(&self, booking: &Booking, slate: &Slate, wanted: Wanted<'_>, loaded: &Loaded) -> Result<(), Lack> {
        let claim = self.planned_claim(slate, wanted, loaded);
        let mut state = self.dispatch.state();
        state.books.hold(slate.index, booking.number, claim.clone())?;
        drop(state);
        booking.moved_to(slate.index, claim);
        Ok(())
    }

    /// What a job claims by the plan of its loaded model.
    fn planned_claim(&self, slate: &Slate, wanted: Wanted<'_>, loaded: &Loaded) -> Claim<ModelKey> {
        let checks = self.checks(loaded.checked);
        Need::of(wanted.graph).claim(wanted.key(), loaded.planned(), slate.memory, checks, false)
    }

    /// Queues a run and holds its memory on the adapter where it ends first, `failed` ones left out.
    fn take_on(
        &self,
        wanted: Wanted<'_>,
        terms: &Terms,
        number: u64,
        failed: &[usize],
    ) -> Result<(usize, Claim<ModelKey>), NotBooked> {
        let candidates: Vec<(&Slate, Promise, Claim<ModelKey>)> = self
            .usable(failed)
            .map(|slate| {
                let promise = self.promise_on(slate, wanted, terms);
                (slate, promise, self.claim_on(Some(slate), wanted, true))
            })
            .collect();
        let clock = self.clock(terms);
        let mut state = self.dispatch.state();
        state.books.bound_machine(terms.machine_bytes);
        state.queues.iter_mut().for_each(|queue| {
            queue.remove(number);
        });
        let offers: Vec<Offer> = candidates
            .iter()
            .map(|(slate, promise, claim)| {
                let memory = state.books.try_hold(slate.index, number, claim).map_err(Obstacle::Memory);
                let ends_in = match memory {
                    _ if promise.run > clock.until(promise.deadline_slot) => Err(Obstacle::Slow { run: promise.run }),
                    Err(obstacle) => Err(obstacle),
                    Ok(()) => match state.queues.get(slate.index) {
                        Some(queue) => queue.admit(promise, &clock).map_err(Obstacle::Queue),
                        None => Err(Obstacle::Slow { run: promise.run }),
                    },
                };
                Offer { adapter: slate.index, is_fallback: slate.is_fallback, ends_in }
            })
            .collect();
        let (adapter, _) = choose(&offers)
            .map_err(|obstacle| obstacle.map_or_else(|| self.no_backend().into(), NotBooked::Obstacle))?;
        let chosen = candidates.into_iter().find(|(slate, ..)| slate.index == adapter);
        let (_, promise, claim) = chosen.ok_or_else(|| self.no_backend())?;
        state.books.force(adapter, number, claim.clone());
        if let Some(queue) = state.queues.get_mut(adapter) {
            queue.put(number, promise);
        }
        Ok((adapter, claim))
    }

    /// Queues a run that was promised where it ends first, in time before late, `failed` ones left out; `false` if there is no other. Its
    /// memory is held when it is its turn.
    fn put_promised(&self, booking: &Booking, wanted: Wanted<'_>, terms: &Terms, failed: &[usize]) -> bool {
        let clock = self.clock(terms);
        let candidates: Vec<(&Slate, Promise)> =
            self.usable(failed).map(|slate| (slate, self.promise_on(slate, wanted, terms))).collect();
        let chosen = {
            let state = self.dispatch.state();
            let ends = |(slate, promise): &(&Slate, Promise)| {
                let ends_in =
                    state.queues.get(slate.index).map_or(Duration::MAX, |queue| queue.end_of(promise, &clock));
                let is_late = ends_in > clock.until(promise.deadline_slot);
                (is_late, slate.is_fallback, ends_in, slate.index)
            };
            candidates.into_iter().min_by_key(ends)
        };
        let Some((slate, promise)) = chosen else { return false };
        let claim = self.claim_on(Some(slate), wanted, false);
        let mut state = self.dispatch.state();
        state.books.bound_machine(terms.machine_bytes);
        state.books.release(booking.number);
        if let Some(queue) = state.queues.get_mut(slate.index) {
            queue.put(booking.number, promise);
        }
        drop(state);
        booking.moved_to(slate.index, claim);
        // What it held elsewhere may be what somebody waits for.
        self.dispatch.ring();
        true
    }

    fn clock(&self, terms: &Terms) -> Clock {
        Clock { now: self.dispatch.now(), slot: terms.slot, slot_time: terms.slot_time }
    }

    fn promise_on(&self, slate: &Slate, wanted: Wanted<'_>, terms: &Terms) -> Promise {
        let run = slate.estimator().estimate(&wanted.key(), operations(wanted.graph)).unwrap_or(Duration::ZERO);
        let run = run.saturating_mul(terms.runs_beside.saturating_add(1));
        Promise { deadline_slot: terms.deadline_slot, run, phase: Phase::Claiming }
    }

    /// What a job claims on an adapter; without one, as little as on any.
    fn claim_on(&self, slate: Option<&Slate>, wanted: Wanted<'_>, reads: bool) -> Claim<ModelKey> {
        let (need, key) = (Need::of(wanted.graph), wanted.key());
        let known = slate.and_then(|slate| slate.known(&key));
        let planned = known.map_or_else(|| need.planned(), |(planned, _)| planned);
        let checks = self.checks(known.is_some_and(|(_, checked)| checked));
        let memory = slate.map_or(super::AdapterMemory::Processor, |slate| slate.memory);
        need.claim(key, planned, memory, checks, reads)
    }

    pub(super) fn checks(&self, is_checked: bool) -> bool {
        match self.self_check {
            SelfCheck::Always => true,
            SelfCheck::Never => false,
            SelfCheck::First => !is_checked,
        }
    }

    pub(super) fn usable<'a>(&'a self, failed: &'a [usize]) -> impl Iterator<Item = &'a Slate> {
        self.backends.iter().filter(|slate| slate.difference().is_none() && !failed.contains(&slate.index))
    }

    fn is_trusted(&self, adapter: usize) -> bool {
        self.backends.get(adapter).is_some_and(|slate| slate.difference().is_none())
    }

    fn slate(&self, adapter: usize) -> Result<&Slate, EngineError> {
        self.backends.get(adapter).ok_or_else(|| self.no_backend())
    }
}
