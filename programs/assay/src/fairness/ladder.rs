//! A ladder of repeated failures that is climbed with each and goes down by itself with time.

use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;

/// The highest step.
pub const HIGHEST: u8 = 8;

/// How high somebody stands, as of a slot.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// The step at `since_slot`.
    pub step: u8,
    /// When it was last climbed.
    pub since_slot: u64,
}

impl Ladder {
    /// The step at `now`: one less for each whole `recovery` since the last climb.
    pub fn at(&self, now: Slot, recovery: Slots) -> u8 {
        let down = now.since(Slot(self.since_slot)).0.checked_div(recovery.0).unwrap_or(u64::MAX);
        self.step.saturating_sub(u8::try_from(down).unwrap_or(u8::MAX))
    }

    /// Climbs `steps` from where it stands at `now`, at most to [`HIGHEST`]; the time until the next step down starts again.
    pub fn climb(&mut self, steps: u16, now: Slot, recovery: Slots) -> u8 {
        let step = u16::from(self.at(now, recovery)).saturating_add(steps).min(u16::from(HIGHEST));
        self.step = u8::try_from(step).unwrap_or(HIGHEST);
        self.since_slot = now.0;
        self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECOVERY: Slots = Slots(10);

    #[test]
    fn goes_down_a_step_at_a_time() {
        let mut ladder = Ladder::default();
        assert_eq!(ladder.climb(3, Slot(100), RECOVERY), 3);
        assert_eq!(
            [100, 109, 110, 120, 129, 130, u64::MAX].map(|slot| ladder.at(Slot(slot), RECOVERY)),
            [3, 3, 2, 1, 1, 0, 0]
        );
        assert_eq!(ladder.climb(1, Slot(119), RECOVERY), 3);
        assert_eq!(ladder.at(Slot(128), RECOVERY), 3, "the time starts again");
        assert_eq!(ladder.climb(u16::MAX, Slot(119), RECOVERY), HIGHEST);
        assert_eq!(ladder.at(Slot(119), Slots(0)), 0, "without a time to recover there is no ladder");
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn climbing_raises_waiting_lowers_and_in_the_end_nothing_is_left(climbs in prop::collection::vec((0u16..4, 0u64..40), 1..20)) {
            let (mut ladder, mut now) = (Ladder::default(), Slot(0));
            for (steps, wait) in climbs {
                let later = Slot(now.0 + wait);
                prop_assert!(ladder.at(later, RECOVERY) <= ladder.at(now, RECOVERY));
                let before = ladder.at(later, RECOVERY);
                let after = ladder.climb(steps, later, RECOVERY);
                prop_assert!(u16::from(after) == (u16::from(before) + steps).min(u16::from(HIGHEST)));
                now = later;
            }
            prop_assert_eq!(ladder.at(Slot(now.0 + RECOVERY.0 * u64::from(HIGHEST)), RECOVERY), 0);
        }
    }
}
