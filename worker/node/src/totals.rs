//! Sums over the records of a journal.

use crate::journal::{Outcome, Record, SessionOutcome, SessionRecord, SessionStage, Stage};
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
    /// Proved wrong, or withheld.
    pub convicted: u64,
    /// Receipts of sessions that were called in, and not proved wrong.
    pub stood: u64,
    /// Challenges of this node's results.
    pub challenges: u64,
    /// Answers and roots that this node gave in disputes.
    pub answers: u64,
    /// What its transactions in disputes cost.
    pub dispute_fees_lamports: u64,
    /// What challengers paid for its answers.
    pub dispute_earned_lamports: u64,
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
                Stage::Finished(Outcome::Convicted { .. }) => totals.convicted += 1,
                Stage::Finished(Outcome::Stood) => totals.stood += 1,
                _ => totals.open += 1,
            }
            if let Some(dispute) = &record.dispute {
                totals.challenges += dispute.challenges.len() as u64;
                totals.answers += u64::from(dispute.answers) + u64::from(dispute.roots);
                totals.dispute_fees_lamports = totals.dispute_fees_lamports.saturating_add(dispute.fees_lamports);
                totals.dispute_earned_lamports = totals.dispute_earned_lamports.saturating_add(dispute.earned_lamports);
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
            convicted: self.convicted.saturating_add(other.convicted),
            stood: self.stood.saturating_add(other.stood),
            challenges: self.challenges.saturating_add(other.challenges),
            answers: self.answers.saturating_add(other.answers),
            dispute_fees_lamports: self.dispute_fees_lamports.saturating_add(other.dispute_fees_lamports),
            dispute_earned_lamports: self.dispute_earned_lamports.saturating_add(other.dispute_earned_lamports),
        }
    }
}

/// Sums over sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionTotals {
    /// Not yet over.
    pub open: u64,
    /// Settled in this node's favour.
    pub settled: u64,
    /// Refused before any bond was at risk.
    pub skipped: u64,
    /// Gone before this node accepted.
    pub lost: u64,
    /// Ended by a conviction.
    pub convicted: u64,
    /// Receipts that were signed.
    pub receipts: u64,
    /// Base units paid out, over all payment mints.
    pub earned: u64,
    /// Bytes of inputs that are kept for disputes.
    pub kept_bytes: u64,
}

impl SessionTotals {
    /// Counts records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a SessionRecord>) -> Self {
        let mut totals = Self::default();
        for record in records {
            totals.receipts = totals.receipts.saturating_add(record.receipts);
            totals.kept_bytes = totals.kept_bytes.saturating_add(record.kept_bytes);
            match &record.stage {
                SessionStage::Finished(SessionOutcome::Paid { amount }) => {
                    totals.settled += 1;
                    totals.earned = totals.earned.saturating_add(*amount);
                }
                SessionStage::Finished(SessionOutcome::Credited { .. }) => totals.settled += 1,
                SessionStage::Finished(SessionOutcome::Skipped(_)) => totals.skipped += 1,
                SessionStage::Finished(SessionOutcome::Lost { .. }) => totals.lost += 1,
                SessionStage::Finished(SessionOutcome::Convicted) => totals.convicted += 1,
                SessionStage::Admitted | SessionStage::Accepted => totals.open += 1,
            }
        }
        totals
    }

    /// The sums of both.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            open: self.open.saturating_add(other.open),
            settled: self.settled.saturating_add(other.settled),
            skipped: self.skipped.saturating_add(other.skipped),
            lost: self.lost.saturating_add(other.lost),
            convicted: self.convicted.saturating_add(other.convicted),
            receipts: self.receipts.saturating_add(other.receipts),
            earned: self.earned.saturating_add(other.earned),
            kept_bytes: self.kept_bytes.saturating_add(other.kept_bytes),
        }
    }
}
