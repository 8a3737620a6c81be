use super::*;

fn segment_root() -> Demand {
    Demand { version: 1, key: DemandKey::segment_root(3), fee_lamports: 9, ..Demand::default() }
}

#[test]
fn an_opening_is_answered_once_and_pays_its_fee_once() {
    let mut demand = Demand { version: 1, fee_lamports: 9, ..Demand::default() };
    let buffer = Pubkey::new_from_array([1; 32]);
    assert_eq!(demand.answer(buffer, Slot(5)), Ok(9));
    demand.invariant().unwrap();
    assert_eq!(demand.answer(buffer, Slot(6)), Err(AssayError::DemandAnswered));
    assert_eq!((demand.answered_slot, demand.fee_lamports), (5, 0));
}

#[test]
fn a_segment_root_is_open_again_when_the_last_post_is_refuted() {
    let mut demand = segment_root();
    demand.post(Slot(10)).unwrap();
    demand.post(Slot(11)).unwrap();
    assert_eq!(demand.progress(), Progress { reopened_slot: 0, answered_slot: 10 });
    demand.unpost(Slot(20)).unwrap();
    assert_eq!(demand.state, DemandState::Answered, "one still stands");
    demand.unpost(Slot(21)).unwrap();
    assert_eq!(demand.progress(), Progress { reopened_slot: 21, answered_slot: 0 });
    assert_eq!(demand.unpost(Slot(22)), Err(AssayError::InvariantBroken));
    demand.invariant().unwrap();
}

#[test]
fn a_signed_root_answers_for_good() {
    let mut demand = segment_root();
    demand.post(Slot(10)).unwrap();
    assert_eq!(demand.sign(Slot(15)), 9);
    assert_eq!(demand.sign(Slot(16)), 0);
    demand.unpost(Slot(20)).unwrap();
    assert_eq!((demand.state, demand.answered_slot), (DemandState::Answered, 10));
    demand.invariant().unwrap();
}

#[test]
fn trees_below_a_post_are_others() {
    let claim = Pubkey::new_from_array([1; 32]);
    assert_eq!(DemandKey::origin(&[5; 32], None), [5; 32]);
    let posted = DemandKey::origin(&[5; 32], Some(&claim));
    assert_ne!(posted, [5; 32]);
    assert_ne!(posted, DemandKey::origin(&[5; 32], Some(&Pubkey::new_from_array([2; 32]))));
    assert_ne!(posted, DemandKey::origin(&[6; 32], Some(&claim)));
}

#[test]
fn broken_books_are_noticed() {
    for demand in [
        Demand { version: 1, answered_slot: 5, ..Demand::default() },
        Demand { version: 1, state: DemandState::Answered, answered_slot: 5, ..Demand::default() },
        Demand { version: 1, posted_standing: 1, ..Demand::default() },
        Demand { posted_standing: 1, ..segment_root() },
        Demand { answer: Pubkey::new_from_array([1; 32]), ..segment_root() },
    ] {
        assert_eq!(demand.invariant(), Err(AssayError::InvariantBroken), "{demand:?}");
    }
}
