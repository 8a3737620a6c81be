//! What the validator found, sealed and spent, on disk before the chain hears of it.
//!
//! One record a job. The salt and the sealed hash of a challenge are here before the challenge is committed, and every
//! transaction is here, signed, before it is sent: after a crash the chain is asked what became of that signature
//! instead of signing a second version. Fees are counted when they are promised, so that a day's budget holds whatever
//! happens in between. Every write is durable when the call returns.

mod layout;
mod record;

pub use record::{
    Audit, Costs, Dispute, Ending, FindingRecord, InFlight, Post, PreparedProof, Purpose, Record, SeenRoot, SignedRoot,
    TargetRecord, Verdict, Wrong,
};

use crate::budget::Standing;
use crate::config::Budget;
use crate::status::Totals;
use assay_journal::{Key, RecordError, RecordTable, Records};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use solana_sdk::pubkey::Pubkey;
use std::path::{Path, PathBuf};

const JOBS: RecordTable = TableDefinition::new("jobs");
/// Lamports of fees by day, as [`crate::budget::day_of`] counts days.
const FEES: TableDefinition<'_, u64, u64> = TableDefinition::new("fees_by_slots");
/// What was put on the chain in defence of others, by the demand that it answers.
const POSTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("posts");
/// Things of which there is one: see the constants below.
const SINGLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("single");
/// Decides which jobs are replayed, so that nobody outside can foresee it.
const SELECTION_KEY: &str = "selection";
/// The sums of the records that were removed.
const REMOVED_KEY: &str = "removed";
/// Lamports of fees, little endian, that an earlier layout counted and that belong to no day of the chain yet.
const CARRIED_KEY: &str = "carried_fees";

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("V0101 {path} is in use; another validator runs on this folder: stop it, or give each its own data folder")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The database failed.
    #[error("V0102 journal {path}: {source}; check the disk, then start again: what was written is kept")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What it said.
        source: Box<redb::Error>,
    },
    /// A newer version wrote it.
    #[error(
        "V0104 journal {path} has layout {found}, this version knows those up to {known}; use the version that wrote it, or a newer one: nothing was changed"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The layout of the file.
        found: u64,
        /// The newest that is known here.
        known: u64,
    },
    /// It cannot be brought up to date.
    #[error(
        "V0105 journal {path} cannot be brought from layout {from} to {to}: {reason}; the file is as it was, and the version that wrote it can go on with it"
    )]
    Migration {
        /// The database file.
        path: PathBuf,
        /// Its layout.
        from: u64,
        /// That of this version.
        to: u64,
        /// What is in the way.
        reason: String,
    },
    /// A record cannot be read.
    #[error("V0103 journal {path}: record {job} is unreadable: {reason}; it was written by another version")]
    Record {
        /// The database file.
        path: PathBuf,
        /// The job, or what else the record is about.
        job: String,
        /// What is wrong.
        reason: String,
    },
}

/// The journal of one validator.
#[derive(Debug)]
pub struct Journal {
    database: Database,
    path: PathBuf,
    jobs: Records<Record>,
}

