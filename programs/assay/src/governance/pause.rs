//! A guardian's pause: it ends by itself, and the next one has to wait for as long again.

use crate::error::{AssayError, Checked};
use crate::units::{Slot, Slots};

/// Longest pause: a day of 400 ms slots.
pub const MAXIMUM_PAUSE_SLOTS: u64 = 216_000;
/// The next pause waits for at least an hour of 400 ms slots, so that many short ones are not as good as a long one.
pub const MINIMUM_COOL_DOWN_SLOTS: u64 = 9_000;

/// A pause that begins now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The first slot in which work is taken again.
    pub until: Slot,
    /// The first slot in which the guardian may pause again: after the pause, as long as it was or
    /// [`MINIMUM_COOL_DOWN_SLOTS`], whichever is longer. So whatever a guardian does, work is taken half of the time.
    pub next: Slot,
}

impl Pause {
    /// A pause of `length` from `now` on, where the last one allows the next from `allowed` on.
    ///
    /// `PauseLengthOutOfBounds`, `PauseCoolingDown`, `ArithmeticOverflow` at the end of time.
    pub fn new(now: Slot, length: Slots, allowed: Slot) -> Checked<Self> {
        if !(1..=MAXIMUM_PAUSE_SLOTS).contains(&length.0) {
            return Err(AssayError::PauseLengthOutOfBounds);
        }
        if now < allowed {
            return Err(AssayError::PauseCoolingDown);
        }
        let until = now.plus(length)?;
        Ok(Self { until, next: until.plus(length.max(Slots(MINIMUM_COOL_DOWN_SLOTS)))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_length_is_bounded() {
        let pause = |length| Pause::new(Slot(100), Slots(length), Slot(0));
        assert_eq!(pause(0), Err(AssayError::PauseLengthOutOfBounds));
        assert_eq!(pause(1), Ok(Pause { until: Slot(101), next: Slot(9_101) }));
        assert_eq!(pause(9_001), Ok(Pause { until: Slot(9_101), next: Slot(18_102) }));
        assert_eq!(pause(216_000), Ok(Pause { until: Slot(216_100), next: Slot(432_100) }));
        assert_eq!(pause(216_001), Err(AssayError::PauseLengthOutOfBounds));
        assert_eq!(Pause::new(Slot(u64::MAX), Slots(1), Slot(0)), Err(AssayError::ArithmeticOverflow));
        assert_eq!(Pause::new(Slot(u64::MAX - 1), Slots(1), Slot(0)), Err(AssayError::ArithmeticOverflow));
    }

    #[test]
    fn the_next_pause_waits_to_the_slot() {
        let first = Pause::new(Slot(100), Slots(10_000), Slot(0)).unwrap();
        assert_eq!(Pause::new(Slot(first.next.0 - 1), Slots(1), first.next), Err(AssayError::PauseCoolingDown));
        assert!(Pause::new(first.next, Slots(1), first.next).is_ok());
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// Whatever lengths a guardian chooses, and however soon it pauses again, work is taken at least half of the time.
        #[test]
        fn no_guardian_holds_up_more_than_half_of_the_time(lengths in prop::collection::vec(1..=MAXIMUM_PAUSE_SLOTS, 1..20)) {
            let (mut now, mut paused) = (Slot(1_000), 0);
            for length in lengths {
                let pause = Pause::new(now, Slots(length), now).unwrap();
                paused += pause.until.0 - now.0;
                now = pause.next;
            }
            prop_assert!(paused * 2 <= now.0 - 1_000);
        }
    }
}
