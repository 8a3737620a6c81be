//! Reading the history.

use super::History;
use super::rows::{job_row, node_row};
use super::tables::{ACCOUNTS, HOURS, LISTS, List, OPEN, RECORDS, STATES, Stored, TIMELINE, list_key, place_of};
use crate::error::IndexError;
use crate::fold::{kind_of, snake};
use crate::shape::{AccountHistory, Hour, JobHistory, JobRow, NodeHistory, NodeRow, Page, Record, Snapshot, Stats};
use assay::state_machine::JobState;
use assay_chain::follower::{AccountKind, FollowedAccount};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use serde::Serialize;
use serde::de::DeserializeOwned;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Rows of each kind that a snapshot has at most, and jobs that one page looks at.
pub const MOST_ROWS: usize = 10_000;
/// Records of one page of a timeline.
pub const TIMELINE_PAGE: usize = 1_000;

/// Every state of a job.
pub const JOB_STATES: [JobState; 9] = [
    JobState::Posted,
    JobState::Claimed,
    JobState::Committed,
    JobState::Settled,
    JobState::Cancelled,
    JobState::Expired,
    JobState::Missed,
    JobState::Accepted,
    JobState::Convicted,
];

/// Which jobs a page has. Every condition that is given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Where they are in their lives.
    pub state: Option<JobState>,
    /// Who posted them.
    pub client: Option<Pubkey>,
    /// Who claimed them.
    pub node: Option<Pubkey>,
    /// Only jobs that come after this one (slot of posting, address), newest first.
    pub before: Option<(u64, Pubkey)>,
    /// How many at most.
    pub limit: usize,
}

impl JobQuery {
    /// The shortest list that holds every job that is asked for.
    fn list(&self) -> List {
        match (self.client, self.node, self.state) {
            (Some(client), _, _) => List::OfClient(client),
            (None, Some(node), _) => List::OfNode(node),
            (None, None, Some(state)) => List::InState(state),
            (None, None, None) => List::All,
        }
    }

    fn takes(&self, job: &assay::state::Job) -> bool {
        self.state.is_none_or(|state| job.state == state)
            && self.client.is_none_or(|client| job.client == client)
            && self.node.is_none_or(|node| job.node == node)
    }
}

impl History {
    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub fn jobs(&self, query: &JobQuery) -> Result<Page<JobRow>, IndexError> {
        self.reading(|read| {
            let (lists, accounts) = (read.open_table(LISTS)?, read.open_table(ACCOUNTS)?);
            let list = query.list();
            let first = list.prefix();
            let last = match query.before {
                Some((slot, address)) => list_key(list, slot, &address),
                None => [first.clone(), vec![u8::MAX; 41]].concat(),
            };
            let mut page = Page { rows: Vec::new(), next: None };
            let range = (Bound::Included(first.as_slice()), Bound::Excluded(last.as_slice()));
            for (looked_at, entry) in lists.range::<&[u8]>(range)?.rev().enumerate() {
                let key = entry?.0;
                let Some((slot, address)) = place_of(key.value()) else { continue };
                let row = accounts.get(&address.to_bytes())?.and_then(|row| Stored::from_row(row.value()));
                if let Some(stored) = row
                    && let Some(FollowedAccount::Job(job)) = stored.read(&address)
                    && query.takes(&job)
                {
                    page.rows.push(job_row(&address, &job, stored.ended_slot, stored.closed_slot));
                }
                if page.rows.len() >= query.limit || looked_at + 1 >= MOST_ROWS {
                    page.next = Some(format!("{slot}-{address}"));
                    break;
                }
            }
            Ok(page)
        })
    }

    /// All nodes that exist, at most [`MOST_ROWS`]: those that come after `after` in the order of their addresses.
    ///
    /// # Errors
    /// The database failed.
    pub fn nodes(&self, after: Option<Pubkey>, limit: usize) -> Result<Page<NodeRow>, IndexError> {
        self.reading(|read| nodes(read, after, limit))
    }

    /// A job and what happened to it after record `after`.
    ///
    /// # Errors
    /// The database failed.
    pub fn job(&self, address: &Pubkey, after: u64) -> Result<Option<JobHistory>, IndexError> {
        let Some((stored, FollowedAccount::Job(job))) = self.account(address)? else { return Ok(None) };
        let (timeline, more) = self.timeline(address, after)?;
        let job = job_row(address, &job, stored.ended_slot, stored.closed_slot);
        Ok(Some(JobHistory { job, timeline, more }))
    }

