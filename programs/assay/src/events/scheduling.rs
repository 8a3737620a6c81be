//! What is announced of who may claim.

use crate::state::Profile;
use anchor_lang::prelude::*;

/// The register of what all nodes weigh was created.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeRegisterCreated {
    /// The register.
    pub stake_register: Pubkey,
}

/// A node said what it can do.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSet {
    /// The node.
    pub node: Pubkey,
    /// All that it says of itself from now on.
    pub profile: Profile,
}

/// A node was weighed anew.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWeighed {
    /// The node.
    pub node: Pubkey,
    /// What it weighs from now on, in base units of the stake mint.
    pub weight: u64,
    /// What all nodes weigh together.
    pub total_weight: u64,
}

/// The slot hash that decides about a job was recorded.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedSealed {
    /// The job.
    pub job: Pubkey,
    /// The hash; none where the chain forgot it, and the job is open to all.
    pub seed: Option<[u8; 32]>,
}
