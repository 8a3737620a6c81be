//! A promised run's place in the queue of its adapter, and the memory that is held for it: given back on every ending, because
//! dropping the booking does it.

use super::ModelKey;
use super::warm::{Family, Room};
use crate::schedule::memory::{Books, Claim};
use crate::schedule::queue::Queue;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Queues and books of all adapters of an engine.
#[derive(Debug)]
pub(super) struct Dispatch {
    state: Mutex<State>,
    /// Counts what was given back: who waits looks again.
    freed: watch::Sender<u64>,
    /// Bytes of loaded models that nobody needs, by adapter.
    cached: Vec<AtomicU64>,
    born: Instant,
}

/// What [`Dispatch`] guards.
#[derive(Debug)]
pub(super) struct State {
    pub(super) queues: Vec<Queue>,
    pub(super) books: Books<ModelKey>,
    /// The model of each session that holds memory, by its booking.
    pub(super) families: BTreeMap<u64, Family>,
    last_number: u64,
}

impl State {
    /// A number that no booking has.
    pub(super) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Whether a job or a duty other than `number` holds memory: it will end, and give it back. Sessions may not, for long.
    fn has_others(&self, number: u64) -> bool {
        self.books.holders().any(|other| other != number && !self.families.contains_key(&other))
    }
}

impl Dispatch {
    pub(super) fn new(books: Books<ModelKey>, adapters: usize) -> Self {
        let queues = (0..adapters).map(|_| Queue::default()).collect();
        Self {
            state: Mutex::new(State { queues, books, families: BTreeMap::new(), last_number: 0 }),
            freed: watch::Sender::new(0),
            cached: (0..adapters).map(|_| AtomicU64::new(0)).collect(),
            born: Instant::now(),
        }
    }

    /// Every change of it is whole at every moment at which a panic could happen.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the start.
    pub(super) fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// Wakes whoever waits for a turn or for memory.
    pub(super) fn ring(&self) {
        self.freed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes when something was given back.
    pub(super) fn freed(&self) -> watch::Receiver<u64> {
        self.freed.subscribe()
    }

    /// The room for the loaded models of an adapter.
    pub(super) fn room(&self, adapter: usize, most_models: usize, most_bytes: u64) -> Room {
        let state = self.state();
        let mut held: HashMap<Family, u64> = HashMap::new();
        for (number, family) in &state.families {
            let bytes = held.entry(*family).or_default();
            *bytes = bytes.saturating_add(state.books.adapter_bytes_of(adapter, *number));
        }
        let mut free_bytes = state.books.free(adapter);
        if state.books.is_in_machine(adapter) {
            let others = self.cached.iter().enumerate().filter(|(other, _)| *other != adapter);
            let beside: u64 = others
                .filter(|(other, _)| state.books.is_in_machine(*other))
                .map(|(_, bytes)| bytes.load(Ordering::Relaxed))
                .sum();
            free_bytes = free_bytes.min(state.books.free_in_machine().saturating_sub(beside));
        }
        Room { needed: state.books.models(adapter).into_iter().collect(), held, most_models, most_bytes, free_bytes }
    }

    /// Notes the bytes of loaded models that nobody needs.
    pub(super) fn note_cached(&self, adapter: usize, bytes: u64) {
        if let Some(cached) = self.cached.get(adapter) {
            cached.store(bytes, Ordering::Relaxed);
        }
    }
}

/// Memory, and for a job also a place in the queue of an adapter, as long as it lives.
#[derive(Debug)]
pub struct Booking {
    pub(super) number: u64,
    adapter: AtomicUsize,
    /// What it holds, or waits for.
    claim: Mutex<Claim<ModelKey>>,
    dispatch: Arc<Dispatch>,
}

impl Booking {
    pub(super) fn new(number: u64, adapter: usize, claim: Claim<ModelKey>, dispatch: &Arc<Dispatch>) -> Self {
        Self { number, adapter: AtomicUsize::new(adapter), claim: Mutex::new(claim), dispatch: Arc::clone(dispatch) }
    }

    /// Place of its adapter in the order of preference.
    pub(super) fn adapter(&self) -> usize {
        self.adapter.load(Ordering::SeqCst)
    }

    pub(super) fn moved_to(&self, adapter: usize, claim: Claim<ModelKey>) {
        self.adapter.store(adapter, Ordering::SeqCst);
        *self.claim.lock().unwrap_or_else(PoisonError::into_inner) = claim;
    }

    fn claim(&self) -> Claim<ModelKey> {
        self.claim.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it is the run's turn on its adapter: its memory is held, nothing that was promised runs there, and nothing that can
    /// run has an earlier deadline. Nothing if the adapter is not to be used any more.
    pub(super) async fn turn(self: &Arc<Self>, deadline_slot: u64, is_usable: impl Fn(usize) -> bool) -> Option<Turn> {
        let mut freed = self.dispatch.freed();
        loop {
            freed.borrow_and_update();
            let adapter = self.adapter();
            if !is_usable(adapter) {
                return None;
            }
            if self.begins(adapter, deadline_slot) {
                return Some(Turn { booking: Arc::clone(self) });
            }
            if freed.changed().await.is_err() {
                return None;
            }
        }
    }

    fn begins(&self, adapter: usize, deadline_slot: u64) -> bool {
        let now = self.dispatch.now();
        let mut state = self.dispatch.state();
        if !state.books.holds(self.number) {
            let claim = self.claim();
            // A bond depends on it: when nobody will give memory back soon, waiting helps nobody.
            if state.books.try_hold(adapter, self.number, &claim).is_err() && state.has_others(self.number) {
                return false;
            }
            state.books.force(adapter, self.number, claim);
        }
        let Some(queue) = state.queues.get_mut(adapter) else { return false };
        queue.make_ready(self.number, deadline_slot);
        queue.begin(self.number, now)
    }

    fn leave_queue(&self) {
        let mut state = self.dispatch.state();
        let was_there = state.queues.iter_mut().any(|queue| queue.remove(self.number));
        drop(state);
        if was_there {
            self.dispatch.ring();
        }
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        let mut state = self.dispatch.state();
        state.families.remove(&self.number);
        let held = state.books.release(self.number);
        let queued = state.queues.iter_mut().any(|queue| queue.remove(self.number));
        drop(state);
        if held || queued {
            self.dispatch.ring();
        }
    }
}

/// The right to run on an adapter; dropped, it is the next one's. It holds the memory, too: a run whose driver is gone still needs it.
#[derive(Debug)]
pub(super) struct Turn {
    booking: Arc<Booking>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.booking.leave_queue();
    }
}
