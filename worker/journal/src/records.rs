//! The records of one table, with an overview in memory, so that what is asked at every look (what is open, what is newest, the sums)
//! costs as much as what is open, however many records of what is over the file keeps.
//!
//! The overview is what was committed last, never more and never less: it is brought up to date under its lock, together with the
//! commit, and who reads takes their snapshot of the file under the same lock.

use crate::overview::Overview;
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The address that a record is about.
pub type Key = [u8; 32];
/// A table of records: their addresses, and each as JSON.
pub type RecordTable = TableDefinition<'static, &'static Key, &'static [u8]>;

/// A record of which many are kept.
pub trait Listed: Serialize + DeserializeOwned {
    /// What all records together come to.
    type Sums: Clone + Default;

    /// Slot of its last change.
    fn last_slot(&self) -> u64;
    /// Whether nothing is left to do, so that it may be removed after a while.
    fn is_over(&self) -> bool;
    /// Whether it is looked at whenever somebody looks: always while it is not over, and longer where something of it still counts.
    fn is_live(&self) -> bool;
    /// Adds it to sums.
    fn add_to(&self, sums: &mut Self::Sums);
    /// The sums of both.
    fn both(one: &Self::Sums, other: &Self::Sums) -> Self::Sums;
}

/// Why records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The database failed.
    #[error(transparent)]
    Database(Box<redb::Error>),
    /// A record cannot be read.
    #[error("a record is unreadable: {reason}")]
    Record {
        /// What it is about.
        key: Key,
        /// What is wrong with it.
        reason: String,
    },
}

crate::from_database!(RecordError);
crate::from_database!(RecordError: redb::Error);

/// The records of one table.
pub struct Records<R: Listed> {
    table: RecordTable,
    overview: Mutex<Overview<R::Sums>>,
}

impl<R: Listed> Records<R> {
    /// The records of a table, each read once, one after the other.
    ///
    /// # Errors
    /// The database failed, or a record is unreadable.
    pub fn load(database: &Database, table: RecordTable) -> Result<Self, RecordError> {
        let mut overview = Overview::default();
        each::<R>(&database.begin_read()?.open_table(table)?, |key, record| overview.add(key, &record))?;
        Ok(Self { table, overview: Mutex::new(overview) })
    }

    /// The record about `key`.
    ///
    /// # Errors
    /// The database failed, or the record is unreadable.
    pub fn get(&self, database: &Database, key: &Key) -> Result<Option<R>, RecordError> {
        self.read(&database.begin_read()?, key)
    }

    /// All records: as much memory as they take. Who needs them at every look asks for [`Records::live`] ones.
    ///
    /// # Errors
    /// The database failed, or a record is unreadable.
    pub fn all(&self, database: &Database) -> Result<Vec<(Key, R)>, RecordError> {
        let mut records = Vec::new();
        each(&database.begin_read()?.open_table(self.table)?, |key, record| records.push((key, record)))?;
        Ok(records)
    }

    /// What the records are about, those that are over last.
    pub fn keys(&self) -> Vec<Key> {
        self.lock().keys()
    }

    /// The records that are live.
    ///
    /// # Errors
    /// The database failed, or one of them is unreadable.
    pub fn live(&self, database: &Database) -> Result<Vec<(Key, R)>, RecordError> {
        let (read, keys) = self.snapshot(database, Overview::live)?;
        self.read_each(&read, keys)
    }

    /// The records that are live, and the newest `most` of the others.
    ///
    /// # Errors
    /// The database failed, or one of them is unreadable.
    pub fn newest(&self, database: &Database, most: usize) -> Result<Vec<(Key, R)>, RecordError> {
        let (read, keys) = self.snapshot(database, |overview| overview.newest(most))?;
        self.read_each(&read, keys)
    }

