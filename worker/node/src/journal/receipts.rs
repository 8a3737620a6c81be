//! Receipts: on disk before their signature exists, and never a second one for a sequence.
//!
//! Two receipts of one sequence over different inputs would each be slashable alone, and a client could not tell which
//! counts; two over the same inputs with different roots prove that one of them is a lie. So the first that was written for
//! a sequence is the only one that is ever signed, whatever is computed later. The inputs stay beside it, as they came: who
//! calls a receipt in does not have to give them back.

use super::{HeldVoucher, Journal, JournalError};
use assay_journal::RecordError;
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

/// Keys are the session's address and the sequence, big endian.
pub(super) const RECEIPTS: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("receipts");
/// The bundles of inputs, by the same keys.
pub(super) const RECEIPT_INPUTS: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("receipt_inputs");

/// A receipt that may be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRecord {
    /// The message: the only one of this sequence that may be signed.
    #[serde(with = "hex::serde")]
    pub message: Vec<u8>,
    /// Values of the graph's symbols.
    pub symbols: [u32; 4],
    /// Root of the inputs.
    #[serde(with = "hex::serde")]
    pub inputs_root: [u8; 32],
    /// Root of the boundary list.
    #[serde(with = "hex::serde")]
    pub boundary_root: [u8; 32],
    /// Root of the output tensor.
    #[serde(with = "hex::serde")]
    pub output_root: [u8; 32],
    /// Backend that computed it.
    pub backend: String,
    /// Slot at which it was written.
    pub slot: u64,
}

/// A receipt to be written, with what belongs to it.
#[derive(Clone, Debug)]
pub struct Promise {
    /// The session.
    pub session: Pubkey,
    /// The client's number for the request.
    pub sequence: u64,
    /// The receipt.
    pub receipt: ReceiptRecord,
    /// The bundle of inputs.
    pub inputs: bytes::Bytes,
    /// The greatest voucher that the node holds.
    pub voucher: HeldVoucher,
}

impl Journal {
    /// Writes each receipt as the only one of its sequence that may be signed, unless there is one already; returns those
    /// that are. Inputs, the number of receipts and the voucher are written with them. Durable when the call returns: only
    /// then may anything be signed. One call costs one wait for the disk, however many receipts it writes.
    ///
    /// # Errors
    /// The database failed, a record is unreadable, or a session has none; nothing was changed, and nothing may be signed.
    pub fn promise_receipts(&self, promises: &[Promise]) -> Result<Vec<ReceiptRecord>, JournalError> {
        self.record(self.sessions.change(&self.database, |sessions| -> Result<_, RecordError> {
            let mut kept = Vec::with_capacity(promises.len());
            for promise in promises {
                let (session, key) = (promise.session.to_bytes(), key(&promise.session.to_bytes(), promise.sequence));
                let unreadable =
                    |error: serde_json::Error| RecordError::Record { key: session, reason: error.to_string() };
                let known = sessions.transaction().open_table(RECEIPTS)?.get(&key)?.map(|value| value.value().to_vec());
                if let Some(bytes) = known {
                    kept.push(serde_json::from_slice(&bytes).map_err(unreadable)?);
                    continue;
                }
                let mut record = sessions.get(&session)?.ok_or_else(|| RecordError::Record {
                    key: session,
                    reason: "a receipt belongs to no session that this node knows".to_owned(),
                })?;
                record.receipts = record.receipts.saturating_add(1);
                record.greatest_sequence = record.greatest_sequence.max(Some(promise.sequence));
                record.kept_bytes = record.kept_bytes.saturating_add(promise.inputs.len() as u64);
                record.last_slot = record.last_slot.max(promise.receipt.slot);
                if record.promised() < promise.voucher.amount {
                    record.voucher = Some(promise.voucher);
                }
                sessions.put(&session, &record)?;
                let receipt = serde_json::to_vec(&promise.receipt).map_err(unreadable)?;
                let write = sessions.transaction();
                write.open_table(RECEIPTS)?.insert(&key, receipt.as_slice())?;
                write.open_table(RECEIPT_INPUTS)?.insert(&key, &promise.inputs[..])?;
                kept.push(promise.receipt.clone());
            }
            Ok(kept)
        }))
    }

