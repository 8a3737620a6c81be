//! Windows of slots, each with exactly one slot at which it stops being open.

use crate::error::Checked;
use crate::units::{Slot, Slots};

/// A window that opens at `start` and whose last slot is `start + length`.
///
/// What must happen in time and what may happen afterwards ask the same value, so no slot allows both or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    last: Slot,
}

impl Deadline {
    /// The window of `length` after `start`; `ArithmeticOverflow` if its end is beyond 64 bits.
    pub fn new(start: Slot, length: Slots) -> Checked<Self> {
        Ok(Self { last: start.plus(length)? })
    }

    /// The last slot of the window.
    pub fn last(&self) -> Slot {
        self.last
    }

    /// Whether `now` is beyond the last slot.
    pub fn has_passed(&self, now: Slot) -> bool {
        now > self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AssayError;

    #[test]
    fn the_last_slot_is_still_in_time() {
        let deadline = Deadline::new(Slot(100), Slots(5)).unwrap();
        assert_eq!(deadline.last(), Slot(105));
        assert!(!deadline.has_passed(Slot(100)));
        assert!(!deadline.has_passed(Slot(105)));
        assert!(deadline.has_passed(Slot(106)));
    }

    #[test]
    fn an_end_beyond_64_bits_is_an_error() {
        assert_eq!(Deadline::new(Slot(u64::MAX), Slots(1)), Err(AssayError::ArithmeticOverflow));
    }
}
