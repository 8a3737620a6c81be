//! What is counted and timed while the node works, and what it last saw of itself on-chain.

use assay::fairness::reputation::score_in_basis_points;
use assay::state::{Node, Parameters};
use assay_telemetry::live::{Counts, Timings};
use assay_telemetry::machine::{self, Machine};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A stage of a job that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStage {
    /// Artifacts come into the node's own store.
    Fetch,
    /// They are read and checked, and the model is loaded.
    Prepare,
    /// Kernels compute.
    Run,
    /// The result is hashed and stored.
    Commit,
    /// The commitment is sent, until it is in a block.
    Confirm,
}

impl JobStage {
    fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Prepare => "prepare",
            Self::Run => "run",
            Self::Commit => "commit",
            Self::Confirm => "confirm",
        }
    }
}

/// What the node's own account and the network's said when they were last read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Slot of the reading.
    pub slot: u64,
    /// Base units at stake, bonds included.
    pub stake: u64,
    /// Base units in bonds.
    pub locked: u64,
    /// Base units on their way out.
    pub unbonding: u64,
    /// Base units that others delegate.
    pub delegated: u64,
    /// Base units that the network asks for before a node may claim.
    pub minimum_stake: u64,
    /// The score, of 10,000.
    pub reputation_bps: u32,
    /// Misses that no sign of life has followed.
    pub misses_unresolved: u16,
    /// The first slot in which the node may claim again.
    pub jailed_until_slot: u64,
    /// The first and the last slot of the maintenance that was declared last; the last is 0 if there is none.
    pub maintenance: (u64, u64),
    /// The first slot in which the network takes new work again, if the guardian pauses it.
    pub paused_until_slot: Option<u64>,
}

impl Standing {
    /// What these accounts say at `slot`.
    pub fn of(node: &Node, parameters: &Parameters, paused_until_slot: Option<u64>, slot: u64) -> Self {
        let maintenance = &node.standing.maintenance;
        Self {
            slot,
            stake: node.stake,
            locked: node.locked,
            unbonding: node.unbonding.iter().fold(0, |sum, place| sum.saturating_add(place.amount)),
            delegated: node.delegation.stake,
            minimum_stake: parameters.minimum_stake,
            reputation_bps: score_in_basis_points(node.score).0,
            misses_unresolved: node.standing.unresolved,
            jailed_until_slot: node.standing.jailed_until_slot,
            maintenance: (maintenance.start_slot, maintenance.end_slot),
            paused_until_slot: paused_until_slot.filter(|until| slot < *until),
        }
    }

    /// Whether declared maintenance keeps the node from claiming at `slot`.
    pub fn is_in_maintenance(&self, slot: u64) -> bool {
        let (start, end) = self.maintenance;
        end > 0 && (start..=end).contains(&slot)
    }
}

/// The instruments of one node.
#[derive(Debug)]
pub struct Meter {
    /// Times of the stages of jobs.
    pub stages: Timings,
    /// Transactions of jobs by purpose and fate.
    pub transactions: Counts,
    /// Results that were sent to the mirror, by outcome.
    pub mirrored: Counts,
    born: Instant,
    data_folder: PathBuf,
    lag_slots: AtomicU64,
    standing: Mutex<Option<Standing>>,
}

impl Meter {
    /// Instruments of a node whose journal and artifacts are in this folder.
    pub fn new(data_folder: impl Into<PathBuf>) -> Self {
        Self {
            stages: Timings::default(),
            transactions: Counts::default(),
            mirrored: Counts::default(),
            born: Instant::now(),
            data_folder: data_folder.into(),
            lag_slots: AtomicU64::new(0),
            standing: Mutex::default(),
        }
    }

    /// Notes how long a stage of a job took.
    pub fn note_stage(&self, stage: JobStage, time: Duration) {
        self.stages.note(&[("stage", stage.name())], time);
    }

    /// Notes that an account was read which was `slots` behind the slot that was heard.
    pub fn note_lag(&self, slots: u64) {
        self.lag_slots.store(slots, Ordering::Relaxed);
    }

    /// How far the last account that was read was behind.
    pub fn lag_slots(&self) -> u64 {
        self.lag_slots.load(Ordering::Relaxed)
    }

    /// Notes what the node's own account says.
    pub fn note_standing(&self, standing: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }

    /// What it said last.
    pub fn standing(&self) -> Option<Standing> {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when the process works.
    pub fn uptime(&self) -> Duration {
        self.born.elapsed()
    }

    /// Memory and disk; it reads files: not on an async thread.
    pub fn machine(&self) -> Machine {
        machine::look(&self.data_folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_what_the_accounts_say() {
        let mut node = Node { stake: 9, locked: 4, ..Node::default() };
        node.unbonding[0].amount = 2;
        node.unbonding[1].amount = 3;
        node.delegation.stake = 7;
        node.score.0 = 32_768;
        node.standing.maintenance.start_slot = 10;
        node.standing.maintenance.end_slot = 20;
        let parameters = Parameters { minimum_stake: 5, ..Parameters::default() };
        let standing = Standing::of(&node, &parameters, Some(50), 40);
        assert_eq!((standing.stake, standing.locked, standing.unbonding, standing.delegated), (9, 4, 5, 7));
        assert_eq!((standing.reputation_bps, standing.minimum_stake), (5_000, 5));
        assert_eq!(standing.paused_until_slot, Some(50));
        assert_eq!(Standing::of(&node, &parameters, Some(50), 50).paused_until_slot, None);
        assert_eq!([9, 10, 20, 21].map(|slot| standing.is_in_maintenance(slot)), [false, true, true, false]);
        assert!(!Standing::default().is_in_maintenance(0), "no maintenance was declared");
    }
}
