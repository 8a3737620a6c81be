//! What happened to a session.

use super::{Folded, snake};
use crate::shape::{Amount, Change};
use assay::state::Session;

pub(super) fn changes(before: Option<&Session>, after: &Session, slot: u64) -> Vec<Folded> {
    let mut told = Vec::new();
    if before.is_none() {
        let change = Change::SessionOffered {
            client: after.client.to_string(),
            node: after.node.to_string(),
            mint: after.payment_mint.to_string(),
            price: Amount(after.price),
            balance: Amount(after.balance),
        };
        told.push(Folded::exact(after.offered_slot, change));
    }
    let accepted = after.accepted_slot != 0 && before.is_none_or(|before| before.accepted_slot == 0);
    if accepted {
        told.push(Folded::exact(after.accepted_slot, Change::SessionAccepted { ends_slot: after.ends_slot }));
    }
    let serving = |session: &Session| (session.paid, session.ends_slot, session.receipts_opened);
    let known = if accepted { (0, after.ends_slot, 0) } else { before.map_or((0, 0, 0), serving) };
    if serving(after) != known {
        let change = Change::SessionChanged {
            paid: Amount(after.paid),
            ends_slot: after.ends_slot,
            receipts: Amount(after.receipts_opened),
        };
        told.push(Folded::seen(slot, change));
    }
    if after.state.is_end() && before.is_none_or(|before| before.state != after.state) {
        let change = Change::SessionEnded {
            state: snake(&after.state),
            mint: after.payment_mint.to_string(),
            paid: Amount(after.paid),
        };
        told.push(Folded::seen(slot, change));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::session::SessionState;

    #[test]
    fn a_session_is_told_from_offer_to_end_once() {
        let offered = Session { offered_slot: 3, balance: 9, ..Session::default() };
        let active =
            Session { state: SessionState::Active, accepted_slot: 5, ends_slot: 50, offered_slot: 3, ..offered_of() };
        let paid = Session { paid: 4, state: SessionState::Settled, accepted_slot: 5, ends_slot: 50, ..offered_of() };
        let first = changes(None, &offered, 4);
        assert!(matches!(first[..], [Folded { slot: 3, exact: true, change: Change::SessionOffered { .. } }]));
        assert_eq!(changes(Some(&offered), &active, 6), [Folded::exact(5, Change::SessionAccepted { ends_slot: 50 })]);
        let last = changes(Some(&active), &paid, 60);
        assert_eq!(
            last,
            [
                Folded::seen(60, Change::SessionChanged { paid: Amount(4), ends_slot: 50, receipts: Amount(0) }),
                Folded::seen(
                    60,
                    Change::SessionEnded {
                        state: "settled".into(),
                        mint: paid.payment_mint.to_string(),
                        paid: Amount(4)
                    }
                ),
            ]
        );
        assert_eq!(changes(Some(&paid), &paid, 61), []);
        assert_eq!(changes(None, &paid, 60).len(), 4, "after a gap: offered, accepted, changed, ended");
    }

    fn offered_of() -> Session {
        Session { offered_slot: 3, balance: 9, ..Session::default() }
    }
}
