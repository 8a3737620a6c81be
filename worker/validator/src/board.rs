//! What the watcher has seen, and bells that wake whom it concerns.

use crate::watching::Market;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// The latest slot, and a bell for each job that a driver is at work on.
#[derive(Debug)]
pub struct Board {
    slot: watch::Sender<u64>,
    bells: Mutex<HashMap<Pubkey, Arc<Notify>>>,
    market: Mutex<Option<Market>>,
    /// When the latest slot was heard.
    heard: Mutex<Option<Instant>>,
}

impl Default for Board {
    fn default() -> Self {
        Self { slot: watch::Sender::new(0), bells: Mutex::default(), market: Mutex::default(), heard: Mutex::default() }
    }
}

impl Board {
    /// The latest slot that was seen; it says when to look again, never whether a deadline has passed.
    pub fn slot(&self) -> u64 {
        *self.slot.borrow()
    }

    /// Notes a slot; older ones are ignored.
    pub fn saw_slot(&self, slot: u64) {
        let is_later = self.slot.send_if_modified(|latest| {
            let is_later = *latest < slot;
            *latest = slot.max(*latest);
            is_later
        });
        if is_later {
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// How long ago the latest slot was heard; nothing before the first.
    pub fn slot_age(&self) -> Option<Duration> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).map(|heard| heard.elapsed())
    }

    /// What mode `watch` saw last; nothing in other modes.
    pub fn market(&self) -> Option<Market> {
        self.market.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what mode `watch` saw.
    pub(crate) fn show(&self, market: Market) {
        *self.market.lock().unwrap_or_else(PoisonError::into_inner) = Some(market);
    }

    /// Wakes the driver of a job. A ring that nobody waits for yet is kept.
    pub fn ring(&self, job: &Pubkey) {
        let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(job) {
            bell.notify_one();
        }
    }

    /// The bell of a job; it has one listener at a time.
    pub(crate) fn listen(&self, job: &Pubkey) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        self.bells.lock().unwrap_or_else(PoisonError::into_inner).insert(*job, Arc::clone(&bell));
        bell
    }

    /// Takes the bell of a job away.
    pub(crate) fn forget(&self, job: &Pubkey) {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
    }

    /// Waits until the chain has come to `slot`.
    pub(crate) async fn reached(&self, slot: u64) {
        let mut slots = self.slot.subscribe();
        if slots.wait_for(|latest| *latest >= slot).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(byte: u8) -> Pubkey {
        Pubkey::new_from_array([byte; 32])
    }

    #[tokio::test]
    async fn a_ring_is_kept_until_somebody_listens_and_others_hear_nothing() {
        let board = Board::default();
        let (one, other) = (board.listen(&address(1)), board.listen(&address(2)));
        board.ring(&address(1));
        board.ring(&address(3));
        one.notified().await;
        let patience = Duration::from_millis(20);
        assert!(tokio::time::timeout(patience, one.notified()).await.is_err());
        assert!(tokio::time::timeout(patience, other.notified()).await.is_err());
    }

    #[tokio::test]
    async fn slots_only_rise_and_are_waited_for() {
        let board = Board::default();
        board.saw_slot(9);
        board.saw_slot(8);
        assert_eq!(board.slot(), 9);
        assert!(board.slot_age().is_some() && Board::default().slot_age().is_none());
        board.reached(9).await;
        assert!(tokio::time::timeout(Duration::from_millis(20), board.reached(10)).await.is_err());
    }
}
