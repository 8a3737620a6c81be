//! What happened around the market: proposals and budgets.

use super::{Folded, snake, somebody};
use crate::shape::{Amount, Change};
use assay::state::{Budget, Proposal};

pub(super) fn proposed(proposal: &Proposal) -> Vec<Folded> {
    let whole = snake(&proposal.change);
    // The name of the change, without what it changes to.
    let what = whole.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
    let change =
        Change::Proposed { number: proposal.number, what, eta_slot: proposal.eta_slot, last_slot: proposal.last_slot };
    vec![Folded::exact(proposal.proposed_slot, change)]
}

pub(super) fn budget(before: Option<&Budget>, after: &Budget, slot: u64) -> Vec<Folded> {
    let mut told = Vec::new();
    if before.is_none_or(|before| before.agent != after.agent || before.limits != after.limits) {
        let change = Change::BudgetSet {
            owner: after.owner.to_string(),
            agent: somebody(&after.agent),
            mint: after.payment_mint.to_string(),
            per_job: Amount(after.limits.maximum_job_escrow),
            per_period: Amount(after.limits.maximum_period_escrow),
            last_slot: after.limits.last_slot,
        };
        told.push(Folded::seen(slot, change));
    }
    let spent = |budget: &Budget| (budget.period_start_slot, budget.period_escrowed);
    if after.period_escrowed > 0 && before.is_none_or(|before| spent(before) != spent(after)) {
        let change =
            Change::BudgetSpent { period_start_slot: after.period_start_slot, escrowed: Amount(after.period_escrowed) };
        told.push(Folded::seen(slot, change));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_sdk::pubkey::Pubkey;

    #[test]
    fn a_budget_tells_limits_and_spending_apart() {
        let new = Budget { agent: Pubkey::new_from_array([3; 32]), ..Budget::default() };
        assert!(matches!(budget(None, &new, 5)[..], [Folded { change: Change::BudgetSet { .. }, .. }]));
        let copy = || Budget { agent: new.agent, ..Budget::default() };
        let spent = Budget { period_escrowed: 7, period_start_slot: 2, ..copy() };
        let told = Change::BudgetSpent { period_start_slot: 2, escrowed: Amount(7) };
        assert_eq!(budget(Some(&new), &spent, 6), [Folded::seen(6, told)]);
        assert_eq!(budget(Some(&new), &copy(), 6), []);
        let revoked = Budget::default();
        assert!(matches!(
            budget(Some(&new), &revoked, 6)[..],
            [Folded { change: Change::BudgetSet { agent: None, .. }, .. }]
        ));
    }
}
