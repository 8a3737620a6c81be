//! What others delegate to a node: what of it counts, what slashes take of it, and its share of fees.

use super::Node;
use crate::error::{AssayError, Checked};
use crate::fairness::commission::Commission;
use crate::fairness::delegation::{counted, delegators_share};
use crate::fairness::loss::DelegationLoss;
use crate::market::unbonding;
use crate::state::{check_invariant, Parameters};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// What a node's own account says of the stake that is delegated to it; the rest is in its pool. So a claim and a conviction
/// need no other account.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeDelegation {
    /// Whether the node has a pool.
    pub open: bool,
    /// What the node keeps of its delegators' share of fees.
    pub commission: Commission,
    /// The active stake of the pool, in base units of the stake mint.
    pub stake: u64,
    /// What slashes have taken of everything delegated.
    pub loss: DelegationLoss,
}

impl Node {
    /// What counts of the node in the network: its own stake, and of what is delegated at most the multiple of the own.
    pub fn counting_stake(&self, parameters: &Parameters) -> Checked<TokenAmount> {
        TokenAmount(self.stake).plus(self.counted_delegation(parameters))
    }

    /// All that is at stake when the node is convicted: what counts, and what unbonds of its own.
    pub fn stake_at_risk(&self, parameters: &Parameters) -> Checked<TokenAmount> {
        self.counting_stake(parameters)?.plus(unbonding::total(&self.unbonding)?)
    }

    /// The share of what the node earns by a claim at `now` that is its delegators'.
    pub fn delegators_share(&self, now: Slot, parameters: &Parameters) -> Checked<BasisPoints> {
        let counted = self.counted_delegation(parameters);
        Ok(delegators_share(TokenAmount(self.stake), counted, self.delegation.commission.at(now))?)
    }

    fn counted_delegation(&self, parameters: &Parameters) -> TokenAmount {
        let multiple = BasisPoints(parameters.scheduling.delegation_multiple_bps);
        match self.delegation.stake {
            0 => TokenAmount::ZERO,
            delegated => counted(TokenAmount(self.stake), TokenAmount(delegated), multiple),
        }
    }

    /// Takes delegations from now on. `NodeConvicted`, `CommissionOutOfBounds`.
    pub fn open_delegations(&mut self, commission_bps: u16) -> Checked {
        self.check_delegable()?;
        check_commission(commission_bps)?;
        self.delegation.open = true;
        self.delegation.commission = Commission::of(commission_bps);
        Ok(())
    }

    /// `NodeConvicted`: nobody delegates to a node that never claims again.
    pub fn check_delegable(&self) -> Checked {
        if self.fraud_convictions > 0 {
            return Err(AssayError::NodeConvicted);
        }
        Ok(())
    }

    /// Decides another commission; a raise takes effect `notice` from `now`. `DelegationPoolMissing`, `CommissionOutOfBounds`.
    pub fn set_commission(&mut self, commission_bps: u16, now: Slot, notice: Slots) -> Checked {
        if !self.delegation.open {
            return Err(AssayError::DelegationPoolMissing);
        }
        check_commission(commission_bps)?;
        self.delegation.commission.decide(commission_bps, now, now.plus(notice)?);
        Ok(())
    }

    /// Takes no delegations any more; what slashes took stays on record.
    pub fn close_delegations(&mut self) -> Checked {
        check_invariant(self.delegation.open && self.delegation.stake == 0)?;
        self.delegation.open = false;
        self.delegation.commission = Commission::default();
        Ok(())
    }

    /// `StakeFrozen` or `CorrelationOutstanding` while a slash can still reach what is on its way out.
    pub fn check_stake_leaves(&self, now: Slot) -> Checked {
        self.check_charged()?;
        if now.0 < self.frozen_until_slot {
            return Err(AssayError::StakeFrozen);
        }
        Ok(())
    }
}