    /// A node and what happened to it after record `after`.
    ///
    /// # Errors
    /// The database failed.
    pub fn node(&self, address: &Pubkey, after: u64) -> Result<Option<NodeHistory>, IndexError> {
        let Some((stored, FollowedAccount::Node(node))) = self.account(address)? else { return Ok(None) };
        let (timeline, more) = self.timeline(address, after)?;
        Ok(Some(NodeHistory { node: node_row(address, &node, stored.closed_slot), timeline, more }))
    }

    /// What happened to any account after record `after`.
    ///
    /// # Errors
    /// The database failed.
    pub fn account_history(&self, address: &Pubkey, after: u64) -> Result<Option<AccountHistory>, IndexError> {
        let Some((stored, _)) = self.account(address)? else { return Ok(None) };
        let (timeline, more) = self.timeline(address, after)?;
        Ok(Some(AccountHistory { kind: kind_of(stored.kind), closed_slot: stored.closed_slot, timeline, more }))
    }

    /// The records that come after `after`, oldest first, at most `most`.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn records(&self, after: u64, most: usize) -> Result<Vec<Record>, IndexError> {
        let found = self.reading(|read| {
            let records = read.open_table(RECORDS)?;
            let range = records.range(after.saturating_add(1)..)?.take(most);
            range.map(|entry| Ok(entry?.1.value().to_vec())).collect::<Result<Vec<_>, redb::Error>>()
        })?;
        found.iter().map(|bytes| self.decode("a record", bytes)).collect()
    }

    /// The id of the last record; 0 before the first.
    ///
    /// # Errors
    /// The database failed.
    pub fn last_id(&self) -> Result<u64, IndexError> {
        self.reading(last_id)
    }

    /// Everything that a list needs, at one moment.
    ///
    /// # Errors
    /// The database failed.
    pub fn snapshot(&self) -> Result<Snapshot, IndexError> {
        let slot = self.slot();
        let (last_id, jobs, nodes) = self.reading(|read| {
            let (lists, accounts) = (read.open_table(LISTS)?, read.open_table(ACCOUNTS)?);
            let first = List::All.prefix();
            let last = [first.clone(), vec![u8::MAX; 41]].concat();
            let mut jobs = Vec::new();
            for entry in lists.range(first.as_slice()..last.as_slice())?.rev().take(MOST_ROWS) {
                let Some((_, address)) = place_of(entry?.0.value()) else { continue };
                let row = accounts.get(&address.to_bytes())?.and_then(|row| Stored::from_row(row.value()));
                if let Some(stored) = row
                    && let Some(FollowedAccount::Job(job)) = stored.read(&address)
                {
                    jobs.push(job_row(&address, &job, stored.ended_slot, stored.closed_slot));
                }
            }
            Ok((last_id(read)?, jobs, nodes(read, None, MOST_ROWS)?.rows))
        })?;
        let (job_columns, jobs) = self.columns(&jobs)?;
        let (node_columns, nodes) = self.columns(&nodes)?;
        Ok(Snapshot { slot, last_id, job_columns, jobs, node_columns, nodes })
    }

    /// Totals of the last `hours` hours in which something happened, and what there is.
    ///
    /// # Errors
    /// The database failed.
    pub fn stats(&self, hours: usize) -> Result<Stats, IndexError> {
        let slot = self.slot();
        let (last_id, states, nodes, sums) = self.reading(|read| {
            let states: Vec<(u8, u64)> = read
                .open_table(STATES)?
                .iter()?
                .map(|entry| entry.map(|(state, count)| (state.value(), count.value())))
                .collect::<Result<_, _>>()?;
            let nodes = open_of(read, AccountKind::Node)?;
            let table = read.open_table(HOURS)?;
            let sums = table.iter()?.rev().take(hours);
            let sums: Vec<(i64, Vec<u8>)> = sums
                .map(|entry| entry.map(|(begins_at, sums)| (begins_at.value(), sums.value().to_vec())))
                .collect::<Result<_, _>>()?;
            Ok((last_id(read)?, states, nodes, sums))
        })?;
        let hours = sums
            .iter()
            .map(|(begins_at, sums)| Ok(Hour { begins_at: *begins_at, totals: self.decode("an hour", sums)? }))
            .collect::<Result<_, IndexError>>()?;
        let jobs_by_state = states
            .into_iter()
            .filter_map(|(number, count)| Some((snake(&state_of(number)?), count)))
            .filter(|(_, count)| *count > 0)
            .collect::<BTreeMap<_, _>>();
        Ok(Stats { slot, last_id, jobs_by_state, nodes, hours })
    }

    fn account(&self, address: &Pubkey) -> Result<Option<(Stored, FollowedAccount)>, IndexError> {
        let stored = self.reading(|read| {
            Ok(read.open_table(ACCOUNTS)?.get(&address.to_bytes())?.and_then(|row| Stored::from_row(row.value())))
        })?;
        Ok(stored.and_then(|stored| stored.read(address).map(|account| (stored, account))))
    }

    /// A page of the records about an address, and whether there are more.
    fn timeline(&self, address: &Pubkey, after: u64) -> Result<(Vec<Record>, bool), IndexError> {
        let key = address.to_bytes();
        let mut found = self.reading(|read| {
            let (timeline, records) = (read.open_table(TIMELINE)?, read.open_table(RECORDS)?);
            let mut found = Vec::new();
            let range = (&key, after.saturating_add(1))..=(&key, u64::MAX);
            for entry in timeline.range(range)?.take(TIMELINE_PAGE + 1) {
                let (_, id) = entry?.0.value();
                found.extend(records.get(id)?.map(|record| record.value().to_vec()));
            }
            Ok(found)
        })?;
        let more = found.len() > TIMELINE_PAGE;
        found.truncate(TIMELINE_PAGE);
        let records = found.iter().map(|bytes| self.decode("a record", bytes)).collect::<Result<_, _>>()?;
        Ok((records, more))
    }

    /// Rows as their columns' names and values.
    fn columns<T: Serialize>(&self, rows: &[T]) -> Result<(Vec<String>, Vec<Vec<serde_json::Value>>), IndexError> {
        let mut names = Vec::new();
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            let value = serde_json::to_value(row).map_err(|error| self.unreadable("a row", &error))?;
            let serde_json::Value::Object(fields) = value else { continue };
            if names.is_empty() {
                names = fields.keys().cloned().collect();
            }
            values.push(fields.into_iter().map(|(_, value)| value).collect());
        }
        Ok((names, values))
    }

    fn decode<T: DeserializeOwned>(&self, what: &str, bytes: &[u8]) -> Result<T, IndexError> {
        serde_json::from_slice(bytes).map_err(|error| self.unreadable(what, &error))
    }
}

