//! Sums over the records of a journal.

use crate::journal::{Outcome, Record, SessionOutcome, SessionRecord, SessionStage, Stage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many jobs ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The same by mint, base58; what was paid before mints were recorded is not in it.
    pub earned_by_mint: BTreeMap<String, u64>,
    /// Those that were refused by the code of the reason; what was refused before codes were summed is not in it.
    pub skipped_by_code: BTreeMap<String, u64>,
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
        records.into_iter().for_each(|record| totals.add(record));
        totals
    }

    /// Counts one record more.
    pub fn add(&mut self, record: &Record) {
        match &record.stage {
            Stage::Finished(Outcome::Paid { amount }) => {
                self.paid += 1;
                self.earned = self.earned.saturating_add(*amount);
                add(&mut self.earned_by_mint, record.mint.as_deref(), *amount);
            }
            Stage::Finished(Outcome::Credited { .. }) => self.credited += 1,
            Stage::Finished(Outcome::Lost { .. }) => self.lost += 1,
            Stage::Finished(Outcome::Skipped(refusal)) => {
                self.skipped += 1;
                add(&mut self.skipped_by_code, Some(&refusal.code), 1);
            }
            Stage::Finished(Outcome::Missed { .. }) => self.missed += 1,
            Stage::Finished(Outcome::Convicted { .. }) => self.convicted += 1,
            Stage::Finished(Outcome::Stood) => self.stood += 1,
            _ => self.open += 1,
        }
        if let Some(dispute) = &record.dispute {
            self.challenges += dispute.challenges.len() as u64;
            self.answers += u64::from(dispute.answers) + u64::from(dispute.roots);
            self.dispute_fees_lamports = self.dispute_fees_lamports.saturating_add(dispute.fees_lamports);
            self.dispute_earned_lamports = self.dispute_earned_lamports.saturating_add(dispute.earned_lamports);
        }
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
            earned_by_mint: both(&self.earned_by_mint, &other.earned_by_mint),
            skipped_by_code: both(&self.skipped_by_code, &other.skipped_by_code),
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The same by mint, base58; what was paid before mints were recorded is not in it.
    pub earned_by_mint: BTreeMap<String, u64>,
    /// Those that were refused by the code of the reason; what was refused before codes were summed is not in it.
    pub skipped_by_code: BTreeMap<String, u64>,
    /// Bytes of inputs that are kept for disputes.
    pub kept_bytes: u64,
}

impl SessionTotals {
    /// Counts records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a SessionRecord>) -> Self {
        let mut totals = Self::default();
        records.into_iter().for_each(|record| totals.add(record));
        totals
    }

    /// Counts one record more.
    pub fn add(&mut self, record: &SessionRecord) {
        self.receipts = self.receipts.saturating_add(record.receipts);
        self.kept_bytes = self.kept_bytes.saturating_add(record.kept_bytes);
        match &record.stage {
            SessionStage::Finished(SessionOutcome::Paid { amount }) => {
                self.settled += 1;
                self.earned = self.earned.saturating_add(*amount);
                add(&mut self.earned_by_mint, record.mint.as_deref(), *amount);
            }
            SessionStage::Finished(SessionOutcome::Credited { .. }) => self.settled += 1,
            SessionStage::Finished(SessionOutcome::Skipped(refusal)) => {
                self.skipped += 1;
                add(&mut self.skipped_by_code, Some(&refusal.code), 1);
            }
            SessionStage::Finished(SessionOutcome::Lost { .. }) => self.lost += 1,
            SessionStage::Finished(SessionOutcome::Convicted) => self.convicted += 1,
            SessionStage::Admitted | SessionStage::Accepted => self.open += 1,
        }
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
            earned_by_mint: both(&self.earned_by_mint, &other.earned_by_mint),
            skipped_by_code: both(&self.skipped_by_code, &other.skipped_by_code),
            kept_bytes: self.kept_bytes.saturating_add(other.kept_bytes),
        }
    }
}

fn add(sums: &mut BTreeMap<String, u64>, key: Option<&str>, amount: u64) {
    let Some(key) = key else { return };
    let sum = sums.entry(key.to_owned()).or_default();
    *sum = sum.saturating_add(amount);
}

fn both(one: &BTreeMap<String, u64>, other: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut sums = one.clone();
    for (key, amount) in other {
        add(&mut sums, Some(key), *amount);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;
    use solana_sdk::pubkey::Pubkey;

    fn record(outcome: Outcome, mint: Option<&str>) -> Record {
        let mint = mint.map(str::to_owned);
        Record { mint, ..Record::new(&Pubkey::new_unique(), Stage::Finished(outcome), 1) }
    }

    #[test]
    fn earnings_are_told_apart_by_mint_and_skips_by_code() {
        let skipped = |code: &str| record(Outcome::Skipped(Refusal::new(code, "", "")), None);
        let records = [
            record(Outcome::Paid { amount: 5 }, Some("a")),
            record(Outcome::Paid { amount: 6 }, Some("b")),
            record(Outcome::Paid { amount: 7 }, None),
            skipped("N0206"),
            skipped("N0206"),
            skipped("N0201"),
        ];
        let all = Totals::of(&records);
        assert_eq!((all.earned, all.skipped), (18, 3));
        let map = |pairs: &[(&str, u64)]| pairs.iter().map(|(key, sum)| ((*key).to_owned(), *sum)).collect();
        assert_eq!(all.earned_by_mint, map(&[("a", 5), ("b", 6)]));
        assert_eq!(all.skipped_by_code, map(&[("N0201", 1), ("N0206", 2)]));
        let halves = Totals::of(&records[..1]).plus(&Totals::of(&records[1..]));
        assert_eq!(halves, all, "it makes no difference when they are summed");
        let of_an_earlier_version: Totals = serde_json::from_str("{\"earned\":4}").unwrap();
        assert_eq!((of_an_earlier_version.earned, of_an_earlier_version.earned_by_mint.len()), (4, 0));
    }
}
