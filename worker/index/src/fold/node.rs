//! What happened to a node, and why its score changed.

use super::Folded;
use crate::shape::{Amount, Change, ReputationReason};
use assay::state::Node;

pub(super) fn changes(before: Option<&Node>, after: &Node, slot: u64) -> Vec<Folded> {
    let mut told = Vec::new();
    if before.is_none() {
        let change = Change::NodeRegistered { withdraw_authority: after.withdraw_authority.to_string() };
        told.push(Folded::exact(after.registered_slot, change));
    }
    // What a node is not yet known to have, it did not have.
    let new = Node::default();
    let known = before.unwrap_or(&new);
    if profile(known) != profile(after) {
        told.push(Folded::seen(slot, profile(after)));
    }
    if after.fraud_convictions > known.fraud_convictions {
        let slashed = Amount(funds(known).saturating_sub(funds(after)));
        let change = Change::NodeConvicted { convictions: after.fraud_convictions, slashed };
        told.push(Folded::seen(slot, change));
    }
    if (known.stake, unbonding(known)) != (after.stake, unbonding(after)) {
        let change = Change::NodeStake {
            before: Amount(known.stake),
            after: Amount(after.stake),
            unbonding: Amount(unbonding(after)),
        };
        told.push(Folded::seen(slot, change));
    }
    let evidence = |node: &Node| (node.score.0, node.evidence.good, node.evidence.bad);
    if evidence(known) != evidence(after) {
        let change = Change::NodeReputation {
            before: known.score.0,
            after: after.score.0,
            good: Amount(after.evidence.good),
            bad: Amount(after.evidence.bad),
            reasons: reasons(known, after),
        };
        told.push(Folded::seen(slot, change));
    }
    if after.standing.jailed_until_slot > known.standing.jailed_until_slot {
        told.push(Folded::seen(slot, Change::NodeJailed { until_slot: after.standing.jailed_until_slot }));
    }
    let maintenance = after.standing.maintenance;
    if maintenance != known.standing.maintenance && maintenance.end_slot != 0 {
        let change = Change::NodeMaintenance { start_slot: maintenance.start_slot, end_slot: maintenance.end_slot };
        told.push(Folded::exact(maintenance.announced_slot, change));
    }
    told
}

/// Why the evidence changed, as far as the rest of the account changed with it.
fn reasons(before: &Node, after: &Node) -> Vec<ReputationReason> {
    let (was, is) = (&before.standing, &after.standing);
    let beats = is.heartbeat_epoch.saturating_sub(was.heartbeat_epoch);
    let less = after.evidence.good < before.evidence.good || after.evidence.bad < before.evidence.bad;
    let found = [
        (after.jobs_settled > before.jobs_settled, ReputationReason::Settled),
        (is.lates.since_slot > was.lates.since_slot, ReputationReason::Late),
        (after.jobs_missed > before.jobs_missed, ReputationReason::Missed),
        (is.unresolved < was.unresolved, ReputationReason::MissesWeighed),
        // A first heartbeat has none before it to be missed.
        (was.heartbeat_epoch > 0 && beats > 1, ReputationReason::HeartbeatsMissed),
        (after.fraud_convictions > before.fraud_convictions, ReputationReason::Convicted),
        (less && after.evidence.epoch > before.evidence.epoch, ReputationReason::Faded),
    ];
    let reasons: Vec<_> = found.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
    if reasons.is_empty() { vec![ReputationReason::Unknown] } else { reasons }
}

/// Everything that a slash reaches.
fn funds(node: &Node) -> u64 {
    node.stake.saturating_add(unbonding(node))
}

fn unbonding(node: &Node) -> u64 {
    node.unbonding.iter().fold(0, |sum, place| place.amount.saturating_add(sum))
}

