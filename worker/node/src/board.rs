//! What is known of the chain at this moment: the slot and the jobs, with a bell that rings on every change.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The latest slot, and a way to wait for changes.
#[derive(Debug, Default)]
pub struct Board {
    slot: AtomicU64,
    changed: Notify,
}

/// A socket can die without a word: nobody waits longer than this before looking again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Board {
    /// The latest slot that was seen.
    pub fn slot(&self) -> u64 {
        self.slot.load(Ordering::Acquire)
    }

    /// Notes a slot; older ones are ignored.
    pub fn saw_slot(&self, slot: u64) {
        if self.slot.fetch_max(slot, Ordering::AcqRel) < slot {
            self.changed.notify_waiters();
        }
    }

    /// Rings the bell: a job changed.
    pub fn ring(&self) {
        self.changed.notify_waiters();
    }

    /// Waits for the next change, or a few seconds.
    pub async fn change(&self) {
        let bell = self.changed.notified();
        let _ = tokio::time::timeout(LONGEST_WAIT, bell).await;
    }
}
