//! What the watcher has seen, and bells that wake whom it concerns: nobody polls the chain while nothing changes.

use crate::slot_clock::SlotClock;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The latest slot, and bells for slots, jobs and this node's account.
#[derive(Debug)]
pub struct Board {
    slot: watch::Sender<u64>,
    node: watch::Sender<u64>,
    /// One bell for each job that a driver is at work on; its value is the slot of the last sighting.
    jobs: Mutex<HashMap<Pubkey, watch::Sender<u64>>>,
    clock: Mutex<SlotClock>,
    born: Instant,
    /// When the latest slot was heard, since `born`.
    heard: Mutex<Option<Duration>>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            slot: watch::Sender::new(0),
            node: watch::Sender::new(0),
            jobs: Mutex::default(),
            clock: Mutex::default(),
            born: Instant::now(),
            heard: Mutex::default(),
        }
    }
}

/// Rings when this node's account changes.
#[derive(Debug)]
pub(crate) struct NodeBell(watch::Receiver<u64>);

impl NodeBell {
    /// Waits until it does.
    pub(crate) async fn rung(&mut self) {
        changed(&mut self.0).await;
    }
}

impl Board {
    /// The latest slot that was seen; it says when to look again, never whether a deadline has passed.
    pub fn slot(&self) -> u64 {
        *self.slot.borrow()
    }

    /// Waits until the chain has come to `slot`.
    pub async fn reached(&self, slot: u64) {
        reached(&mut self.slot.subscribe(), slot).await;
    }

    /// Notes a slot; older ones are ignored.
    pub fn saw_slot(&self, slot: u64) {
        let is_later = self.slot.send_if_modified(|latest| {
            let is_later = *latest < slot;
            *latest = slot.max(*latest);
            is_later
        });
        if is_later {
            let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
            clock.observe(slot, self.born.elapsed());
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.born.elapsed());
        }
    }

    /// How long ago the latest slot was heard; nothing before the first.
    pub fn slot_age(&self) -> Option<Duration> {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.map(|heard| self.born.elapsed().saturating_sub(heard))
    }

    /// How long a slot takes, as measured.
    pub fn slot_time(&self) -> Duration {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).slot_time()
    }

    /// Wakes the driver of a job: its account changed, as read at `slot`, or was closed.
    pub fn saw_job(&self, job: &Pubkey, slot: u64) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = jobs.get(job) {
            bell.send_modify(|latest| *latest = slot.max(*latest));
        }
    }

    /// Wakes whoever waits for free stake: this node's account changed, as read at `slot`.
    pub fn saw_node(&self, slot: u64) {
        self.node.send_modify(|latest| *latest = slot.max(*latest));
    }

    /// A bell that rings when this node's account changes.
    pub(crate) fn listen_to_node(&self) -> NodeBell {
        NodeBell(self.node.subscribe())
    }

    /// Ears for one job. A job has one listener at a time.
    pub(crate) fn listen(&self, job: &Pubkey) -> Ears {
        let bell = watch::Sender::new(0);
        let ears = Ears { slot: self.slot.subscribe(), node: self.node.subscribe(), job: bell.subscribe() };
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).insert(*job, bell);
        ears
    }

    /// Takes the bell of a job away.
    pub(crate) fn forget(&self, job: &Pubkey) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
    }
}

/// What one driver hears. Changes since the last time it listened are heard too.
#[derive(Debug)]
pub(crate) struct Ears {
    slot: watch::Receiver<u64>,
    node: watch::Receiver<u64>,
    job: watch::Receiver<u64>,
}

impl Ears {
    /// Slot of the last sighting of the job, 0 before the first; it counts as heard.
    pub(crate) fn hear_job(&mut self) -> u64 {
        *self.job.borrow_and_update()
    }

    /// Slot of the last sighting of the node's account, 0 before the first; it counts as heard.
    pub(crate) fn hear_node(&mut self) -> u64 {
        *self.node.borrow_and_update()
    }

    /// Waits until the job changes.
    pub(crate) async fn job(&mut self) {
        changed(&mut self.job).await;
    }

    /// Waits until the job or the node's account changes.
    pub(crate) async fn node_or_job(&mut self) {
        tokio::select! {
            () = changed(&mut self.node) => {}
            () = changed(&mut self.job) => {}
        }
    }

    /// Waits until the job changes or the chain has come to `slot`.
    pub(crate) async fn job_or_slot(&mut self, slot: u64) {
        tokio::select! {
            () = changed(&mut self.job) => {}
            () = reached(&mut self.slot, slot) => {}
        }
    }
}

/// Without its bell, a driver is about to end: nothing will ring.
async fn changed(bell: &mut watch::Receiver<u64>) {
    if bell.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn reached(slots: &mut watch::Receiver<u64>, slot: u64) {
    let gone = slots.wait_for(|latest| *latest >= slot).await.is_err();
    if gone {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(byte: u8) -> Pubkey {
        Pubkey::new_from_array([byte; 32])
    }

    #[tokio::test]
    async fn a_bell_that_rang_before_anybody_listened_is_still_heard() {
        let board = Board::default();
        let mut ears = board.listen(&address(1));
        board.saw_job(&address(1), 7);
        ears.job().await;
        assert_eq!(ears.hear_job(), 7);
        board.saw_job(&address(1), 7);
        ears.job().await;
    }

    #[tokio::test]
    async fn others_jobs_do_not_wake_a_driver() {
        let board = Board::default();
        let mut ears = board.listen(&address(1));
        board.listen(&address(2));
        board.saw_job(&address(2), 7);
        board.saw_slot(5);
        let patience = Duration::from_millis(20);
        assert!(tokio::time::timeout(patience, ears.job()).await.is_err());
        assert!(tokio::time::timeout(patience, ears.job_or_slot(6)).await.is_err());
        board.saw_slot(6);
        ears.job_or_slot(6).await;
        board.saw_node(6);
        ears.node_or_job().await;
        assert_eq!(ears.hear_node(), 6);
    }

    #[test]
    fn slots_only_rise_and_forgotten_jobs_have_no_bell() {
        let board = Board::default();
        assert_eq!(board.slot_age(), None);
        board.saw_slot(9);
        let heard = *board.heard.lock().unwrap();
        board.saw_slot(8);
        board.saw_slot(9);
        assert_eq!(board.slot(), 9);
        assert_eq!(*board.heard.lock().unwrap(), heard, "what is not later does not count as heard");
        assert!(board.slot_age().is_some());
        let mut ears = board.listen(&address(1));
        board.forget(&address(1));
        board.saw_job(&address(1), 3);
        assert_eq!(ears.hear_job(), 0);
    }
}
