//! What the node promised, on disk before the chain hears of it.
//!
//! One record a job. A transaction is written here, signed, before it is sent: after a crash the node asks the chain
//! what became of that signature instead of signing a second version. Every write is durable when the call returns.

mod breaker;
mod disputes;
mod holdings;
mod layout;
mod receipts;
mod segments;
mod sessions;
mod unmirrored;

pub use disputes::DisputeLog;
pub use holdings::Holding;
pub use receipts::{Promise, ReceiptRecord};
pub use segments::SegmentRecord;
pub use sessions::{HeldVoucher, SessionOutcome, SessionPurpose, SessionRecord, SessionStage};

use crate::defence::cost::DefenceCost;
use crate::refusal::Refusal;
use crate::totals::Totals;
use assay_journal::{Key, Listed, RecordError, RecordTable, Records};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::path::{Path, PathBuf};

const JOBS: RecordTable = TableDefinition::new("jobs");
/// The totals of the records that were removed: a row for jobs, and one for sessions.
const REMOVED: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("removed");
const REMOVED_JOBS: u8 = 0;
const REMOVED_SESSIONS: u8 = 1;

/// A signed transaction that was, or is about to be, sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight<P = Purpose> {
    /// What it does.
    pub purpose: P,
    /// Its first signature, base58.
    pub signature: String,
    /// The stored form of the chain client: the signed bytes and until when they can land.
    #[serde(with = "hex::serde")]
    pub transaction: Vec<u8>,
}

/// What a transaction of the node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Takes the job and locks the bond.
    Claim,
    /// Commits to the result.
    Commit,
    /// Ends the challenge window.
    Finalise,
    /// Takes the payment out of the vault.
    Withdraw,
    /// Ends the node's own claim after its deadline.
    Expire,
}

impl Purpose {
    /// Its name in records and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Commit => "commit",
            Self::Finalise => "finalise",
            Self::Withdraw => "withdraw",
            Self::Expire => "expire",
        }
    }
}

/// How far a job has come, as the node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Artifacts are whole and within limits; nothing is promised yet.
    Admitted,
    /// The node holds the job and its bond is locked.
    Claimed,
    /// The result is computed and stored; the commitment can be sent.
    Executed(Executed),
    /// The commitment is on-chain.
    Committed(Executed),
    /// The payment is credited.
    Settled(Executed),
    /// Over: nothing is left to do.
    Finished(Outcome),
}

impl Stage {
    /// The result, where there is one and the job is not over.
    pub fn executed(&self) -> Option<&Executed> {
        match self {
            Self::Executed(executed) | Self::Committed(executed) | Self::Settled(executed) => Some(executed),
            Self::Admitted | Self::Claimed | Self::Finished(_) => None,
        }
    }
}

/// What is needed to commit without computing again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executed {
    /// Artifact that lists the boundary tensors.
    #[serde(with = "hex::serde")]
    pub manifest: [u8; 32],
    /// Root of the boundary list.
    #[serde(with = "hex::serde")]
    pub boundary_root: [u8; 32],
    /// Merkle root of the output tensor.
    #[serde(with = "hex::serde")]
    pub output_root: [u8; 32],
    /// Path of the output in the boundary tree.
    pub output_path: Vec<[u8; 32]>,
}

/// How a result was computed; kept for people after the job is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// Backend that computed it.
    pub backend: String,
    /// Time in kernels.
    pub kernel_micros: u64,
    /// Time spent hashing.
    pub commit_micros: u64,
}

/// How a job ended for this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// Paid into the payee's account.
    Paid {
        /// Base units of the payment mint.
        amount: u64,
    },
    /// Settled, but the payment stays in the job's vault; the withdraw authority can take it to any account.
    Credited {
        /// Base units of the payment mint.
        amount: u64,
        /// Why it was not moved.
        reason: String,
    },
    /// Another node claimed first, or the client cancelled; nothing was at risk.
    Lost {
        /// What was seen.
        reason: String,
    },
    /// Refused before any bond was at risk.
    Skipped(Refusal),
    /// A receipt of a session that was called in was not proved wrong; the session pays for it.
    Stood,
    /// Claimed, but no result was committed in time: the bond paid the charge.
    Missed {
        /// Why.
        reason: String,
    },
    /// The result was proved wrong, or withheld: the bond and a share of the stake are gone, and the node claims no more.
    Convicted {
        /// What was proved.
        fault: String,
    },
}

