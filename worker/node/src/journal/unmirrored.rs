//! Results of jobs that are over, and that the mirror did not take yet: the records of their jobs name them no more.

use super::{Journal, JournalError};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

pub(super) const UNMIRRORED: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("unmirrored");

impl Journal {
    /// Notes durably that the result with this manifest is still to be mirrored.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn note_unmirrored(&self, manifest: &[u8; 32]) -> Result<(), JournalError> {
        self.wrap(|| {
            let write = self.database.begin_write()?;
            write.open_table(UNMIRRORED)?.insert(manifest, ())?;
            write.commit()?;
            Ok(())
        })
    }

    /// The manifests of results that were noted.
    ///
    /// # Errors
    /// The database failed.
    pub fn unmirrored(&self) -> Result<Vec<[u8; 32]>, JournalError> {
        self.wrap(|| {
            let read = self.database.begin_read()?;
            let table = read.open_table(UNMIRRORED)?;
            let mut manifests = Vec::new();
            for row in table.iter()? {
                manifests.push(*row?.0.value());
            }
            Ok(manifests)
        })
    }

    /// Forgets a result that was mirrored, or that this node cannot send any more.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn forget_unmirrored(&self, manifest: &[u8; 32]) -> Result<(), JournalError> {
        self.wrap(|| {
            let write = self.database.begin_write()?;
            // Most were never noted: their jobs were still open.
            let was_noted = write.open_table(UNMIRRORED)?.remove(manifest)?.is_some();
            if was_noted {
                write.commit()?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_there_after_a_restart_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let journal = Journal::open(&path).unwrap();
        for manifest in [[1; 32], [2; 32], [1; 32]] {
            journal.note_unmirrored(&manifest).unwrap();
        }
        journal.forget_unmirrored(&[3; 32]).unwrap();
        journal.forget_unmirrored(&[2; 32]).unwrap();
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().unmirrored().unwrap(), [[1; 32]]);
    }
}
