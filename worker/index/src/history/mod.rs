//! The history on disk: the last state of each account, what happened, lists of jobs, and totals.
//!
//! Each event of the follower is one transaction: states, records, lists and totals change together or not at all, so that a process
//! that is killed goes on without telling anything twice. What was written is whole after a power cut; nothing is ever overwritten but
//! last states and totals.

mod read;
mod rows;
mod tables;
mod write;

pub use read::{JOB_STATES, JobQuery, MOST_ROWS, TIMELINE_PAGE};
pub use rows::{job_row, node_row};

use crate::error::IndexError;
use crate::shape::Record;
use assay_chain::FollowerEvent;
use redb::{Database, ReadableDatabase, ReadableTable};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tables::SINGLE;

const GENESIS: &str = "genesis";
const SLOT: &str = "slot";
const LAYOUT: &str = "layout";
/// How the tables and what is in them are laid out.
const LAYOUT_VERSION: &[u8] = b"1";

/// What the database keeps in memory: pages that queries of the last days read again. By default it takes a gigabyte.
const CACHE_BYTES: usize = 64 << 20;

/// The history of one chain.
#[derive(Debug)]
pub struct History {
    database: Database,
    path: PathBuf,
    /// How far the chain was seen: heard all the time, on disk with the next change.
    slot: AtomicU64,
    /// Goes up with every state that changed, whether anything is told of it or not.
    version: AtomicU64,
}

impl History {
    /// Opens or creates the history of the chain with this genesis hash; only one process may hold it.
    ///
    /// # Errors
    /// `H0101` to `H0104`.
    pub fn open(path: &Path, genesis: &str) -> Result<Self, IndexError> {
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => IndexError::InUse { path: path.to_path_buf() },
            other => IndexError::Database { path: path.to_path_buf(), source: Box::new(other.into()) },
        })?;
        let history = Self { database, path: path.to_path_buf(), slot: AtomicU64::new(0), version: AtomicU64::new(0) };
        history.prepare(genesis)?;
        Ok(history)
    }

    fn prepare(&self, genesis: &str) -> Result<(), IndexError> {
        let (kept, layout) = self.wrap(|| {
            let write = self.database.begin_write()?;
            tables::create(&write)?;
            let (kept, layout) = {
                let mut single = write.open_table(SINGLE)?;
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                if single.get(GENESIS)?.is_none() {
                    single.insert(GENESIS, genesis.as_bytes())?;
                    single.insert(LAYOUT, LAYOUT_VERSION)?;
                }
                if let Some(slot) = single.get(SLOT)?.and_then(|bytes| bytes.value().try_into().ok()) {
                    self.slot.store(u64::from_le_bytes(slot), Ordering::Relaxed);
                }
                let kept = single.get(GENESIS)?.map(|bytes| text(bytes.value())).unwrap_or_default();
                let layout = single.get(LAYOUT)?.map(|bytes| bytes.value().to_vec()).unwrap_or_default();
                (kept, layout)
            };
            write.commit()?;
            Ok((kept, layout))
        })?;
        if layout != LAYOUT_VERSION {
            return Err(self.unreadable("layout", &"it is of another version"));
        }
        if kept != genesis {
            return Err(IndexError::OtherChain { path: self.path.clone(), kept, served: genesis.to_owned() });
        }
        Ok(())
    }

    /// Takes in what the follower saw, durably; returns what is new. `now` (seconds since 1970) stands in for the chain's clock as
    /// long as that was never read.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn apply(&self, event: &FollowerEvent, now: i64) -> Result<Vec<Record>, IndexError> {
        match event {
            FollowerEvent::Slot(slot) => {
                self.slot.fetch_max(*slot, Ordering::Relaxed);
                Ok(Vec::new())
            }
            FollowerEvent::Dropped { .. } => Ok(Vec::new()),
            FollowerEvent::Clock(_)
            | FollowerEvent::Complete { .. }
            | FollowerEvent::Seen(_)
            | FollowerEvent::All { .. } => {
                let (records, slot, changed) = write::apply(self, event, now)?;
                self.version.fetch_add(changed, Ordering::Release);
                self.slot.fetch_max(slot, Ordering::Relaxed);
                Ok(records)
            }
        }
    }

    /// How far the chain was seen.
    pub fn slot(&self) -> u64 {
        self.slot.load(Ordering::Relaxed)
    }

    /// A number that differs when anything that is kept differs, as long as this process runs.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn reading<T>(&self, read: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>) -> Result<T, IndexError> {
        self.wrap(|| read(&self.database.begin_read()?))
    }

    fn wrap<T>(&self, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, IndexError> {
        work().map_err(|source| IndexError::Database { path: self.path.clone(), source: Box::new(source) })
    }

    fn unreadable(&self, what: &str, reason: &dyn std::fmt::Display) -> IndexError {
        IndexError::Unreadable { path: self.path.clone(), what: what.to_owned(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests;
