//! Delegated stake as it is on-chain, and what takes the delegators' share out of a job.

use crate::accounts::{Kind, bytes_at, kind_filter};
use crate::chain::Chain;
use crate::error::Result;
use crate::instructions::{self, TokenMint};
use assay::address;
use assay::state::{Delegation, DelegationPool, Job};
use solana_client::rpc_filter::RpcFilterType;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

impl Kind for DelegationPool {
    const NAME: &'static str = "delegation pool";
}
impl Kind for Delegation {
    const NAME: &'static str = "delegation";
}

/// Which delegations to list; every condition given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DelegationFilter {
    /// Only delegations to the node of this pool.
    pub pool: Option<Pubkey>,
    /// Only delegations of this owner.
    pub owner: Option<Pubkey>,
}

impl DelegationFilter {
    fn to_rpc(self) -> Vec<RpcFilterType> {
        let mut filters = vec![kind_filter::<Delegation>()];
        filters.extend(self.pool.map(|pool| bytes_at(Delegation::POOL_OFFSET, pool.as_ref())));
        filters.extend(self.owner.map(|owner| bytes_at(Delegation::OWNER_OFFSET, owner.as_ref())));
        filters
    }
}

impl Chain {
    /// The pool of a node; nothing where it takes no delegations.
    pub async fn find_delegation_pool(&self, node: &Pubkey) -> Result<Option<DelegationPool>> {
        self.find(&address::delegation_pool(node)).await
    }

    /// All pools, with their addresses.
    pub async fn delegation_pools(&self) -> Result<Vec<(Pubkey, DelegationPool)>> {
        Ok(self.list(&[kind_filter::<DelegationPool>()], 0).await?.value)
    }

    /// What an owner delegates to a node.
    pub async fn delegation(&self, node: &Pubkey, owner: &Pubkey) -> Result<Delegation> {
        self.fetch(&address::delegation(&address::delegation_pool(node), owner)).await
    }

    /// All delegations that pass the filter, with their addresses.
    pub async fn delegations(&self, filter: DelegationFilter) -> Result<Vec<(Pubkey, Delegation)>> {
        Ok(self.list(&filter.to_rpc(), 0).await?.value)
    }

    /// The instructions that take what a job owes to delegators out of it; none where it owes nothing. `payer` pays for a vault
    /// where the pool has none for this mint, and a place for it.
    pub async fn delegation_reward_instructions(
        &self,
        payer: &Pubkey,
        job_address: &Pubkey,
        job: &Job,
        mint: TokenMint,
    ) -> Result<Vec<Instruction>> {
        if job.credits.delegators == 0 {
            return Ok(vec![]);
        }
        let pool = self.find_delegation_pool(&job.node).await?;
        let shared = pool.as_ref().is_some_and(|pool| pool.place_of(&mint.address).is_some());
        let wanted = pool.is_some_and(|pool| pool.target(&mint.address).is_err());
        let add = wanted.then(|| instructions::add_reward_mint(payer, &job.node, mint, Some(job_address)));
        let collect = instructions::collect_delegation_reward(job_address, &job.node, mint, shared || wanted);
        Ok(add.into_iter().chain([collect]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::AccountSerialize;

    #[test]
    fn delegation_filters_look_at_the_right_bytes() {
        let delegation =
            Delegation { pool: Pubkey::new_unique(), owner: Pubkey::new_unique(), ..Delegation::default() };
        let mut data = Vec::new();
        delegation.try_serialize(&mut data).unwrap();
        assert_eq!(data[Delegation::POOL_OFFSET..][..32], delegation.pool.to_bytes());
        assert_eq!(data[Delegation::OWNER_OFFSET..][..32], delegation.owner.to_bytes());
        let filter = DelegationFilter { pool: Some(delegation.pool), owner: Some(delegation.owner) };
        assert_eq!(filter.to_rpc().len(), 3);
        assert_eq!(DelegationFilter::default().to_rpc().len(), 1);
    }
}
