//! Time for which a node declares ahead that it will be away.
//!
//! A window only counts for jobs that were claimed after it was announced, can no longer be changed once it has begun, and
//! is followed by a time in which no other may start. While it lasts, the node claims nothing.

use super::error::{FairnessError, Ruled};
use crate::audit::Epoch;
use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;

/// What governance decides about maintenance.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaintenanceRules {
    /// From the announcement to the start, at least.
    pub notice_slots: u64,
    /// Longest window.
    pub maximum_slots: u64,
    /// From the end of a window to the start of the next, at least.
    pub gap_slots: u64,
}

impl MaintenanceRules {
    /// Seven days of 400 ms slots.
    pub const LONGEST: u64 = 1_512_000;

    /// `RuleOutOfBounds` unless there is a notice, windows last seven days at most, and a node is there for at least three
    /// times as long as it may be away.
    pub fn validate(&self) -> Ruled {
        let sane = self.notice_slots > 0
            && (1..=Self::LONGEST).contains(&self.maximum_slots)
            && self.gap_slots >= self.maximum_slots.saturating_mul(3);
        if sane {
            Ok(())
        } else {
            Err(FairnessError::RuleOutOfBounds)
        }
    }
}

/// The last announced window; all zero if there never was one.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// When it was announced.
    pub announced_slot: u64,
    /// Its first slot.
    pub start_slot: u64,
    /// Its last slot; 0 if there is no window.
    pub end_slot: u64,
    /// The last slot of the window before it, if that one took place.
    pub previous_end_slot: u64,
}

impl Maintenance {
    /// Announces a window; one that is announced and has not begun is replaced.
    ///
    /// `MaintenanceBegun` while the last window lasts; `MaintenanceTooSoon`, `MaintenanceTooLong`, `MaintenanceTooOften`.
    pub fn announce(&mut self, start: Slot, length: Slots, now: Slot, rules: &MaintenanceRules) -> Ruled {
        if self.covers(now) {
            return Err(FairnessError::MaintenanceBegun);
        }
        if start < now.plus(Slots(rules.notice_slots))? {
            return Err(FairnessError::MaintenanceTooSoon);
        }
        if length == Slots(0) || length.0 > rules.maximum_slots {
            return Err(FairnessError::MaintenanceTooLong);
        }
        let took_place = self.end_slot != 0 && self.end_slot < now.0;
        let previous = if took_place { self.end_slot } else { self.previous_end_slot };
        if previous != 0 && start <= Slot(previous).plus(Slots(rules.gap_slots))? {
            return Err(FairnessError::MaintenanceTooOften);
        }
        let last = start.plus(Slots(length.0.saturating_sub(1)))?;
        *self = Self { announced_slot: now.0, start_slot: start.0, end_slot: last.0, previous_end_slot: previous };
        Ok(())
    }

    /// Whether `slot` lies in the window.
    pub fn covers(&self, slot: Slot) -> bool {
        self.end_slot != 0 && (self.start_slot..=self.end_slot).contains(&slot.0)
    }

    /// Whether the window excuses that a job claimed at `claimed` had no result by `last`, the last slot of its run: it was
    /// announced before the claim, and `last` lies in it.
    pub fn excuses(&self, claimed: Slot, last: Slot) -> bool {
        self.announced_slot < claimed.0 && self.covers(last)
    }