/// Everything the node remembers of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Address of the job, base58.
    pub job: String,
    /// How far it has come.
    #[serde(flatten)]
    pub stage: Stage,
    /// Signed and not yet known to have landed or died.
    pub in_flight: Option<InFlight>,
    /// Slot of the first sight.
    pub first_slot: u64,
    /// Slot of the last change.
    pub last_slot: u64,
    /// The price fixed by the claim, once known.
    pub price: Option<u64>,
    /// What of it the node is paid after the protocol's fee, once known.
    #[serde(default)]
    pub payment: Option<u64>,
    /// Mint of the payment, base58, once known.
    #[serde(default)]
    pub mint: Option<String>,
    /// How the result was computed, once it was.
    pub computed: Option<Computed>,
    /// What happened in disputes over the result, if it was challenged.
    #[serde(default)]
    pub dispute: Option<DisputeLog>,
    /// What openings of the result can cost this node; known from the first look at the graph.
    #[serde(default)]
    pub defence: Option<DefenceCost>,
    /// Where the inputs are, if this is a receipt of a session that was called in.
    #[serde(default)]
    pub receipt: Option<CalledIn>,
}

/// What the node knows of a receipt that was called in, whatever whoever called it in says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledIn {
    /// The artifact with the bundle of its inputs, in the node's own store.
    #[serde(with = "hex::serde")]
    pub inputs: [u8; 32],
}

impl Record {
    /// A record of a job that was just admitted.
    pub fn new(job: &Pubkey, stage: Stage, slot: u64) -> Self {
        Self {
            job: job.to_string(),
            stage,
            in_flight: None,
            first_slot: slot,
            last_slot: slot,
            price: None,
            payment: None,
            mint: None,
            computed: None,
            dispute: None,
            defence: None,
            receipt: None,
        }
    }

    /// Whether a bond depends on what this node does next: it must not end before that is done.
    pub fn binds(&self) -> bool {
        let promised = self.in_flight.as_ref().is_some_and(|transaction| {
            matches!(transaction.purpose, Purpose::Claim | Purpose::Commit | Purpose::Expire)
        });
        promised || matches!(self.stage, Stage::Claimed | Stage::Executed(_))
    }

    /// Whether nothing is left to do.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished(_))
    }
}

impl Listed for Record {
    type Sums = Totals;

    fn last_slot(&self) -> u64 {
        self.last_slot
    }

    fn is_over(&self) -> bool {
        self.is_finished()
    }

    fn is_live(&self) -> bool {
        let holds = |log: &DisputeLog| log.open > 0 || log.rent_lamports > 0;
        !self.is_finished() || self.in_flight.is_some() || self.dispute.as_ref().is_some_and(holds)
    }

    fn add_to(&self, sums: &mut Totals) {
        sums.add(self);
    }

    fn both(one: &Totals, other: &Totals) -> Totals {
        one.plus(other)
    }
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("N0101 {path} is in use; another node runs on this folder: stop it, or give each its own data folder")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The database failed.
    #[error("N0102 journal {path}: {source}; check the disk, then start again: what was written is kept")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What it said.
        source: Box<redb::Error>,
    },
    /// A newer version wrote it.
    #[error(
        "N0104 journal {path} has layout {found}, this version knows those up to {known}; use the version that wrote it, or a newer one: nothing was changed"
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
        "N0105 journal {path} cannot be brought from layout {from} to {to}: {reason}; the file is as it was, and the version that wrote it can go on with it"
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
    #[error("N0103 journal {path}: record of job {job} is unreadable: {reason}; it was written by another version")]
    Record {
        /// The database file.
        path: PathBuf,
        /// The job.
        job: Pubkey,
        /// What is wrong.
        reason: String,
    },
}

/// A record beside the address that it is about.
pub type Addressed<R = Record> = (Pubkey, R);

/// The journal of one node.
#[derive(Debug)]
pub struct Journal {
    database: Database,
    path: PathBuf,
    jobs: Records<Record>,
    sessions: Records<SessionRecord>,
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
        let of = |error| of_record(path, error);
        let (jobs, sessions) =
            (Records::load(&database, JOBS).map_err(of)?, Records::load(&database, sessions::SESSIONS).map_err(of)?);
        Ok(Self { database, path: path.to_path_buf(), jobs, sessions })
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

