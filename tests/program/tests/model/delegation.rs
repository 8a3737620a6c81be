//! Delegated stake in the model: what can be tried, what it breaks, what it changes. The clients delegate.
//!
//! Nobody is convicted here, so a share is worth a unit of the stake mint; what rounding leaves of rewards stays in the vaults
//! until a pool closes.

use crate::rules::Broken;
use crate::state::{CLIENTS, Model, NODES, PAYMENT_MINTS, STAKE_MINT, State};
use anchor_lang::error::ErrorCode::AccountNotInitialized;
use assay::AssayError::*;
use assay::state::limits;
use program_tests::outcome::{ACCOUNT_IN_USE, TOKEN_INSUFFICIENT_FUNDS};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// One thing that somebody tries. Nodes, clients, mints and jobs are numbers.
#[derive(Clone, Debug)]
pub(crate) enum DelegationAction {
    OpenPool { node: usize, commission_bps: u16 },
    ClosePool { node: usize },
    Delegate { node: usize, who: usize, amount: u64 },
    Undelegate { node: usize, who: usize, shares: u64 },
    WithdrawDelegation { node: usize, who: usize },
    CollectReward { job: usize },
    WithdrawReward { node: usize, who: usize, mint: usize },
    CloseDelegation { node: usize, who: usize },
}

#[derive(Clone, Debug, Default)]
pub(crate) struct DelegationModel {
    pub(crate) shares: u64,
    /// Amount and release slot.
    pub(crate) unbonding: (u64, u64),
    /// By mint: what a share had earned when the shares last changed, and what is owed since.
    pub(crate) rewards: [(u128, u64); PAYMENT_MINTS],
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PoolModel {
    pub(crate) commission_bps: u16,
    pub(crate) delegations: [Option<DelegationModel>; CLIENTS],
    /// By mint: what a share has earned, in 2^-64 units.
    pub(crate) per_share: [u128; PAYMENT_MINTS],
    /// What the reward vaults hold.
    pub(crate) vaults: [u64; PAYMENT_MINTS],
}

impl PoolModel {
    pub(crate) fn active(&self) -> u64 {
        self.delegations.iter().flatten().map(|delegation| delegation.shares).sum()
    }

    pub(crate) fn unbonding(&self) -> u64 {
        self.delegations.iter().flatten().map(|delegation| delegation.unbonding.0).sum()
    }

    /// What a delegation has earned by now in a mint.
    pub(crate) fn earned(&self, delegation: &DelegationModel, mint: usize) -> u64 {
        let (seen, owed) = delegation.rewards[mint];
        let since = (u128::from(delegation.shares) * (self.per_share[mint] - seen)) >> 64;
        owed + u64::try_from(since).expect("little enough")
    }

