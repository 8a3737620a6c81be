//! The overview says what a look at every record would.

use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const NOTES: RecordTable = TableDefinition::new("notes");
const BESIDE: TableDefinition<'_, u8, u64> = TableDefinition::new("beside");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    slot: u64,
    is_over: bool,
    /// Something of it still counts although it is over.
    is_kept: bool,
    amount: u64,
}

impl Listed for Note {
    type Sums = u64;

    fn last_slot(&self) -> u64 {
        self.slot
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn is_live(&self) -> bool {
        self.is_kept
    }

    fn add_to(&self, sums: &mut u64) {
        *sums += self.amount;
    }

    fn both(one: &u64, other: &u64) -> u64 {
        one + other
    }
}

fn database(path: &Path) -> Database {
    let database = Database::create(path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(NOTES).unwrap();
    write.open_table(BESIDE).unwrap();
    write.commit().unwrap();
    database
}

fn put(records: &Records<Note>, database: &Database, key: u8, note: Note) {
    records.change(database, |change| change.put(&[key; 32], &note)).unwrap();
}

fn over(slot: u64, amount: u64) -> Note {
    Note { slot, is_over: true, is_kept: false, amount }
}

fn open(slot: u64, amount: u64) -> Note {
    Note { slot, is_over: false, is_kept: false, amount }
}

fn keys<R>(records: Vec<(Key, R)>) -> Vec<u8> {
    records.into_iter().map(|(key, _)| key[0]).collect()
}

#[test]
fn what_is_open_or_still_counts_is_live_and_the_newest_of_the_rest_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(&folder.path().join("notes.redb"));
    let records = Records::<Note>::load(&database, NOTES).unwrap();
    put(&records, &database, 1, open(9, 1));
    put(&records, &database, 2, over(5, 10));
    put(&records, &database, 3, over(7, 100));
    put(&records, &database, 4, Note { is_kept: true, ..over(6, 1_000) });
    assert_eq!(keys(records.live(&database).unwrap()), [1, 4]);
    assert_eq!(keys(records.newest(&database, 1).unwrap()), [1, 4, 3]);
    assert_eq!(records.keys().iter().map(|key| key[0]).collect::<Vec<_>>(), [1, 4, 3, 2]);
    assert_eq!(records.sums(&database).unwrap(), 1_111);
    assert_eq!(records.get(&database, &[3; 32]).unwrap(), Some(over(7, 100)));
    assert_eq!(records.get(&database, &[5; 32]).unwrap(), None);
}

#[test]
fn a_transaction_that_fails_changes_neither_the_file_nor_the_overview() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(&folder.path().join("notes.redb"));
    let records = Records::<Note>::load(&database, NOTES).unwrap();
    put(&records, &database, 1, over(5, 10));
    let refused: Result<(), RecordError> = records.change(&database, |change| {
        change.put(&[2; 32], &open(6, 1))?;
        change.remove(&[1; 32])?;
        assert_eq!(change.get(&[1; 32])?, None, "as far as it was changed");
        change.transaction().open_table(BESIDE)?.insert(0, 7)?;
        Err(RecordError::Record { key: [2; 32], reason: "refused".into() })
    });
    assert!(refused.is_err());
    assert_eq!(keys(records.all(&database).unwrap()), [1]);
    assert_eq!((records.keys(), records.sums(&database).unwrap()), (vec![[1; 32]], 10));
    assert!(database.begin_read().unwrap().open_table(BESIDE).unwrap().get(0).unwrap().is_none());
}

#[test]
fn what_is_pruned_is_given_to_who_keeps_its_sums_in_the_same_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(&folder.path().join("notes.redb"));
    let records = Records::<Note>::load(&database, NOTES).unwrap();
    for key in 0..6u8 {
        let note = over(u64::from(key), 10);
        put(&records, &database, key, if key == 0 { open(0, 1) } else { note });
    }
    let prune = |slot, keep| {
        records.prune(&database, slot, keep, |write, removed| -> Result<(), RecordError> {
            let mut table = write.open_table(BESIDE)?;
            let before = table.get(0)?.map_or(0, |sum| sum.value());
            table.insert(0, before + removed.iter().map(|(_, note)| note.amount).sum::<u64>())?;
            Ok(())
        })
    };
    let kept_sums = || {
        let read = database.begin_read().unwrap();
        read.open_table(BESIDE).unwrap().get(0).unwrap().map_or(0, |sum| sum.value())
    };
    assert_eq!(prune(5, 3).unwrap(), 2, "1 and 2; 0 is open, 3 to 5 are the newest");
    assert_eq!((records.sums(&database).unwrap(), kept_sums()), (31, 20));
    assert_eq!(prune(4, 0).unwrap(), 1, "3: the others were over at slot 4 or later");
    assert_eq!(prune(4, 0).unwrap(), 0);
    assert_eq!((keys(records.newest(&database, 9).unwrap()), kept_sums()), (vec![0, 5, 4], 30));
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(&folder.path().join("notes.redb"));
    let records = Records::<Note>::load(&database, NOTES).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(NOTES).unwrap().insert(&[7; 32], b"{}".as_slice()).unwrap();
    write.commit().unwrap();
    let names = |error: RecordError| matches!(error, RecordError::Record { key, .. } if key == [7; 32]);
    assert!(names(records.get(&database, &[7; 32]).unwrap_err()));
    assert!(names(records.all(&database).unwrap_err()));
    assert!(names(Records::<Note>::load(&database, NOTES).unwrap_err()));
    assert!(names(records.change(&database, |change| change.put(&[7; 32], &open(1, 1))).unwrap_err()));
}

