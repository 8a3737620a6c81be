//! Thermal slowdown: the same runs take much longer than they did. Why is not asked: a device that throttles misses deadlines
//! whatever makes it throttle.
//!
//! A run is compared with the fastest of the same model, form and backend, whose memory fades a little with every slower one, so that
//! a machine that stays as it is becomes its own measure in the end. Runs that go on at the same time share the device: each may take
//! as long as all of them. Trips when so many runs in a row as the settings say are slower than the set part of that speed.
//! Resumes after a time to cool down, with one trial at a time: the first run that is not slow ends it, a slow one makes
//! the next pause twice as long. The speeds are written down, so that a hot machine is not its own measure after a restart.

use super::cause::Cause;
use super::latch::{Latch, Pauses, Position};
use super::report::CauseReport;
use crate::config::BreakerSettings;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Models whose speed is remembered.
const MOST_MODELS: usize = 64;
/// Runs of fewer operations are mostly overhead and say nothing about speed.
const LEAST_OPERATIONS: u64 = 100_000;
/// A shorter run endangers no deadline, and chance makes it slow more often than heat does.
const LEAST_MICROS: u64 = 50_000;
/// The part of a remembered speed that a slower run takes away.
const FADING: u64 = 64;

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    /// Adapter, model and form: runs of the same name do the same work.
    pub(super) model: String,
    /// What it does.
    pub(super) operations: u64,
    /// Time in kernels.
    pub(super) time: Duration,
    /// Most runs that went on at a time while it did, itself included.
    pub(super) at_once: u32,
}

/// Speeds, and runs that were slow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Slowdown {
    /// The speed of each model in operations a second, the one that ran last at the end.
    speeds: Vec<(String, u64)>,
    row: u32,
    /// What the last slow one was like.
    last: String,
    trips: u64,
    latch: Latch,
}

impl Slowdown {
    /// Notes a run.
    pub(super) fn ran(&mut self, run: &Measured, slot: u64, settings: &BreakerSettings) {
        if run.operations < LEAST_OPERATIONS {
            return;
        }
        let micros = u64::try_from(run.time.as_micros()).unwrap_or(u64::MAX).max(1);
        let speed = speed(run.operations, micros);
        let Some(known) = self.remember(&run.model, speed) else { return };
        // What other runs took away is given back before it is called slow.
        let alone = speed.saturating_mul(run.at_once.max(1).into());
        let percent = (u128::from(alone) * 100 / u128::from(known.max(1))) as u64;
        let is_slow = micros >= LEAST_MICROS && percent < settings.slow_percent.into();
        if !is_slow {
            // A run that began before the pause may end in it: whether the device is well again is shown after it.
            if !matches!(self.latch.position(slot), Position::Open { .. }) {
                self.row = 0;
                self.latch.close();
            }
            return;
        }
        self.row = self.row.saturating_add(1);
        self.last = format!("at {percent} % of its speed");
        let opens = match self.latch.position(slot) {
            Position::Closed => self.row >= settings.slow_runs,
            Position::Open { .. } => false,
            Position::HalfOpen { .. } => true,
        };
        if opens {
            let pauses = Pauses {
                first_slots: settings.cooling_slots,
                longest_slots: settings.longest_pause_slots.max(settings.cooling_slots),
            };
            self.latch.open(slot, pauses);
            self.trips = self.trips.saturating_add(1);
        }
    }

    /// Notes a speed; what was remembered before, or nothing for a model that was not.
    fn remember(&mut self, model: &str, speed: u64) -> Option<u64> {
        let at = self.speeds.iter().position(|(known, _)| known == model);
        let known = at.map(|at| self.speeds.remove(at).1);
        if self.speeds.len() >= MOST_MODELS {
            self.speeds.remove(0);
        }
        let faded = known.map_or(0, |known| known - known / FADING);
        self.speeds.push((model.to_owned(), speed.max(faded)));
        known
    }

    /// Forgets all speeds: from now on the machine is measured as it is.
    pub(super) fn reset(&mut self) {
        self.speeds.clear();
        self.row = 0;
        self.latch.close();
    }

    pub(super) fn latch_mut(&mut self) -> &mut Latch {
        &mut self.latch
    }

    pub(super) fn report(&self, slot: u64, settings: &BreakerSettings) -> CauseReport {
        if settings.slow_percent == 0 {
            return CauseReport::closed(Cause::Slowdown, self.trips);
        }
        let reason = format!("{} runs in a row were slow, the last {}: is the device too hot?", self.row, self.last);
        let proof = format!("a run has {} % of its speed", settings.slow_percent);
        CauseReport::of_latch(Cause::Slowdown, self.trips, &self.latch, slot, &reason, &proof)
    }
}