    fn settle(&mut self, who: usize) {
        let mut delegation = self.delegations[who].clone().unwrap_or_default();
        for mint in 0..PAYMENT_MINTS {
            delegation.rewards[mint] = (self.per_share[mint], self.earned(&delegation, mint));
        }
        self.delegations[who] = Some(delegation);
    }
}

/// What somebody who delegates would do now; rare enough that it would hardly ever be met by chance.
pub(crate) fn pressing(model: &Model) -> Option<DelegationAction> {
    if let Some(job) = model.jobs.iter().position(|job| job.credit_delegators > 0) {
        return Some(DelegationAction::CollectReward { job });
    }
    let pools = model.nodes.iter().enumerate().filter_map(|(node, state)| Some((node, state.pool.as_ref()?)));
    let each = |(node, pool)| (0..CLIENTS).map(move |who| (node, pool, who));
    pools.flat_map(each).find_map(|(node, pool, who): (usize, &PoolModel, usize)| {
        let held = pool.delegations[who].as_ref()?;
        let earned = (0..PAYMENT_MINTS).find(|mint| pool.earned(held, *mint) > 0);
        let withdraws = earned.map(|mint| DelegationAction::WithdrawReward { node, who, mint });
        let released = held.unbonding.0 > 0 && held.unbonding.1 <= model.slot;
        let leaves = released.then_some(DelegationAction::WithdrawDelegation { node, who });
        let empty = held.shares == 0 && held.unbonding.0 == 0;
        withdraws.or(leaves).or(empty.then_some(DelegationAction::CloseDelegation { node, who }))
    })
}

/// Chooses what is tried next: mostly what somebody who delegates could do, sometimes anything.
pub(crate) fn choose(model: &Model, rng: &mut StdRng) -> DelegationAction {
    let (node, who) = some_delegation(model, rng);
    let pool = model.nodes[node].pool.clone().unwrap_or_default();
    let held = pool.delegations[who].clone().unwrap_or_default();
    match rng.random_range(0..24) {
        0..2 => {
            let without = (0..NODES).find(|node| model.nodes[*node].registered && model.nodes[*node].pool.is_none());
            let node = without.filter(|_| rng.random_ratio(3, 4)).unwrap_or(rng.random_range(0..NODES));
            let commission_bps = *[0, 1_000, 3_333, 10_000, 10_001].choose(rng).expect("a choice");
            DelegationAction::OpenPool { node, commission_bps }
        }
        2 => {
            let empty = |node: &usize| {
                let pool = model.nodes[*node].pool.as_ref();
                pool.is_some_and(|pool| pool.delegations.iter().all(Option::is_none))
            };
            DelegationAction::ClosePool { node: (0..NODES).find(empty).unwrap_or(node) }
        }
        3..10 => {
            let open: Vec<usize> = (0..NODES).filter(|node| model.nodes[*node].pool.is_some()).collect();
            let node = open.choose(rng).copied().unwrap_or(node);
            let who = rng.random_range(0..CLIENTS);
            let delegated = model.nodes[node].pool.as_ref().map_or(0, PoolModel::active);
            let room = (3 * model.nodes[node].stake).saturating_sub(delegated);
            let wallet = model.wallets[who][STAKE_MINT];
            let amounts = [0, 1, 777, wallet / 3, wallet / 2, wallet, wallet + 1, room, room + 1];
            DelegationAction::Delegate { node, who, amount: *amounts.choose(rng).expect("a choice") }
        }
        10..14 => {
            let shares = [1, held.shares / 2, held.shares, held.shares, held.shares + 1];
            DelegationAction::Undelegate { node, who, shares: *shares.choose(rng).expect("a choice") }
        }
        14..18 => DelegationAction::WithdrawDelegation { node, who },
        18..21 => {
            let earned = (0..PAYMENT_MINTS).find(|mint| pool.earned(&held, *mint) > 0);
            let mint = earned.unwrap_or(rng.random_range(0..PAYMENT_MINTS));
            DelegationAction::WithdrawReward { node, who, mint }
        }
        21..23 => DelegationAction::CloseDelegation { node, who },
        _ if model.jobs.is_empty() => DelegationAction::WithdrawDelegation { node, who },
        _ => DelegationAction::CollectReward { job: rng.random_range(0..model.jobs.len()) },
    }
}

/// Mostly a delegation that there is.
fn some_delegation(model: &Model, rng: &mut StdRng) -> (usize, usize) {
    let pools = model.nodes.iter().enumerate().filter_map(|(node, state)| Some((node, state.pool.as_ref()?)));
    let held: Vec<(usize, usize)> = pools
        .flat_map(|(node, pool)| {
            (0..CLIENTS).filter(|who| pool.delegations[*who].is_some()).map(move |who| (node, who))
        })
        .collect();
    match held.choose(rng) {
        Some(delegation) if rng.random_ratio(9, 10) => *delegation,
        _ => (rng.random_range(0..NODES), rng.random_range(0..CLIENTS)),
    }
}

impl Model {
    pub(crate) fn delegation_rules(&self, broken: &mut Broken, action: &DelegationAction) {
        let node = match *action {
            DelegationAction::CollectReward { job } => {
                let job = &self.jobs[job];
                broken.unless(job.state != State::Closed, AccountNotInitialized);
                return broken.unless(job.state == State::Closed || job.credit_delegators > 0, NothingOwed);
            }
            DelegationAction::OpenPool { node, commission_bps } => {
                let node = &self.nodes[node];
                broken.unless(node.registered, AccountNotInitialized);
                broken.unless(node.pool.is_none(), ACCOUNT_IN_USE);
                broken.unless(self.mints.iter().all(|mint| mint.enabled), PaymentMintDisabled);
                return broken.unless(commission_bps <= 10_000, CommissionOutOfBounds);
            }
            DelegationAction::ClosePool { node }
            | DelegationAction::Delegate { node, .. }
            | DelegationAction::Undelegate { node, .. }
            | DelegationAction::WithdrawDelegation { node, .. }
            | DelegationAction::WithdrawReward { node, .. }
            | DelegationAction::CloseDelegation { node, .. } => &self.nodes[node],
        };
        let Some(pool) = &node.pool else { return broken.unless(false, AccountNotInitialized) };
        let none = DelegationModel::default();
        match *action {
            DelegationAction::ClosePool { .. } => {
                return broken.unless(pool.delegations.iter().all(Option::is_none), DelegationsOpen);
            }
            DelegationAction::Delegate { who, amount, .. } => {
                broken.unless(amount > 0, AmountZero);
                broken.unless(pool.active() + amount <= 3 * node.stake, DelegationCapReached);
                return broken.unless(amount <= self.wallets[who][STAKE_MINT], TOKEN_INSUFFICIENT_FUNDS);
            }
            _ => {}
        }
        let (DelegationAction::Undelegate { who, .. }
        | DelegationAction::WithdrawDelegation { who, .. }
        | DelegationAction::WithdrawReward { who, .. }
        | DelegationAction::CloseDelegation { who, .. }) = *action
        else {
            unreachable!("looked at before")
        };
        broken.unless(pool.delegations[who].is_some(), AccountNotInitialized);
        let held = pool.delegations[who].as_ref().unwrap_or(&none);
        match *action {
            DelegationAction::Undelegate { shares, .. } => {
                broken.unless(shares > 0 && shares <= held.shares, NotEnoughShares);
            }
            DelegationAction::WithdrawDelegation { .. } => {
                broken.unless(held.unbonding.0 > 0, NotEnoughShares);
                broken.unless(held.unbonding.1 <= self.slot, NotReleased);
            }
            DelegationAction::WithdrawReward { mint, .. } => broken.unless(pool.earned(held, mint) > 0, NothingOwed),
            _ => {
                let owed = held.rewards.iter().any(|reward| reward.1 > 0);
                broken.unless(held.shares == 0 && held.unbonding.0 == 0 && !owed, DelegationNotEmpty);
            }
        }
    }

