//! The roots of segments that the node signs: on disk before the signature exists, and never a second one.
//!
//! Two signed roots of one segment convict the node. Arithmetic is deterministic and so a second root should never come
//! up; memory that flips a bit does not know that. So the first root that was written is the only one that is ever
//! signed, whatever is computed later.

use super::{Journal, JournalError};
use redb::{ReadableDatabase, TableDefinition};
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

/// Keys are the job's address and the segment, big endian.
pub(super) const SEGMENTS: TableDefinition<'_, &[u8; 34], &[u8]> = TableDefinition::new("segments");

/// What is known of one segment of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// The only root that may be signed.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// The artifact of the signed manifest, once it is stored with its tensors.
    #[serde(default)]
    pub manifest: Option<[u8; 32]>,
    /// The artifact that lists the sums of its contractions, once they were asked for.
    #[serde(default)]
    pub advice: Option<[u8; 32]>,
    /// Slot at which the root was written.
    pub slot: u64,
}

impl Journal {
    /// Writes `root` as the only one of the segment that may be signed, unless there is one already; returns the one that
    /// is. Durable when the call returns: only then may a signature be made.
    ///
    /// # Errors
    /// The database failed or the record is unreadable; nothing may be signed then.
    pub fn promise_root(
        &self,
        job: &Pubkey,
        segment: u16,
        root: [u8; 32],
        slot: u64,
    ) -> Result<SegmentRecord, JournalError> {
        let fresh = SegmentRecord { root, manifest: None, advice: None, slot };
        let kept = self.replace(SEGMENTS, job, &key(job, segment), |known: Option<SegmentRecord>| {
            Some(known.unwrap_or_else(|| fresh.clone()))
        })?;
        Ok(kept.unwrap_or(fresh))
    }

    /// Notes where the signed manifest of a promised root is.
    ///
    /// # Errors
    /// The database failed or the record is unreadable.
    pub fn put_segment_manifest(&self, job: &Pubkey, segment: u16, manifest: [u8; 32]) -> Result<(), JournalError> {
        let note =
            |known: Option<SegmentRecord>| known.map(|known| SegmentRecord { manifest: Some(manifest), ..known });
        self.replace(SEGMENTS, job, &key(job, segment), note).map(|_| ())
    }

    /// Notes where the advice for a segment with a promised root is.
    ///
    /// # Errors
    /// The database failed or the record is unreadable.
    pub fn put_segment_advice(&self, job: &Pubkey, segment: u16, advice: [u8; 32]) -> Result<(), JournalError> {
        let note = |known: Option<SegmentRecord>| known.map(|known| SegmentRecord { advice: Some(advice), ..known });
        self.replace(SEGMENTS, job, &key(job, segment), note).map(|_| ())
    }

    /// What is known of a segment.
    ///
    /// # Errors
    /// The database failed or the record is unreadable.
    pub fn segment(&self, job: &Pubkey, segment: u16) -> Result<Option<SegmentRecord>, JournalError> {
        let bytes = self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(SEGMENTS)?.get(&key(job, segment))?.map(|value| value.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode(job, &bytes)).transpose()
    }

    /// Forgets the segments of these jobs, which are over for good, within a transaction of the caller.
    pub(super) fn forget_segments(
        write: &redb::WriteTransaction,
        jobs: impl Iterator<Item = Pubkey>,
    ) -> Result<(), redb::Error> {
        let mut table = write.open_table(SEGMENTS)?;
        for job in jobs {
            table.retain_in::<&[u8; 34], _>(&key(&job, 0)..=&key(&job, u16::MAX), |_, _| false)?;
        }
        Ok(())
    }
}

fn key(job: &Pubkey, segment: u16) -> [u8; 34] {
    let mut key = [0; 34];
    key[..32].copy_from_slice(job.as_ref());
    key[32..].copy_from_slice(&segment.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Outcome, Record, Stage};
    use proptest::prelude::*;

    #[test]
    fn records_of_segments_go_with_their_job() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
        let (over, open) = (Pubkey::new_unique(), Pubkey::new_unique());
        journal.put(&over, &Record::new(&over, Stage::Finished(Outcome::Paid { amount: 1 }), 5)).unwrap();
        journal.put(&open, &Record::new(&open, Stage::Claimed, 5)).unwrap();
        for job in [over, open] {
            for segment in [0, 1, u16::MAX] {
                journal.promise_root(&job, segment, [7; 32], 5).unwrap();
            }
        }
        journal.prune(u64::MAX, 0).unwrap();
        for segment in [0, 1, u16::MAX] {
            assert_eq!(journal.segment(&over, segment).unwrap(), None);
            assert!(journal.segment(&open, segment).unwrap().is_some());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever is promised, in whatever order, with the process dying (the journal is dropped and opened again)
        /// wherever it likes: of each segment exactly one root is ever handed out for signing, the first.
        #[test]
        fn no_second_root_is_ever_handed_out(
            moves in prop::collection::vec((0u8..2, 0u16..3, 0u8..4, any::<bool>(), any::<bool>()), 1..24),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.redb");
            let mut journal = Journal::open(&path).unwrap();
            let mut first = std::collections::HashMap::new();
            for (job, segment, root, with_manifest, dies) in moves {
                let job = Pubkey::new_from_array([job; 32]);
                let given = journal.promise_root(&job, segment, [root; 32], 1).unwrap();
                let expected = *first.entry((job, segment)).or_insert([root; 32]);
                prop_assert_eq!(given.root, expected);
                if with_manifest {
                    journal.put_segment_manifest(&job, segment, [9; 32]).unwrap();
                }
                if dies {
                    drop(journal);
                    journal = Journal::open(&path).unwrap();
                }
                prop_assert_eq!(journal.segment(&job, segment).unwrap().map(|known| known.root), Some(expected));
            }
        }
    }
}
