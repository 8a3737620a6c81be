//! What a session's client has promised, and what was done for it: pure.

use crate::journal::HeldVoucher;
use std::collections::HashSet;

/// The account of one session in memory. The journal has the same numbers as of the last receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// Price of a request.
    price: u64,
    /// Receipts that were signed.
    receipts: u64,
    greatest_sequence: Option<u64>,
    /// Sequences whose requests came in and are not begun, or have their receipt.
    entered: HashSet<u64>,
    /// Sequences whose requests are begun and have no receipt yet.
    at_work: HashSet<u64>,
    voucher: Option<HeldVoucher>,
}

/// Why a request is not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotBegun {
    /// The client has to promise at least this.
    Owed(u64),
    /// A request with this number is computed at present.
    AtWork,
}

impl Ledger {
    /// As the journal has it.
    pub(crate) fn new(price: u64, receipts: u64, greatest_sequence: Option<u64>, voucher: Option<HeldVoucher>) -> Self {
        Self { price, receipts, greatest_sequence, entered: HashSet::new(), at_work: HashSet::new(), voucher }
    }

    /// A request with this number comes in; while it is there, no other one with this number does. It may have its receipt
    /// already: until it is paid for, nothing more is owed.
    pub(crate) fn enter(&mut self, sequence: u64) -> Result<(), NotBegun> {
        if self.at_work.contains(&sequence) || !self.entered.insert(sequence) {
            return Err(NotBegun::AtWork);
        }
        Ok(())
    }

    /// Begins a request that came in and has no receipt, if what the client has promised covers it beside all receipts and
    /// all requests that are computed: requests that run at the same time cannot be paid by one voucher. The voucher was
    /// checked.
    pub(crate) fn begin(&mut self, sequence: u64, voucher: HeldVoucher) -> Result<(), NotBegun> {
        if self.promised() < voucher.amount {
            self.voucher = Some(voucher);
        }
        let owed = self.owed();
        if self.promised() < owed {
            return Err(NotBegun::Owed(owed));
        }
        self.entered.remove(&sequence);
        self.at_work.insert(sequence);
        Ok(())
    }

    /// A request that was begun has its receipt, and is counted; it is still there.
    pub(crate) fn receipted(&mut self, sequence: u64) {
        self.receipts = self.receipts.saturating_add(1);
        self.greatest_sequence = self.greatest_sequence.max(Some(sequence));
        self.at_work.remove(&sequence);
        self.entered.insert(sequence);
    }

    /// A request goes, with its receipt or without.
    pub(crate) fn leave(&mut self, sequence: u64) {
        self.at_work.remove(&sequence);
        self.entered.remove(&sequence);
    }

    /// What a voucher has to promise before one more request begins.
    pub(crate) fn owed(&self) -> u64 {
        let requests = self.receipts.saturating_add(self.at_work.len() as u64).saturating_add(1);
        self.price.saturating_mul(requests)
    }

    /// What the client has promised.
    pub(crate) fn promised(&self) -> u64 {
        self.voucher.map_or(0, |voucher| voucher.amount)
    }

    /// The greatest voucher.
    pub(crate) fn voucher(&self) -> Option<HeldVoucher> {
        self.voucher
    }

    /// Receipts that were signed, and the greatest sequence among them.
    pub(crate) fn receipts(&self) -> (u64, Option<u64>) {
        (self.receipts, self.greatest_sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn voucher(amount: u64) -> HeldVoucher {
        HeldVoucher { amount, signature: [0; 64] }
    }

    fn begin(ledger: &mut Ledger, sequence: u64, amount: u64) -> Result<(), NotBegun> {
        ledger.enter(sequence)?;
        let begun = ledger.begin(sequence, voucher(amount));
        if begun.is_err() {
            ledger.leave(sequence);
        }
        begun
    }

    #[test]
    fn a_voucher_has_to_cover_this_request_too() {
        let mut ledger = Ledger::new(10, 2, Some(7), Some(voucher(20)));
        assert_eq!(begin(&mut ledger, 8, 29), Err(NotBegun::Owed(30)));
        assert_eq!(begin(&mut ledger, 8, 30), Ok(()));
        assert_eq!(begin(&mut ledger, 8, 90), Err(NotBegun::AtWork));
        assert_eq!(begin(&mut ledger, 9, 30), Err(NotBegun::Owed(40)), "one voucher does not pay for two at once");
        assert_eq!(ledger.promised(), 30, "what was refused as being at work was not looked at");
        ledger.receipted(8);
        assert_eq!((ledger.owed(), ledger.receipts()), (40, (3, Some(8))));
    }

    #[test]
    fn what_failed_costs_nothing_and_what_has_its_receipt_is_given_again_for_nothing() {
        let mut ledger = Ledger::new(10, 0, None, None);
        begin(&mut ledger, 1, 10).unwrap();
        ledger.leave(1);
        assert_eq!(begin(&mut ledger, 2, 10), Ok(()), "the voucher is as good as before");
        ledger.receipted(2);
        assert_eq!(ledger.enter(2), Err(NotBegun::AtWork), "the first is still there");
        ledger.leave(2);
        assert_eq!(ledger.enter(2), Ok(()));
        assert_eq!(ledger.enter(2), Err(NotBegun::AtWork));
        assert_eq!(ledger.owed(), 20, "it is not paid for once more");
        ledger.leave(2);
        assert_eq!(ledger.receipts(), (1, Some(2)));
        let mut dear = Ledger::new(u64::MAX, u64::MAX, None, None);
        assert_eq!(begin(&mut dear, 1, 5), Err(NotBegun::Owed(u64::MAX)));
    }

    proptest! {
        /// However requests come, run beside one another and fail: no more receipts than were promised payment for.
        #[test]
        fn every_receipt_was_promised_before_it_was_begun(
            moves in prop::collection::vec((0u64..6, 0u64..80, 0u8..3), 0..80),
        ) {
            let mut ledger = Ledger::new(10, 0, None, None);
            for (sequence, amount, what) in moves {
                match what {
                    0 => drop(begin(&mut ledger, sequence, amount)),
                    1 if ledger.at_work.contains(&sequence) => ledger.receipted(sequence),
                    _ => ledger.leave(sequence),
                }
                prop_assert!(10 * (ledger.receipts + ledger.at_work.len() as u64) <= ledger.promised());
            }
        }
    }
}
