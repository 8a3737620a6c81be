//! How long a slot takes, from when slots were seen; pure.

use std::time::Duration;

/// What a slot takes where nothing was measured yet.
pub const NOMINAL_SLOT_TIME: Duration = Duration::from_millis(400);

/// Slots that must be seen before a measurement counts.
const LEAST_SLOTS: u64 = 16;
/// Slots after which a measurement begins anew, so that it follows the chain.
const SPAN_SLOTS: u64 = 512;
/// A gap of more slots than this is a pause of ours or of the chain, and says nothing about slots.
const LONGEST_GAP_SLOTS: u64 = 32;

/// Measures the time of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotClock {
    /// First and last observation of the span under way: slot, and time since some fixed moment.
    first: Option<(u64, Duration)>,
    last: (u64, Duration),
    measured: Option<Duration>,
}

impl SlotClock {
    /// Notes that `slot` was seen at `at`, both later than the last time.
    pub fn observe(&mut self, slot: u64, at: Duration) {
        let Some((first_slot, first_at)) = self.first else {
            self.first = Some((slot, at));
            self.last = (slot, at);
            return;
        };
        let slots = slot.saturating_sub(first_slot);
        if slot.saturating_sub(self.last.0) > LONGEST_GAP_SLOTS {
            self.first = Some((slot, at));
        } else {
            if slots >= LEAST_SLOTS {
                let time = at.saturating_sub(first_at) / u32::try_from(slots).unwrap_or(u32::MAX);
                // Faster than any chain or slower than a stalled one: rather the bound than nonsense.
                self.measured = Some(time.clamp(Duration::from_millis(20), Duration::from_secs(4)));
            }
            if slots >= SPAN_SLOTS {
                self.first = Some((slot, at));
            }
        }
        self.last = (slot, at);
    }

    /// The time of a slot: the shorter of what was measured and what is nominal, so that deadlines are never thought
    /// to be further away than they are.
    pub fn slot_time(&self) -> Duration {
        self.measured.unwrap_or(NOMINAL_SLOT_TIME).min(NOMINAL_SLOT_TIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(slots: impl IntoIterator<Item = u64>, slot_millis: u64) -> SlotClock {
        let mut clock = SlotClock::default();
        let mut first = None;
        for slot in slots {
            let since = slot - *first.get_or_insert(slot);
            clock.observe(slot, Duration::from_millis(since * slot_millis));
        }
        clock
    }

    #[test]
    fn it_measures_fast_chains_and_never_calls_slow_ones_slow() {
        assert_eq!(clock(100..200, 100).slot_time(), Duration::from_millis(100));
        assert_eq!(clock(100..2_000, 50).slot_time(), Duration::from_millis(50));
        assert_eq!(clock(100..200, 900).slot_time(), NOMINAL_SLOT_TIME);
    }

    #[test]
    fn few_slots_and_jumps_say_nothing() {
        assert_eq!(SlotClock::default().slot_time(), NOMINAL_SLOT_TIME);
        assert_eq!(clock(100..116, 100).slot_time(), NOMINAL_SLOT_TIME);
        let mut jumped = SlotClock::default();
        jumped.observe(1, Duration::ZERO);
        jumped.observe(100_000, Duration::from_millis(1));
        assert_eq!(jumped.slot_time(), NOMINAL_SLOT_TIME);
    }
}
