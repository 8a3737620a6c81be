//! Two states of an account to what happened between them; pure.
//!
//! Without an earlier state, everything that the account says of its past is told, so that an index that starts late, or slept,
//! tells the same as one that watched; only what no account says is told as of the slot at which it was seen.

mod dispute;
mod job;
mod market;
mod node;
mod session;
pub mod totals;

use crate::shape::{Change, Kind};
use assay_chain::follower::{AccountKind, FollowedAccount};
use solana_sdk::pubkey::Pubkey;
use std::fmt::Debug;

/// Something that happened, not yet in its place in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// When.
    pub slot: u64,
    /// Whether the account itself says so.
    pub exact: bool,
    /// What.
    pub change: Change,
}

impl Folded {
    fn exact(slot: u64, change: Change) -> Self {
        Self { slot, exact: true, change }
    }

    fn seen(slot: u64, change: Change) -> Self {
        Self { slot, exact: false, change }
    }
}

/// What happened to an account between `before`, if it was known, and `after`, which was read at `slot`; in order.
///
/// An earlier state of another kind counts as none.
pub fn changes(before: Option<&FollowedAccount>, after: &FollowedAccount, slot: u64) -> Vec<Folded> {
    use FollowedAccount as A;
    match (before, after) {
        (Some(A::Job(before)), A::Job(after)) => job::changes(Some(before), after, slot),
        (_, A::Job(after)) => job::changes(None, after, slot),
        (Some(A::Node(before)), A::Node(after)) => node::changes(Some(before), after, slot),
        (_, A::Node(after)) => node::changes(None, after, slot),
        (Some(A::Session(before)), A::Session(after)) => session::changes(Some(before), after, slot),
        (_, A::Session(after)) => session::changes(None, after, slot),
        (Some(A::Challenge(before)), A::Challenge(after)) => dispute::challenge(Some(before), after, slot),
        (_, A::Challenge(after)) => dispute::challenge(None, after, slot),
        (Some(A::Demand(before)), A::Demand(after)) => dispute::demand(Some(before), after),
        (_, A::Demand(after)) => dispute::demand(None, after),
        (Some(A::Proposal(_)), A::Proposal(_)) => Vec::new(),
        (_, A::Proposal(after)) => market::proposed(after),
        (Some(A::Budget(before)), A::Budget(after)) => market::budget(Some(before), after, slot),
        (_, A::Budget(after)) => market::budget(None, after, slot),
    }
}

/// What is told of an account that was last seen as `last` and is gone at `slot`.
pub fn closed(last: &FollowedAccount, slot: u64) -> Folded {
    use FollowedAccount as A;
    let (last_state, unseen_end) = match last {
        A::Job(job) => (snake(&job.state), !job.state.is_end()),
        A::Session(session) => (snake(&session.state), !session.state.is_end()),
        A::Challenge(challenge) => (snake(&challenge.state), !challenge.state.is_end()),
        A::Demand(demand) => (snake(&demand.state), false),
        A::Node(_) => ("registered".to_owned(), false),
        // Carried out, vetoed, withdrawn or outdated: the account ends the same way.
        A::Proposal(_) => ("proposed".to_owned(), true),
        A::Budget(_) => ("open".to_owned(), false),
    };
    Folded::seen(slot, Change::Closed { last_state, unseen_end })
}

/// The job that an account is about, besides itself.
pub fn job_of(account: &FollowedAccount) -> Option<Pubkey> {
    match account {
        FollowedAccount::Challenge(challenge) => Some(challenge.job),
        FollowedAccount::Demand(demand) => Some(demand.job),
        _ => None,
    }
}

/// The kind as it is served.
pub fn kind_of(kind: AccountKind) -> Kind {
    match kind {
        AccountKind::Job => Kind::Job,
        AccountKind::Node => Kind::Node,
        AccountKind::Session => Kind::Session,
        AccountKind::Challenge => Kind::Challenge,
        AccountKind::Demand => Kind::Demand,
        AccountKind::Proposal => Kind::Proposal,
        AccountKind::Budget => Kind::Budget,
    }
}

/// A variant without fields as it is served: `CompletedLate` is `completed_late`.
pub(crate) fn snake(value: &impl Debug) -> String {
    let mut text = String::new();
    for letter in format!("{value:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// An address, unless it is the zero key, which says nobody.
pub(crate) fn somebody(key: &Pubkey) -> Option<String> {
    (*key != Pubkey::default()).then(|| key.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state::{Job, Node, Proposal};
    use assay::state_machine::JobState;

    #[test]
    fn names_are_in_words() {
        assert_eq!(snake(&assay::fairness::endings::Reason::MissedInMaintenance), "missed_in_maintenance");
        assert_eq!(snake(&JobState::Posted), "posted");
    }

    #[test]
    fn a_closed_account_says_whether_its_end_was_seen() {
        let unseen = |state| {
            let job = FollowedAccount::Job(Box::new(Job { state, ..Job::default() }));
            let Change::Closed { last_state, unseen_end } = closed(&job, 9).change else { panic!("not closed") };
            (last_state, unseen_end)
        };
        assert_eq!(unseen(JobState::Settled), ("settled".to_owned(), false));
        assert_eq!(unseen(JobState::Committed), ("committed".to_owned(), true));
        assert_eq!(unseen(JobState::Accepted), ("accepted".to_owned(), true));
    }

    #[test]
    fn another_kind_at_the_same_address_begins_anew() {
        let node = FollowedAccount::Node(Box::new(Node { registered_slot: 3, ..Node::default() }));
        let job = FollowedAccount::Job(Box::new(Job::default()));
        assert_eq!(changes(Some(&job), &node, 9), changes(None, &node, 9));
        let proposal = Proposal {
            version: Proposal::VERSION,
            bump: 0,
            number: 4,
            proposer: Pubkey::new_unique(),
            proposed_slot: 5,
            eta_slot: 6,
            last_slot: 7,
            change: assay::state::Change::FeeBurn { fee_burn_bps: 1 },
        };
        let proposal = FollowedAccount::Proposal(Box::new(proposal));
        let told = changes(None, &proposal, 9);
        let wanted = Change::Proposed { number: 4, what: "fee_burn".into(), eta_slot: 6, last_slot: 7 };
        assert_eq!(told, [Folded::exact(5, wanted)]);
        assert_eq!(changes(Some(&proposal), &proposal, 9), []);
    }
}
