//! The version of the journal's layout, and how a file of an earlier one is brought up to date.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | no version was written down |
//! | 2 | the version is; records are rewritten whole, with every field that there is by now |
//!
//! A table that is new needs no version of its own: it is made, empty, when a journal is opened, and versions that do not know it
//! leave it alone.
//!
//! A migration is one transaction: it is there as a whole or not at all. Before it begins, the file is copied, so that the
//! version before can be used again; the copy is removed by whoever no longer wants it.

use super::breaker::BREAKER;
use super::holdings::HOLDINGS;
use super::receipts::{RECEIPT_INPUTS, RECEIPTS};
use super::segments::SEGMENTS;
use super::sessions::{SESSIONS, SessionRecord};
use super::{JOBS, JournalError, REMOVED, Record};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use solana_sdk::pubkey::Pubkey;
use std::path::{Path, PathBuf};

/// The layout that this version writes.
pub(super) const VERSION: u64 = 2;

const LAYOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("layout");
const VERSION_KEY: &str = "version";
/// The layout of files without a version.
const UNWRITTEN: u64 = 1;

/// Opens a journal of any known layout, or makes one, and leaves it at [`VERSION`] with all its tables.
pub(super) fn open(path: &Path) -> Result<Database, JournalError> {
    let is_new = !path.exists();
    let database = create(path)?;
    let found = if is_new { VERSION } else { version_of(&database).map_err(|source| failed(path, source))? };
    if found > VERSION {
        return Err(JournalError::Newer { path: path.to_path_buf(), found, known: VERSION });
    }
    if found == VERSION {
        finish(&database, |_| Ok(())).map_err(|error| error.at(path, found))?;
        return Ok(database);
    }
    // Closed while it is copied, so that the copy is whole.
    drop(database);
    let copy = copy_of(path, found);
    std::fs::copy(path, &copy).map_err(|error| Step::Copy(error).at(path, found))?;
    let database = create(path)?;
    finish(&database, rewrite_records).map_err(|error| error.at(path, found))?;
    tracing::warn!(journal = %path.display(), from = found, to = VERSION, copy = %copy.display(), "the journal was brought up to date");
    Ok(database)
}

/// Where the file of an earlier layout is kept.
pub(super) fn copy_of(path: &Path, version: u64) -> PathBuf {
    path.with_extension(format!("redb.layout-{version}"))
}

fn create(path: &Path) -> Result<Database, JournalError> {
    Database::create(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => JournalError::InUse { path: path.to_path_buf() },
        other => failed(path, other.into()),
    })
}

fn failed(path: &Path, source: redb::Error) -> JournalError {
    JournalError::Database { path: path.to_path_buf(), source: Box::new(source) }
}

fn version_of(database: &Database) -> Result<u64, redb::Error> {
    let read = database.begin_read()?;
    match read.open_table(LAYOUT) {
        Ok(table) => Ok(table.get(VERSION_KEY)?.map_or(UNWRITTEN, |version| version.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(UNWRITTEN),
        Err(error) => Err(error.into()),
    }
}

/// Why a migration came to nothing.
enum Step {
    Database(redb::Error),
    Copy(std::io::Error),
    Record { address: Pubkey, reason: String },
}

macro_rules! from_database {
    ($($error:ty),*) => {
        $(impl From<$error> for Step {
            fn from(error: $error) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from_database!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);

impl Step {
    fn at(self, path: &Path, from: u64) -> JournalError {
        let reason = match self {
            Self::Database(source) => return failed(path, source),
            Self::Copy(error) => format!("the file cannot be copied: {error}"),
            Self::Record { address, reason } => format!("record {address} is unreadable: {reason}"),
        };
        JournalError::Migration { path: path.to_path_buf(), from, to: VERSION, reason }
    }
}

/// One transaction: all tables, what `step` does, and the version.
fn finish(database: &Database, step: impl FnOnce(&WriteTransaction) -> Result<(), Step>) -> Result<(), Step> {
    let write = database.begin_write()?;
    write.open_table(JOBS)?;
    write.open_table(REMOVED)?;
    write.open_table(HOLDINGS)?;
    write.open_table(SEGMENTS)?;
    write.open_table(SESSIONS)?;
    write.open_table(RECEIPTS)?;
    write.open_table(RECEIPT_INPUTS)?;
    write.open_table(BREAKER)?;
    step(&write)?;
    write.open_table(LAYOUT)?.insert(VERSION_KEY, VERSION)?;
    write.commit()?;
    Ok(())
}

/// From 1 to 2: every record is read and written whole. One that cannot be read is found here, before anything is promised.
fn rewrite_records(write: &WriteTransaction) -> Result<(), Step> {
    rewrite::<Record>(write, JOBS)?;
    rewrite::<SessionRecord>(write, SESSIONS)
}

fn rewrite<T: Serialize + DeserializeOwned>(
    write: &WriteTransaction,
    definition: TableDefinition<'_, &'static [u8; 32], &'static [u8]>,
) -> Result<(), Step> {
    let mut table = write.open_table(definition)?;
    let mut rewritten = Vec::new();
    for row in table.iter()? {
        let (key, value) = row?;
        let address = *key.value();
        let unreadable = |error: serde_json::Error| Step::Record {
            address: Pubkey::new_from_array(address),
            reason: error.to_string(),
        };
        let record: T = serde_json::from_slice(value.value()).map_err(unreadable)?;
        rewritten.push((address, serde_json::to_vec(&record).map_err(unreadable)?));
    }
    for (address, bytes) in &rewritten {
        table.insert(address, bytes.as_slice())?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::journal::Journal;
    use std::io::Read;

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
