//! Which artifacts each job still needs, so that all others can be removed from the node's store.

use super::{Journal, JournalError};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::collections::HashSet;

pub(super) const HOLDINGS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("holdings");

/// What one job holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Ids of artifacts, each once, in the order in which they came.
    #[serde(with = "hashes")]
    pub artifacts: Vec<[u8; 32]>,
    /// Slot from which the job needs them no longer; `None` while it is not over.
    pub release_slot: Option<u64>,
}

impl Journal {
    /// Notes that a job needs these artifacts, beside those that it has already, until it is released anew.
    ///
    /// # Errors
    /// The database failed or the holding is unreadable; nothing was changed then.
    pub fn hold(&self, job: &Pubkey, artifacts: &[[u8; 32]]) -> Result<(), JournalError> {
        self.change_holding(job, |holding| {
            let mut holding = holding.unwrap_or_default();
            let known: HashSet<[u8; 32]> = holding.artifacts.iter().copied().collect();
            let mut fresh: HashSet<[u8; 32]> = HashSet::new();
            holding.artifacts.extend(artifacts.iter().filter(|id| !known.contains(*id) && fresh.insert(**id)));
            Some(Holding { release_slot: None, ..holding })
        })
    }

    /// Notes that a job needs its artifacts no longer from `slot` on.
    ///
    /// # Errors
    /// The database failed or the holding is unreadable; nothing was changed then.
    pub fn release(&self, job: &Pubkey, slot: u64) -> Result<(), JournalError> {
        self.change_holding(job, |holding| holding.map(|holding| Holding { release_slot: Some(slot), ..holding }))
    }

    /// What a job holds.
    ///
    /// # Errors
    /// The database failed or the holding is unreadable.
    pub fn holding(&self, job: &Pubkey) -> Result<Option<Holding>, JournalError> {
        let bytes = self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(HOLDINGS)?.get(&job.to_bytes())?.map(|value| value.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode(job, &bytes)).transpose()
    }

    /// Forgets the holdings that were released from `slot` or earlier on; how many there were.
    ///
    /// # Errors
    /// The database failed or a holding is unreadable; nothing was changed then.
    pub fn forget_released(&self, slot: u64) -> Result<usize, JournalError> {
        let over: Vec<Pubkey> = self
            .holdings()?
            .into_iter()
            .filter(|(_, holding)| holding.release_slot.is_some_and(|release| release <= slot))
            .map(|(job, _)| job)
            .collect();
        if over.is_empty() {
            return Ok(0);
        }
        self.wrap(|| {
            let write = self.database.begin_write()?;
            {
                let mut table = write.open_table(HOLDINGS)?;
                for job in &over {
                    table.remove(&job.to_bytes())?;
                }
            }
            write.commit()?;
            Ok(())
        })?;
        Ok(over.len())
    }

    /// Every artifact that some job needs.
    ///
    /// # Errors
    /// The database failed or a holding is unreadable.
    pub fn held(&self) -> Result<HashSet<[u8; 32]>, JournalError> {
        Ok(self.holdings()?.into_iter().flat_map(|(_, holding)| holding.artifacts).collect())
    }

    fn holdings(&self) -> Result<Vec<(Pubkey, Holding)>, JournalError> {
        let rows = self.wrap(|| {
            let read = self.database.begin_read()?;
            let table = read.open_table(HOLDINGS)?;
            let mut rows = Vec::new();
            for row in table.iter()? {
                let (job, bytes) = row?;
                rows.push((Pubkey::new_from_array(*job.value()), bytes.value().to_vec()));
            }
            Ok(rows)
        })?;
        rows.into_iter().map(|(job, bytes)| self.decode(&job, &bytes).map(|holding| (job, holding))).collect()
    }

    /// Reads, changes and writes one holding in a single transaction: two tasks of one job do not undo each other.
    fn change_holding(
        &self,
        job: &Pubkey,
        change: impl FnOnce(Option<Holding>) -> Option<Holding>,
    ) -> Result<(), JournalError> {
        self.replace(HOLDINGS, job, &job.to_bytes(), change).map(|_| ())
    }
}

/// Ids as one string of hexadecimal digits: a boundary may list thousands.
mod hashes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(hashes: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(hashes.concat()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(serde::de::Error::custom("the ids are cut short"));
        }
        Ok(hashes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(bytes: std::ops::Range<u8>) -> Vec<[u8; 32]> {
        bytes.map(|byte| [byte; 32]).collect()
    }

    #[test]
    fn artifacts_are_held_by_every_job_that_needs_them_and_released_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        {
            let journal = Journal::open(&path).unwrap();
            journal.hold(&one, &ids(1..4)).unwrap();
            journal.hold(&one, &[ids(3..6), ids(3..6)].concat()).unwrap();
            journal.hold(&other, &ids(5..7)).unwrap();
            assert_eq!(journal.holding(&one).unwrap().unwrap().artifacts, ids(1..6), "each once, in order");
            journal.release(&one, 100).unwrap();
            journal.release(&Pubkey::new_unique(), 1).unwrap();
        }
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.forget_released(99).unwrap(), 0, "not yet");
        assert_eq!(journal.held().unwrap(), ids(1..7).into_iter().collect());
        assert_eq!(journal.forget_released(100).unwrap(), 1);
        assert_eq!(journal.held().unwrap(), ids(5..7).into_iter().collect(), "5 is still needed by the other");
        assert_eq!(journal.holding(&one).unwrap(), None);
    }

    #[test]
    fn what_is_needed_again_is_no_longer_released() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
        let job = Pubkey::new_unique();
        journal.hold(&job, &ids(1..2)).unwrap();
        journal.release(&job, 5).unwrap();
        journal.hold(&job, &ids(2..3)).unwrap();
        assert_eq!(journal.forget_released(u64::MAX).unwrap(), 0);
        assert_eq!(journal.held().unwrap().len(), 2);
    }
}