    /// The sums of all records.
    ///
    /// # Errors
    /// The database failed, or a record that is live is unreadable.
    pub fn sums(&self, database: &Database) -> Result<R::Sums, RecordError> {
        let (read, (rest, keys)) = self.snapshot(database, |overview| (overview.rest(), overview.live()))?;
        let mut live = R::Sums::default();
        self.read_each(&read, keys)?.iter().for_each(|(_, record)| record.add_to(&mut live));
        Ok(R::both(&rest, &live))
    }

    /// Changes records and whatever else `work` writes in one transaction, which is on the disk when this returns. If `work` fails,
    /// nothing was changed.
    ///
    /// # Errors
    /// What `work` says, or the database failed; nothing was changed then.
    pub fn change<T, E: From<RecordError>>(
        &self,
        database: &Database,
        work: impl FnOnce(&mut Change<'_, R>) -> Result<T, E>,
    ) -> Result<T, E> {
        let write = database.begin_write().map_err(RecordError::from)?;
        let mut change = Change { write: &write, table: self.table, moves: Vec::new(), sums_anew: false };
        let value = work(&mut change)?;
        let Change { moves, sums_anew, .. } = change;
        let rest = if sums_anew { Some(self.rest_of(&write)?) } else { None };
        // There is one transaction that writes at a time: whoever commits next waits, and finds the overview as it is here.
        let mut overview = self.lock();
        write.commit().map_err(RecordError::from)?;
        overview.apply(moves, rest, R::both);
        Ok(value)
    }

    /// Removes the records of what was over before `slot`, but keeps the newest `keep` of them; `work` writes what goes with them in
    /// the same transaction. Returns how many were removed.
    ///
    /// # Errors
    /// What `work` says, the database failed, or one of the records is unreadable; nothing was changed then.
    pub fn prune<E: From<RecordError>>(
        &self,
        database: &Database,
        slot: u64,
        keep: usize,
        work: impl FnOnce(&WriteTransaction, &[(Key, R)]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let old = self.lock().over_before(slot, keep);
        if old.is_empty() {
            return Ok(0);
        }
        self.change(database, |change| {
            let mut removed = Vec::with_capacity(old.len());
            for key in old {
                // It may have gone on since.
                if let Some(record) = change.get(&key)?.filter(|record| record.is_over() && record.last_slot() < slot) {
                    change.remove(&key)?;
                    removed.push((key, record));
                }
            }
            work(change.transaction(), &removed)?;
            Ok(removed.len())
        })
    }

    /// The sums of what is not live as a transaction leaves it.
    fn rest_of(&self, write: &WriteTransaction) -> Result<R::Sums, RecordError> {
        let mut rest = R::Sums::default();
        each::<R>(&write.open_table(self.table)?, |_, record| {
            if !Place::of(&record).is_live {
                record.add_to(&mut rest);
            }
        })?;
        Ok(rest)
    }

    fn snapshot<T>(
        &self,
        database: &Database,
        take: impl FnOnce(&Overview<R::Sums>) -> T,
    ) -> Result<(ReadTransaction, T), RecordError> {
        let overview = self.lock();
        Ok((database.begin_read()?, take(&overview)))
    }

    fn read(&self, read: &ReadTransaction, key: &Key) -> Result<Option<R>, RecordError> {
        read.open_table(self.table)?.get(key)?.map(|value| decode(*key, value.value())).transpose()
    }

    fn read_each(&self, read: &ReadTransaction, keys: Vec<Key>) -> Result<Vec<(Key, R)>, RecordError> {
        let table = read.open_table(self.table)?;
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(value) = table.get(&key)? {
                records.push((key, decode(key, value.value())?));
            }
        }
        Ok(records)
    }

    /// It is whole at every moment at which a panic could happen.
    fn lock(&self) -> MutexGuard<'_, Overview<R::Sums>> {
        self.overview.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Listed> fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("table", &self.table.name()).finish_non_exhaustive()
    }
}

