//! How long a change waits before it can be carried out, and how long it then can.

use crate::error::{AssayError, Checked};
use crate::units::{Slot, Slots};

/// The hard bounds. No governance can leave them without an upgrade of the program.
pub mod timelock_limits {
    use core::ops::RangeInclusive;

    /// From two to thirty days of 400 ms slots.
    pub const TIMELOCK_SLOTS: RangeInclusive<u64> = 432_000..=6_480_000;
    /// The same on a development network, where a change may take effect at once.
    pub const DEVELOPMENT_TIMELOCK_SLOTS: RangeInclusive<u64> = 0..=6_480_000;
}

/// How long a change that has waited can be carried out: seven days of 400 ms slots.
pub const EXECUTION_SLOTS: u64 = 1_512_000;

/// `TimelockOutOfBounds` unless a network of this kind may make its changes wait for so long.
pub fn check_timelock(slots: u64, development: bool) -> Checked {
    let allowed = match development {
        true => timelock_limits::DEVELOPMENT_TIMELOCK_SLOTS,
        false => timelock_limits::TIMELOCK_SLOTS,
    };
    if allowed.contains(&slots) {
        Ok(())
    } else {
        Err(AssayError::TimelockOutOfBounds)
    }
}

/// When a change can be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first slot in which it can.
    pub eta: Slot,
    /// The last one.
    pub last: Slot,
}

impl Schedule {
    /// Of a change proposed at `now`. `ArithmeticOverflow` at the end of time.
    pub fn new(now: Slot, timelock: Slots) -> Checked<Self> {
        let eta = now.plus(timelock)?;
        Ok(Self { eta, last: eta.plus(Slots(EXECUTION_SLOTS))? })
    }

    /// `TimelockRunning` or `ProposalExpired` unless the change can be carried out at `now`.
    pub fn check_executable(&self, now: Slot) -> Checked {
        if now < self.eta {
            return Err(AssayError::TimelockRunning);
        }
        if self.has_expired(now) {
            return Err(AssayError::ProposalExpired);
        }
        Ok(())
    }

    /// Whether the change can never be carried out any more.
    pub fn has_expired(&self, now: Slot) -> bool {
        now > self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_development_network_changes_at_once() {
        let refused = Err(AssayError::TimelockOutOfBounds);
        for (slots, development, result) in [
            (0, true, Ok(())),
            (0, false, refused),
            (431_999, false, refused),
            (432_000, false, Ok(())),
            (6_480_000, false, Ok(())),
            (6_480_001, false, refused),
            (6_480_001, true, refused),
            (u64::MAX, true, refused),
        ] {
            assert_eq!(check_timelock(slots, development), result, "{slots}, development {development}");
        }
    }

    #[test]
    fn a_change_waits_to_the_slot_and_expires_to_the_slot() {
        let schedule = Schedule::new(Slot(1_000), Slots(50)).unwrap();
        assert_eq!(schedule, Schedule { eta: Slot(1_050), last: Slot(1_050 + EXECUTION_SLOTS) });
        assert_eq!(schedule.check_executable(Slot(1_049)), Err(AssayError::TimelockRunning));
        assert_eq!(schedule.check_executable(schedule.eta), Ok(()));
        assert_eq!(schedule.check_executable(schedule.last), Ok(()));
        assert!(!schedule.has_expired(schedule.last));
        let late = Slot(schedule.last.0 + 1);
        assert_eq!(schedule.check_executable(late), Err(AssayError::ProposalExpired));
        assert!(schedule.has_expired(late));
        assert_eq!(Schedule::new(Slot(u64::MAX), Slots(0)), Err(AssayError::ArithmeticOverflow));
        assert_eq!(Schedule::new(Slot(0), Slots(u64::MAX)), Err(AssayError::ArithmeticOverflow));
    }
}
