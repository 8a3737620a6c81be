//! The chain's side of delegated stake: the calls, the comparison with the model, and the way out.

use crate::action::Action;
use crate::delegation::DelegationAction;
use crate::market::Market;
use crate::state::{CLIENTS, NODES, PAYMENT_MINTS};
use assay::address;
use assay::state::{Delegation, DelegationPool};
use program_tests::Node;
use program_tests::delegation_calls::delegation;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

impl Market {
    /// The instructions of an attempt. A pool is opened with a vault for each payment mint, and closed with all of them.
    pub(crate) fn delegation_instructions(&self, action: &DelegationAction) -> Vec<Instruction> {
        let (world, mints) = (&self.world, &self.mints[..PAYMENT_MINTS]);
        match *action {
            DelegationAction::OpenPool { node, commission_bps } => {
                let node = &self.nodes[node];
                let add = mints.iter().map(|mint| world.add_reward_mint(node, mint).instruction());
                [world.open_delegation_pool(node, commission_bps).instruction()].into_iter().chain(add).collect()
            }
            DelegationAction::ClosePool { node } => {
                let node = &self.nodes[node];
                let remove = mints.iter().map(|mint| world.remove_reward_mint(node, mint).instruction());
                remove.chain([world.close_delegation_pool(node).instruction()]).collect()
            }
            DelegationAction::Delegate { node, who, amount } => {
                vec![world.delegate(&self.nodes[node], self.parties[who], amount).instruction()]
            }
            DelegationAction::Undelegate { node, who, shares } => {
                vec![world.undelegate(&self.nodes[node], self.parties[who], shares).instruction()]
            }
            DelegationAction::WithdrawDelegation { node, who } => {
                vec![world.withdraw_delegation(&self.nodes[node], self.parties[who]).instruction()]
            }
            DelegationAction::CollectReward { job } => {
                let nobody = Node { address: Pubkey::default(), ..self.nodes[0] };
                let node = self.model.jobs[job].claimer.map_or(nobody, |claimer| self.nodes[claimer.0]);
                vec![world.collect_delegation_reward(&node, &self.jobs[job]).instruction()]
            }
            DelegationAction::WithdrawReward { node, who, mint } => {
                let call = world.withdraw_delegation_reward(&self.nodes[node], self.parties[who], &mints[mint]);
                vec![call.instruction()]
            }
            DelegationAction::CloseDelegation { node, who } => {
                vec![world.close_delegation(&self.nodes[node], self.parties[who]).instruction()]
            }
        }
    }

    /// Tokens of a mint in the reward vaults of all pools, as the chain has them.
    pub(crate) fn held_for_delegators(&self, mint: usize) -> u64 {
        let vault = |node: &Node| {
            let pool = address::delegation_pool(&node.address);
            address::delegation_rewards(&pool, &self.mints[mint].address)
        };
        self.nodes
            .iter()
            .map(vault)
            .filter(|vault| self.world.exists(*vault))
            .map(|vault| self.world.tokens(vault))
            .sum()
    }

    /// Compares a node's pool and all that is delegated to it with the model, and with one another. What the stake vault owes to
    /// them.
    pub(crate) fn check_delegations(&self, at: usize) -> u64 {
        let (node, model) = (&self.nodes[at], &self.model.nodes[at].pool);
        let account: Option<assay::state::Node> = self.world.find(node.address);
        let said = account.map(|account| account.delegation).unwrap_or_default();
        let pool: Option<DelegationPool> = self.world.find(address::delegation_pool(&node.address));
        assert_eq!((said.open, pool.is_some()), (model.is_some(), model.is_some()), "pool of node {at}");
        let (Some(pool), Some(model)) = (pool, model) else { return 0 };
        assert_eq!(u32::from(model.commission_bps), said.commission.at(assay::units::Slot(self.model.slot)).0);
        let mut owed = [0; PAYMENT_MINTS];
        let (mut shares, mut unbonding_shares, mut count) = (0, 0, 0);
        for who in 0..CLIENTS {
            let state: Option<Delegation> = self.world.find(delegation(node, self.parties[who]));
            let Some(model_of) = &model.delegations[who] else {
                assert!(state.is_none(), "delegation {who} to node {at}");
                continue;
            };
            let mut state = state.expect("a delegation");
            let held = (state.held.shares, (state.held.unbonding_shares, state.held.release_slot));
            assert_eq!(held, (model_of.shares, model_of.unbonding), "delegation {who} to node {at}");
            state.settle_rewards(&pool);
            for (mint, sum) in owed.iter_mut().enumerate() {
                assert_eq!(state.rewards[mint].owed, model.earned(model_of, mint), "rewards of {who} at node {at}");
                *sum += state.rewards[mint].owed;
            }
            (shares, unbonding_shares, count) = (shares + held.0, unbonding_shares + held.1.0, count + 1);
        }
        assert_eq!(pool.delegations, count, "delegations to node {at}");
        let (active, unbonding) = (pool.stake.active, pool.stake.unbonding);
        assert_eq!((active.shares, unbonding.shares), (shares, unbonding_shares), "shares of node {at}");
        assert_eq!((active.tokens, unbonding.tokens), (model.active(), model.unbonding()), "stake of node {at}");
        assert_eq!(said.stake, active.tokens, "what node {at} says is delegated to it");
        for (mint, owed) in owed.iter().enumerate() {
            let place = pool.rewards[mint];
            let vault = self.world.tokens(place.vault);
            assert_eq!((vault, place.sum.owed), (model.vaults[mint], model.vaults[mint]), "rewards of node {at}");
            assert!(*owed <= vault, "node {at} owes its delegators more than there is");
        }
        active.tokens + unbonding.tokens
    }

    /// Lets everybody leave, and closes the pool.
    pub(crate) fn drain_delegations(&mut self) {
        for node in 0..NODES {
            for who in 0..CLIENTS {
                self.drain_delegation(node, who);
            }
            if self.model.nodes[node].pool.is_some() {
                self.must(Action::Delegation(DelegationAction::ClosePool { node }));
            }
        }
    }

    fn drain_delegation(&mut self, node: usize, who: usize) {
        let held =
            |market: &Self| market.model.nodes[node].pool.as_ref().and_then(|pool| pool.delegations[who].clone());
        let Some(delegation) = held(self) else { return };
        let shares = delegation.shares;
        if shares > 0 {
            self.must(Action::Delegation(DelegationAction::Undelegate { node, who, shares }));
        }
        let (unbonding, release) = held(self).expect("a delegation").unbonding;
        if unbonding > 0 {
            self.wait_until(release);
            self.must(Action::Delegation(DelegationAction::WithdrawDelegation { node, who }));
        }
        for mint in 0..PAYMENT_MINTS {
            let pool = self.model.nodes[node].pool.as_ref().expect("a pool");
            if pool.earned(&held(self).expect("a delegation"), mint) > 0 {
                self.must(Action::Delegation(DelegationAction::WithdrawReward { node, who, mint }));
            }
        }
        self.must(Action::Delegation(DelegationAction::CloseDelegation { node, who }));
    }
}