    /// The receipt of a sequence, if one was promised.
    ///
    /// # Errors
    /// The database failed or the record is unreadable.
    pub fn receipt(&self, session: &Pubkey, sequence: u64) -> Result<Option<ReceiptRecord>, JournalError> {
        let bytes = self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(RECEIPTS)?.get(&key(&session.to_bytes(), sequence))?.map(|value| value.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode(session, &bytes)).transpose()
    }

    /// The bundle of inputs of a receipt.
    ///
    /// # Errors
    /// The database failed.
    pub fn receipt_inputs(&self, session: &Pubkey, sequence: u64) -> Result<Option<Vec<u8>>, JournalError> {
        self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read
                .open_table(RECEIPT_INPUTS)?
                .get(&key(&session.to_bytes(), sequence))?
                .map(|value| value.value().to_vec()))
        })
    }

    /// Forgets the receipts of a session that can be called in no more. Their number stays in its record.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn forget_receipts(&self, session: &Pubkey) -> Result<(), JournalError> {
        self.wrap(|| {
            let write = self.database.begin_write()?;
            Self::remove_receipts(&write, &session.to_bytes())?;
            write.commit()?;
            Ok(())
        })
    }

    /// Removes the receipts of a session within a transaction of the caller.
    pub(super) fn remove_receipts(write: &redb::WriteTransaction, session: &[u8; 32]) -> Result<(), redb::Error> {
        let (first, last) = (key(session, 0), key(session, u64::MAX));
        for table in [RECEIPTS, RECEIPT_INPUTS] {
            write.open_table(table)?.retain_in::<&[u8; 40], _>(&first..=&last, |_, _| false)?;
        }
        Ok(())
    }
}

