//! The version of the journal's layout, and how a file of an earlier one is brought up to date.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | no version was written down; fees were counted by days of the machine's calendar |
//! | 2 | the version is; fees are counted by days of the chain's slots; records are rewritten whole, with every field that there is by now |
//!
//! How a file is brought up to date, and that nothing of it is lost, is [`assay_journal`]'s.

use super::{CARRIED_KEY, FEES, JOBS, JournalError, POSTS, Post, Record, SINGLE};
use assay_journal::{Layout, LayoutError, StepError, rewrite};
use redb::{Database, ReadableTable, TableDefinition, WriteTransaction};
use solana_sdk::pubkey::Pubkey;
use std::path::Path;

/// The layout that this version writes.
pub(super) const VERSION: u64 = 2;

/// Of layout 1: lamports of fees by day (days since 1970, UTC).
const FEES_BY_CALENDAR: TableDefinition<'_, u64, u64> = TableDefinition::new("fees");

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
    write.open_table(FEES)?;
    write.open_table(POSTS)?;
    write.open_table(SINGLE)?;
    Ok(())
}

/// From 1 to 2: every record is read and written whole, and the fees of the last day are kept apart until the chain says which of
/// its days it is: see [`Journal::adopt_fees`](super::Journal::adopt_fees).
fn migrate(write: &WriteTransaction, _from: u64) -> Result<(), StepError> {
    let name = |address| Pubkey::new_from_array(address).to_string();
    rewrite::<Record, 32>(write, JOBS, name)?;
    rewrite::<Post, 32>(write, POSTS, name)?;
    let last = write.open_table(FEES_BY_CALENDAR)?.last()?.map(|(_, lamports)| lamports.value());
    if let Some(lamports) = last {
        write.open_table(SINGLE)?.insert(CARRIED_KEY, lamports.to_le_bytes().as_slice())?;
    }
    write.delete_table(FEES_BY_CALENDAR)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Audit, Ending, Journal};
    use assay_journal::{LAYOUT, VERSION_KEY, copy_of, version_of};
    use redb::ReadableDatabase;
    use std::io::Read;
    use std::path::PathBuf;

    /// A journal as a version of that layout wrote it: of a market with a liar that was convicted.
    fn fixture(version: u64, folder: &Path) -> PathBuf {
        let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/journal-{version}.redb.gz"));
        let file = std::fs::File::open(&packed).unwrap_or_else(|error| panic!("{}: {error}", packed.display()));
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
        let path = folder.join("journal.redb");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn change(path: &Path, change: impl FnOnce(&WriteTransaction)) {
        let database = Database::create(path).unwrap();
        let write = database.begin_write().unwrap();
        change(&write);
        write.commit().unwrap();
    }

    fn jobs(path: &Path) -> Vec<Vec<u8>> {
        let database = Database::create(path).unwrap();
        let read = database.begin_read().unwrap();
        let table = read.open_table(JOBS).unwrap();
        table.iter().unwrap().map(|row| row.unwrap().1.value().to_vec()).collect()
    }

    #[test]
    fn a_journal_of_every_layout_is_opened_with_all_that_is_in_it() {
        for version in 1..=VERSION {
            let folder = tempfile::tempdir().unwrap();
            let path = fixture(version, folder.path());
            assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), version);
            let secret = {
                let database = Database::create(&path).unwrap();
                let read = database.begin_read().unwrap();
                read.open_table(SINGLE).unwrap().get("selection").unwrap().unwrap().value().to_vec()
            };
            let journal = Journal::open(&path).unwrap();
            let totals = journal.totals().unwrap();
            assert_eq!((totals.wrong, totals.won, totals.open), (1, 1, 0), "layout {version}: {totals:?}");
            assert!(totals.agreed >= 9 && totals.fees_lamports > 0, "layout {version}: {totals:?}");
            let convicted = journal.all().unwrap().into_iter().find(|(_, record)| record.dispute.is_some()).unwrap().1;
            assert!(matches!(convicted.audit, Audit::Wrong(_)), "layout {version}: {convicted:?}");
            assert!(matches!(convicted.ending, Some(Ending::Won { received }) if received > 0), "{convicted:?}");
            assert!(convicted.proof.is_some() && !convicted.roots.is_empty(), "layout {version}: {convicted:?}");
            assert_eq!(journal.selection_secret().unwrap().as_slice(), secret, "layout {version}");
            assert_eq!(copy_of(&path, version).exists(), version < VERSION, "layout {version}");
            drop(journal);
            assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), VERSION);
            assert_eq!(Journal::open(&path).unwrap().totals().unwrap(), totals, "and once more");
        }
    }

    #[test]
    fn fees_of_the_calendars_last_day_count_for_the_chains_first_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = fixture(1, folder.path());
        let spent = {
            let database = Database::create(&path).unwrap();
            let read = database.begin_read().unwrap();
            let table = read.open_table(FEES_BY_CALENDAR).unwrap();
            table.last().unwrap().map(|(_, lamports)| lamports.value()).unwrap()
        };
        assert!(spent > 0, "the validator of the fixture paid fees");
        change(&path, |write| {
            write.open_table(FEES_BY_CALENDAR).unwrap().insert(7, 1_000_000).unwrap();
        });
        let journal = Journal::open(&path).unwrap();
        journal.adopt_fees(3).unwrap();
        journal.add_fees(3, 5).unwrap();
        assert_eq!((journal.fees_of(3).unwrap(), journal.fees_of(4).unwrap()), (spent + 5, 0));
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        journal.adopt_fees(4).unwrap();
        assert_eq!((journal.fees_of(3).unwrap(), journal.fees_of(4).unwrap()), (spent + 5, 0));
    }

    #[test]
    fn a_newer_journal_is_refused_by_name_and_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        drop(Journal::open(&path).unwrap());
        change(&path, |write| {
            write.open_table(LAYOUT).unwrap().insert(VERSION_KEY, VERSION + 1).unwrap();
        });
        let error = Journal::open(&path).unwrap_err();
        assert!(matches!(error, JournalError::Newer { found, .. } if found == VERSION + 1), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("V0104") && text.contains("journal.redb"), "{text}");
        assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), VERSION + 1);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = fixture(1, folder.path());
        change(&path, |write| {
            write.open_table(JOBS).unwrap().insert(&[9; 32], b"{}".as_slice()).unwrap();
        });
        let before = jobs(&path);
        let text = Journal::open(&path).unwrap_err().to_string();
        assert!(text.starts_with("V0105") && text.contains(&Pubkey::new_from_array([9; 32]).to_string()), "{text}");
        assert_eq!(jobs(&path), before);
        assert_eq!(version_of(&Database::create(&path).unwrap()).unwrap(), 1, "it can be opened by its own version");
        assert_eq!(jobs(&copy_of(&path, 1)), before);
    }
}
