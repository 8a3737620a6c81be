//! Sums over the records of a journal.

use crate::journal::{Outcome, Record, Stage};
use serde::{Deserialize, Serialize};

/// How many jobs ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Not yet over.
    pub open: u64,
    /// Settled and paid out.
    pub paid: u64,
    /// Settled; the payment waits in the vault.
    pub credited: u64,
    /// Taken by others, or gone.
    pub lost: u64,
    /// Refused before any bond was at risk.
    pub skipped: u64,
    /// Claimed and not delivered.
    pub missed: u64,
    /// Base units paid out, over all payment mints.
    pub earned: u64,
}

impl Totals {
    /// Counts records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut totals = Self::default();
        for record in records {
            match &record.stage {
                Stage::Finished(Outcome::Paid { amount }) => {
                    totals.paid += 1;
                    totals.earned = totals.earned.saturating_add(*amount);
                }
                Stage::Finished(Outcome::Credited { .. }) => totals.credited += 1,
                Stage::Finished(Outcome::Lost { .. }) => totals.lost += 1,
                Stage::Finished(Outcome::Skipped(_)) => totals.skipped += 1,
                Stage::Finished(Outcome::Missed { .. }) => totals.missed += 1,
                _ => totals.open += 1,
            }
        }
        totals
    }

    /// The sums of both.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            open: self.open.saturating_add(other.open),
            paid: self.paid.saturating_add(other.paid),
            credited: self.credited.saturating_add(other.credited),
            lost: self.lost.saturating_add(other.lost),
            skipped: self.skipped.saturating_add(other.skipped),
            missed: self.missed.saturating_add(other.missed),
            earned: self.earned.saturating_add(other.earned),
        }
    }
}
