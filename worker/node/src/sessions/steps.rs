//! What to do next for one session: a pure function of the chain, the journal and the slot.

use crate::journal::{SessionOutcome, SessionPurpose, SessionRecord, SessionStage};
use assay::market::settle;
use assay::session::SessionState;
use assay::state::Session;
use assay::units::{BasisPoints, TokenAmount};
use solana_sdk::pubkey::Pubkey;

/// The parts of a session's account that decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// The session's state.
    pub phase: SessionPhase,
    /// Whether it names this node.
    pub ours: bool,
    /// Last slot at which it can be accepted.
    pub accept_until: u64,
    /// Last slot at which requests are answered, once accepted.
    pub ends_slot: u64,
    /// Last slot at which vouchers are recorded and receipts called in.
    pub claims_until: u64,
    /// The greatest amount that was recorded.
    pub paid: u64,
    /// The escrow.
    pub balance: u64,
    /// Receipts that were called in and are not over.
    pub open_receipts: u32,
    /// What the node can withdraw.
    pub node_credit: u64,
    /// What it is paid in all, once the session is settled.
    pub payment: u64,
}

impl SessionView {
    /// What decides, out of a session's account; `node` is this node's address.
    pub fn of(session: &Session, node: &Pubkey) -> Self {
        Self {
            phase: match session.state {
                SessionState::Offered => SessionPhase::Offered,
                SessionState::Active => SessionPhase::Active,
                SessionState::Settled => SessionPhase::Settled,
                SessionState::Cancelled | SessionState::Expired => SessionPhase::Ended,
                SessionState::Convicted => SessionPhase::Convicted,
            },
            ours: session.node == *node,
            accept_until: session.offered_slot.saturating_add(session.accept_slots),
            ends_slot: session.ends_slot,
            claims_until: session.ends_slot.saturating_add(session.window_slots),
            paid: session.paid,
            balance: session.balance,
            open_receipts: session.open_receipts,
            node_credit: session.credits.node,
            payment: match session.state {
                SessionState::Settled => payment(session),
                _ => 0,
            },
        }
    }
}

/// What the greatest voucher on record leaves to the node after the protocol's fee.
fn payment(session: &Session) -> u64 {
    let fee = BasisPoints(u32::from(session.protocol_fee_bps));
    settle(TokenAmount(session.balance), TokenAmount(session.paid), fee).map_or(0, |split| split.node.0)
}

/// A session's state on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionPhase {
    /// Waits for the node.
    Offered,
    /// The node has accepted.
    Active,
    /// Ended with payment.
    Settled,
    /// Ended without: taken back, or not accepted in time.
    Ended,
    /// Ended because a receipt was proved wrong, or what it rests on was withheld.
    Convicted,
}

/// When an operator wants vouchers recorded, beside the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Slots after which what was promised since the last time is recorded.
    pub every_slots: u64,
    /// Whether the node is about to end: what is recorded needs no node.
    pub is_draining: bool,
}

/// Slots between two looks at a session whose called-in receipts are not over.
const RECEIPTS_SLOTS: u64 = 50;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionStep {
    /// Ask what became of a transaction that was signed earlier, re-sending it while it can still land.
    Resolve(SessionPurpose),
    /// Fetch and check graph and params, load the model, then write the record.
    Admit,
    /// Promise: accept the session.
    Accept,
    /// Answer requests until this slot, or until the session changes.
    Serve(u64),
    /// Record the greatest voucher.
    Record,
    /// Nothing until this slot.
    Wait(u64),
    /// Settle.
    Finalise,
    /// Take the payment.
    Withdraw(u64),
    /// Write the end into the journal.
    Finish(SessionOutcome),
    /// Nothing, for good.
    Done,
}

