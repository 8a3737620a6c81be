//! Which signed roots are two of one segment, and what is done about them.

use assay::state::{Job, SegmentClaim};
use assay_validator::docket::Docket;
use assay_validator::equivocation::find;
use assay_validator::journal::{Record, SeenRoot};
use assay_validator::rules::Move;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;

const COMMITMENT: [u8; 32] = [9; 32];

fn seen(segment: u16, root: u8) -> SeenRoot {
    let signature = Signature::from([root; 64]).to_string();
    SeenRoot { segment, root: [root; 32], signature, commitment: COMMITMENT }
}

fn docket(recorded: Option<(u16, u8, bool)>) -> Docket {
    let job = Job { commitment: COMMITMENT, ..Job::default() };
    let mut docket = Docket { job: Some(job), ..Docket::default() };
    if let Some((segment, root, signed)) = recorded {
        let claim = SegmentClaim { segment, root: [root; 32], signed, ..SegmentClaim::default() };
        docket.claims.insert(Pubkey::new_unique(), claim);
    }
    docket
}

fn record(roots: &[SeenRoot]) -> Record {
    let mut record = Record::new(&Pubkey::default(), 1);
    record.note_roots(roots.to_vec());
    record
}

#[test]
fn one_root_of_each_segment_is_none() {
    let record = record(&[seen(0, 1), seen(1, 2), seen(0, 1)]);
    assert_eq!(record.roots.len(), 2);
    assert_eq!(find(&docket(None), &record), None);
    assert_eq!(find(&docket(Some((0, 1, true))), &record), None);
    assert_eq!(find(&docket(Some((2, 7, true))), &record), None, "a segment of which none was served");
}

#[test]
fn two_served_roots_are_one_to_record_and_one_to_prove() {
    let record = record(&[seen(1, 2), seen(0, 1), seen(0, 3), seen(0, 4)]);
    assert_eq!(record.roots.len(), 3, "two of a segment convict, more say nothing more");
    let found = find(&docket(None), &record).unwrap();
    assert_eq!((found.segment, found.first, found.second.root), (0, [1; 32], [3; 32]));
    assert!(matches!(found.next_move(), Move::RecordRoot(first) if first.root == [1; 32]));
    // Once one of the two is recorded, whoever recorded it, the other one proves.
    for (recorded, second) in [(1, 3), (3, 1), (8, 1)] {
        let found = find(&docket(Some((0, recorded, true))), &record).unwrap();
        assert_eq!((found.first, found.second.root), ([recorded; 32], [second; 32]));
        let Move::ProveEquivocation(proved) = found.next_move() else { panic!("{found:?}") };
        assert_eq!(proved.signature, [second; 64]);
    }
}

#[test]
fn what_nobody_signed_or_was_signed_about_another_commitment_proves_nothing() {
    let honest = record(&[seen(0, 1)]);
    assert_eq!(find(&docket(Some((0, 2, false))), &honest), None, "an unsigned root is its poster's");
    let stale = record(&[SeenRoot { commitment: [8; 32], ..seen(0, 1) }, seen(0, 2)]);
    assert_eq!(find(&docket(None), &stale), None);
    assert_eq!(find(&docket(Some((0, 2, true))), &stale), None);
}
