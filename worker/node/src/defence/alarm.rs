//! What keeps the node from taking new jobs: an answer that is due soon, or a conviction.

use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// Why a node takes no jobs any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conviction {
    /// The job, base58; nothing if it was convicted before this node started.
    pub job: Option<String>,
    /// What was proved, in words.
    pub fault: String,
}

/// The alarms of one node.
#[derive(Debug)]
pub struct Alarm {
    /// By when an answer is due, for each job that waits for one.
    due: Mutex<HashMap<Pubkey, u64>>,
    /// Rings when something is due no longer.
    relieved: watch::Sender<u64>,
    conviction: watch::Sender<Option<Conviction>>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { due: Mutex::default(), relieved: watch::Sender::new(0), conviction: watch::Sender::new(None) }
    }
}

impl Alarm {
    /// Notes by when the next answer of a job is due; `None` if none is.
    pub fn set(&self, job: &Pubkey, until_slot: Option<u64>) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        match until_slot {
            Some(slot) => {
                due.insert(*job, slot);
            }
            None if due.remove(job).is_some() => self.relieved.send_modify(|count| *count = count.wrapping_add(1)),
            None => {}
        }
    }

    /// By when the next answer of a job is due, if one is.
    pub fn due(&self, job: &Pubkey) -> Option<u64> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).get(job).copied()
    }

    /// The job whose answer is due first, and by when, if that is less than `low_slots` away at `slot`.
    pub fn low(&self, slot: u64, low_slots: u64) -> Option<(Pubkey, u64)> {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let first = due.iter().min_by_key(|(_, until)| **until).map(|(job, until)| (*job, *until));
        first.filter(|(_, until)| until.saturating_sub(slot) < low_slots)
    }

    /// Waits until some answer is due no longer.
    pub async fn relieved(&self) {
        // The sender is here: waiting cannot fail.
        let _ = self.relieved.subscribe().changed().await;
    }

    /// Notes that the node was convicted; the first time counts.
    pub fn convict(&self, conviction: Conviction) {
        self.conviction.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert(conviction);
            is_first
        });
    }

    /// Of what the node was convicted, if it was.
    pub fn conviction(&self) -> Option<Conviction> {
        self.conviction.borrow().clone()
    }

    /// Waits until the node is convicted.
    pub async fn convicted(&self) -> Conviction {
        let mut conviction = self.conviction.subscribe();
        match conviction.wait_for(Option::is_some).await.ok().and_then(|known| known.clone()) {
            Some(conviction) => conviction,
            // The sender is here: waiting cannot fail.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_answer_that_is_due_counts_and_relief_rings() {
        let alarm = Alarm::default();
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        assert_eq!(alarm.low(0, 1_000), None);
        alarm.set(&one, Some(500));
        alarm.set(&other, Some(300));
        assert_eq!((alarm.due(&one), alarm.due(&Pubkey::new_unique())), (Some(500), None));
        assert_eq!(alarm.low(100, 201), Some((other, 300)));
        assert_eq!(alarm.low(100, 200), None, "exactly 200 left is not less");
        assert_eq!(alarm.low(900, 1), Some((other, 300)), "long past");
        let relieved = alarm.relieved();
        tokio::pin!(relieved);
        assert!(futures_poll(relieved.as_mut()).await.is_none());
        alarm.set(&other, None);
        relieved.await;
        assert_eq!(alarm.low(400, 101), Some((one, 500)));
    }

    async fn futures_poll<F: Future + Unpin>(future: F) -> Option<F::Output> {
        tokio::time::timeout(std::time::Duration::from_millis(5), future).await.ok()
    }

    #[tokio::test]
    async fn a_conviction_stays() {
        let alarm = Alarm::default();
        let conviction = |fault: &str| Conviction { job: None, fault: fault.to_owned() };
        assert_eq!(alarm.conviction(), None);
        alarm.convict(conviction("first"));
        alarm.convict(conviction("second"));
        assert_eq!(alarm.convicted().await, conviction("first"));
    }
}