/// The state with this number.
fn state_of(number: u8) -> Option<JobState> {
    JOB_STATES.into_iter().find(|state| *state as u8 == number)
}

fn last_id(read: &ReadTransaction) -> Result<u64, redb::Error> {
    Ok(read.open_table(RECORDS)?.last()?.map_or(0, |(id, _)| id.value()))
}

fn open_of(read: &ReadTransaction, kind: AccountKind) -> Result<u64, redb::Error> {
    let table = read.open_table(OPEN)?;
    if table.is_empty()? {
        return Ok(0);
    }
    let (first, last) = ([0; 32], [u8::MAX; 32]);
    Ok(table.range((kind as u8, &first)..=(kind as u8, &last))?.count() as u64)
}

fn nodes(read: &ReadTransaction, after: Option<Pubkey>, limit: usize) -> Result<Page<NodeRow>, redb::Error> {
    let (open, accounts) = (read.open_table(OPEN)?, read.open_table(ACCOUNTS)?);
    let kind = AccountKind::Node as u8;
    let (first, last) = (after.unwrap_or_default().to_bytes(), [u8::MAX; 32]);
    let mut page = Page { rows: Vec::new(), next: None };
    let range = (Bound::Excluded((kind, &first)), Bound::Included((kind, &last)));
    for entry in open.range::<(u8, &[u8; 32])>(range)? {
        if page.rows.len() >= limit.min(MOST_ROWS) {
            page.next = page.rows.last().map(|row: &NodeRow| row.address.clone());
            break;
        }
        let address = Pubkey::new_from_array(*entry?.0.value().1);
        let row = accounts.get(&address.to_bytes())?.and_then(|row| Stored::from_row(row.value()));
        if let Some(stored) = row
            && let Some(FollowedAccount::Node(node)) = stored.read(&address)
        {
            page.rows.push(node_row(&address, &node, stored.closed_slot));
        }
    }
    Ok(page)
}
