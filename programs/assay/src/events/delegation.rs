//! What is announced of delegated stake.

use anchor_lang::prelude::*;

/// A node takes delegations.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationPoolOpened {
    /// The node.
    pub node: Pubkey,
    /// Its pool.
    pub pool: Pubkey,
    /// What the node keeps of its delegators' share of fees.
    pub commission_bps: u16,
}

/// A node decided another commission.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommissionSet {
    /// The node.
    pub node: Pubkey,
    /// What it keeps until `next_slot`, or from now on if that is 0.
    pub present_bps: u16,
    /// What it keeps from then on.
    pub next_bps: u16,
    /// The first slot of a raise; 0 if the change holds at once.
    pub next_slot: u64,
}

/// A pool shares rewards in one more mint.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardMintAdded {
    /// The pool.
    pub pool: Pubkey,
    /// The mint.
    pub mint: Pubkey,
    /// The token account that holds what is owed.
    pub vault: Pubkey,
}

/// A pool shares no rewards in a mint any more; nobody delegates.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardMintRemoved {
    /// The pool.
    pub pool: Pubkey,
    /// The mint.
    pub mint: Pubkey,
    /// What rounding had left in the vault, in base units of the mint.
    pub dust: u64,
    /// The token account that received it.
    pub destination: Pubkey,
}

/// Stake was delegated.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegated {
    /// The node.
    pub node: Pubkey,
    /// Who delegated.
    pub owner: Pubkey,
    /// Base units of the stake mint.
    pub amount: u64,
    /// All shares that the owner has of the active stake now.
    pub shares: u64,
    /// All that is delegated to the node and active, in base units of the stake mint.
    pub delegated_stake: u64,
}

/// Delegated stake began to unbond.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelegated {
    /// The node.
    pub node: Pubkey,
    /// Who delegated.
    pub owner: Pubkey,
    /// Shares that were given up.
    pub shares: u64,
    /// What they were worth, in base units of the stake mint; 0 drops them.
    pub amount: u64,
    /// First slot at which all that unbonds of this owner can be withdrawn; 0 if nothing does.
    pub release_slot: u64,
    /// All that is delegated to the node and active, in base units of the stake mint.
    pub delegated_stake: u64,
}

/// Unbonded stake left.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationWithdrawn {
    /// The node.
    pub node: Pubkey,
    /// Who delegated.
    pub owner: Pubkey,
    /// Base units of the stake mint; 0 where slashes left nothing.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// A slash of the node reached what is delegated to it.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationSlashed {
    /// The node.
    pub node: Pubkey,
    /// Taken from what was active and what unbonds, and burned, in base units of the stake mint.
    pub burned: u64,
    /// What slashes have taken of everything in all, in parts of 10^-18.
    pub loss: u64,
    /// What is left and active, in base units of the stake mint.
    pub delegated_stake: u64,
}

/// The delegators' share of a job was shared out.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationRewardCollected {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// The mint.
    pub mint: Pubkey,
    /// To those who delegate, in base units of the mint.
    pub to_delegators: u64,
    /// To the node's credit, because nobody delegates.
    pub to_node: u64,
    /// To the fee, because the pool shares rewards in four other mints.
    pub to_fee: u64,
}

/// Somebody took out what a delegation had earned.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationRewardWithdrawn {
    /// The pool.
    pub pool: Pubkey,
    /// Who delegated.
    pub owner: Pubkey,
    /// The mint.
    pub mint: Pubkey,
    /// Base units of the mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// A delegation of which nothing was left was removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationClosed {
    /// The pool.
    pub pool: Pubkey,
    /// Who had delegated, and received the rent.
    pub owner: Pubkey,
}

/// A node takes no delegations any more.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationPoolClosed {
    /// The node.
    pub node: Pubkey,
    /// Who received the rent.
    pub withdraw_authority: Pubkey,
}