/// Decides the next step. `chain` is `None` when the account is closed; `slot` is the one at which it was read.
pub fn next_session_step(
    chain: Option<&SessionView>,
    record: Option<&SessionRecord>,
    slot: u64,
    recording: Recording,
) -> SessionStep {
    let open = record.filter(|record| !record.is_finished());
    if let Some(in_flight) = open.and_then(|record| record.in_flight.as_ref()) {
        return SessionStep::Resolve(in_flight.purpose);
    }
    let stage = record.map(|record| &record.stage);
    if let Some(SessionStage::Finished(outcome)) = stage {
        // The chain is the truth: what was given up, and landed all the same, holds a bond.
        let given_up = matches!(outcome, SessionOutcome::Lost { .. } | SessionOutcome::Skipped(_));
        return match chain {
            Some(session) if given_up && session.ours && session.phase == SessionPhase::Active => {
                active(session, record, slot, recording)
            }
            _ => SessionStep::Done,
        };
    }
    let Some(session) = chain.filter(|session| session.ours) else {
        return match record {
            // An account is closed only after all credits are withdrawn: what was ours has been paid out.
            Some(SessionRecord { stage: SessionStage::Accepted, payment, .. }) => {
                SessionStep::Finish(SessionOutcome::Paid { amount: payment.unwrap_or(0) })
            }
            Some(_) => lost("the session was closed"),
            None => SessionStep::Done,
        };
    };
    match session.phase {
        SessionPhase::Offered if slot > session.accept_until => match stage {
            Some(_) => lost("it can be accepted no more"),
            None => SessionStep::Done,
        },
        SessionPhase::Offered => stage.map_or(SessionStep::Admit, |_| SessionStep::Accept),
        SessionPhase::Active => active(session, record, slot, recording),
        SessionPhase::Settled if session.node_credit > 0 => SessionStep::Withdraw(session.node_credit),
        SessionPhase::Settled => {
            stage.map_or(SessionStep::Done, |_| SessionStep::Finish(SessionOutcome::Paid { amount: session.payment }))
        }
        SessionPhase::Ended => stage.map_or(SessionStep::Done, |_| lost("the client took it back, or it expired")),
        // What else was called in still rests on the inputs that are kept.
        SessionPhase::Convicted if session.open_receipts > 0 && stage.is_some() => {
            SessionStep::Wait(slot.saturating_add(RECEIPTS_SLOTS))
        }
        SessionPhase::Convicted => stage.map_or(SessionStep::Done, |_| SessionStep::Finish(SessionOutcome::Convicted)),
    }
}

fn active(session: &SessionView, record: Option<&SessionRecord>, slot: u64, recording: Recording) -> SessionStep {
    let promised = record.map_or(0, SessionRecord::promised);
    // A voucher beyond the balance is refused when it comes; here it would be refused for ever.
    let is_unrecorded = promised > session.paid && promised <= session.balance;
    if slot > session.claims_until {
        return match session.open_receipts {
            0 => SessionStep::Finalise,
            _ => SessionStep::Wait(slot.saturating_add(RECEIPTS_SLOTS)),
        };
    }
    let due_slot =
        record.map_or(0, |record| record.recorded_slot.max(record.first_slot).saturating_add(recording.every_slots));
    if is_unrecorded && (slot > session.ends_slot || recording.is_draining || slot >= due_slot) {
        return SessionStep::Record;
    }
    if slot > session.ends_slot {
        return SessionStep::Wait(session.claims_until.saturating_add(1));
    }
    // What is promised while nobody looks is recorded at the next look, which nobody waits for longer than for the due one.
    let look_slot = if due_slot > slot { due_slot } else { slot.saturating_add(recording.every_slots) };
    SessionStep::Serve(session.ends_slot.saturating_add(1).min(look_slot))
}

