//! When the node stops claiming by itself, and when it goes on.

use serde::{Deserialize, Serialize};

/// Which mismatch of a backend stops claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MismatchRule {
    /// Any: what computed wrong once shares its machine with what is left.
    #[default]
    Any,
    /// The one that leaves no backend.
    All,
}

/// The bounds of the node's own breaker. A bound of 0 switches its cause off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// Promises that may fail one after the other: runs, commitments, jobs.
    pub failures: u32,
    /// Slots of the first pause after that. It doubles with every failed trial.
    pub pause_slots: u64,
    /// Slots of the longest pause, after failures and after slow runs.
    pub longest_pause_slots: u64,
    /// Which mismatch of a backend stops claims.
    pub mismatch: MismatchRule,
    /// A run with less than so much of the speed of the same run before is slow, in parts of 100.
    pub slow_percent: u8,
    /// Slow runs one after the other.
    pub slow_runs: u32,
    /// Slots of the first pause after that.
    pub cooling_slots: u64,
    /// Least lamports on the operator key.
    pub least_lamports: u64,
    /// Slots that RPC endpoints may be apart.
    pub disagreement_slots: u64,
    /// Seconds for which they have to disagree, and then to agree.
    pub disagreement_seconds: u64,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 3,
            pause_slots: 150,
            longest_pause_slots: 9_000,
            mismatch: MismatchRule::Any,
            slow_percent: 50,
            slow_runs: 5,
            cooling_slots: 750,
            least_lamports: 10_000_000,
            disagreement_slots: 150,
            disagreement_seconds: 60,
        }
    }
}