    pub(crate) fn apply_delegation(&mut self, action: &DelegationAction) {
        let now = self.slot;
        if let DelegationAction::CollectReward { job } = *action {
            return self.collect(job);
        }
        let release = now + self.parameters.unbonding_slots;
        match *action {
            DelegationAction::OpenPool { node, commission_bps } => {
                self.nodes[node].pool = Some(PoolModel { commission_bps, ..PoolModel::default() });
            }
            DelegationAction::ClosePool { node } => {
                let pool = self.nodes[node].pool.take().expect("a pool");
                for (mint, dust) in pool.vaults.into_iter().enumerate() {
                    self.wallets[CLIENTS + node][mint] += dust;
                }
            }
            DelegationAction::Delegate { node, who, amount } => {
                let pool = self.nodes[node].pool.as_mut().expect("a pool");
                pool.settle(who);
                pool.delegations[who].as_mut().expect("a delegation").shares += amount;
                self.wallets[who][STAKE_MINT] -= amount;
                self.stake_vault += amount;
            }
            DelegationAction::Undelegate { node, who, shares } => {
                let node = &mut self.nodes[node];
                let release = release.max(node.last_obligation + limits::UNBONDING_MARGIN_SLOTS);
                let pool = node.pool.as_mut().expect("a pool");
                pool.settle(who);
                let held = pool.delegations[who].as_mut().expect("a delegation");
                held.shares -= shares;
                held.unbonding = (held.unbonding.0 + shares, held.unbonding.1.max(release));
            }
            DelegationAction::WithdrawDelegation { node, who } => {
                let pool = self.nodes[node].pool.as_mut().expect("a pool");
                let held = pool.delegations[who].as_mut().expect("a delegation");
                let (amount, _) = std::mem::take(&mut held.unbonding);
                self.stake_vault -= amount;
                self.wallets[who][STAKE_MINT] += amount;
            }
            DelegationAction::WithdrawReward { node, who, mint } => {
                let pool = self.nodes[node].pool.as_mut().expect("a pool");
                pool.settle(who);
                let held = pool.delegations[who].as_mut().expect("a delegation");
                let amount = std::mem::take(&mut held.rewards[mint].1);
                pool.vaults[mint] -= amount;
                self.wallets[who][mint] += amount;
            }
            DelegationAction::CloseDelegation { node, who } => {
                self.nodes[node].pool.as_mut().expect("a pool").delegations[who] = None;
            }
            DelegationAction::CollectReward { .. } => unreachable!("looked at before"),
        }
    }

    /// Moves the share of a job to the pool, or to the node's credit where nobody holds any of it.
    fn collect(&mut self, job: usize) {
        let job = &mut self.jobs[job];
        let amount = std::mem::take(&mut job.credit_delegators);
        let node = job.claimer.expect("a claimer").0;
        match self.nodes[node].pool.as_mut().filter(|pool| pool.active() > 0) {
            Some(pool) => {
                job.vault -= amount;
                pool.vaults[job.mint] += amount;
                pool.per_share[job.mint] += (u128::from(amount) << 64) / u128::from(pool.active());
            }
            None => job.credit_node += amount,
        }
    }

    /// What a claim by the node pins for its delegators.
    pub(crate) fn delegators_bps(&self, node: usize) -> u64 {
        let node = &self.nodes[node];
        let Some(pool) = &node.pool else { return 0 };
        let counted = pool.active().min(3 * node.stake);
        let share = (10_000 * counted).checked_div(node.stake + counted).unwrap_or(0);
        share * u64::from(10_000 - pool.commission_bps) / 10_000
    }
}
