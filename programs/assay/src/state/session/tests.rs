use super::*;
use proptest::prelude::*;

const NODE: JobNode = JobNode {
    node: Pubkey::new_from_array([1; 32]),
    operator: Pubkey::new_from_array([2; 32]),
    payee: Pubkey::new_from_array([3; 32]),
};

fn offered() -> Session {
    Session {
        version: Session::VERSION,
        client: Pubkey::new_from_array([4; 32]),
        node: NODE.node,
        price: 10,
        balance: 1_000,
        accept_slots: 50,
        session_slots: 400,
        window_slots: 30,
        bond: 500,
        protocol_fee_bps: 250,
        offered_slot: 1_000,
        ..Session::default()
    }
}

fn active() -> Session {
    let mut session = offered();
    session.accept(NODE, Slot(1_050)).unwrap();
    session
}

#[test]
fn the_named_node_accepts_once_and_is_pinned() {
    let mut session = offered();
    let other = JobNode { node: Pubkey::new_from_array([9; 32]), ..NODE };
    assert_eq!(session.accept(other, Slot(1_050)), Err(AssayError::WrongNode));
    session.accept(NODE, Slot(1_050)).unwrap();
    assert_eq!((session.operator, session.payee, session.accepted_slot), (NODE.operator, NODE.payee, 1_050));
    assert_eq!((session.state, session.ends_slot), (SessionState::Active, 1_450));
    session.invariant().unwrap();
    assert_eq!(session.accept(NODE, Slot(1_051)), Err(AssayError::IllegalSessionTransition), "twice");
}

#[test]
fn deadlines_follow_each_other() {
    let session = active();
    assert_eq!(session.accept_deadline().unwrap().last(), Slot(1_050));
    assert_eq!(session.closing_deadline().unwrap().last(), Slot(1_480));
    let disputes = DisputeTerms {
        reveal_slots: 10,
        challenger_clock_slots: 20,
        defender_clock_slots: 30,
        ..DisputeTerms::default()
    };
    let longest = disputes.longest_slots();
    let session = Session { dispute: disputes, ..session };
    assert_eq!(session.last_obligation(), Ok(Slot(1_510 + longest.0)), "called in and challenged at the last moment");
}

#[test]
fn either_party_ends_it_early_and_nobody_makes_it_longer() {
    let mut session = active();
    session.end(Slot(1_100)).unwrap();
    assert_eq!(session.ends_slot, 1_100);
    session.end(Slot(1_200)).unwrap();
    assert_eq!(session.ends_slot, 1_100);
    assert_eq!(offered().end(Slot(1_100)), Err(AssayError::IllegalSessionTransition));
}

#[test]
fn only_a_greater_voucher_within_the_balance_counts_and_only_in_time() {
    let mut session = active();
    let mut record = |amount, slot| session.record_voucher(TokenAmount(amount), Slot(slot));
    assert_eq!(record(0, 1_060), Err(AssayError::VoucherTooSmall));
    record(10, 1_060).unwrap();
    assert_eq!(record(10, 1_060), Err(AssayError::VoucherTooSmall));
    assert_eq!(record(1_001, 1_060), Err(AssayError::VoucherBeyondBalance));
    record(1_000, 1_480).unwrap();
    assert_eq!(session.paid, 1_000);
    let mut late = active();
    assert_eq!(late.record_voucher(TokenAmount(1), Slot(1_481)), Err(AssayError::SessionTimeOver));
    assert_eq!(offered().record_voucher(TokenAmount(1), Slot(1_060)), Err(AssayError::IllegalSessionTransition));
}

#[test]
fn receipts_are_counted_in_and_out_and_only_in_time() {
    let mut session = active();
    session.open_receipt(Slot(1_480)).unwrap();
    assert_eq!(session.open_receipt(Slot(1_481)), Err(AssayError::SessionTimeOver));
    assert_eq!((session.open_receipts, session.receipts_opened), (1, 1));
    assert!(session.takes_receipts(Slot(1_480)).unwrap() && !session.takes_receipts(Slot(1_481)).unwrap());
    assert_eq!(session.finalise(Slot(1_481)), Err(AssayError::ReceiptsOpen));
    session.end_receipt().unwrap();
    assert_eq!((session.open_receipts, session.receipts_opened), (0, 1));
    assert_eq!(session.end_receipt(), Err(AssayError::InvariantBroken));
    assert_eq!(offered().open_receipt(Slot(1_060)), Err(AssayError::IllegalSessionTransition));
}

