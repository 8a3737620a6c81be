//! How long a run will take, from how long earlier ones took; pure.

pub use assay::fairness::lateness::cost_units as operations;

use std::collections::VecDeque;
use std::hash::Hash;
use std::time::Duration;

/// How much longer than its last run a known model is thought to take.
const KNOWN_MARGIN: u32 = 2;
/// How much longer an unknown model is thought to take than its operations at the measured rate: shapes differ in how
/// well they suit a device, and a first run also checks itself.
const UNKNOWN_MARGIN: u32 = 3;
/// What any run takes besides its operations: loading, reading back, hashing.
const OVERHEAD: Duration = Duration::from_millis(50);
/// A run that took so many times what it was thought to take may have met a machine that was asleep: once, that is not believed.
const UNBELIEVABLE: u32 = 8;
/// Models whose times are remembered.
const MOST_MODELS: usize = 256;
/// Runs of fewer operations are mostly overhead and say nothing about the rate.
const LEAST_OPERATIONS: u64 = 100_000;

/// The times of earlier runs, by model.
#[derive(Clone, Debug)]
pub struct Estimator<Key> {
    /// Last time of each model, most recent last.
    models: VecDeque<(Key, Duration)>,
    /// Operations a second, of the slower of the last measured runs.
    rate: Option<u64>,
    /// Whether the last time was not believed.
    doubted: bool,
}

impl<Key> Default for Estimator<Key> {
    fn default() -> Self {
        Self { models: VecDeque::new(), rate: None, doubted: false }
    }
}

impl<Key: Eq + Hash> Estimator<Key> {
    /// Notes that a run of `operations` took `time`.
    pub fn observe(&mut self, key: Key, operations: u64, time: Duration) {
        let time = self.believed(&key, operations, time);
        self.calibrate(operations, time);
        self.models.retain(|(known, _)| *known != key);
        if self.models.len() >= MOST_MODELS {
            self.models.pop_front();
        }
        self.models.push_back((key, time));
    }

    /// What counts of a time: nothing would ever correct one that is beyond all measure, because no job that it speaks of could be
    /// claimed any more. A device that is slow indeed is so again the next time.
    fn believed(&mut self, key: &Key, operations: u64, time: Duration) -> Duration {
        let known = self.models.iter().find(|(known, _)| known == key).map(|(_, time)| *time);
        let Some(expected) = known.or_else(|| self.at_rate(operations)) else { return time };
        let limit = expected.max(OVERHEAD).saturating_mul(UNBELIEVABLE);
        self.doubted = time > limit && !self.doubted;
        if self.doubted { limit } else { time }
    }

    /// Notes how long `operations` took, of no model that jobs use.
    pub fn calibrate(&mut self, operations: u64, time: Duration) {
        if operations < LEAST_OPERATIONS {
            return;
        }
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        let rate = operations.saturating_mul(1_000_000) / micros;
        // Down at once, up slowly: a device that became slow must not be trusted with deadlines.
        self.rate = Some(self.rate.map_or(rate, |known| rate.min(known.saturating_add(known / 4))).max(1));
    }

    /// Operations a second, as measured; `None` where nothing was yet.
    pub fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// How long so many operations take at the measured rate alone; `None` where nothing was measured yet.
    fn at_rate(&self, operations: u64) -> Option<Duration> {
        let nanoseconds = u128::from(operations).saturating_mul(1_000_000_000).checked_div(self.rate?.into())?;
        Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)))
    }

    /// How long a run is thought to take; `None` where nothing was measured yet.
    pub fn estimate(&self, key: &Key, operations: u64) -> Option<Duration> {
        if let Some((_, time)) = self.models.iter().find(|(known, _)| known == key) {
            return Some(time.saturating_mul(KNOWN_MARGIN).saturating_add(OVERHEAD));
        }
        Some(self.at_rate(operations)?.saturating_mul(UNKNOWN_MARGIN).saturating_add(OVERHEAD))
    }
}

