//! The database files of services: which layout a file has, how one of an earlier layout is brought up to date, and [`Records`] of
//! which many are kept.
//!
//! A file says its version in a table of its own. A migration is one transaction: it is there as a whole or not at all. Before it
//! begins, the file is copied, so that the version before can be used again; the copy is removed by whoever no longer wants it. A
//! file of a later version is not touched.
//!
//! Node and validator share it; it knows neither, and no error here has a code: whoever opens a file says whose it is.

mod overview;
mod records;

pub use records::{Change, Key, Listed, RecordError, RecordTable, Records};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The table in which a file says its version, under [`VERSION_KEY`].
pub const LAYOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("layout");
/// The one key of [`LAYOUT`].
pub const VERSION_KEY: &str = "version";
/// The layout of files that say none: the first one, when no version was written down.
pub const UNWRITTEN: u64 = 1;

/// Bytes of a file that are kept in memory. Of itself the database would keep a gigabyte, which a service that runs for months fills.
const CACHE_BYTES: usize = 16 << 20;

/// What a service writes, and how it takes up what earlier versions of it wrote.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The layout that this version writes.
    pub version: u64,
    /// Makes every table that is not there.
    pub tables: fn(&WriteTransaction) -> Result<(), StepError>,
    /// Brings what is in the tables from an earlier version, which is given, to this one.
    pub migrate: fn(&WriteTransaction, u64) -> Result<(), StepError>,
}

/// Why a file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// Another process has it open.
    #[error("the file is open in another process")]
    InUse,
    /// The database failed.
    #[error(transparent)]
    Database(Box<redb::Error>),
    /// A newer version wrote it; nothing was changed.
    #[error("the file has layout {found}, this version knows those up to {known}")]
    Newer {
        /// The layout of the file.
        found: u64,
        /// The newest that is known here.
        known: u64,
    },
    /// It cannot be brought up to date; it is as it was.
    #[error("the file cannot be brought from layout {from} to {to}: {reason}")]
    Migration {
        /// Its layout.
        from: u64,
        /// That of this version.
        to: u64,
        /// What is in the way.
        reason: String,
    },
}