#[test]
fn the_greatest_voucher_is_paid_when_the_time_is_over() {
    let mut session = active();
    session.record_voucher(TokenAmount(400), Slot(1_060)).unwrap();
    assert_eq!(session.finalise(Slot(1_480)), Err(AssayError::SessionTimeLeft));
    session.finalise(Slot(1_481)).unwrap();
    assert_eq!(session.credits, SessionCredits { node: 390, client: 600, fee: 10 });
    session.invariant().unwrap();
    assert_eq!(session.finalise(Slot(1_482)), Err(AssayError::IllegalSessionTransition), "twice");
}

#[test]
fn a_conviction_refunds_everything_whatever_was_signed() {
    let mut session = active();
    session.record_voucher(TokenAmount(1_000), Slot(1_060)).unwrap();
    for _ in 0..3 {
        session.open_receipt(Slot(1_060)).unwrap();
    }
    assert_eq!(session.convict_receipt(), Ok(true));
    assert_eq!(session.credits, SessionCredits { client: 1_000, ..SessionCredits::default() });
    assert_eq!((session.state, session.open_receipts), (SessionState::Convicted, 2));
    session.invariant().unwrap();
    session.credits.client = 0;
    assert_eq!(session.check_closable(), Err(AssayError::ReceiptsOpen));
    assert_eq!(session.convict_receipt(), Ok(false), "the bond is gone, and nothing is refunded twice");
    assert_eq!(session.credits, SessionCredits::default());
    assert_eq!(session.open_receipt(Slot(1_061)), Err(AssayError::IllegalSessionTransition));
    assert_eq!(session.record_voucher(TokenAmount(1), Slot(1_061)), Err(AssayError::IllegalSessionTransition));
    session.end_receipt().unwrap();
    session.check_closable().unwrap();
}

#[test]
fn an_offer_ends_with_everything_back() {
    for event in [SessionEvent::Cancel, SessionEvent::Expire] {
        let mut session = offered();
        session.refund(event).unwrap();
        assert_eq!(session.credits, SessionCredits { client: 1_000, ..SessionCredits::default() });
        session.invariant().unwrap();
        assert_eq!(session.check_closable(), Err(AssayError::CreditsOutstanding));
        assert_eq!(active().refund(event), Err(AssayError::IllegalSessionTransition));
    }
    for event in [SessionEvent::Accept, SessionEvent::Finalise, SessionEvent::Convict] {
        assert_eq!(offered().refund(event), Err(AssayError::IllegalSessionTransition));
    }
    assert_eq!(active().check_closable(), Err(AssayError::SessionNotEnded));
}

#[test]
fn broken_books_are_noticed() {
    let broken = Err(AssayError::InvariantBroken);
    let owed = SessionCredits { node: 1, ..SessionCredits::default() };
    assert_eq!(Session { credits: owed, ..offered() }.invariant(), broken);
    assert_eq!(Session { credits: owed, ..active() }.invariant(), broken);
    assert_eq!(Session { paid: 1_001, ..active() }.invariant(), broken);
    assert_eq!(Session { paid: 1, ..offered() }.invariant(), broken);
    assert_eq!(Session { open_receipts: 1, ..active() }.invariant(), broken, "never opened");
    let settled = Session { state: SessionState::Settled, ..active() };
    assert_eq!(settled.invariant(), Ok(()));
    let more = SessionCredits { node: 900, client: 100, fee: 1 };
    assert_eq!(Session { credits: more, ..active_as(SessionState::Settled) }.invariant(), broken);
    assert_eq!(
        Session { open_receipts: 1, receipts_opened: 1, ..active_as(SessionState::Settled) }.invariant(),
        broken
    );
    assert_eq!(Session { credits: owed, ..active_as(SessionState::Convicted) }.invariant(), broken);
    assert_eq!(Session { version: 2, ..offered() }.invariant(), Err(AssayError::UnsupportedAccountVersion));
}

fn active_as(state: SessionState) -> Session {
    Session { state, ..active() }
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    #[test]
    fn every_end_owes_exactly_the_escrow(
        balance in 1u64..=u64::MAX,
        share in 0u64..=10_000,
        fee_bps in 0u16..=1_000,
        convicted: bool,
    ) {
        let mut session = Session { balance, protocol_fee_bps: fee_bps, ..active() };
        let amount = u64::try_from(u128::from(balance) * u128::from(share) / 10_000).unwrap();
        if amount > 0 {
            session.record_voucher(TokenAmount(amount), Slot(1_060)).unwrap();
        }
        if convicted {
            session.open_receipt(Slot(1_060)).unwrap();
            session.convict_receipt().unwrap();
            prop_assert_eq!(session.credits.client, balance);
        } else {
            session.finalise(Slot(1_481)).unwrap();
        }
        prop_assert_eq!(session.liabilities().unwrap().0, balance);
        session.invariant().unwrap();
    }
}