fn lost(reason: &str) -> SessionStep {
    SessionStep::Finish(SessionOutcome::Lost { reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{HeldVoucher, InFlight};

    const CALM: Recording = Recording { every_slots: 1_000_000, is_draining: false };

    fn view(phase: SessionPhase) -> SessionView {
        SessionView {
            phase,
            ours: true,
            accept_until: 100,
            ends_slot: 200,
            claims_until: 300,
            paid: 0,
            balance: 1_000,
            open_receipts: 0,
            node_credit: 0,
            payment: 0,
        }
    }

    fn record(stage: SessionStage, promised: u64) -> SessionRecord {
        let voucher = (promised > 0).then_some(HeldVoucher { amount: promised, signature: [0; 64] });
        SessionRecord { stage, voucher, ..SessionRecord::new(&Pubkey::new_unique(), 10, 1) }
    }

    fn step(view: &SessionView, record: Option<&SessionRecord>, slot: u64) -> SessionStep {
        next_session_step(Some(view), record, slot, CALM)
    }

    #[test]
    fn an_offer_is_admitted_then_accepted_and_a_late_one_is_left() {
        let offered = view(SessionPhase::Offered);
        let admitted = record(SessionStage::Admitted, 0);
        assert_eq!(step(&offered, None, 50), SessionStep::Admit);
        assert_eq!(step(&offered, Some(&admitted), 100), SessionStep::Accept);
        assert_eq!(step(&offered, None, 101), SessionStep::Done);
        assert!(matches!(step(&offered, Some(&admitted), 101), SessionStep::Finish(SessionOutcome::Lost { .. })));
        let foreign = SessionView { ours: false, ..offered };
        assert_eq!(step(&foreign, None, 50), SessionStep::Done);
    }

    #[test]
    fn what_was_promised_is_recorded_once_after_the_end_and_before_the_last_moment() {
        let active = view(SessionPhase::Active);
        let owed = record(SessionStage::Accepted, 30);
        assert_eq!(step(&active, Some(&owed), 200), SessionStep::Serve(201), "it may grow");
        assert_eq!(step(&active, Some(&owed), 201), SessionStep::Record);
        assert_eq!(step(&active, Some(&owed), 300), SessionStep::Record, "the last slot counts");
        let recorded = SessionView { paid: 30, ..active };
        assert_eq!(step(&recorded, Some(&owed), 201), SessionStep::Wait(301));
        assert_eq!(step(&active, Some(&owed), 301), SessionStep::Finalise, "too late to record");
        let excess = record(SessionStage::Accepted, 1_001);
        assert_eq!(step(&active, Some(&excess), 201), SessionStep::Wait(301), "it would be refused for ever");
    }

    #[test]
    fn a_node_that_ends_and_one_that_serves_for_long_record_in_between() {
        let active = view(SessionPhase::Active);
        let owed = record(SessionStage::Accepted, 30);
        let draining = Recording { is_draining: true, ..CALM };
        assert_eq!(next_session_step(Some(&active), Some(&owed), 50, draining), SessionStep::Record);
        let recorded = SessionView { paid: 30, ..active };
        assert_eq!(next_session_step(Some(&recorded), Some(&owed), 50, draining), SessionStep::Serve(201));
        let often = Recording { every_slots: 40, ..CALM };
        assert_eq!(next_session_step(Some(&active), Some(&owed), 40, often), SessionStep::Serve(41));
        assert_eq!(next_session_step(Some(&active), Some(&owed), 41, often), SessionStep::Record);
        let before = SessionRecord { recorded_slot: 41, ..owed };
        assert_eq!(next_session_step(Some(&active), Some(&before), 60, often), SessionStep::Serve(81));
        let nothing = record(SessionStage::Accepted, 0);
        assert_eq!(
            next_session_step(Some(&active), Some(&nothing), 60, often),
            SessionStep::Serve(100),
            "not at every slot"
        );
    }

    #[test]
    fn a_session_is_settled_when_no_receipt_can_come_any_more_and_then_paid() {
        let mut session = view(SessionPhase::Active);
        let accepted = record(SessionStage::Accepted, 0);
        assert_eq!(step(&session, Some(&accepted), 300), SessionStep::Wait(301));
        assert_eq!(step(&session, Some(&accepted), 301), SessionStep::Finalise);
        assert_eq!(step(&session, None, 301), SessionStep::Finalise, "whatever the journal says");
        session.open_receipts = 1;
        assert!(matches!(step(&session, Some(&accepted), 301), SessionStep::Wait(_)));
        session = SessionView { node_credit: 7, payment: 7, ..view(SessionPhase::Settled) };
        assert_eq!(step(&session, Some(&accepted), 302), SessionStep::Withdraw(7));
        session.node_credit = 0;
        let paid = SessionRecord { payment: Some(7), ..accepted.clone() };
        let end = SessionStep::Finish(SessionOutcome::Paid { amount: 7 });
        assert_eq!(step(&session, Some(&accepted), 302), end, "whoever withdrew it, and whatever was noted");
        assert_eq!(next_session_step(None, Some(&paid), 302, CALM), end, "closed by its client");
        assert_eq!(step(&session, None, 302), SessionStep::Done);
    }

    #[test]
    fn a_transaction_in_flight_is_resolved_before_anything_else() {
        let mut promised = record(SessionStage::Accepted, 30);
        promised.in_flight =
            Some(InFlight { purpose: SessionPurpose::Record, signature: String::new(), transaction: vec![] });
        for phase in [SessionPhase::Offered, SessionPhase::Active, SessionPhase::Settled, SessionPhase::Convicted] {
            assert_eq!(step(&view(phase), Some(&promised), 250), SessionStep::Resolve(SessionPurpose::Record));
        }
        assert_eq!(next_session_step(None, Some(&promised), 250, CALM), SessionStep::Resolve(SessionPurpose::Record));
    }

    #[test]
    fn what_is_over_stays_over_unless_the_acceptance_landed_all_the_same() {
        let convicted = view(SessionPhase::Convicted);
        let accepted = record(SessionStage::Accepted, 30);
        assert_eq!(step(&convicted, Some(&accepted), 250), SessionStep::Finish(SessionOutcome::Convicted));
        let disputed = SessionView { open_receipts: 1, ..convicted };
        assert!(matches!(step(&disputed, Some(&accepted), 250), SessionStep::Wait(_)), "its inputs are needed");
        let ended = view(SessionPhase::Ended);
        assert!(matches!(step(&ended, Some(&accepted), 250), SessionStep::Finish(SessionOutcome::Lost { .. })));
        assert_eq!(step(&ended, None, 250), SessionStep::Done);
        let lost = record(SessionStage::Finished(SessionOutcome::Lost { reason: String::new() }), 0);
        assert_eq!(step(&view(SessionPhase::Active), Some(&lost), 50), SessionStep::Serve(201));
        for phase in [SessionPhase::Offered, SessionPhase::Settled, SessionPhase::Ended] {
            assert_eq!(step(&view(phase), Some(&lost), 50), SessionStep::Done);
        }
        let paid = record(SessionStage::Finished(SessionOutcome::Paid { amount: 1 }), 0);
        assert_eq!(step(&view(SessionPhase::Active), Some(&paid), 50), SessionStep::Done);
    }
}
