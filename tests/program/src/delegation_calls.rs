//! Delegated stake: a node that takes it, people who delegate, and the calls that they make.

use crate::calls::{Call, SYSTEM};
use crate::tokens::{Mint, associated};
use crate::world::{Job, Node, World};
use assay::instructions::{DelegateArgs, OpenDelegationPoolArgs, SetCommissionArgs, UndelegateArgs};
use assay::{accounts, address, instruction};
use solana_sdk::pubkey::Pubkey;

/// What the node of [`World::with_delegation`] keeps of its delegators' share.
pub const COMMISSION_BPS: u16 = 1_000;
/// What is delegated to it: as much as its own stake.
pub const DELEGATED: u64 = crate::world::STAKE;

impl World {
    /// A world in which somebody delegates to the first node, whose pool shares rewards in the first payment mint.
    pub fn with_delegation() -> Self {
        let mut world = Self::new();
        world.take_delegation();
        world
    }

    /// The first node takes delegations, shares rewards in the first payment mint, and somebody, who is returned, delegates.
    pub fn take_delegation(&mut self) -> Pubkey {
        let (node, owner, mint) = (self.node, self.delegator("delegator"), self.mint);
        let (open, add) = (self.open_delegation_pool(&node, COMMISSION_BPS), self.add_reward_mint(&node, &mint));
        let delegate = self.delegate(&node, owner, DELEGATED);
        self.must(&[open.instruction(), add.instruction(), delegate.instruction()]);
        owner
    }

    /// Lets all that an owner delegates to the node leave: it is undelegated, released and withdrawn.
    pub fn leave_delegation(&mut self, node: &Node, owner: Pubkey) {
        let shares = self.read_delegation(node, owner).held.shares;
        let undelegate = self.undelegate(node, owner, shares);
        self.accepts(&undelegate);
        let release = self.read_delegation(node, owner).held.release_slot;
        self.warp_to(release.max(self.slot()));
        let withdraw = self.withdraw_delegation(node, owner);
        self.accepts(&withdraw);
    }

    /// A key named so that can delegate: it has lamports, stake tokens, and an account in each mint.
    pub fn delegator(&mut self, name: &str) -> Pubkey {
        let owner = self.rich_key(name);
        self.fund(owner, &self.stake_mint.clone(), crate::world::POCKET);
        for mint in [self.mint, self.mint_2022] {
            self.fund(owner, &mint, 0);
        }
        owner
    }

    /// Reads the pool of a node.
    pub fn read_pool(&self, node: &Node) -> assay::state::DelegationPool {
        self.read(address::delegation_pool(&node.address))
    }

    /// Reads what an owner delegates to a node.
    pub fn read_delegation(&self, node: &Node, owner: Pubkey) -> assay::state::Delegation {
        self.read(delegation(node, owner))
    }

    /// By the withdraw authority.
    pub fn open_delegation_pool(&self, node: &Node, commission_bps: u16) -> Call<accounts::OpenDelegationPool> {
        let accounts = accounts::OpenDelegationPool {
            withdraw_authority: node.owner,
            node: node.address,
            pool: address::delegation_pool(&node.address),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::OpenDelegationPool { args: OpenDelegationPoolArgs { commission_bps } })
    }

    /// By the withdraw authority.
    pub fn set_commission(&self, node: &Node, commission_bps: u16) -> Call<accounts::SetCommission> {
        let accounts = accounts::SetCommission {
            withdraw_authority: node.owner,
            network: address::NETWORK,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::SetCommission { args: SetCommissionArgs { commission_bps } })
    }

    /// By the withdraw authority.
    pub fn add_reward_mint(&self, node: &Node, mint: &Mint) -> Call<accounts::AddRewardMint> {
        let pool = address::delegation_pool(&node.address);
        let accounts = accounts::AddRewardMint {
            payer: node.owner,
            node: node.address,
            pool,
            job: None,
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            reward_vault: address::delegation_rewards(&pool, &mint.address),
            token_program: mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::AddRewardMint {})
    }

