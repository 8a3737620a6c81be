//! The version of the journal's layout, and how a file of an earlier one is brought up to date.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | no version was written down |
//! | 2 | the version is; records are rewritten whole, with every field that there is by now |
//!
//! A table that is new needs no version of its own: it is made, empty, when a journal is opened, and versions that do not know it
//! leave it alone. How a file is brought up to date, and that nothing of it is lost, is [`assay_journal`]'s.

use super::breaker::BREAKER;
use super::holdings::HOLDINGS;
use super::receipts::{RECEIPT_INPUTS, RECEIPTS};
use super::segments::SEGMENTS;
use super::sessions::{SESSIONS, SessionRecord};
use super::unmirrored::UNMIRRORED;
use super::{JOBS, JournalError, REMOVED, Record};
use assay_journal::{Layout, LayoutError, StepError, rewrite};
use redb::{Database, WriteTransaction};
use solana_sdk::pubkey::Pubkey;
use std::path::Path;

/// The layout that this version writes.
pub(super) const VERSION: u64 = 2;

/// Opens a journal of any known layout, or makes one, and leaves it at [`VERSION`] with all its tables.
pub(super) fn open(path: &Path) -> Result<Database, JournalError> {
    assay_journal::open(path, &Layout { version: VERSION, tables, migrate }).map_err(|error| of(path, error))
}

fn of(path: &Path, error: LayoutError) -> JournalError {
    let path = path.to_path_buf();
    match error {
        LayoutError::InUse => JournalError::InUse { path },
        LayoutError::Database(source) => JournalError::Database { path, source },
        LayoutError::Newer { found, known } => JournalError::Newer { path, found, known },
        LayoutError::Migration { from, to, reason } => JournalError::Migration { path, from, to, reason },
    }
}

fn tables(write: &WriteTransaction) -> Result<(), StepError> {
    write.open_table(JOBS)?;
    write.open_table(REMOVED)?;
    write.open_table(HOLDINGS)?;
    write.open_table(SEGMENTS)?;
    write.open_table(SESSIONS)?;
    write.open_table(RECEIPTS)?;
    write.open_table(RECEIPT_INPUTS)?;
    write.open_table(BREAKER)?;
    write.open_table(UNMIRRORED)?;
    Ok(())
}

/// From 1 to 2: every record is read and written whole.
fn migrate(write: &WriteTransaction, _from: u64) -> Result<(), StepError> {
    let name = |address| Pubkey::new_from_array(address).to_string();
    rewrite::<Record, 32>(write, JOBS, name)?;
    rewrite::<SessionRecord, 32>(write, SESSIONS, name)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::journal::Journal;
    use assay_journal::{LAYOUT, VERSION_KEY, copy_of, version_of};
    use redb::{ReadableDatabase, ReadableTable};
    use std::io::Read;
    use std::path::PathBuf;

    /// A journal as a version of that layout wrote it.
    fn fixture(version: u64, folder: &Path) -> PathBuf {
        let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/journal-{version}.redb.gz"));
        let file = std::fs::File::open(&packed).unwrap_or_else(|error| panic!("{}: {error}", packed.display()));
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
        let path = folder.join("journal.redb");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn set_version(path: &Path, version: u64) {
        let database = Database::create(path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(LAYOUT).unwrap().insert(VERSION_KEY, version).unwrap();
        write.commit().unwrap();
    }

    #[test]
    fn a_journal_of_every_layout_is_opened_with_all_that_is_in_it() {
        for version in 1..=VERSION {
            let folder = tempfile::tempdir().unwrap();
            let path = fixture(version, folder.path());
            assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), version);
            let journal = Journal::open(&path).unwrap();
            let totals = journal.totals().unwrap();
            assert!(totals.paid >= 2 && totals.earned > 0, "layout {version}: {totals:?}");
            assert!(journal.all().unwrap().iter().all(|(_, record)| record.is_finished()), "layout {version}");
            assert_eq!(copy_of(&path, version).exists(), version < VERSION, "layout {version}");
            assert_eq!(journal.breaker().unwrap(), crate::breaker::Machine::default(), "layout {version}");
            drop(journal);
            assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), VERSION);
            assert_eq!(Journal::open(&path).unwrap().totals().unwrap(), totals, "and once more");
        }
    }

    #[test]
    fn a_newer_journal_is_refused_by_name_and_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        drop(Journal::open(&path).unwrap());
        set_version(&path, VERSION + 1);
        let error = Journal::open(&path).unwrap_err();
        assert!(matches!(error, JournalError::Newer { found, .. } if found == VERSION + 1), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("N0104") && text.contains("journal.redb"), "{text}");
        assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), VERSION + 1);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = fixture(1, folder.path());
        let database = Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(JOBS).unwrap().insert(&[9; 32], b"{}".as_slice()).unwrap();
        write.commit().unwrap();
        drop(database);
        let rows = |path: &Path| {
            let database = Database::create(path).unwrap();
            let read = database.begin_read().unwrap();
            let table = read.open_table(JOBS).unwrap();
            table.iter().unwrap().map(|row| row.unwrap().1.value().to_vec()).collect::<Vec<_>>()
        };
        let before = rows(&path);
        let error = Journal::open(&path).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("N0105") && text.contains(&Pubkey::new_from_array([9; 32]).to_string()), "{text}");
        assert_eq!(rows(&path), before);
        assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), 1, "it can be opened by its own version");
        assert_eq!(rows(&copy_of(&path, 1)), before);
    }
}