/// Slots that `time` takes, rounded up.
pub fn slots(time: Duration, slot_time: Duration) -> u64 {
    let slots = time.as_nanos().div_ceil(slot_time.as_nanos().max(1));
    u64::try_from(slots).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_models::mlp;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn operations_grow_with_the_graph() {
        let model = mlp::model(&mlp::Shape::tiny(), 1).unwrap();
        let (one, many) = (model.resolve(&[1]).unwrap(), model.resolve(&[64]).unwrap());
        let products = 16 * 32 + 32 * 8;
        assert!(operations(&one) > products && operations(&one) < 20 * products, "{}", operations(&one));
        assert_eq!(operations(&many), 64 * operations(&one));
    }

    #[test]
    fn nothing_measured_is_nothing_known() {
        let mut estimator = Estimator::default();
        assert_eq!(estimator.estimate(&1, 5), None);
        estimator.calibrate(LEAST_OPERATIONS - 1, SECOND);
        assert_eq!(estimator.estimate(&1, 5), None, "too short to say anything");
    }

    #[test]
    fn a_known_model_is_estimated_by_its_last_run_and_others_by_the_rate() {
        let mut estimator = Estimator::default();
        assert_eq!(estimator.rate(), None);
        estimator.observe(1, 1_000_000, SECOND);
        assert_eq!(estimator.rate(), Some(1_000_000));
        assert_eq!(estimator.estimate(&1, 1_000_000), Some(2 * SECOND + OVERHEAD));
        assert_eq!(estimator.estimate(&2, 3_000_000), Some(9 * SECOND + OVERHEAD));
        estimator.observe(1, 1_000_000, 3 * SECOND);
        assert_eq!(estimator.estimate(&1, 1_000_000), Some(6 * SECOND + OVERHEAD));
    }

    /// A few bytes declare more operations than 64 bits hold microseconds of: the run is not thought to be short for it.
    #[test]
    fn weeks_of_operations_are_estimated_as_weeks() {
        let mut estimator = Estimator::default();
        let rate = 1_000_000_000_000;
        estimator.observe(1, rate, SECOND);
        let tenth_of_a_year = 365 * 24 * 60 * 6;
        let expected = 3 * tenth_of_a_year * SECOND + OVERHEAD;
        assert_eq!(estimator.estimate(&2, u64::from(tenth_of_a_year) * rate), Some(expected));
        let longest = Duration::from_nanos(u64::MAX);
        assert_eq!(
            Estimator { rate: Some(1), ..estimator }.at_rate(u64::MAX),
            Some(longest),
            "nor for more than centuries"
        );
    }

    #[test]
    fn the_rate_falls_at_once_and_rises_slowly() {
        let mut estimator = Estimator::default();
        estimator.observe(1, 8_000_000, SECOND);
        estimator.observe(2, 1_000_000, SECOND);
        assert_eq!(estimator.estimate(&9, 1_000_000), Some(3 * SECOND + OVERHEAD));
        estimator.observe(3, 8_000_000, SECOND);
        assert_eq!(estimator.rate, Some(1_250_000));
    }

    #[test]
    fn a_machine_that_was_asleep_is_not_slow_and_one_that_is_slow_twice_is() {
        let (usual, day) = (SECOND, 86_400 * SECOND);
        let mut estimator = Estimator::default();
        estimator.observe(1, 1_000_000, usual);
        estimator.observe(1, 1_000_000, day);
        assert_eq!(estimator.estimate(&1, 1_000_000), Some(16 * usual + OVERHEAD), "not believed");
        assert_eq!(estimator.at_rate(1_000_000), Some(8 * usual), "nor of models that are not known");
        estimator.observe(1, 1_000_000, usual);
        assert_eq!(estimator.estimate(&1, 1_000_000), Some(2 * usual + OVERHEAD), "as ever");
        estimator.observe(1, 1_000_000, day);
        estimator.observe(1, 1_000_000, day);
        assert_eq!(estimator.estimate(&1, 1_000_000), Some(2 * day + OVERHEAD), "twice in a row is no accident");
    }

    #[test]
    fn the_memory_is_bounded_and_nothing_overflows() {
        let mut estimator = Estimator::default();
        for model in 0..10_000 {
            estimator.observe(model, u64::MAX, Duration::ZERO);
        }
        assert_eq!(estimator.models.len(), MOST_MODELS);
        estimator.observe(0, u64::MAX, Duration::MAX);
        assert!(estimator.estimate(&0, u64::MAX).is_some() && estimator.estimate(&-1, u64::MAX).is_some());
        assert_eq!(slots(Duration::from_millis(401), Duration::from_millis(400)), 2);
        assert_eq!(slots(Duration::MAX, Duration::ZERO), u64::MAX);
    }
}
