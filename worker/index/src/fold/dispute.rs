//! What happened in a dispute: its challenges, and what had to be opened.

use super::{Folded, snake};
use crate::shape::{Amount, Change};
use assay::state::{Challenge, Demand};

pub(super) fn challenge(before: Option<&Challenge>, after: &Challenge, slot: u64) -> Vec<Folded> {
    let mut told = Vec::new();
    if before.is_none() {
        let change = Change::ChallengeSealed { challenger: after.challenger.to_string(), bond: Amount(after.bond) };
        told.push(Folded::exact(after.committed_slot, change));
    }
    if after.revealed_slot != 0 && before.is_none_or(|before| before.revealed_slot == 0) {
        let change = Change::ChallengeRevealed { target: snake(&after.target.kind), index: after.target.index };
        told.push(Folded::exact(after.revealed_slot, change));
    }
    let ending = |challenge: &Challenge| (challenge.state, challenge.settled, challenge.earned);
    if after.state.is_end() && before.is_none_or(|before| ending(before) != ending(after)) {
        let change = Change::ChallengeEnded { state: snake(&after.state), earned: Amount(after.earned) };
        told.push(Folded::seen(slot, change));
    }
    told
}

pub(super) fn demand(before: Option<&Demand>, after: &Demand) -> Vec<Folded> {
    let mut told = Vec::new();
    if before.is_none_or(|before| before.reopened_slot != after.reopened_slot) {
        let opened = Change::DemandOpened {
            tree: snake(&after.key.tree),
            slot_or_segment: after.key.slot,
            height: after.key.height,
            index: after.key.index,
        };
        // Open again when the last root that was posted for it was refuted.
        told.push(Folded::exact(after.opened_slot.max(after.reopened_slot), opened));
    }
    if after.answered_slot != 0 && before.is_none_or(|before| before.answered_slot != after.answered_slot) {
        told.push(Folded::exact(after.answered_slot, Change::DemandAnswered {}));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::dispute::ChallengeState;

    fn sealed() -> Challenge {
        Challenge { committed_slot: 4, bond: 10, ..Challenge::default() }
    }

    #[test]
    fn a_challenge_is_told_from_seal_to_end_once() {
        let revealed = Challenge { state: ChallengeState::Revealed, revealed_slot: 6, ..sealed() };
        let won = Challenge { state: ChallengeState::Won, earned: 5, revealed_slot: 6, ..sealed() };
        assert!(matches!(challenge(None, &sealed(), 5)[..], [Folded { slot: 4, exact: true, .. }]));
        assert!(matches!(challenge(Some(&sealed()), &revealed, 7)[..], [Folded { slot: 6, exact: true, .. }]));
        let ended = Change::ChallengeEnded { state: "won".into(), earned: Amount(5) };
        assert_eq!(challenge(Some(&revealed), &won, 9), [Folded::seen(9, ended)]);
        assert_eq!(challenge(Some(&won), &won, 10), []);
        assert_eq!(challenge(None, &won, 9).len(), 3);
    }

    #[test]
    fn a_demand_is_told_open_answered_and_open_again() {
        let open = Demand { opened_slot: 3, ..Demand::default() };
        let answered = Demand { answered_slot: 8, ..open.clone() };
        let again = Demand { reopened_slot: 12, ..open.clone() };
        assert!(matches!(demand(None, &open)[..], [Folded { slot: 3, .. }]));
        assert_eq!(demand(Some(&open), &answered), [Folded::exact(8, Change::DemandAnswered {})]);
        assert!(matches!(demand(Some(&answered), &again)[..], [Folded { slot: 12, .. }]));
        assert_eq!(demand(Some(&again), &again), []);
    }
}
