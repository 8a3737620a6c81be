//! Epochs: equal lengths of slots, counted from slot 0. A chain gives one seed an epoch.

use crate::error::{AssayError, Checked};
use crate::units::Slot;

/// The number of an epoch. Numbers are only comparable under one length of epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch in which a slot lies. `InvariantBroken` for epochs of no length, which no parameters have.
    pub fn of(slot: Slot, epoch_slots: u32) -> Checked<Self> {
        slot.0.checked_div(u64::from(epoch_slots)).map(Self).ok_or(AssayError::InvariantBroken)
    }

    /// The epoch that comes `count` later; `ArithmeticOverflow` beyond 64 bits.
    pub fn plus(self, count: u64) -> Checked<Self> {
        self.0.checked_add(count).map(Self).ok_or(AssayError::ArithmeticOverflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_lies_in_one_epoch() {
        for (slot, epoch) in [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (u64::MAX, u64::MAX / 10)] {
            assert_eq!(Epoch::of(Slot(slot), 10), Ok(Epoch(epoch)), "slot {slot}");
        }
        assert_eq!(Epoch::of(Slot(u64::MAX), 1), Ok(Epoch(u64::MAX)));
        assert_eq!(Epoch::of(Slot(1), 0), Err(AssayError::InvariantBroken));
        assert_eq!(Epoch(u64::MAX).plus(1), Err(AssayError::ArithmeticOverflow));
    }
}