fn key(session: &[u8; 32], sequence: u64) -> [u8; 40] {
    let mut key = [0; 40];
    key[..32].copy_from_slice(session);
    key[32..].copy_from_slice(&sequence.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{SessionOutcome, SessionRecord, SessionStage};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn promise(session: Pubkey, sequence: u64, root: u8, amount: u64) -> Promise {
        Promise {
            session,
            sequence,
            receipt: ReceiptRecord {
                message: vec![root; 9],
                symbols: [3, 0, 0, 0],
                inputs_root: [1; 32],
                boundary_root: [root; 32],
                output_root: [2; 32],
                backend: "cpu".to_owned(),
                slot: 5,
            },
            inputs: vec![root; 7].into(),
            voucher: HeldVoucher { amount, signature: [4; 64] },
        }
    }

    fn opened(folder: &tempfile::TempDir) -> Journal {
        Journal::open(&folder.path().join("journal.redb")).unwrap()
    }

    fn known(journal: &Journal, session: &Pubkey) {
        journal.change_session(session, || SessionRecord::new(session, 10, 1), |_| {}).unwrap();
    }

    #[test]
    fn receipts_inputs_and_voucher_are_written_together_and_forgotten_alone() {
        let folder = tempfile::tempdir().unwrap();
        let journal = opened(&folder);
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        known(&journal, &one);
        known(&journal, &other);
        journal.promise_receipts(&[promise(one, 1, 1, 10), promise(other, 1, 2, 30), promise(one, 9, 3, 20)]).unwrap();
        drop(journal);
        let journal = opened(&folder);
        let record = journal.session(&one).unwrap().unwrap();
        assert_eq!(
            (record.receipts, record.greatest_sequence, record.kept_bytes, record.promised()),
            (2, Some(9), 14, 20)
        );
        assert_eq!(journal.receipt(&one, 9).unwrap().unwrap().boundary_root, [3; 32]);
        assert_eq!(journal.receipt_inputs(&other, 1).unwrap().unwrap(), [2; 7]);
        journal.forget_receipts(&one).unwrap();
        assert_eq!((journal.receipt(&one, 1).unwrap(), journal.receipt_inputs(&one, 9).unwrap()), (None, None));
        assert!(journal.receipt(&other, 1).unwrap().is_some() && journal.receipt_inputs(&other, 1).unwrap().is_some());
        assert_eq!(journal.session(&one).unwrap().unwrap().receipts, 2, "what was signed was signed");
    }

    #[test]
    fn receipts_go_with_the_record_of_their_session_and_its_sums_stay() {
        let folder = tempfile::tempdir().unwrap();
        let journal = opened(&folder);
        let (over, open) = (Pubkey::new_unique(), Pubkey::new_unique());
        for session in [over, open] {
            known(&journal, &session);
        }
        let end = |record: &mut SessionRecord| {
            record.stage = SessionStage::Finished(SessionOutcome::Paid { amount: 7 });
        };
        journal.change_session(&over, || SessionRecord::new(&over, 10, 1), end).unwrap();
        journal.promise_receipts(&[promise(over, 1, 1, 10), promise(open, 1, 2, 10)]).unwrap();
        let totals = journal.session_totals().unwrap();
        assert_eq!((totals.settled, totals.open, totals.receipts, totals.earned), (1, 1, 2, 7));
        assert_eq!(journal.prune_sessions(5, 0).unwrap(), 0, "it changed at 5");
        assert_eq!(journal.prune_sessions(6, 1).unwrap(), 0, "the newest stay");
        assert_eq!(journal.prune_sessions(6, 0).unwrap(), 1);
        assert_eq!((journal.session(&over).unwrap(), journal.receipt(&over, 1).unwrap()), (None, None));
        assert_eq!(journal.receipt_inputs(&over, 1).unwrap(), None);
        assert!(journal.receipt(&open, 1).unwrap().is_some());
        assert_eq!(journal.session_totals().unwrap(), totals);
    }

    #[test]
    fn a_batch_with_a_receipt_of_no_session_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = opened(&folder);
        let session = Pubkey::new_unique();
        known(&journal, &session);
        let stray = promise(Pubkey::new_unique(), 1, 1, 10);
        let error = journal.promise_receipts(&[promise(session, 1, 1, 10), stray]).unwrap_err();
        assert!(error.to_string().starts_with("N0103"), "{error}");
        assert_eq!(journal.receipt(&session, 1).unwrap(), None);
        assert_eq!(journal.session(&session).unwrap().unwrap().receipts, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever is promised, in whatever batches, with the process dying wherever it likes: of each sequence exactly one
        /// receipt is ever handed out for signing, the first; and the record counts each once and has the greatest voucher.
        #[test]
        fn no_second_receipt_of_a_sequence_is_ever_handed_out(
            batches in prop::collection::vec(
                (prop::collection::vec((0u8..2, 0u64..4, 0u8..4, 0u64..100), 1..5), any::<bool>()),
                1..8,
            ),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut journal = opened(&folder);
            let sessions = [0u8, 1].map(|byte| Pubkey::new_from_array([byte; 32]));
            sessions.iter().for_each(|session| known(&journal, session));
            let mut first: BTreeMap<(u8, u64), u8> = BTreeMap::new();
            let mut greatest = [0u64; 2];
            for (batch, dies) in batches {
                let promises: Vec<Promise> = batch
                    .iter()
                    .map(|(session, sequence, root, amount)| {
                        promise(sessions[usize::from(*session)], *sequence, *root, *amount)
                    })
                    .collect();
                let kept = journal.promise_receipts(&promises).unwrap();
                for ((session, sequence, root, amount), kept) in batch.iter().zip(&kept) {
                    if !first.contains_key(&(*session, *sequence)) {
                        greatest[usize::from(*session)] = greatest[usize::from(*session)].max(*amount);
                    }
                    let expected = *first.entry((*session, *sequence)).or_insert(*root);
                    prop_assert_eq!(kept.boundary_root, [expected; 32]);
                }
                if dies {
                    drop(journal);
                    journal = opened(&folder);
                }
            }
            for (index, session) in sessions.iter().enumerate() {
                let record = journal.session(session).unwrap().unwrap();
                prop_assert_eq!(record.receipts, first.keys().filter(|(of, _)| usize::from(*of) == index).count() as u64);
                prop_assert_eq!(record.promised(), greatest[index]);
            }
        }
    }
}
