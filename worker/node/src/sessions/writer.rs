//! Receipts on their way to the disk: those that come while the disk is at work go with the next write together, so that a
//! wait for the disk is shared by all who wait.

use crate::driver::Shared;
use crate::journal::{Journal, Promise, ReceiptRecord};
use crate::market::Market;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Most receipts of one write.
const MOST_AT_ONCE: usize = 256;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Writer {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
    is_writing: bool,
}

#[derive(Debug)]
struct Waiting {
    promise: Promise,
    kept: oneshot::Sender<Result<ReceiptRecord, String>>,
}

impl Writer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether whoever asks has to write; then they do so until the queue is empty.
    fn enqueue(&self, waiting: Waiting) -> bool {
        let mut state = self.state();
        state.waiting.push(waiting);
        !std::mem::replace(&mut state.is_writing, true)
    }

    /// What is written next; with nothing, the writing is over, and the next who comes writes.
    fn next(&self) -> Vec<Waiting> {
        let mut state = self.state();
        let count = state.waiting.len().min(MOST_AT_ONCE);
        state.is_writing = count > 0;
        state.waiting.drain(..count).collect()
    }

    fn write_all(&self, journal: &Journal) {
        let _released = Released(self);
        loop {
            let (promises, kept): (Vec<Promise>, Vec<_>) =
                self.next().into_iter().map(|waiting| (waiting.promise, waiting.kept)).unzip();
            if promises.is_empty() {
                return;
            }
            match journal.promise_receipts(&promises) {
                // Whoever does not wait any more finds the receipt when they ask again.
                Ok(receipts) => kept.into_iter().zip(receipts).for_each(|(kept, receipt)| drop(kept.send(Ok(receipt)))),
                Err(error) => {
                    tracing::error!(%error, receipts = promises.len(), "receipts could not be written: none is signed");
                    kept.into_iter().for_each(|kept| drop(kept.send(Err(error.to_string()))));
                }
            }
        }
    }
}

/// A writer that panics leaves nobody waiting, and the next who comes writes.
struct Released<'a>(&'a Writer);

impl Drop for Released<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.state() = State::default();
        }
    }
}

impl<M: Market> Shared<M> {
    /// Writes a receipt as the only one of its sequence that may be signed, unless there is one already; returns the one
    /// that is. Durable when the call returns.
    ///
    /// # Errors
    /// In words: the journal failed, and nothing may be signed.
    pub(super) async fn promise_receipt(self: &Arc<Self>, promise: Promise) -> Result<ReceiptRecord, String> {
        let (sender, kept) = oneshot::channel();
        if self.sessions.writer.enqueue(Waiting { promise, kept: sender }) {
            let shared = Arc::clone(self);
            // In a task of its own: whoever asked may not wait, and others depend on it.
            tokio::task::spawn_blocking(move || shared.sessions.writer.write_all(&shared.journal));
        }
        kept.await.unwrap_or_else(|_| Err("the receipt was not written".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{HeldVoucher, SessionRecord};
    use solana_sdk::pubkey::Pubkey;

    fn waiting(session: Pubkey, sequence: u64) -> (Waiting, oneshot::Receiver<Result<ReceiptRecord, String>>) {
        let (kept, receiver) = oneshot::channel();
        let receipt = ReceiptRecord {
            message: vec![sequence as u8],
            symbols: [1, 0, 0, 0],
            inputs_root: [1; 32],
            boundary_root: [2; 32],
            output_root: [3; 32],
            backend: "cpu".to_owned(),
            slot: 1,
        };
        let voucher = HeldVoucher { amount: 1, signature: [0; 64] };
        let promise = Promise { session, sequence, receipt, inputs: vec![1].into(), voucher };
        (Waiting { promise, kept }, receiver)
    }

    #[test]
    fn what_waits_is_written_together_by_whoever_came_first() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
        let session = Pubkey::new_unique();
        journal.change_session(&session, || SessionRecord::new(&session, 1, 1), |_| {}).unwrap();
        let writer = Writer::default();
        let mut receivers = Vec::new();
        for sequence in 0..600 {
            let (waiting, receiver) = waiting(session, sequence);
            assert_eq!(writer.enqueue(waiting), sequence == 0);
            receivers.push(receiver);
        }
        assert_eq!(writer.next().len(), MOST_AT_ONCE, "these are dropped: their senders hear of it");
        writer.write_all(&journal);
        let written = receivers.into_iter().filter_map(|mut receiver| receiver.try_recv().ok()).filter(Result::is_ok);
        assert_eq!(written.count(), 600 - MOST_AT_ONCE);
        assert_eq!(journal.session(&session).unwrap().unwrap().receipts, (600 - MOST_AT_ONCE) as u64);
        assert!(writer.enqueue(self::waiting(session, 9).0), "the next who comes writes");
    }

    #[test]
    fn a_journal_that_fails_fails_all_who_wait() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
        let writer = Writer::default();
        let (unknown, mut receiver) = waiting(Pubkey::new_unique(), 1);
        writer.enqueue(unknown);
        writer.write_all(&journal);
        assert!(receiver.try_recv().unwrap().unwrap_err().starts_with("N0103"));
        assert!(writer.enqueue(waiting(Pubkey::new_unique(), 1).0));
    }
}
