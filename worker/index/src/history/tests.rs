use super::*;
use crate::shape::Change;
use anchor_lang::AccountSerialize;
use assay::state::{Challenge, Job, Node};
use assay::state_machine::JobState;
use assay_chain::chain::RawAccount;
use assay_chain::follower::{AccountKind, ClockReading, Sighting};
use solana_sdk::pubkey::Pubkey;

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn raw<T: AccountSerialize>(value: &T) -> RawAccount {
    let mut data = Vec::new();
    value.try_serialize(&mut data).unwrap();
    RawAccount { owner: assay::ID, lamports: 1, data, executable: false }
}

fn posted(client: u8, slot: u64) -> Job {
    Job { version: Job::VERSION, client: key(client), posted_slot: slot, price_max: 9, ..Job::default() }
}

fn settled(client: u8, slot: u64) -> Job {
    Job {
        state: JobState::Settled,
        node: key(90),
        claimed_slot: slot + 1,
        committed_slot: slot + 2,
        price: 7,
        ..posted(client, slot)
    }
}

fn jobs(slot: u64, list: &[(u8, Job)]) -> FollowerEvent {
    let accounts = list.iter().map(|(address, job)| (key(*address), raw(job))).collect();
    FollowerEvent::All { kind: AccountKind::Job, slot, accounts }
}

fn seen(address: u8, slot: u64, account: Option<RawAccount>) -> FollowerEvent {
    FollowerEvent::Seen(vec![Sighting { kind: AccountKind::Job, address: key(address), slot, account }])
}

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> History {
        History::open(&self.folder.path().join("index.redb"), "genesis").unwrap()
    }
}

fn timeline(history: &History, address: u8) -> Vec<(u64, String)> {
    let found = history.account_history(&key(address), 0).unwrap().expect("it is known");
    found.timeline.iter().map(|record| (record.slot, name(record))).collect()
}

fn name(record: &Record) -> String {
    serde_json::to_value(record).unwrap()["change"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_told_is_told_once_across_restarts() {
    let home = Home::new();
    let history = home.open();
    assert_eq!(history.apply(&jobs(12, &[(1, posted(5, 10))]), 0).unwrap().len(), 1);
    assert_eq!(history.apply(&jobs(13, &[(1, posted(5, 10))]), 0).unwrap(), []);
    drop(history);
    let history = home.open();
    assert_eq!(history.slot(), 13);
    assert_eq!(history.apply(&jobs(14, &[(1, posted(5, 10))]), 0).unwrap(), []);
    // While nobody looked it was claimed, committed and settled.
    assert_eq!(history.apply(&jobs(40, &[(1, settled(5, 10))]), 0).unwrap().len(), 3);
    let whole = [(10, "job_posted"), (11, "job_claimed"), (12, "job_committed"), (40, "job_ended")];
    assert_eq!(timeline(&history, 1), whole.map(|(slot, name)| (slot, name.to_owned())));
    let ids: Vec<_> = history.records(0, 100).unwrap().iter().map(|record| record.id).collect();
    assert_eq!(ids, [1, 2, 3, 4], "no gap and no repetition");
}

#[test]
fn a_closed_account_is_remembered_as_it_was_last() {
    let home = Home::new();
    let history = home.open();
    history.apply(&jobs(12, &[(1, posted(5, 10)), (2, settled(5, 10))]), 0).unwrap();
    let told = history.apply(&jobs(20, &[(1, posted(5, 10))]), 0).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].change, Change::Closed { last_state: "settled".into(), unseen_end: false });
    assert_eq!(history.apply(&jobs(21, &[(1, posted(5, 10))]), 0).unwrap(), []);
    let found = history.job(&key(2), 0).unwrap().unwrap();
    assert_eq!((found.job.state.as_str(), found.job.closed_slot, found.job.ended_slot), ("settled", 20, 12));
    let told = history.apply(&seen(1, 22, None), 0).unwrap();
    assert_eq!(told[0].change, Change::Closed { last_state: "posted".into(), unseen_end: true });
}

#[test]
fn what_is_older_than_what_is_known_changes_nothing() {
    let home = Home::new();
    let history = home.open();
    history.apply(&jobs(40, &[(1, settled(5, 10))]), 0).unwrap();
    assert_eq!(history.apply(&seen(1, 39, Some(raw(&posted(5, 10)))), 0).unwrap(), []);
    assert_eq!(history.apply(&jobs(39, &[]), 0).unwrap(), [], "not closed either");
    history.apply(&seen(1, 50, None), 0).unwrap();
    assert_eq!(history.apply(&seen(1, 49, Some(raw(&settled(5, 10)))), 0).unwrap(), [], "not back from the dead");
    assert_eq!(history.apply(&seen(1, 50, Some(raw(&settled(5, 10)))), 0).unwrap(), [], "nor in its last slot");
}

