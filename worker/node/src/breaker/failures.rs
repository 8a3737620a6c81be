//! Failures in a row: promises that were made and could not be kept.
//!
//! Trips when so many runs, commitments or jobs failed one after the other as the settings allow. Resumes after a pause with one
//! trial at a time: the first promise that is kept after the pause ends it, the first that fails makes the next pause twice as
//! long. All of it is written down, so that starting again and again is no way around it.

use super::cause::Cause;
use super::latch::{Latch, Pauses, Position};
use super::report::CauseReport;
use crate::config::BreakerSettings;
use serde::{Deserialize, Serialize};

/// Failures since the last promise that was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Failures {
    row: u32,
    /// What the last one was.
    last: String,
    trips: u64,
    latch: Latch,
}

fn pauses(settings: &BreakerSettings) -> Pauses {
    Pauses { first_slots: settings.pause_slots, longest_slots: settings.longest_pause_slots }
}

impl Failures {
    /// Notes that a promise failed.
    pub(super) fn failed(&mut self, what: &str, slot: u64, settings: &BreakerSettings) {
        self.row = self.row.saturating_add(1);
        what.clone_into(&mut self.last);
        let opens = match self.latch.position(slot) {
            Position::Closed => settings.failures > 0 && self.row >= settings.failures,
            // What was promised before the pause may still fail: that says nothing new.
            Position::Open { .. } => false,
            Position::HalfOpen { .. } => true,
        };
        if opens {
            self.latch.open(slot, pauses(settings));
            self.trips = self.trips.saturating_add(1);
        }
    }

    /// Notes that a promise was kept: a commitment landed, or a request was answered.
    pub(super) fn kept(&mut self, slot: u64) {
        match self.latch.position(slot) {
            // What was promised before the pause may still be kept: whether new promises can be is shown after it.
            Position::Open { .. } => {}
            Position::Closed | Position::HalfOpen { .. } => self.reset(),
        }
    }

    /// Forgets all failures.
    pub(super) fn reset(&mut self) {
        self.row = 0;
        self.latch.close();
    }

    pub(super) fn latch_mut(&mut self) -> &mut Latch {
        &mut self.latch
    }

    pub(super) fn report(&self, slot: u64, settings: &BreakerSettings) -> CauseReport {
        if settings.failures == 0 {
            return CauseReport::closed(Cause::Failures, self.trips);
        }
        let reason =
            format!("{} failures in a row, pause {} of claims, the last: {}", self.row, self.latch.pauses(), self.last);
        let proof = "a promise is kept";
        CauseReport::of_latch(Cause::Failures, self.trips, &self.latch, slot, &reason, proof)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Phase;
    use super::*;

    fn settings() -> BreakerSettings {
        BreakerSettings { failures: 3, pause_slots: 10, longest_pause_slots: 30, ..BreakerSettings::default() }
    }

    fn phase(failures: &Failures, slot: u64) -> Phase {
        failures.report(slot, &settings()).phase
    }

    fn tripped_at(slot: u64) -> Failures {
        let mut failures = Failures::default();
        (0..3).for_each(|_| failures.failed("a run", slot, &settings()));
        failures
    }

    #[test]
    fn so_many_in_a_row_trip_and_one_that_is_kept_in_between_begins_a_new_row() {
        let mut failures = Failures::default();
        for kept in [false, true] {
            failures.failed("a run", 100, &settings());
            failures.failed("a run", 100, &settings());
            assert_eq!(phase(&failures, 100), Phase::Closed);
            if !kept {
                failures.kept(100);
            }
        }
        failures.failed("job x: missed", 100, &settings());
        let report = failures.report(100, &settings());
        assert_eq!((report.phase, report.trips, report.until_slot), (Phase::Open, 1, Some(110)));
        assert!(report.reason.unwrap().ends_with("the last: job x: missed"));
    }

    #[test]
    fn the_pause_holds_whatever_becomes_of_what_was_promised_before_it() {
        let mut failures = tripped_at(100);
        failures.kept(105);
        failures.failed("a run", 106, &settings());
        let report = failures.report(109, &settings());
        assert_eq!((report.phase, report.until_slot, report.trips), (Phase::Open, Some(110), 1));
        assert_eq!(phase(&failures, 110), Phase::HalfOpen);
    }

    #[test]
    fn a_failure_after_the_pause_doubles_it_and_a_promise_that_is_kept_ends_it() {
        let mut failures = tripped_at(100);
        for (slot, until) in [(110, 130), (130, 160), (160, 190)] {
            failures.failed("the trial", slot, &settings());
            assert_eq!(failures.report(slot, &settings()).until_slot, Some(until), "10, 20, and never more than 30");
        }
        failures.kept(190);
        assert_eq!((phase(&failures, 190), failures.trips), (Phase::Closed, 4));
        failures.failed("a run", 200, &settings());
        assert_eq!(phase(&failures, 200), Phase::Closed, "a new row");
        assert_eq!(tripped_at(300).report(300, &settings()).until_slot, Some(310), "and the first pause again");
    }

    #[test]
    fn a_restart_changes_nothing_and_the_operator_can_end_it() {
        let failures = tripped_at(100);
        let mut read: Failures = serde_json::from_str(&serde_json::to_string(&failures).unwrap()).unwrap();
        assert_eq!(read, failures);
        assert_eq!(phase(&read, 109), Phase::Open);
        read.reset();
        assert_eq!(phase(&read, 109), Phase::Closed);
        read.failed("a run", 109, &settings());
        assert_eq!(phase(&read, 109), Phase::Closed, "the row is forgotten, too");
    }

    #[test]
    fn nothing_trips_where_it_is_switched_off() {
        let off = BreakerSettings { failures: 0, ..settings() };
        let mut failures = Failures::default();
        (0..9).for_each(|_| failures.failed("a run", 100, &off));
        assert_eq!(failures.report(100, &off).phase, Phase::Closed);
        assert_eq!(tripped_at(100).report(100, &off).phase, Phase::Closed, "nor stays tripped");
    }
}
