//! What is announced of who may claim.

use crate::fairness::reputation::Score;
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

/// A node showed a sign of life.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatRecorded {
    /// The node.
    pub node: Pubkey,
    /// Whole epochs since the last heartbeat in which none came and no maintenance was declared.
    pub missed_epochs: u64,
    /// Missed jobs that this accounts for.
    pub misses: u16,
    /// Whether the node is believed to have been away when it missed them.
    pub outage: bool,
    /// The first slot in which it may claim again.
    pub jailed_until_slot: u64,
    /// Its score before, fading included.
    pub score_before: Score,
    /// And after.
    pub score_after: Score,
}

/// A node declared that it will be away.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceAnnounced {
    /// The node.
    pub node: Pubkey,
    /// The first slot of the window.
    pub start_slot: u64,
    /// The last one.
    pub end_slot: u64,
}

/// A convicted node was charged for the company in which it was convicted.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationCharged {
    /// The node.
    pub node: Pubkey,
    /// Taken from its stake and burned, in base units of the stake mint.
    pub burned: u64,
}
