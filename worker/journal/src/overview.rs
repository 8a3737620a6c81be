//! What is kept in memory of the records of a table: which are live, in which order the others came to their end, and their sums.
//! Some hundred bytes for each record.

use crate::records::{Key, Listed, Move, Place};
use std::collections::BTreeSet;

/// The overview of one table, whose sums are `S`.
#[derive(Debug, Default)]
pub(crate) struct Overview<S> {
    live: BTreeSet<Key>,
    /// What is over, by the slot of its last change; some of it may be live.
    over: BTreeSet<(u64, Key)>,
    /// The sums of what is not live.
    rest: S,
}

impl<S: Clone> Overview<S> {
    /// Takes up a record that is not in it.
    pub(crate) fn add<R: Listed<Sums = S>>(&mut self, key: Key, record: &R) {
        let place = Place::of(record);
        self.place(key, place);
        if !place.is_live {
            record.add_to(&mut self.rest);
        }
    }

    /// Takes up what a transaction changed. `rest` are the sums of what is not live, where it has counted them anew.
    pub(crate) fn apply(&mut self, moves: Vec<Move<S>>, rest: Option<S>, both: impl Fn(&S, &S) -> S) {
        for Move { key, from, to, adds } in moves {
            if let Some(from) = from {
                self.live.remove(&key);
                self.over.remove(&(from.last_slot, key));
            }
            if let Some(to) = to {
                self.place(key, to);
            }
            if let (None, Some(adds)) = (&rest, adds) {
                self.rest = both(&self.rest, &adds);
            }
        }
        if let Some(rest) = rest {
            self.rest = rest;
        }
    }

    fn place(&mut self, key: Key, place: Place) {
        if place.is_live {
            self.live.insert(key);
        }
        if place.is_over {
            self.over.insert((place.last_slot, key));
        }
    }

    pub(crate) fn live(&self) -> Vec<Key> {
        self.live.iter().copied().collect()
    }

    /// What is live, then the newest `most` of the others.
    pub(crate) fn newest(&self, most: usize) -> Vec<Key> {
        let others = self.over.iter().rev().map(|(_, key)| *key).filter(|key| !self.live.contains(key));
        self.live.iter().copied().chain(others.take(most)).collect()
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.newest(usize::MAX)
    }

    pub(crate) fn rest(&self) -> S {
        self.rest.clone()
    }

    /// What was over before `slot`, without the newest `keep` of all that is over.
    pub(crate) fn over_before(&self, slot: u64, keep: usize) -> Vec<Key> {
        let spare = self.over.len().saturating_sub(keep);
        self.over.iter().take(spare).take_while(|(last_slot, _)| *last_slot < slot).map(|(_, key)| *key).collect()
    }
}
