//! Closed, open for a pause, then half open: one trial at a time, whose outcome closes the latch or opens it for twice as long.

use serde::{Deserialize, Serialize};

/// How long claims pause, in slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pauses {
    /// The first pause; each one after a failed trial is twice as long as the one before.
    pub(super) first_slots: u64,
    /// The longest.
    pub(super) longest_slots: u64,
}

impl Pauses {
    /// The length of a pause, counted from 1.
    fn slots(self, number: u32) -> u64 {
        let factor = 1u64.checked_shl(number.saturating_sub(1)).unwrap_or(u64::MAX);
        self.first_slots.saturating_mul(factor).min(self.longest_slots.max(self.first_slots))
    }
}

/// Whether claims are let through. Slots come in; nothing happens by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Latch {
    open: Option<Open>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    /// Pauses since it was closed last.
    number: u32,
    /// The first slot at which a trial is let through.
    until_slot: u64,
    /// Whose trial is under way, base58.
    trial: Option<String>,
}

/// How a latch stands at a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position<'a> {
    /// Everything goes through.
    Closed,
    /// Nothing does, before this slot.
    Open {
        /// The slot.
        until_slot: u64,
    },
    /// One trial does.
    HalfOpen {
        /// Whose, if one is under way.
        trial: Option<&'a str>,
    },
}

impl Latch {
    pub(super) fn position(&self, slot: u64) -> Position<'_> {
        match &self.open {
            None => Position::Closed,
            Some(open) if slot < open.until_slot => Position::Open { until_slot: open.until_slot },
            Some(open) => Position::HalfOpen { trial: open.trial.as_deref() },
        }
    }

    /// Pauses since it was closed last.
    pub(super) fn pauses(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.number)
    }

    /// Opens it; if it is open already, for the next, longer pause. A trial is over then.
    pub(super) fn open(&mut self, slot: u64, pauses: Pauses) {
        let number = self.pauses().saturating_add(1);
        self.open = Some(Open { number, until_slot: slot.saturating_add(pauses.slots(number)), trial: None });
    }

    /// Closes it; whether it was open.
    pub(super) fn close(&mut self) -> bool {
        self.open.take().is_some()
    }

    /// Notes whose claim the trial is. The caller has asked for the position.
    pub(super) fn begin_trial(&mut self, claimant: &str) {
        if let Some(open) = &mut self.open {
            open.trial = Some(claimant.to_owned());
        }
    }

    /// The trial of `claimant`, if it is that one's, came to nothing: another one may begin.
    pub(super) fn give_back(&mut self, claimant: &str) {
        if let Some(open) = self.open.as_mut().filter(|open| open.trial.as_deref() == Some(claimant)) {
            open.trial = None;
        }
    }

    /// Whose trial is under way.
    pub(super) fn trial(&self) -> Option<&str> {
        self.open.as_ref()?.trial.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses = Pauses { first_slots: 10, longest_slots: 65 };

    #[test]
    fn each_pause_is_twice_as_long_as_the_one_before_up_to_the_longest() {
        let mut latch = Latch::default();
        let mut lengths = Vec::new();
        for _ in 0..6 {
            latch.open(1_000, PAUSES);
            let Position::Open { until_slot } = latch.position(1_000) else { panic!("{latch:?}") };
            lengths.push(until_slot - 1_000);
        }
        assert_eq!(lengths, [10, 20, 40, 65, 65, 65]);
        assert!(latch.close() && !latch.close());
        latch.open(2_000, PAUSES);
        assert_eq!(latch.position(2_000), Position::Open { until_slot: 2_010 }, "the first pause again");
        assert_eq!(Pauses { first_slots: 9, longest_slots: 3 }.slots(1), 9, "never less than the first");
        assert_eq!(Pauses { first_slots: 9, longest_slots: u64::MAX }.slots(u32::MAX), u64::MAX);
    }

    #[test]
    fn after_the_pause_one_trial_at_a_time_goes_through() {
        let mut latch = Latch::default();
        assert_eq!(latch.position(0), Position::Closed);
        latch.open(100, PAUSES);
        assert_eq!(latch.position(109), Position::Open { until_slot: 110 });
        assert_eq!(latch.position(110), Position::HalfOpen { trial: None });
        latch.begin_trial("a");
        assert_eq!(latch.position(500), Position::HalfOpen { trial: Some("a") });
        latch.give_back("b");
        assert_eq!(latch.trial(), Some("a"), "it is not b's to give back");
        latch.give_back("a");
        assert_eq!(latch.position(500), Position::HalfOpen { trial: None });
        latch.begin_trial("b");
        latch.open(600, PAUSES);
        assert_eq!((latch.position(619), latch.trial()), (Position::Open { until_slot: 620 }, None));
    }

    #[test]
    fn it_is_the_same_after_it_was_written_and_read() {
        let mut latch = Latch::default();
        latch.open(100, PAUSES);
        latch.begin_trial("a");
        let text = serde_json::to_string(&latch).unwrap();
        assert_eq!(serde_json::from_str::<Latch>(&text).unwrap(), latch);
        assert_eq!(serde_json::from_str::<Latch>("{}").unwrap(), Latch::default());
    }
}