impl Journal {
    /// Opens or creates the journal; only one process may hold it. One of an earlier layout is brought up to date. Every record is
    /// read once.
    ///
    /// # Errors
    /// The file is in use, not writable, of a newer layout, one of an earlier layout that cannot be brought up to date, or a record
    /// is unreadable.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let database = layout::open(path)?;
        let jobs = Records::load(&database, JOBS).map_err(|error| of_record(path, error))?;
        Ok(Self { database, path: path.to_path_buf(), jobs })
    }

    /// The record of a job.
    ///
    /// # Errors
    /// The database failed or the record is unreadable.
    pub fn get(&self, job: &Pubkey) -> Result<Option<Record>, JournalError> {
        self.record(self.jobs.get(&self.database, &job.to_bytes()))
    }

    /// Writes a record durably.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn put(&self, job: &Pubkey, record: &Record) -> Result<(), JournalError> {
        self.record(self.jobs.change(&self.database, |change| change.put(&job.to_bytes(), record)))
    }

    /// Writes a record together with fees that are about to be spent on `day`: both or neither.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn put_with_fees(&self, job: &Pubkey, record: &Record, day: u64, lamports: u64) -> Result<(), JournalError> {
        self.record(self.jobs.change(&self.database, |change| -> Result<(), RecordError> {
            change.put(&job.to_bytes(), record)?;
            Ok(add_fees(change.transaction(), day, lamports)?)
        }))
    }

    /// All records, for a look that is not taken often: there may be a day's.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn all(&self) -> Result<Vec<(Pubkey, Record)>, JournalError> {
        self.addressed(self.jobs.all(&self.database))
    }

    /// The addresses of all jobs that there are records of.
    pub fn jobs(&self) -> Vec<Pubkey> {
        self.jobs.keys().into_iter().map(Pubkey::new_from_array).collect()
    }

    /// The records of jobs that have not ended.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn live(&self) -> Result<Vec<(Pubkey, Record)>, JournalError> {
        self.addressed(self.jobs.live(&self.database))
    }

    /// The records of jobs that have not ended, and the newest `most` of the others.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn newest(&self, most: usize) -> Result<Vec<(Pubkey, Record)>, JournalError> {
        self.addressed(self.jobs.newest(&self.database, most))
    }

    /// Counts the fees of the last day of an earlier layout as spent on `day`, once: a budget holds over an update.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn adopt_fees(&self, day: u64) -> Result<(), JournalError> {
        self.write(|write| {
            let mut single = write.open_table(SINGLE)?;
            let carried = single.remove(CARRIED_KEY)?.and_then(|value| value.value().try_into().ok());
            carried.map(u64::from_le_bytes).map_or(Ok(()), |lamports| add_fees(write, day, lamports))
        })
    }

    /// Lamports of fees promised on a day.
    ///
    /// # Errors
    /// The database failed.
    pub fn fees_of(&self, day: u64) -> Result<u64, JournalError> {
        self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(FEES)?.get(day)?.map_or(0, |value| value.value()))
        })
    }

    /// What is spent on `day`, reserved and at risk.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn standing(&self, budget: &Budget, day: u64) -> Result<Standing, JournalError> {
        let bonds = self.posts()?.iter().map(|(_, post)| post.bond).fold(0, u64::saturating_add);
        let mut standing = Standing { bonds, spent_today: self.fees_of(day)?, ..Standing::default() };
        for (_, record) in self.live()? {
            if let Some(dispute) = &record.dispute {
                standing.bonds = standing.bonds.saturating_add(dispute.bond);
                let reserved = budget.reserved(dispute.costs.budgeted_lamports());
                standing.reserved = standing.reserved.saturating_add(reserved);
            }
        }
        Ok(standing)
    }

    /// Counts fees that are about to be spent on `day` and belong to no dispute of ours.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn add_fees(&self, day: u64, lamports: u64) -> Result<(), JournalError> {
        self.write(|write| add_fees(write, day, lamports))
    }

    /// Writes down what is about to be put on the chain to answer a demand.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn note_post(&self, demand: &Pubkey, post: &Post) -> Result<(), JournalError> {
        let bytes = serde_json::to_vec(post).map_err(|error| self.unreadable(&demand.to_string(), &error))?;
        self.write(|write| {
            write.open_table(POSTS)?.insert(&demand.to_bytes(), bytes.as_slice())?;
            Ok(())
        })
    }

    /// Removes what [`Journal::note_post`] wrote, once nothing of it is on the chain any more.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn forget_post(&self, demand: &Pubkey) -> Result<(), JournalError> {
        self.write(|write| {
            write.open_table(POSTS)?.remove(&demand.to_bytes())?;
            Ok(())
        })
    }

    /// What was put on the chain in defence of others, by the demands that it answers.
    ///
    /// # Errors
    /// The database failed or a row is unreadable.
    pub fn posts(&self) -> Result<Vec<(Pubkey, Post)>, JournalError> {
        let rows = self.wrap(|| {
            let read = self.database.begin_read()?;
            let table = read.open_table(POSTS)?;
            let mut rows = Vec::new();
            for row in table.iter()? {
                let (demand, bytes) = row?;
                rows.push((Pubkey::new_from_array(*demand.value()), bytes.value().to_vec()));
            }
            Ok(rows)
        })?;
        let decode = |(demand, bytes): (Pubkey, Vec<u8>)| match serde_json::from_slice(&bytes) {
            Ok(post) => Ok((demand, post)),
            Err(error) => Err(self.unreadable(&demand.to_string(), &error)),
        };
        rows.into_iter().map(decode).collect()
    }

    /// The secret by which jobs are selected for replay; made at the first call.
    ///
    /// # Errors
    /// The database failed.
    pub fn selection_secret(&self) -> Result<[u8; 32], JournalError> {
        if let Some(bytes) = self.single(SELECTION_KEY)?
            && let Ok(secret) = bytes.try_into()
        {
            return Ok(secret);
        }
        let secret: [u8; 32] = rand::random();
        self.put_single(SELECTION_KEY, &secret)?;
        Ok(secret)
    }

    /// Bytes kept under a name of their own.
    ///
    /// # Errors
    /// The database failed.
    pub fn single(&self, name: &str) -> Result<Option<Vec<u8>>, JournalError> {
        self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(SINGLE)?.get(name)?.map(|value| value.value().to_vec()))
        })
    }

    /// Keeps bytes under a name of their own.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn put_single(&self, name: &str, bytes: &[u8]) -> Result<(), JournalError> {
        self.write(|write| {
            write.open_table(SINGLE)?.insert(name, bytes)?;
            Ok(())
        })
    }

    /// Removes the records of jobs that were over before `slot`, but keeps the newest `keep` of them; how many were removed.
    /// Their sums stay in [`Journal::totals`].
    ///
    /// # Errors
    /// The database failed or a record is unreadable; nothing was changed then.
    pub fn prune(&self, slot: u64, keep: usize) -> Result<usize, JournalError> {
        self.record(self.jobs.prune(&self.database, slot, keep, |write, old| {
            let removed = Totals::of(old.iter().map(|(_, record)| record));
            let unreadable = |error: serde_json::Error| RecordError::Record {
                key: Key::default(),
                reason: format!("{REMOVED_KEY}: {error}"),
            };
            let mut single = write.open_table(SINGLE)?;
            let known = single.get(REMOVED_KEY)?.map(|value| serde_json::from_slice::<Totals>(value.value()));
            let known = known.transpose().map_err(unreadable)?.unwrap_or_default();
            let bytes = serde_json::to_vec(&known.plus(&removed)).map_err(unreadable)?;
            single.insert(REMOVED_KEY, bytes.as_slice())?;
            Ok(())
        }))
    }

    /// Sums over all records, those that were removed included.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn totals(&self) -> Result<Totals, JournalError> {
        let kept = self.record(self.jobs.sums(&self.database))?;
        Ok(self.removed_totals()?.plus(&kept))
    }

    fn removed_totals(&self) -> Result<Totals, JournalError> {
        let bytes = self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(SINGLE)?.get(REMOVED_KEY)?.map(|value| value.value().to_vec()))
        })?;
        let decode =
            |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|error| self.unreadable(REMOVED_KEY, &error));
        Ok(bytes.map(decode).transpose()?.unwrap_or_default())
    }

    fn write(&self, work: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>) -> Result<(), JournalError> {
        self.wrap(|| {
            let write = self.database.begin_write()?;
            work(&write)?;
            write.commit()?;
            Ok(())
        })
    }

    fn wrap<T>(&self, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, JournalError> {
        work().map_err(|source| JournalError::Database { path: self.path.clone(), source: Box::new(source) })
    }

    fn record<T>(&self, result: Result<T, RecordError>) -> Result<T, JournalError> {
        result.map_err(|error| of_record(&self.path, error))
    }

    fn addressed(
        &self,
        result: Result<Vec<(Key, Record)>, RecordError>,
    ) -> Result<Vec<(Pubkey, Record)>, JournalError> {
        let records = self.record(result)?;
        Ok(records.into_iter().map(|(key, record)| (Pubkey::new_from_array(key), record)).collect())
    }

    fn unreadable(&self, job: &str, error: &serde_json::Error) -> JournalError {
        JournalError::Record { path: self.path.clone(), job: job.to_owned(), reason: error.to_string() }
    }
}

/// Counts fees within a transaction of the caller.
fn add_fees(write: &redb::WriteTransaction, day: u64, lamports: u64) -> Result<(), redb::Error> {
    let mut fees = write.open_table(FEES)?;
    let sum = fees.get(day)?.map_or(0, |value| value.value()).saturating_add(lamports);
    fees.insert(day, sum)?;
    Ok(())
}

fn of_record(path: &Path, error: RecordError) -> JournalError {
    let path = path.to_path_buf();
    match error {
        RecordError::Database(source) => JournalError::Database { path, source },
        RecordError::Record { key, reason } => {
            JournalError::Record { path, job: Pubkey::new_from_array(key).to_string(), reason }
        }
    }
}

#[cfg(test)]
mod tests;