    /// How many of the epochs `first..=last` the window touches: in them no heartbeat is missed.
    pub fn epochs_excused(&self, first: Epoch, last: Epoch, epoch_slots: u32) -> Ruled<u64> {
        if self.end_slot == 0 {
            return Ok(0);
        }
        let from = Epoch::of(Slot(self.start_slot), epoch_slots)?.max(first);
        let to = Epoch::of(Slot(self.end_slot), epoch_slots)?.min(last);
        Ok(to.0.saturating_add(1).saturating_sub(from.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: MaintenanceRules = MaintenanceRules { notice_slots: 20, maximum_slots: 50, gap_slots: 150 };

    fn announced(start: u64, length: u64, now: u64) -> Maintenance {
        let mut window = Maintenance::default();
        window.announce(Slot(start), Slots(length), Slot(now), &RULES).unwrap();
        window
    }

    #[test]
    fn declared_after_the_fact_excuses_nothing() {
        let window = announced(120, 30, 100);
        assert!(window.excuses(Slot(101), Slot(120)) && window.excuses(Slot(101), Slot(149)));
        assert!(!window.excuses(Slot(99), Slot(130)), "claimed before it was announced");
        assert!(!window.excuses(Slot(100), Slot(130)), "in the same slot");
        assert!(!window.excuses(Slot(101), Slot(119)) && !window.excuses(Slot(101), Slot(150)), "due outside");
        assert!(!Maintenance::default().excuses(Slot(5), Slot(0)), "no window covers nothing");
    }

    #[test]
    fn each_rule_is_refused() {
        let mut window = Maintenance::default();
        let mut announce = |start, length, now| window.announce(Slot(start), Slots(length), Slot(now), &RULES);
        assert_eq!(announce(119, 10, 100), Err(FairnessError::MaintenanceTooSoon));
        assert_eq!(announce(120, 0, 100), Err(FairnessError::MaintenanceTooLong));
        assert_eq!(announce(120, 51, 100), Err(FairnessError::MaintenanceTooLong));
        assert_eq!(announce(120, 50, 100), Ok(()));
        assert_eq!(announce(150, 50, 119), Ok(()), "replaced before it began");
        assert_eq!(announce(300, 50, 150), Err(FairnessError::MaintenanceBegun));
        assert_eq!(announce(300, 50, 199), Err(FairnessError::MaintenanceBegun));
        assert_eq!(announce(349, 50, 200), Err(FairnessError::MaintenanceTooOften));
        assert_eq!(announce(350, 50, 200), Ok(()));
        assert_eq!(announce(349, 50, 210), Err(FairnessError::MaintenanceTooOften), "replacing forgets nothing");
    }

    #[test]
    fn rules_outside_their_bounds_are_refused() {
        assert_eq!(RULES.validate(), Ok(()));
        let longest = MaintenanceRules { maximum_slots: 1_512_000, gap_slots: 1_512_000 * 3, notice_slots: 1 };
        assert_eq!(longest.validate(), Ok(()));
        for rules in [
            MaintenanceRules { notice_slots: 0, ..RULES },
            MaintenanceRules { maximum_slots: 0, ..RULES },
            MaintenanceRules { gap_slots: 149, ..RULES },
            MaintenanceRules { maximum_slots: 1_512_001, gap_slots: u64::MAX, notice_slots: 1 },
        ] {
            assert_eq!(rules.validate(), Err(FairnessError::RuleOutOfBounds));
        }
    }

    #[test]
    fn epochs_that_the_window_touches_are_excused() {
        let window = announced(195, 20, 100);
        let excused = |first, last| window.epochs_excused(Epoch(first), Epoch(last), 100).unwrap();
        assert_eq!((excused(0, 9), excused(2, 9), excused(3, 9), excused(0, 0)), (2, 1, 0, 0));
        assert_eq!(Maintenance::default().epochs_excused(Epoch(0), Epoch(9), 100), Ok(0));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// However windows are announced and replaced, a node is declared away for at most a quarter of any long time.
        #[test]
        fn nobody_is_always_away(tries in prop::collection::vec((0u64..60, 0u64..200, 0u64..60), 1..200)) {
            let (mut window, mut now, mut away) = (Maintenance::default(), 1, 0);
            for (wait, ahead, length) in tries {
                for slot in now..now + wait {
                    away += u64::from(window.covers(Slot(slot)));
                }
                now += wait;
                let _ = window.announce(Slot(now + ahead), Slots(length), Slot(now), &RULES);
            }
            prop_assert!(away <= now / 4 + RULES.maximum_slots, "{away} of {now}");
        }
    }
}
