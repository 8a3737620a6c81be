//! What went over connections, and what was paid over them.

use std::time::Duration;

/// What went over a connection and its clones since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, those that failed included.
    pub requests: u64,
    /// Time spent waiting for answers.
    pub waited: Duration,
    /// Requests to which nothing came back that could be read.
    pub unreachable: u64,
    /// Requests that the endpoint refused.
    pub refused: u64,
}

impl Traffic {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            waited: self.waited.saturating_add(other.waited),
            unreachable: self.unreachable.saturating_add(other.unreachable),
            refused: self.refused.saturating_add(other.refused),
        }
    }
}

/// What transactions that landed cost since a connection was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// For signatures.
    pub base_lamports: u64,
    /// For priority.
    pub priority_lamports: u64,
}