/// Why a step of a migration came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The database failed.
    #[error(transparent)]
    Database(Box<redb::Error>),
    /// The file cannot be copied.
    #[error("the file cannot be copied: {0}")]
    Copy(std::io::Error),
    /// A record cannot be read.
    #[error("record {record} is unreadable: {reason}")]
    Record {
        /// Which one.
        record: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Whatever the database fails at is one variant of an error.
macro_rules! from_database {
    ($to:ty) => {
        crate::from_database!($to: redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);
    };
    ($to:ty: $($error:ty),*) => {
        $(impl From<$error> for $to {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}
pub(crate) use from_database;

from_database!(StepError);

impl StepError {
    fn of_migration(self, from: u64, to: u64) -> LayoutError {
        match self {
            Self::Database(source) => LayoutError::Database(source),
            Self::Copy(_) | Self::Record { .. } => LayoutError::Migration { from, to, reason: self.to_string() },
        }
    }
}

/// Opens a file of any known layout, or makes one, and leaves it at the version of `layout` with all its tables.
///
/// # Errors
/// The file is in use, not writable, of a newer layout, or one of an earlier layout that cannot be brought up to date.
pub fn open(path: &Path, layout: &Layout) -> Result<Database, LayoutError> {
    let is_new = !path.exists();
    let database = create(path)?;
    let known = layout.version;
    let found = if is_new { known } else { version_of(&database).map_err(failed)? };
    if found > known {
        return Err(LayoutError::Newer { found, known });
    }
    let of_migration = |error: StepError| error.of_migration(found, known);
    if found == known {
        finish(&database, layout, |_| Ok(())).map_err(of_migration)?;
        return Ok(database);
    }
    // Closed while it is copied, so that the copy is whole.
    drop(database);
    let copy = copy_of(path, found);
    std::fs::copy(path, &copy).map_err(|error| of_migration(StepError::Copy(error)))?;
    let database = create(path)?;
    finish(&database, layout, |write| (layout.migrate)(write, found)).map_err(of_migration)?;
    tracing::warn!(file = %path.display(), from = found, to = known, copy = %copy.display(), "the journal was brought up to date");
    Ok(database)
}

/// Where the file of an earlier layout is kept: `journal.redb.layout-1` beside `journal.redb`.
pub fn copy_of(path: &Path, version: u64) -> PathBuf {
    path.with_extension(format!("redb.layout-{version}"))
}

/// The layout of an open file.
///
/// # Errors
/// The database failed.
pub fn version_of(database: &Database) -> Result<u64, redb::Error> {
    let read = database.begin_read()?;
    match read.open_table(LAYOUT) {
        Ok(table) => Ok(table.get(VERSION_KEY)?.map_or(UNWRITTEN, |version| version.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(UNWRITTEN),
        Err(error) => Err(error.into()),
    }
}

/// Reads every record of a table and writes it again, with every field that there is by now. One that cannot be read is found
/// here, before anything is promised; `name` names it.
///
/// # Errors
/// The database failed, or a record is unreadable.
pub fn rewrite<T: Serialize + DeserializeOwned, const N: usize>(
    write: &WriteTransaction,
    definition: TableDefinition<'_, &'static [u8; N], &'static [u8]>,
    name: impl Fn([u8; N]) -> String,
) -> Result<(), StepError> {
    let mut table = write.open_table(definition)?;
    let mut rewritten = Vec::new();
    for row in table.iter()? {
        let (key, value) = row?;
        let key = *key.value();
        let unreadable = |error: serde_json::Error| StepError::Record { record: name(key), reason: error.to_string() };
        let record: T = serde_json::from_slice(value.value()).map_err(unreadable)?;
        rewritten.push((key, serde_json::to_vec(&record).map_err(unreadable)?));
    }
    for (key, bytes) in &rewritten {
        table.insert(key, bytes.as_slice())?;
    }
    Ok(())
}

fn create(path: &Path) -> Result<Database, LayoutError> {
    Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => LayoutError::InUse,
        other => failed(other.into()),
    })
}

fn failed(source: redb::Error) -> LayoutError {
    LayoutError::Database(Box::new(source))
}

/// One transaction: all tables, what `step` does, and the version.
fn finish(
    database: &Database,
    layout: &Layout,
    step: impl FnOnce(&WriteTransaction) -> Result<(), StepError>,
) -> Result<(), StepError> {
    let write = database.begin_write()?;
    (layout.tables)(&write)?;
    step(&write)?;
    write.open_table(LAYOUT)?.insert(VERSION_KEY, layout.version)?;
    write.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: TableDefinition<'_, &[u8; 1], &[u8]> = TableDefinition::new("words");

    fn tables(write: &WriteTransaction) -> Result<(), StepError> {
        write.open_table(WORDS)?;
        Ok(())
    }

    fn rewrite_words(write: &WriteTransaction, _from: u64) -> Result<(), StepError> {
        rewrite::<Vec<String>, 1>(write, WORDS, |key| format!("number {}", key[0]))
    }

    fn layout(version: u64) -> Layout {
        Layout { version, tables, migrate: rewrite_words }
    }

    fn put(path: &Path, key: u8, bytes: &[u8]) {
        let database = Database::create(path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(WORDS).unwrap().insert(&[key], bytes).unwrap();
        write.commit().unwrap();
    }

    fn words(database: &Database) -> Vec<Vec<u8>> {
        let read = database.begin_read().unwrap();
        let table = read.open_table(WORDS).unwrap();
        table.iter().unwrap().map(|row| row.unwrap().1.value().to_vec()).collect()
    }

    #[test]
    fn a_file_without_a_version_is_the_first_and_is_brought_up_to_date_with_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        put(&path, 1, b"[ \"a\" ]");
        let database = open(&path, &layout(2)).unwrap();
        assert_eq!((version_of(&database).unwrap(), words(&database)), (2, vec![b"[\"a\"]".to_vec()]));
        assert!(matches!(open(&path, &layout(2)), Err(LayoutError::InUse)));
        drop(database);
        let copy = Database::create(copy_of(&path, 1)).unwrap();
        assert_eq!((version_of(&copy).unwrap(), words(&copy)), (1, vec![b"[ \"a\" ]".to_vec()]));
    }

    #[test]
    fn a_new_file_has_the_version_and_no_copy_and_a_newer_one_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        assert_eq!(version_of(&open(&path, &layout(7)).unwrap()).unwrap(), 7);
        assert!(!copy_of(&path, 1).exists());
        let error = open(&path, &layout(6)).unwrap_err();
        assert!(matches!(error, LayoutError::Newer { found: 7, known: 6 }), "{error}");
        assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), 7);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_named_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        put(&path, 1, b"[ \"a\" ]");
        put(&path, 2, b"nonsense");
        let error = open(&path, &layout(2)).unwrap_err().to_string();
        assert!(error.contains("number 2"), "{error}");
        let database = Database::create(&path).unwrap();
        assert_eq!(version_of(&database).unwrap(), UNWRITTEN);
        assert_eq!(words(&database), [b"[ \"a\" ]".to_vec(), b"nonsense".to_vec()]);
    }
}