fn speed(operations: u64, micros: u64) -> u64 {
    let a_second = u128::from(operations) * 1_000_000 / u128::from(micros.max(1));
    u64::try_from(a_second).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::report::Phase;
    use super::*;

    fn settings() -> BreakerSettings {
        BreakerSettings {
            slow_percent: 50,
            slow_runs: 3,
            cooling_slots: 10,
            longest_pause_slots: 30,
            ..BreakerSettings::default()
        }
    }

    fn run(model: &str, millis: u64) -> Measured {
        let time = Duration::from_millis(millis);
        Measured { model: model.to_owned(), operations: 1_000_000_000, time, at_once: 1 }
    }

    fn after(slowdown: &mut Slowdown, run: &Measured, slot: u64) -> Phase {
        slowdown.ran(run, slot, &settings());
        slowdown.report(slot, &settings()).phase
    }

    fn tripped_at(slot: u64) -> Slowdown {
        let mut slowdown = Slowdown::default();
        slowdown.ran(&run("m", 100), slot, &settings());
        (0..3).for_each(|_| slowdown.ran(&run("m", 300), slot, &settings()));
        slowdown
    }

    #[test]
    fn so_many_slow_runs_in_a_row_trip_each_by_its_own_model() {
        let mut slowdown = Slowdown::default();
        for (model, millis, phase) in [
            ("m", 100, Phase::Closed),
            ("n", 900, Phase::Closed),
            ("m", 300, Phase::Closed),
            ("n", 2_700, Phase::Closed),
            ("m", 150, Phase::Closed), // two thirds of the speed: the row is over
            ("m", 300, Phase::Closed),
            ("n", 2_700, Phase::Closed),
            ("o", 99_000, Phase::Closed), // the first of its kind cannot be judged
            ("m", 300, Phase::Open),
        ] {
            assert_eq!(after(&mut slowdown, &run(model, millis), 100), phase, "{model} {millis}");
        }
        let report = slowdown.report(100, &settings());
        assert_eq!((report.until_slot, report.trips), (Some(110), 1));
        assert!(report.reason.unwrap().contains("3 runs in a row"));
    }

    #[test]
    fn runs_that_share_the_device_may_take_longer_and_short_or_small_ones_say_nothing() {
        let mut slowdown = Slowdown::default();
        slowdown.ran(&run("m", 100), 1, &settings());
        for _ in 0..9 {
            assert_eq!(after(&mut slowdown, &Measured { at_once: 3, ..run("m", 500) }, 1), Phase::Closed);
            assert_eq!(after(&mut slowdown, &Measured { operations: 99_999, ..run("m", 500) }, 1), Phase::Closed);
        }
        slowdown.ran(&run("short", 4), 1, &settings());
        assert_eq!((0..9).map(|_| after(&mut slowdown, &run("short", 49), 1)).next_back(), Some(Phase::Closed));
        // What was fast because it was alone is not the measure for the others, nor the other way round.
        slowdown.ran(&Measured { at_once: 8, ..run("shared", 100) }, 1, &settings());
        assert_eq!((0..9).map(|_| after(&mut slowdown, &run("shared", 150), 1)).next_back(), Some(Phase::Closed));
    }

    #[test]
    fn after_it_has_cooled_a_fast_run_ends_it_and_a_slow_one_makes_the_pause_longer() {
        let mut slowdown = tripped_at(100);
        assert_eq!(after(&mut slowdown, &run("m", 100), 109), Phase::Open, "that run began before");
        assert_eq!(slowdown.report(110, &settings()).phase, Phase::HalfOpen);
        for (slot, until) in [(110, 130), (130, 160), (160, 190)] {
            slowdown.ran(&run("m", 300), slot, &settings());
            assert_eq!(slowdown.report(slot, &settings()).until_slot, Some(until));
        }
        assert_eq!(after(&mut slowdown, &run("unknown", 300), 190), Phase::HalfOpen, "it shows nothing");
        assert_eq!(after(&mut slowdown, &run("m", 120), 190), Phase::Closed);
        assert_eq!(after(&mut slowdown, &run("m", 300), 190), Phase::Closed, "a new row");
    }

    #[test]
    fn what_stays_slow_becomes_the_measure_in_the_end_or_when_the_operator_says_so() {
        let mut slowdown = tripped_at(100);
        let mut slot = 100;
        let tries = (0..200).position(|_| {
            slot += 1_000;
            after(&mut slowdown, &run("m", 230), slot) == Phase::Closed
        });
        assert!(tries.is_some_and(|tries| (2..30).contains(&tries)), "{tries:?}: a little less than half the speed");

        let mut slowdown = tripped_at(100);
        slowdown.reset();
        for _ in 0..9 {
            assert_eq!(after(&mut slowdown, &run("m", 300), 101), Phase::Closed);
        }
    }

    #[test]
    fn speeds_are_as_they_were_after_a_restart_and_are_not_remembered_without_end() {
        let mut slowdown = Slowdown::default();
        for model in 0..1_000 {
            slowdown.ran(&run(&format!("m{model}"), 100), 1, &settings());
        }
        assert_eq!(slowdown.speeds.len(), MOST_MODELS);
        let mut read: Slowdown = serde_json::from_str(&serde_json::to_string(&slowdown).unwrap()).unwrap();
        assert_eq!(read, slowdown);
        (0..2).for_each(|_| read.ran(&run("m999", 300), 1, &settings()));
        assert_eq!(after(&mut read, &run("m999", 300), 1), Phase::Open, "the machine came back hot");
        assert_eq!(speed(u64::MAX, 1), u64::MAX);
    }

    #[test]
    fn nothing_trips_where_it_is_switched_off() {
        let off = BreakerSettings { slow_percent: 0, ..settings() };
        let mut slowdown = Slowdown::default();
        slowdown.ran(&run("m", 100), 1, &off);
        (0..9).for_each(|_| slowdown.ran(&run("m", 9_000), 1, &off));
        assert_eq!(slowdown.trips, 0);
        assert_eq!(tripped_at(1).report(1, &off).phase, Phase::Closed);
    }
}
