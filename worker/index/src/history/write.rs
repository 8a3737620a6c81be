//! Taking in what the follower saw, in one transaction.

use super::tables::{ACCOUNTS, CLOCK, HOURS, LISTS, List, OPEN, RECORDS, SINGLE, STATES, Stored, TIMELINE, list_key};
use super::{History, SLOT};
use crate::error::IndexError;
use crate::fold::{self, Folded, totals};
use crate::shape::{Change, HourTotals, Record};
use assay_chain::FollowerEvent;
use assay_chain::follower::{AccountKind, FollowedAccount};
use redb::{ReadableTable, Table};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeSet;

/// Slots between two readings of the clock that are kept: times between them are interpolated.
const CLOCK_SPACING: u64 = 100;

/// The tables, open for one transaction.
struct Writer<'txn> {
    accounts: Table<'txn, &'static [u8; 32], (u8, u64, u64, u64, &'static [u8])>,
    open: Table<'txn, (u8, &'static [u8; 32]), ()>,
    records: Table<'txn, u64, &'static [u8]>,
    timeline: Table<'txn, (&'static [u8; 32], u64), ()>,
    lists: Table<'txn, &'static [u8], ()>,
    states: Table<'txn, u8, u64>,
    hours: Table<'txn, i64, &'static [u8]>,
    clock: Table<'txn, u64, i64>,
    now: i64,
    next_id: u64,
    told: Vec<Record>,
    /// States that changed.
    changed: u64,
}

/// Applies one event: what is new, the slot that it is from, and how many states changed.
pub(super) fn apply(history: &History, event: &FollowerEvent, now: i64) -> Result<(Vec<Record>, u64, u64), IndexError> {
    history.wrap(|| {
        let write = history.database.begin_write()?;
        let applied = {
            let records = write.open_table(RECORDS)?;
            let next_id = records.last()?.map_or(1, |(id, _)| id.value() + 1);
            let mut writer = Writer {
                accounts: write.open_table(ACCOUNTS)?,
                open: write.open_table(OPEN)?,
                records,
                timeline: write.open_table(TIMELINE)?,
                lists: write.open_table(LISTS)?,
                states: write.open_table(STATES)?,
                hours: write.open_table(HOURS)?,
                clock: write.open_table(CLOCK)?,
                now,
                next_id,
                told: Vec::new(),
                changed: 0,
            };
            let slot = writer.event(event)?;
            let seen = slot.max(history.slot());
            write.open_table(SINGLE)?.insert(SLOT, seen.to_le_bytes().as_slice())?;
            (writer.told, slot, writer.changed)
        };
        write.commit()?;
        Ok(applied)
    })
}

