//! How many runs go on at a time: those that share a device may each take as long as all of them together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The runs at work, each with the most that went on at a time since it began.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    at_work: HashMap<u64, u32>,
}

/// A run at work; it counts until it is dropped.
#[derive(Debug)]
pub struct AtWork {
    number: u64,
    runs: Runs,
}

impl Runs {
    pub(super) fn begin(&self) -> AtWork {
        let mut state = self.lock();
        let number = state.next;
        state.next = state.next.wrapping_add(1);
        state.at_work.insert(number, 0);
        let count = u32::try_from(state.at_work.len()).unwrap_or(u32::MAX);
        state.at_work.values_mut().for_each(|most| *most = count.max(*most));
        drop(state);
        AtWork { number, runs: self.clone() }
    }

    /// Counts are whole at every moment at which a panic could happen.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtWork {
    /// Most runs that went on at a time since it began, itself included.
    pub fn at_once(&self) -> u32 {
        self.runs.lock().at_work.get(&self.number).copied().unwrap_or(1)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.runs.lock().at_work.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_knows_how_many_went_on_beside_it_at_most() {
        let runs = Runs::default();
        let first = runs.begin();
        assert_eq!(first.at_once(), 1);
        let second = runs.begin();
        drop(runs.begin());
        assert_eq!((first.at_once(), second.at_once()), (3, 3));
        drop((first, second));
        assert_eq!(runs.begin().at_once(), 1);
    }
}
