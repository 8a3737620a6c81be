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
    /// Claims that ended without a result, so far.
    pub jobs_missed: u64,
    /// When a result last counted as late; 0 if none did.
    pub last_late_slot: u64,
    /// Jobs and receipts that were convicted, so far.
    pub convictions: u32,
}

/// That the score is lower than at the reading before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fall {
    /// The score before, of 10,000.
    pub before_bps: u32,
    /// The score now, of 10,000.
    pub now_bps: u32,
    /// What the account shows for it; nothing where good work only fades with time.
    pub causes: Vec<String>,
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
            jobs_missed: node.jobs_missed,
            last_late_slot: node.standing.lates.since_slot,
            convictions: node.fraud_convictions,
        }
    }

    /// Whether the score has fallen since the reading `before`, and what else has changed that explains it.
    pub fn fall_since(&self, before: &Self) -> Option<Fall> {
        if self.reputation_bps >= before.reputation_bps {
            return None;
        }
        let convicted = self.convictions.saturating_sub(before.convictions);
        let missed = self.jobs_missed.saturating_sub(before.jobs_missed);
        // A miss counts with the next sign of life, which may be read later than the miss.
        let counted = u64::from(before.misses_unresolved.saturating_sub(self.misses_unresolved));
        let causes = [
            (convicted > 0).then(|| format!("convictions: {convicted}")),
            (missed.max(counted) > 0)
                .then(|| format!("claimed jobs that had no result in time: {}", missed.max(counted))),
            (self.last_late_slot > before.last_late_slot)
                .then(|| format!("a result that came late, counted in slot {}", self.last_late_slot)),
        ];
        let (before_bps, now_bps) = (before.reputation_bps, self.reputation_bps);
        Some(Fall { before_bps, now_bps, causes: causes.into_iter().flatten().collect() })
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

    /// Notes what the node's own account says, and tells people if its score has fallen since the reading before.
    pub fn note_standing(&self, standing: Standing) -> Option<Fall> {
        let before = self.standing.lock().unwrap_or_else(PoisonError::into_inner).replace(standing);
        let fall = before.and_then(|before| standing.fall_since(&before));
        match &fall {
            Some(Fall { before_bps, now_bps, causes }) if causes.is_empty() => {
                tracing::info!(before_bps, now_bps, "the node's score is lower: good work of long ago counts less");
            }
            Some(Fall { before_bps, now_bps, causes }) => tracing::warn!(
                code = "N0506",
                before_bps,
                now_bps,
                "N0506 the node's score fell from {before_bps} to {now_bps} of 10,000: {}; `assay node explain` says what follows from it",
                causes.join("; ")
            ),
            None => {}
        }
        fall
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

    #[test]
    fn a_score_that_falls_is_told_with_what_the_account_shows_for_it() {
        let meter = Meter::new("");
        let parameters = Parameters::default();
        let mut node = Node::default();
        node.score.0 = 60_000;
        let mut read = |change: &dyn Fn(&mut Node)| {
            change(&mut node);
            meter.note_standing(Standing::of(&node, &parameters, None, 1))
        };
        assert_eq!(read(&|_| {}), None, "nothing is known from before");
        assert_eq!(read(&|node| node.score.0 = 62_000), None, "it rose");
        let missed = read(&|node| {
            node.jobs_missed = 2;
            node.standing.unresolved = 2;
        });
        assert_eq!(missed, None, "they do not count yet");
        let fall = read(&|node| {
            node.standing.unresolved = 0;
            node.score.0 = 30_000;
        })
        .unwrap();
        assert!(fall.before_bps > fall.now_bps, "{fall:?}");
        assert_eq!(fall.causes, ["claimed jobs that had no result in time: 2"]);
        let fall = read(&|node| {
            node.standing.lates.since_slot = 77;
            node.fraud_convictions = 1;
            node.score.0 = 0;
        })
        .unwrap();
        assert_eq!(fall.causes, ["convictions: 1", "a result that came late, counted in slot 77"]);
        assert_eq!(read(&|node| node.score.0 = 9_000), None);
        assert_eq!(read(&|node| node.score.0 = 8_000).unwrap().causes, [""; 0], "it fades");
    }
}
