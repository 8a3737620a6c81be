//! Events of governance: proposals, pauses, migrations, fees that burn.

use crate::state::Change;
use anchor_lang::prelude::*;

/// Governance proposed a change.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeProposed {
    /// Number of the proposal.
    pub number: u64,
    /// Who proposed.
    pub proposer: Pubkey,
    /// The first slot in which it can be carried out.
    pub eta_slot: u64,
    /// The last one.
    pub last_slot: u64,
    /// The change.
    pub change: Change,
}

/// A proposed change was carried out.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeExecuted {
    /// Number of the proposal.
    pub number: u64,
    /// The change.
    pub change: Change,
}

/// Why a proposal was removed that nobody carried out.
#[derive(AnchorSerialize, AnchorDeserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dismissal {
    /// The guardian vetoed it.
    Vetoed,
    /// The authority withdrew it.
    Withdrawn,
    /// Its time was over.
    Expired,
}

/// A proposed change will never be carried out.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeDismissed {
    /// Number of the proposal.
    pub number: u64,
    /// Why.
    pub dismissal: Dismissal,
}

/// The guardian paused new work.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkPaused {
    /// The guardian.
    pub guardian: Pubkey,
    /// The first slot in which work is taken again.
    pub paused_until_slot: u64,
    /// The first slot in which the guardian may pause again.
    pub pause_allowed_slot: u64,
}

/// The network was brought to the layout of this program.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkMigrated {
    /// The version that it had.
    pub from_version: u8,
    /// The version that it has.
    pub to_version: u8,
}

/// A job was brought to the layout of this program.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobMigrated {
    /// The job.
    pub job: Pubkey,
    /// The version that it had.
    pub from_version: u8,
    /// The version that it has.
    pub to_version: u8,
}

/// A node was brought to the layout of this program.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeMigrated {
    /// The node.
    pub node: Pubkey,
    /// The version that it had.
    pub from_version: u8,
    /// The version that it has.
    pub to_version: u8,
}

/// A fee in the stake mint was taken out of a job.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeBurned {
    /// The job.
    pub job: Pubkey,
    /// What burned, in base units of the stake mint.
    pub burned: u64,
    /// What went to the treasury, in base units of the stake mint.
    pub kept: u64,
    /// What the pool paid on top of the node's credit, in base units of the stake mint.
    pub reward: u64,
    /// What has burned since the beginning, in base units of the stake mint.
    pub fees_burned: u64,
}

/// The reward pool was created.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardPoolCreated {
    /// The token account that holds it.
    pub vault: Pubkey,
}
