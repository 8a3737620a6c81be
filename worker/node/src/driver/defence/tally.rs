//! What was done in a round, for the log.

use crate::journal::DisputeLog;

/// What was done in a round, for the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) answers: u32,
    pub(super) roots: u32,
    pub(super) timed_out: u32,
    pub(super) transactions: u32,
    pub(super) fees_lamports: u64,
    pub(super) earned_lamports: u64,
    /// What the accounts that were opened hold.
    pub(super) rent_lamports: u64,
    pub(super) slot: u64,
}

impl Tally {
    pub(super) fn landed(&mut self, slot: u64, fee_lamports: u64) {
        self.transactions += 1;
        self.fees_lamports = self.fees_lamports.saturating_add(fee_lamports);
        self.slot = self.slot.max(slot);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.roots += other.roots;
        self.timed_out += other.timed_out;
        self.transactions += other.transactions;
        self.fees_lamports = self.fees_lamports.saturating_add(other.fees_lamports);
        self.earned_lamports = self.earned_lamports.saturating_add(other.earned_lamports);
        self.rent_lamports = self.rent_lamports.saturating_add(other.rent_lamports);
        self.slot = self.slot.max(other.slot);
    }

    pub(super) fn write_to(&self, log: &mut DisputeLog) {
        log.answers += self.answers;
        log.roots += self.roots;
        log.timed_out += self.timed_out;
        log.transactions += self.transactions;
        log.fees_lamports = log.fees_lamports.saturating_add(self.fees_lamports);
        log.earned_lamports = log.earned_lamports.saturating_add(self.earned_lamports);
        log.rent_lamports = log.rent_lamports.saturating_add(self.rent_lamports);
    }
}