    /// By the withdraw authority, to its associated token account.
    pub fn remove_reward_mint(&self, node: &Node, mint: &Mint) -> Call<accounts::RemoveRewardMint> {
        let pool = address::delegation_pool(&node.address);
        let accounts = accounts::RemoveRewardMint {
            withdraw_authority: node.owner,
            node: node.address,
            pool,
            mint: mint.address,
            reward_vault: address::delegation_rewards(&pool, &mint.address),
            destination: associated(node.owner, mint),
            token_program: mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::RemoveRewardMint {})
    }

    /// By the owner, from its associated token account.
    pub fn delegate(&self, node: &Node, owner: Pubkey, amount: u64) -> Call<accounts::Delegate> {
        let accounts = accounts::Delegate {
            owner,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            pool: address::delegation_pool(&node.address),
            delegation: delegation(node, owner),
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            source: associated(owner, &self.stake_mint),
            token_program: self.stake_mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::Delegate { args: DelegateArgs { amount } })
    }

    /// By the owner.
    pub fn undelegate(&self, node: &Node, owner: Pubkey, shares: u64) -> Call<accounts::Undelegate> {
        let accounts = accounts::Undelegate {
            owner,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            pool: address::delegation_pool(&node.address),
            delegation: delegation(node, owner),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::Undelegate { args: UndelegateArgs { shares } })
    }

    /// By the owner, to its associated token account.
    pub fn withdraw_delegation(&self, node: &Node, owner: Pubkey) -> Call<accounts::WithdrawDelegation> {
        let accounts = accounts::WithdrawDelegation {
            authority: owner,
            network: address::NETWORK,
            node: node.address,
            pool: address::delegation_pool(&node.address),
            delegation: delegation(node, owner),
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: associated(owner, &self.stake_mint),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawDelegation {})
    }

    /// By nobody in particular.
    pub fn settle_delegation_slash(&self, node: &Node) -> Call<accounts::SettleDelegationSlash> {
        let accounts = accounts::SettleDelegationSlash {
            network: address::NETWORK,
            node: node.address,
            pool: address::delegation_pool(&node.address),
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::SettleDelegationSlash {})
    }

    /// By nobody in particular. The vault of the pool is passed where there is one.
    pub fn collect_delegation_reward(&self, node: &Node, job: &Job) -> Call<accounts::CollectDelegationReward> {
        let pool = address::delegation_pool(&node.address);
        let vault = address::delegation_rewards(&pool, &job.mint.address);
        let accounts = accounts::CollectDelegationReward {
            job: job.address,
            vault: job.vault,
            pool,
            reward_vault: self.exists(vault).then_some(vault),
            mint: job.mint.address,
            token_program: job.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CollectDelegationReward {})
    }

    /// By the owner, to its associated token account.
    pub fn withdraw_delegation_reward(
        &self,
        node: &Node,
        owner: Pubkey,
        mint: &Mint,
    ) -> Call<accounts::WithdrawDelegationReward> {
        let pool = address::delegation_pool(&node.address);
        let accounts = accounts::WithdrawDelegationReward {
            authority: owner,
            pool,
            delegation: delegation(node, owner),
            mint: mint.address,
            reward_vault: address::delegation_rewards(&pool, &mint.address),
            destination: associated(owner, mint),
            token_program: mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawDelegationReward {})
    }

    /// By nobody in particular.
    pub fn close_delegation(&self, node: &Node, owner: Pubkey) -> Call<accounts::CloseDelegation> {
        let accounts = accounts::CloseDelegation {
            owner,
            pool: address::delegation_pool(&node.address),
            delegation: delegation(node, owner),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseDelegation {})
    }

    /// By the withdraw authority.
    pub fn close_delegation_pool(&self, node: &Node) -> Call<accounts::CloseDelegationPool> {
        let accounts = accounts::CloseDelegationPool {
            withdraw_authority: node.owner,
            node: node.address,
            pool: address::delegation_pool(&node.address),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseDelegationPool {})
    }
}

/// The account of what an owner delegates to a node.
pub fn delegation(node: &Node, owner: Pubkey) -> Pubkey {
    address::delegation(&address::delegation_pool(&node.address), &owner)
}
