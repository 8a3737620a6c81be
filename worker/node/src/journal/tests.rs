//! Tests of the journal.

use super::*;

fn executed() -> Executed {
    Executed { manifest: [1; 32], boundary_root: [2; 32], output_root: [3; 32], output_path: vec![[4; 32], [5; 32]] }
}

#[test]
fn every_stage_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let stages = [
        Stage::Admitted,
        Stage::Claimed,
        Stage::Executed(executed()),
        Stage::Committed(executed()),
        Stage::Settled(executed()),
        Stage::Finished(Outcome::Paid { amount: 9 }),
        Stage::Finished(Outcome::Credited { amount: 9, reason: "frozen".into() }),
        Stage::Finished(Outcome::Lost { reason: "claimed by another".into() }),
        Stage::Finished(Outcome::Skipped(Refusal::new("N0201", "why", "what to do"))),
        Stage::Finished(Outcome::Missed { reason: "late".into() }),
    ];
    let records: Vec<(Pubkey, Record)> = stages
        .into_iter()
        .map(|stage| {
            let job = Pubkey::new_unique();
            let mut record = Record::new(&job, stage, 5);
            record.in_flight =
                Some(InFlight { purpose: Purpose::Claim, signature: "s".into(), transaction: vec![1, 2, 3] });
            record.computed = Some(Computed { backend: "cpu".into(), kernel_micros: 6, commit_micros: 7 });
            (job, record)
        })
        .collect();
    {
        let journal = Journal::open(&path).unwrap();
        for (job, record) in &records {
            journal.put(job, record).unwrap();
        }
        assert!(matches!(Journal::open(&path), Err(JournalError::InUse { .. })));
    }
    let journal = Journal::open(&path).unwrap();
    for (job, record) in &records {
        assert_eq!(journal.get(job).unwrap().as_ref(), Some(record));
    }
    assert_eq!(journal.all().unwrap().len(), records.len());
    assert_eq!(journal.get(&Pubkey::new_unique()).unwrap(), None);
}

#[test]
fn old_finished_records_are_removed_but_their_sums_and_open_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let journal = Journal::open(&path).unwrap();
    let open = Pubkey::new_unique();
    journal.put(&open, &Record::new(&open, Stage::Claimed, 1)).unwrap();
    let paid: Vec<Pubkey> = (0..10).map(|_| Pubkey::new_unique()).collect();
    for (slot, job) in (100..).zip(&paid) {
        journal.put(job, &Record::new(job, Stage::Finished(Outcome::Paid { amount: 5 }), slot)).unwrap();
    }
    let before = journal.totals().unwrap();
    assert_eq!((before.open, before.paid, before.earned), (1, 10, 50));
    assert_eq!(journal.prune(100, 0).unwrap(), 0, "none was over before slot 100");
    assert_eq!(journal.prune(u64::MAX, 3).unwrap(), 7, "the newest three stay");
    assert_eq!(journal.prune(109, 0).unwrap(), 2);
    assert!(journal.get(&paid[9]).unwrap().is_some() && journal.get(&paid[8]).unwrap().is_none());
    assert!(journal.get(&open).unwrap().is_some());
    assert_eq!(journal.totals().unwrap(), before);
    drop(journal);
    assert_eq!(Journal::open(&path).unwrap().totals().unwrap(), before);
}

#[test]
fn what_binds_is_what_a_bond_depends_on() {
    let job = Pubkey::new_unique();
    let record = |stage, purpose: Option<Purpose>| Record {
        in_flight: purpose.map(|purpose| InFlight { purpose, signature: String::new(), transaction: vec![] }),
        ..Record::new(&job, stage, 1)
    };
    for stage in [Stage::Claimed, Stage::Executed(executed())] {
        assert!(record(stage, None).binds());
    }
    for purpose in [Purpose::Claim, Purpose::Commit, Purpose::Expire] {
        assert!(record(Stage::Admitted, Some(purpose)).binds());
    }
    for stage in [Stage::Admitted, Stage::Committed(executed()), Stage::Settled(executed())] {
        assert!(!record(stage.clone(), None).binds());
        assert!(!record(stage.clone(), Some(Purpose::Finalise)).binds());
        assert!(!record(stage, Some(Purpose::Withdraw)).binds());
    }
}
