use super::*;
use crate::config::Budget;

fn journal(folder: &tempfile::TempDir) -> Journal {
    Journal::open(&folder.path().join("journal.redb")).unwrap()
}

fn job(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn dispute(bond: u64, fees_lamports: u64) -> Dispute {
    Dispute {
        challenger: job(9).to_string(),
        salt: [3; 32],
        sealed: [4; 32],
        bond,
        buffer: 1,
        artifacts: vec!["ab".into()],
        sealed_slot: 10,
        sealed_at: 1,
        last_at: 2,
        committed: true,
        result: Some(Verdict::Won),
        received: 0,
        costs: Costs { fees_lamports, ..Costs::default() },
    }
}

#[test]
fn a_record_survives_closing_and_a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::new(&job(1), 5);
    record.audit = Audit::Wrong(Wrong {
        target: TargetRecord::Boundary(3),
        own_hash: [7; 32],
        words: "op 1".into(),
        finding: Some(FindingRecord {
            segment: 1,
            op: 2,
            kind: "contract".into(),
            tensor: 3,
            element: Some(4),
            coordinates: vec![0, 4],
            claimed: Some(-5),
            computed: Some(6),
            needs_segment_root: true,
        }),
        micros: 9,
    });
    record.proof = Some(PreparedProof {
        artifact: "ab".into(),
        bytes: 7,
        segment: Some(SignedRoot { segment: 2, root: [5; 32], signature: Some("s".into()) }),
        words: "op 3".into(),
    });
    record.dispute = Some(dispute(10, 20));
    record.in_flight = Some(InFlight { purpose: Purpose::Commit, signature: "x".into(), transaction: vec![1, 2, 3] });
    {
        let journal = journal(&folder);
        journal.put(&job(1), &record).unwrap();
        let second = Journal::open(&folder.path().join("journal.redb")).unwrap_err();
        assert!(second.to_string().starts_with("V0101"), "{second}");
    }
    assert_eq!(journal(&folder).get(&job(1)).unwrap(), Some(record.clone()));
    assert_eq!(journal(&folder).all().unwrap(), [(job(1), record)]);
    assert_eq!(journal(&folder).get(&job(2)).unwrap(), None);
}

#[test]
fn fees_add_up_by_day_and_the_standing_counts_open_disputes_only() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(&folder);
    let budget = Budget { max_fees_lamports_per_dispute: 100, ..Budget::default() };
    let mut open = Record::new(&job(1), 5);
    open.dispute = Some(dispute(10, 30));
    journal.put_with_fees(&job(1), &open, 7, 30).unwrap();
    let mut over = Record::new(&job(2), 5);
    over.dispute = Some(dispute(1_000, 40));
    over.ending = Some(Ending::Won { received: 1 });
    journal.put_with_fees(&job(2), &over, 7, 40).unwrap();
    assert_eq!(journal.standing(&budget, 7).unwrap(), Standing { bonds: 10, spent_today: 70, reserved: 70 });
    assert_eq!(journal.fees_of(8).unwrap(), 0);
}

#[test]
fn the_selection_secret_is_made_once_and_old_endings_are_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let secret = journal(&folder).selection_secret().unwrap();
    let journal = journal(&folder);
    assert_eq!(journal.selection_secret().unwrap(), secret);
    for byte in 0..6 {
        let mut record = Record::new(&job(byte), u64::from(byte));
        record.ending = (byte != 0).then_some(Ending::Nothing);
        record.audit = Audit::Agreed { micros: 1 };
        journal.put(&job(byte), &record).unwrap();
    }
    let totals = journal.totals().unwrap();
    assert_eq!(totals.agreed, 6);
    assert_eq!(journal.prune(5, 2).unwrap(), 3, "records 1 to 3; 0 is open, 4 and 5 are the newest");
    assert_eq!(journal.all().unwrap().len(), 3);
    assert_eq!(journal.totals().unwrap(), totals, "sums go on without the records");
    journal.prune(6, 1).unwrap();
    assert_eq!(journal.totals().unwrap(), totals);
}

#[test]
fn what_is_posted_for_others_is_kept_until_it_is_taken_back_and_its_bond_counts() {
    let folder = tempfile::tempdir().unwrap();
    let post = Post { job: job(1).to_string(), buffer: None, bond: 25 };
    journal(&folder).note_post(&job(8), &post).unwrap();
    let journal = journal(&folder);
    assert_eq!(journal.posts().unwrap(), [(job(8), post)]);
    journal.add_fees(3, 10).unwrap();
    journal.add_fees(3, 5).unwrap();
    let standing = journal.standing(&Budget::default(), 3).unwrap();
    assert_eq!((standing.bonds, standing.spent_today), (25, 15));
    journal.forget_post(&job(8)).unwrap();
    assert_eq!(journal.standing(&Budget::default(), 3).unwrap().bonds, 0);
}