    /// All records, for a look that is not taken often: there may be a day's.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn all(&self) -> Result<Vec<Addressed>, JournalError> {
        self.addressed(self.jobs.all(&self.database))
    }

    /// The records of jobs that are not over, and of those whose disputes still hold something.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn live(&self) -> Result<Vec<Addressed>, JournalError> {
        self.addressed(self.jobs.live(&self.database))
    }

    /// The records of [`Journal::live`], and the newest `most` of the others.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn newest(&self, most: usize) -> Result<Vec<Addressed>, JournalError> {
        self.addressed(self.jobs.newest(&self.database, most))
    }

    /// How all jobs ended, those whose records were removed included.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn totals(&self) -> Result<Totals, JournalError> {
        let kept = self.record(self.jobs.sums(&self.database))?;
        Ok(self.removed::<Totals>(REMOVED_JOBS)?.plus(&kept))
    }

    /// Removes the records of jobs that were over before `slot`, but keeps the newest `keep` of them; how many were
    /// removed. Their sums stay in [`Journal::totals`].
    ///
    /// # Errors
    /// The database failed or a record is unreadable; nothing was changed then.
    pub fn prune(&self, slot: u64, keep: usize) -> Result<usize, JournalError> {
        self.record(self.jobs.prune(&self.database, slot, keep, |write, old| {
            let removed = Totals::of(old.iter().map(|(_, record)| record));
            add_removed(write, REMOVED_JOBS, |known: &Totals| known.plus(&removed))?;
            Ok(Self::forget_segments(write, old.iter().map(|(job, _)| Pubkey::new_from_array(*job)))?)
        }))
    }

    /// The sums of what was removed, as a row of [`REMOVED`] has them.
    fn removed<T: Default + DeserializeOwned>(&self, row: u8) -> Result<T, JournalError> {
        let bytes = self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(REMOVED)?.get(row)?.map(|value| value.value().to_vec()))
        })?;
        bytes.map_or_else(|| Ok(T::default()), |bytes| self.decode(&Pubkey::default(), &bytes))
    }

    /// Reads, changes and writes one row in a single transaction, and returns what is there afterwards. `job` names the
    /// row in errors.
    fn replace<const N: usize, T: Serialize + DeserializeOwned>(
        &self,
        table: TableDefinition<'_, &'static [u8; N], &'static [u8]>,
        job: &Pubkey,
        key: &[u8; N],
        change: impl FnOnce(Option<T>) -> Option<T>,
    ) -> Result<Option<T>, JournalError> {
        let begun = self.wrap(|| {
            let write = self.database.begin_write()?;
            let bytes = write.open_table(table)?.get(key)?.map(|value| value.value().to_vec());
            Ok((write, bytes))
        });
        let (write, bytes) = begun?;
        let known = bytes.map(|bytes| self.decode(job, &bytes)).transpose()?;
        let changed = change(known);
        let bytes =
            changed.as_ref().map(serde_json::to_vec).transpose().map_err(|error| self.unreadable(job, &error))?;
        self.wrap(|| {
            if let Some(bytes) = &bytes {
                write.open_table(table)?.insert(key, bytes.as_slice())?;
            }
            write.commit()?;
            Ok(())
        })?;
        Ok(changed)
    }

    fn record<T>(&self, result: Result<T, RecordError>) -> Result<T, JournalError> {
        result.map_err(|error| of_record(&self.path, error))
    }

    fn addressed<R>(&self, result: Result<Vec<(Key, R)>, RecordError>) -> Result<Vec<Addressed<R>>, JournalError> {
        let records = self.record(result)?;
        Ok(records.into_iter().map(|(key, record)| (Pubkey::new_from_array(key), record)).collect())
    }

    fn wrap<T>(&self, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, JournalError> {
        work().map_err(|source| JournalError::Database { path: self.path.clone(), source: Box::new(source) })
    }

    fn decode<T: DeserializeOwned>(&self, job: &Pubkey, bytes: &[u8]) -> Result<T, JournalError> {
        serde_json::from_slice(bytes).map_err(|error| self.unreadable(job, &error))
    }

    fn unreadable(&self, job: &Pubkey, error: &serde_json::Error) -> JournalError {
        JournalError::Record { path: self.path.clone(), job: *job, reason: error.to_string() }
    }
}

/// Changes the sums in a row of [`REMOVED`] within a transaction of the caller.
fn add_removed<T: Default + Serialize + DeserializeOwned>(
    write: &WriteTransaction,
    row: u8,
    plus: impl FnOnce(&T) -> T,
) -> Result<(), RecordError> {
    let unreadable = |error: serde_json::Error| RecordError::Record { key: Key::default(), reason: error.to_string() };
    let mut table = write.open_table(REMOVED)?;
    let known = table.get(row)?.map(|value| serde_json::from_slice(value.value())).transpose().map_err(unreadable)?;
    let bytes = serde_json::to_vec(&plus(&known.unwrap_or_default())).map_err(unreadable)?;
    table.insert(row, bytes.as_slice())?;
    Ok(())
}

fn of_record(path: &Path, error: RecordError) -> JournalError {
    let path = path.to_path_buf();
    match error {
        RecordError::Database(source) => JournalError::Database { path, source },
        RecordError::Record { key, reason } => JournalError::Record { path, job: Pubkey::new_from_array(key), reason },
    }
}

#[cfg(test)]
mod tests;