#[derive(Clone, Debug)]
enum Deed {
    Put(u8, Note),
    Remove(u8),
    Prune(u64, usize),
    /// The process dies and starts again.
    Die,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let note = (0u64..9, any::<bool>(), any::<bool>(), 0u64..50);
    let note = note.prop_map(|(slot, is_over, is_kept, amount)| Note { slot, is_over, is_kept, amount });
    let deed = prop_oneof![
        6 => (0u8..6, note).prop_map(|(key, note)| Deed::Put(key, note)),
        1 => (0u8..6).prop_map(Deed::Remove),
        1 => (0u64..10, 0usize..4).prop_map(|(slot, keep)| Deed::Prune(slot, keep)),
        1 => Just(Deed::Die),
    ];
    prop::collection::vec(deed, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is written, several records in one transaction or one: the overview is what a look at all records says.
    #[test]
    fn the_overview_is_what_all_records_say(batches in prop::collection::vec(deeds(), 1..6)) {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder.path().join("notes.redb"));
        let mut records = Records::<Note>::load(&database, NOTES).unwrap();
        let mut model: BTreeMap<Key, Note> = BTreeMap::new();
        for batch in batches {
            let (single, rest): (Vec<Deed>, Vec<Deed>) =
                batch.into_iter().partition(|deed| matches!(deed, Deed::Prune(..) | Deed::Die));
            let work = |change: &mut Change<'_, Note>| -> Result<(), RecordError> {
                for deed in &rest {
                    match deed {
                        Deed::Put(key, note) => change.put(&[*key; 32], note)?,
                        Deed::Remove(key) => change.remove(&[*key; 32])?,
                        Deed::Prune(..) | Deed::Die => {}
                    }
                }
                Ok(())
            };
            records.change(&database, work).unwrap();
            for deed in &rest {
                match deed {
                    Deed::Put(key, note) => _ = model.insert([*key; 32], *note),
                    Deed::Remove(key) => _ = model.remove(&[*key; 32]),
                    Deed::Prune(..) | Deed::Die => {}
                }
            }
            for deed in single {
                let Deed::Prune(slot, keep) = deed else {
                    records = Records::load(&database, NOTES).unwrap();
                    continue;
                };
                let mut ended: Vec<(u64, Key)> =
                    model.iter().filter(|(_, note)| note.is_over).map(|(key, note)| (note.slot, *key)).collect();
                ended.sort_unstable();
                ended.truncate(ended.len().saturating_sub(keep));
                ended.retain(|(last_slot, _)| *last_slot < slot);
                let removed = records.prune::<RecordError>(&database, slot, keep, |_, _| Ok(())).unwrap();
                prop_assert_eq!(removed, ended.len());
                ended.iter().for_each(|(_, key)| {
                    model.remove(key);
                });
            }
            prop_assert_eq!(records.all(&database).unwrap(), model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(records.sums(&database).unwrap(), model.values().map(|note| note.amount).sum::<u64>());
            let is_live = |note: &Note| note.is_kept || !note.is_over;
            let live: Vec<(Key, Note)> =
                model.iter().filter(|(_, note)| is_live(note)).map(|(key, note)| (*key, *note)).collect();
            prop_assert_eq!(records.live(&database).unwrap(), live.clone());
            let mut others: Vec<(u64, Key)> =
                model.iter().filter(|(_, note)| !is_live(note)).map(|(key, note)| (note.slot, *key)).collect();
            others.sort_unstable_by(|one, other| other.cmp(one));
            let newest: Vec<Key> =
                live.iter().map(|(key, _)| *key).chain(others.iter().take(2).map(|(_, key)| *key)).collect();
            let listed: Vec<Key> = records.newest(&database, 2).unwrap().into_iter().map(|(key, _)| key).collect();
            prop_assert_eq!(listed, newest);
            prop_assert_eq!(records.keys().into_iter().collect::<BTreeSet<Key>>(), model.keys().copied().collect());
        }
    }
}
