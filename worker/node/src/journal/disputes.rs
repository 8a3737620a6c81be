//! What a node knows and did in the disputes over one job.

use serde::{Deserialize, Serialize};

/// The disputes over one job, for people and for cleaning up afterwards. What has to be done next is never read from
/// here: that is in the accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DisputeLog {
    /// Addresses of the challenges that were seen, base58.
    pub challenges: Vec<String>,
    /// Challenges that were open at the last look.
    pub open: u32,
    /// By when the next answer is due, if one is.
    pub until_slot: Option<u64>,
    /// Base units of the stake mint that a conviction would take besides the slashed share of the stake: the job's bond.
    pub bond: u64,
    /// The share of the stake that a conviction would take, in basis points.
    pub slash_bps: u16,
    /// Numbers of the buffers that this node opened, or was about to.
    pub buffers: Vec<u64>,
    /// Demands that this node answered.
    pub answers: u32,
    /// Roots of segments that it recorded.
    pub roots: u32,
    /// Challenges that it ended because their challengers were out of time.
    pub timed_out: u32,
    /// Transactions that landed.
    pub transactions: u32,
    /// What they cost.
    pub fees_lamports: u64,
    /// What challengers paid for answers.
    pub earned_lamports: u64,
    /// What its accounts hold as rent, which comes back when they are closed.
    pub rent_lamports: u64,
    /// Whether all that this node opened is closed again.
    pub cleaned: bool,
}