impl<R: Listed> fmt::Debug for Change<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("table", &self.table.name()).finish_non_exhaustive()
    }
}

/// What one transaction changes.
pub struct Change<'a, R: Listed> {
    write: &'a WriteTransaction,
    table: RecordTable,
    moves: Vec<Move<R::Sums>>,
    /// Whether something that is in the sums of what is not live was replaced or removed.
    sums_anew: bool,
}

/// Where a record was in the overview, and where it is now.
pub(crate) struct Move<S> {
    pub(crate) key: Key,
    pub(crate) from: Option<Place>,
    pub(crate) to: Option<Place>,
    /// What it adds to the sums of what is not live.
    pub(crate) adds: Option<S>,
}

/// Where a record stands in the overview.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) last_slot: u64,
    pub(crate) is_over: bool,
    pub(crate) is_live: bool,
}

impl Place {
    pub(crate) fn of<R: Listed>(record: &R) -> Self {
        // Whatever a record says of itself: what is not over is not lost sight of.
        let is_over = record.is_over();
        Self { last_slot: record.last_slot(), is_over, is_live: record.is_live() || !is_over }
    }
}

impl<R: Listed> Change<'_, R> {
    /// For what is written beside the records.
    pub fn transaction(&self) -> &WriteTransaction {
        self.write
    }

    /// The record about `key`, as far as it was changed.
    ///
    /// # Errors
    /// The database failed, or the record is unreadable.
    pub fn get(&self, key: &Key) -> Result<Option<R>, RecordError> {
        self.write.open_table(self.table)?.get(key)?.map(|value| decode(*key, value.value())).transpose()
    }

    /// Writes a record.
    ///
    /// # Errors
    /// The database failed, or what was there is unreadable.
    pub fn put(&mut self, key: &Key, record: &R) -> Result<(), RecordError> {
        let bytes = serde_json::to_vec(record).map_err(|error| unreadable(*key, &error))?;
        let mut table = self.write.open_table(self.table)?;
        let known = table.insert(key, bytes.as_slice())?;
        let known: Option<R> = known.map(|value| decode(*key, value.value())).transpose()?;
        self.moved(*key, known.as_ref(), Some(record));
        Ok(())
    }

    /// Removes a record.
    ///
    /// # Errors
    /// The database failed, or the record is unreadable.
    pub fn remove(&mut self, key: &Key) -> Result<(), RecordError> {
        let mut table = self.write.open_table(self.table)?;
        let known = table.remove(key)?;
        let known: Option<R> = known.map(|value| decode(*key, value.value())).transpose()?;
        self.moved(*key, known.as_ref(), None);
        Ok(())
    }

    fn moved(&mut self, key: Key, from: Option<&R>, to: Option<&R>) {
        let (from, place) = (from.map(Place::of), to.map(Place::of));
        self.sums_anew |= from.is_some_and(|from| !from.is_live);
        let adds = to.filter(|_| place.is_some_and(|place| !place.is_live)).map(|record| {
            let mut sums = R::Sums::default();
            record.add_to(&mut sums);
            sums
        });
        self.moves.push(Move { key, from, to: place, adds });
    }
}

/// Every record of a table, one after the other.
fn each<R: Listed>(
    table: &impl ReadableTable<&'static Key, &'static [u8]>,
    mut take: impl FnMut(Key, R),
) -> Result<(), RecordError> {
    for row in table.iter()? {
        let (key, value) = row?;
        let key = *key.value();
        take(key, decode(key, value.value())?);
    }
    Ok(())
}

fn decode<R: DeserializeOwned>(key: Key, bytes: &[u8]) -> Result<R, RecordError> {
    serde_json::from_slice(bytes).map_err(|error| unreadable(key, &error))
}

fn unreadable(key: Key, error: &serde_json::Error) -> RecordError {
    RecordError::Record { key, reason: error.to_string() }
}

#[cfg(test)]
mod tests;