impl Writer<'_> {
    fn event(&mut self, event: &FollowerEvent) -> Result<u64, redb::Error> {
        match event {
            FollowerEvent::Seen(sightings) => {
                for seen in sightings {
                    let data = seen.account.as_ref().map(|account| account.data.as_slice());
                    self.observe(seen.kind, &seen.address, seen.slot, data)?;
                }
                Ok(sightings.iter().map(|seen| seen.slot).max().unwrap_or_default())
            }
            FollowerEvent::All { kind, slot, accounts } => {
                let present: BTreeSet<_> = accounts.iter().map(|(address, _)| *address).collect();
                for address in self.open_of(*kind)?.difference(&present) {
                    self.observe(*kind, address, *slot, None)?;
                }
                for (address, account) in accounts {
                    self.observe(*kind, address, *slot, Some(&account.data))?;
                }
                Ok(*slot)
            }
            FollowerEvent::Clock(reading) => {
                let latest = self.clock.last()?.map(|(slot, _)| slot.value());
                if latest.is_none_or(|latest| reading.slot >= latest.saturating_add(CLOCK_SPACING)) {
                    self.clock.insert(reading.slot, reading.unix_seconds)?;
                }
                Ok(reading.slot)
            }
            FollowerEvent::Complete { slot } | FollowerEvent::Slot(slot) => Ok(*slot),
            FollowerEvent::Dropped { .. } => Ok(0),
        }
    }

    fn open_of(&self, kind: AccountKind) -> Result<BTreeSet<Pubkey>, redb::Error> {
        let (first, last) = ([0; 32], [u8::MAX; 32]);
        let range = self.open.range((kind as u8, &first)..=(kind as u8, &last))?;
        range.map(|entry| Ok(Pubkey::new_from_array(*entry?.0.value().1))).collect()
    }

    /// One account as it was at a slot. What is older than what is known, or the same, changes nothing.
    fn observe(
        &mut self,
        kind: AccountKind,
        address: &Pubkey,
        slot: u64,
        data: Option<&[u8]>,
    ) -> Result<(), redb::Error> {
        let known = self.accounts.get(&address.to_bytes())?.and_then(|row| Stored::from_row(row.value()));
        if known.as_ref().is_some_and(|known| known.slot.max(known.closed_slot) > slot) {
            return Ok(());
        }
        // A closed account is known no more: what comes to its address begins anew.
        let exists = known.as_ref().filter(|known| known.closed_slot == 0);
        let Some(data) = data else {
            return match exists {
                Some(known) => self.close(address, known, slot),
                None => Ok(()),
            };
        };
        if exists.is_some_and(|known| known.data == data) {
            return Ok(());
        }
        // The notification of a closing can come after the account was seen to be gone.
        if known.as_ref().is_some_and(|known| known.closed_slot == slot && known.data == data) {
            return Ok(());
        }
        let mut now = Stored { kind, slot, ended_slot: 0, closed_slot: 0, data: data.to_vec() };
        let Some(after) = now.read(address) else { return Ok(()) };
        let before = exists.and_then(|known| known.read(address));
        let changes = fold::changes(before.as_ref(), &after, slot);
        now.ended_slot = exists.map_or(0, |known| known.ended_slot);
        if let Some(end) = changes.iter().find(|folded| ends(&folded.change)) {
            now.ended_slot = end.slot;
        }
        self.changed += 1;
        self.accounts.insert(&address.to_bytes(), now.row())?;
        self.open.insert((kind as u8, &address.to_bytes()), ())?;
        if let FollowedAccount::Job(after) = &after {
            let before = match &before {
                Some(FollowedAccount::Job(before)) => Some(&**before),
                _ => None,
            };
            self.list(address, before, after)?;
        }
        let about = fold::job_of(&after);
        for folded in changes {
            self.record(kind, address, about, folded)?;
        }
        Ok(())
    }

    fn close(&mut self, address: &Pubkey, known: &Stored, slot: u64) -> Result<(), redb::Error> {
        let closed = Stored { closed_slot: slot.max(1), ..known.clone() };
        self.changed += 1;
        self.accounts.insert(&address.to_bytes(), closed.row())?;
        self.open.remove((known.kind as u8, &address.to_bytes()))?;
        if let Some(last) = known.read(address) {
            self.record(known.kind, address, fold::job_of(&last), fold::closed(&last, slot))?;
        }
        Ok(())
    }

    /// Keeps a job in its lists.
    fn list(
        &mut self,
        address: &Pubkey,
        before: Option<&assay::state::Job>,
        after: &assay::state::Job,
    ) -> Result<(), redb::Error> {
        let mut lists = vec![List::All, List::OfClient(after.client), List::InState(after.state)];
        if after.node != Pubkey::default() {
            lists.push(List::OfNode(after.node));
        }
        if let Some(before) = before.filter(|before| before.state != after.state) {
            self.lists.remove(list_key(List::InState(before.state), before.posted_slot, address).as_slice())?;
        }
        for list in lists {
            self.lists.insert(list_key(list, after.posted_slot, address).as_slice(), ())?;
        }
        if before.is_none_or(|before| before.state != after.state) {
            if let Some(before) = before {
                let count = self.states.get(before.state as u8)?.map_or(0, |count| count.value());
                self.states.insert(before.state as u8, count.saturating_sub(1))?;
            }
            let count = self.states.get(after.state as u8)?.map_or(0, |count| count.value());
            self.states.insert(after.state as u8, count + 1)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        kind: AccountKind,
        address: &Pubkey,
        about: Option<Pubkey>,
        folded: Folded,
    ) -> Result<(), redb::Error> {
        let record = Record {
            id: self.next_id,
            slot: folded.slot,
            exact: folded.exact,
            at: self.time_of(folded.slot)?,
            kind: fold::kind_of(kind),
            account: address.to_string(),
            job: about.map(|job| job.to_string()),
            change: folded.change,
        };
        self.next_id += 1;
        self.records.insert(record.id, encode(&record)?.as_slice())?;
        self.timeline.insert((&address.to_bytes(), record.id), ())?;
        if let Some(job) = about {
            self.timeline.insert((&job.to_bytes(), record.id), ())?;
        }
        self.count(&record)?;
        self.told.push(record);
        Ok(())
    }

    fn count(&mut self, record: &Record) -> Result<(), redb::Error> {
        let hour = totals::hour_of(record.at);
        let mut sums: HourTotals = match self.hours.get(hour)? {
            Some(bytes) => decode(bytes.value())?,
            None => HourTotals::default(),
        };
        if totals::count(&mut sums, &record.change) {
            self.hours.insert(hour, encode(&sums)?.as_slice())?;
        }
        Ok(())
    }

    fn time_of(&self, slot: u64) -> Result<i64, redb::Error> {
        let reading =
            |entry: (redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, i64>)| (entry.0.value(), entry.1.value());
        let earlier = self.clock.range(..=slot)?.next_back().transpose()?.map(reading);
        let later = self.clock.range(slot.saturating_add(1)..)?.next().transpose()?.map(reading);
        Ok(totals::time_of(slot, earlier, later).unwrap_or(self.now))
    }
}

fn ends(change: &Change) -> bool {
    matches!(change, Change::JobEnded { .. } | Change::SessionEnded { .. } | Change::ChallengeEnded { .. })
}

fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, redb::Error> {
    serde_json::to_vec(value).map_err(|error| redb::Error::Io(error.into()))
}

/// What this module wrote itself; that it cannot be read is a broken disk, and stops the transaction.
fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, redb::Error> {
    serde_json::from_slice(bytes).map_err(|error| redb::Error::Corrupted(error.to_string()))
}