fn profile(node: &Node) -> Change {
    Change::NodeProfile {
        operator: node.operator.to_string(),
        endpoint: node.endpoint.clone(),
        units_per_slot: Amount(node.profile.units_per_slot),
        price_floor: Amount(node.profile.price_floor),
        region: node.profile.region,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::fairness::reputation::Score;
    use solana_sdk::pubkey::Pubkey;

    fn node() -> Node {
        Node { registered_slot: 4, operator: Pubkey::new_from_array([1; 32]), stake: 1_000, ..Node::default() }
    }

    fn reputation(told: &[Folded]) -> Option<(u16, u16, Vec<ReputationReason>)> {
        told.iter().find_map(|folded| match &folded.change {
            Change::NodeReputation { before, after, reasons, .. } => Some((*before, *after, reasons.clone())),
            _ => None,
        })
    }

    #[test]
    fn a_new_node_tells_its_registration_profile_and_stake() {
        let told = changes(None, &node(), 9);
        assert_eq!(told.len(), 3);
        assert!(matches!(told[0], Folded { slot: 4, exact: true, change: Change::NodeRegistered { .. } }));
        assert!(matches!(told[1].change, Change::NodeProfile { .. }));
        assert!(matches!(
            told[2].change,
            Change::NodeStake { before: Amount(0), after: Amount(1_000), unbonding: Amount(0) }
        ));
        assert_eq!(changes(Some(&node()), &node(), 10), []);
    }

    #[test]
    fn a_conviction_tells_what_was_lost_withdrawals_included() {
        let mut before = node();
        before.unbonding[0].amount = 200;
        let mut after = Node { stake: 700, fraud_convictions: 1, score: Score(3), ..node() };
        after.unbonding[0].amount = 150;
        let told = changes(Some(&before), &after, 9);
        assert!(
            told.iter().any(|folded| folded.change == Change::NodeConvicted { convictions: 1, slashed: Amount(350) })
        );
        assert_eq!(reputation(&told), Some((0, 3, vec![ReputationReason::Convicted])));
    }

    #[test]
    fn each_reason_is_told_by_what_changed_with_the_score() {
        let mut before = node();
        before.score = Score(100);
        before.evidence.good = 50;
        before.standing.heartbeat_epoch = 7;
        before.standing.unresolved = 1;
        type Set = fn(&mut Node);
        let cases: [(Set, ReputationReason); 7] = [
            (|n| n.jobs_settled += 1, ReputationReason::Settled),
            (|n| n.standing.lates.since_slot = 8, ReputationReason::Late),
            (|n| n.jobs_missed += 1, ReputationReason::Missed),
            (|n| n.standing.unresolved = 0, ReputationReason::MissesWeighed),
            (|n| n.standing.heartbeat_epoch = 9, ReputationReason::HeartbeatsMissed),
            (|n| (n.evidence.epoch, n.evidence.good) = (9, 40), ReputationReason::Faded),
            (|_| {}, ReputationReason::Unknown),
        ];
        for (set, reason) in cases {
            let mut after = Node { score: Score(90), evidence: before.evidence, ..node() };
            after.standing = before.standing;
            set(&mut after);
            assert_eq!(reputation(&changes(Some(&before), &after, 20)), Some((100, 90, vec![reason])));
        }
        // The next heartbeat in time is no reason for anything.
        let mut after = Node { score: before.score, evidence: before.evidence, standing: before.standing, ..node() };
        after.standing.heartbeat_epoch = 8;
        assert_eq!(reputation(&changes(Some(&before), &after, 20)), None);
    }

    #[test]
    fn jail_and_maintenance_are_told_once() {
        let mut after = node();
        after.standing.jailed_until_slot = 90;
        after.standing.maintenance.announced_slot = 6;
        after.standing.maintenance.start_slot = 30;
        after.standing.maintenance.end_slot = 40;
        let told = changes(Some(&node()), &after, 9);
        assert_eq!(
            told,
            [
                Folded::seen(9, Change::NodeJailed { until_slot: 90 }),
                Folded::exact(6, Change::NodeMaintenance { start_slot: 30, end_slot: 40 }),
            ]
        );
        assert_eq!(changes(Some(&after), &after, 10), []);
    }
}