fn check_commission(commission_bps: u16) -> Checked {
    if u32::from(commission_bps) > BasisPoints::WHOLE.0 {
        return Err(AssayError::CommissionOutOfBounds);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fairness::loss::WHOLE;
    use crate::state::{SchedulingParameters, StakeRegister};

    fn parameters() -> Parameters {
        let scheduling = SchedulingParameters {
            epoch_slots: 10,
            absent_epochs: 100,
            correlation_window_slots: 160,
            delegation_multiple_bps: 20_000,
            ..SchedulingParameters::default()
        };
        Parameters { minimum_stake: 1_000, scheduling, ..Parameters::default() }
    }

    fn node(stake: u64, delegated: u64) -> Node {
        let delegation = NodeDelegation { open: true, stake: delegated, ..NodeDelegation::default() };
        Node { version: Node::VERSION, stake, delegation, ..Node::default() }
    }

    #[test]
    fn delegated_stake_weighs_up_to_the_multiple_and_never_replaces_the_own() {
        let weighed = |stake, delegated| {
            let (mut node, mut register) = (node(stake, delegated), StakeRegister { version: 1, ..Default::default() });
            node.weigh(&mut register, Slot(5), &parameters()).unwrap();
            assert_eq!((register.weights.present(), register.stake), (node.weights.present(), node.counted_stake));
            (node.weights.present(), node.counted_stake)
        };
        assert_eq!(weighed(1_000, 0), (500, 1_000));
        assert_eq!(weighed(1_000, 1_500), (1_250, 2_500));
        assert_eq!(weighed(1_000, 5_000), (1_500, 3_000), "capped");
        assert_eq!(weighed(999, 5_000), (0, 0), "the own stake is too small");
        let mut node = node(1_000, 1_500);
        assert_eq!(node.claimable_weight(crate::audit::Epoch(9), &parameters()), Ok(0), "weighed nothing then");
        node.weigh(&mut StakeRegister { version: 1, ..Default::default() }, Slot(5), &parameters()).unwrap();
        assert_eq!(node.claimable_weight(crate::audit::Epoch(9), &parameters()), Ok(1_250));
        node.delegation.stake = 500;
        assert_eq!(
            node.claimable_weight(crate::audit::Epoch(9), &parameters()),
            Ok(750),
            "what has left counts no more"
        );
    }

    #[test]
    fn bonds_come_from_the_own_stake_alone() {
        let mut node = node(1_000, 100_000);
        let mut lock = |bond| node.lock_bond(TokenAmount(bond), BasisPoints(2_500), Slot(1), Slot(9));
        assert_eq!(lock(751), Err(AssayError::InsufficientFreeStake));
        assert_eq!(lock(750), Ok(()));
    }

    #[test]
    fn delegators_share_what_counts_less_the_commission_of_the_slot() {
        let share = |node: &Node, slot| node.delegators_share(Slot(slot), &parameters()).unwrap().0;
        let mut node = node(1_000, 1_000);
        assert_eq!((share(&node, 5), share(&Node { stake: 100, ..node.clone() }, 5)), (5_000, 6_666));
        node.set_commission(2_000, Slot(5), Slots(10)).unwrap();
        assert_eq!((share(&node, 14), share(&node, 15)), (5_000, 4_000));
        assert_eq!(node.set_commission(10_001, Slot(5), Slots(10)), Err(AssayError::CommissionOutOfBounds));
        node.delegation.open = false;
        assert_eq!(node.set_commission(1, Slot(5), Slots(10)), Err(AssayError::DelegationPoolMissing));
        assert_eq!(share(&Node::default(), 5), 0);
    }

    #[test]
    fn convictions_and_their_charge_reach_delegations_by_the_same_share() {
        let (mut node, parameters) = (node(1_000, 1_000), parameters());
        let mut register = StakeRegister { version: 1, ..Default::default() };
        node.weigh(&mut register, Slot(5), &parameters).unwrap();
        assert_eq!(register.stake, 2_000);
        let stake = node.stake_at_risk(&parameters).unwrap();
        let slashed = node.slash(BasisPoints(2_500), Slot(20), Slots(100)).unwrap();
        assert_eq!((slashed, stake), (TokenAmount(250), TokenAmount(2_000)));
        assert_eq!(node.delegation.loss.taken, WHOLE / 4);
        let conviction = crate::state::Conviction { slashed, stake, observations: 0 };
        node.record_conviction(&conviction, &mut register, Slot(20), &parameters).unwrap();
        assert_eq!(register.convicted.buckets.iter().sum::<u64>(), 2_000, "what was delegated counts as convicted");
        assert_eq!(node.check_stake_leaves(Slot(999)), Err(AssayError::CorrelationOutstanding));
        // A second one before the charge is multiplied with the first.
        node.slash(BasisPoints(2_500), Slot(30), Slots(100)).unwrap();
        assert_eq!(node.delegation.loss.base(), WHOLE / 16 * 7);
        let rules = &parameters.scheduling;
        let charged = node.charge_correlation(&register, Slot(100), rules).unwrap();
        assert_eq!(charged, TokenAmount(500), "twice the base of the first conviction");
        assert_eq!(node.delegation.loss, DelegationLoss { taken: WHOLE, taken_before: WHOLE });
        assert_eq!(node.check_stake_leaves(Slot(129)), Err(AssayError::StakeFrozen));
        assert_eq!(node.check_stake_leaves(Slot(130)), Ok(()));
    }

    #[test]
    fn opening_and_closing() {
        let mut node = Node { version: Node::VERSION, ..Node::default() };
        assert_eq!(node.open_delegations(10_001), Err(AssayError::CommissionOutOfBounds));
        node.open_delegations(10_000).unwrap();
        node.delegation.stake = 1;
        assert_eq!(node.close_delegations(), Err(AssayError::InvariantBroken));
        node.delegation.stake = 0;
        let rules = SchedulingParameters::default();
        assert_eq!(node.check_empty(Slot(1), &rules), Err(AssayError::DelegationPoolOpen));
        node.close_delegations().unwrap();
        assert_eq!(node.delegation, NodeDelegation::default());
        assert_eq!(node.close_delegations(), Err(AssayError::InvariantBroken));
        node.fraud_convictions = 1;
        assert_eq!(node.open_delegations(0), Err(AssayError::NodeConvicted));
    }
}