#[test]
fn lists_follow_states_and_pages_join() {
    let home = Home::new();
    let history = home.open();
    let all: Vec<_> = (1..=9).map(|n| (n, posted(n % 2 + 50, 100 + u64::from(n)))).collect();
    history.apply(&jobs(200, &all), 0).unwrap();
    history.apply(&seen(3, 210, Some(raw(&settled(51, 103)))), 0).unwrap();
    let page = |query: JobQuery| {
        let page = history.jobs(&query).unwrap();
        let slots: Vec<_> = page.rows.iter().map(|row| row.posted_slot).collect();
        (slots, page.next)
    };
    let ten = JobQuery { limit: 10, ..JobQuery::default() };
    assert_eq!(page(ten).0, (101..=109).rev().collect::<Vec<_>>());
    assert_eq!(page(JobQuery { state: Some(JobState::Settled), ..ten }).0, [103]);
    assert_eq!(page(JobQuery { state: Some(JobState::Posted), ..ten }).0.len(), 8);
    assert_eq!(page(JobQuery { client: Some(key(50)), ..ten }).0, [108, 106, 104, 102]);
    assert_eq!(page(JobQuery { node: Some(key(90)), ..ten }).0, [103]);
    let both = JobQuery { client: Some(key(51)), state: Some(JobState::Settled), ..ten };
    assert_eq!(page(both).0, [103]);
    assert_eq!(page(JobQuery { node: Some(key(90)), state: Some(JobState::Posted), ..ten }).0, [0u64; 0]);
    let mut joined = Vec::new();
    let mut before = None;
    loop {
        let (slots, next) = page(JobQuery { limit: 4, before, ..ten });
        joined.extend(slots);
        let Some(next) = next else { break };
        let (slot, address) = next.split_once('-').unwrap();
        before = Some((slot.parse().unwrap(), address.parse().unwrap()));
    }
    assert_eq!(joined, (101..=109).rev().collect::<Vec<_>>());
    let stats = history.stats(5).unwrap();
    assert_eq!(stats.jobs_by_state.into_iter().collect::<Vec<_>>(), [("posted".into(), 8), ("settled".into(), 1)]);
}

#[test]
fn hours_are_those_of_the_chains_clock() {
    let home = Home::new();
    let history = home.open();
    history.apply(&FollowerEvent::Clock(ClockReading { slot: 0, unix_seconds: 7_200 }), 0).unwrap();
    history.apply(&FollowerEvent::Clock(ClockReading { slot: 10_000, unix_seconds: 7_200 + 4_000 }), 0).unwrap();
    history.apply(&jobs(9_990, &[(1, posted(5, 10)), (2, settled(5, 9_900))]), 0).unwrap();
    let hours = history.stats(5).unwrap().hours;
    assert_eq!(hours.len(), 2);
    assert_eq!((hours[0].begins_at, hours[0].totals.posted, hours[0].totals.settled), (10_800, 1, 1));
    assert_eq!((hours[1].begins_at, hours[1].totals.posted, hours[1].totals.settled), (7_200, 1, 0));
    assert_eq!(hours[0].totals.volume[&Pubkey::default().to_string()].0, 7);
    assert_eq!(history.records(0, 1).unwrap()[0].at, 7_204);
}

#[test]
fn a_challenge_is_in_the_timeline_of_its_job() {
    let home = Home::new();
    let history = home.open();
    history.apply(&jobs(12, &[(1, posted(5, 10))]), 0).unwrap();
    let challenge =
        Challenge { version: Challenge::VERSION, job: key(1), committed_slot: 13, bond: 1, ..Challenge::default() };
    let accounts = vec![(key(7), raw(&challenge))];
    history.apply(&FollowerEvent::All { kind: AccountKind::Challenge, slot: 14, accounts }, 0).unwrap();
    let names: Vec<_> = timeline(&history, 1).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["job_posted", "challenge_sealed"]);
    assert_eq!(timeline(&history, 7).len(), 1);
    // A list of one kind says nothing of the others.
    assert_eq!(history.apply(&jobs(15, &[(1, posted(5, 10))]), 0).unwrap(), []);
}

#[test]
fn a_snapshot_has_every_column_of_every_row() {
    let home = Home::new();
    let history = home.open();
    history.apply(&jobs(12, &[(1, posted(5, 10)), (2, settled(5, 11))]), 0).unwrap();
    let node = Node { version: Node::VERSION, stake: 5, registered_slot: 2, ..Node::default() };
    let accounts = vec![(key(90), raw(&node))];
    history.apply(&FollowerEvent::All { kind: AccountKind::Node, slot: 13, accounts }, 0).unwrap();
    let snapshot = history.snapshot().unwrap();
    assert_eq!((snapshot.jobs.len(), snapshot.nodes.len()), (2, 1));
    assert!(snapshot.jobs.iter().all(|row| row.len() == snapshot.job_columns.len()));
    let column = snapshot.job_columns.iter().position(|name| name == "posted_slot").unwrap();
    assert_eq!(snapshot.jobs[0][column], 11, "newest first");
    assert_eq!(snapshot.last_id, history.last_id().unwrap());
    assert_eq!(history.nodes(None, 10).unwrap().rows[0].stake.0, 5);
    assert_eq!(history.nodes(Some(key(90)), 10).unwrap().rows, []);
    assert_eq!(history.stats(1).unwrap().nodes, 1);
}

#[test]
fn the_history_of_another_chain_is_refused_and_so_is_a_second_process() {
    let home = Home::new();
    let history = home.open();
    let path = home.folder.path().join("index.redb");
    assert!(matches!(History::open(&path, "genesis"), Err(IndexError::InUse { .. })));
    drop(history);
    let error = History::open(&path, "another").unwrap_err();
    assert!(error.to_string().starts_with("H0104"), "{error}");
}
