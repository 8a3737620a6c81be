//! Whether a quantity stays flat while a service works; pure.

use serde::Serialize;
use std::time::Duration;

/// One look at a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Since the beginning.
    pub(super) at: Duration,
    pub(super) value: u64,
}

/// How a quantity went over the time of a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Trend {
    /// The medians of the four quarters of the time.
    pub(super) quarters: [u64; 4],
    /// The greatest of all.
    pub(super) most: u64,
    /// By how much it rises in an hour, as a line through everything after the first quarter, in which caches fill.
    pub(super) per_hour: f64,
}

/// How much more the last quarter may have than the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Bound {
    /// As a share of the first quarter's median, in hundredths.
    pub(super) percent: u64,
    /// And so many units besides.
    pub(super) units: u64,
}

impl Bound {
    /// The most that the last quarter may have.
    fn limit(self, first: u64) -> u64 {
        first.saturating_add(first.saturating_mul(self.percent) / 100).saturating_add(self.units)
    }
}

impl Trend {
    /// How these samples went, in the order in which they were taken.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let end = samples.last().map_or(Duration::ZERO, |sample| sample.at);
        let quarter_of = |sample: &Sample| {
            let share = sample.at.as_secs_f64() / end.as_secs_f64().max(f64::MIN_POSITIVE);
            ((share * 4.0) as usize).min(3)
        };
        let quarters = [0, 1, 2, 3].map(|quarter| {
            median(samples.iter().filter(|sample| quarter_of(sample) == quarter).map(|sample| sample.value).collect())
        });
        let later: Vec<(f64, f64)> = samples
            .iter()
            .filter(|sample| quarter_of(sample) > 0)
            .map(|sample| (sample.at.as_secs_f64() / 3_600.0, sample.value as f64))
            .collect();
        Self { quarters, most: samples.iter().map(|sample| sample.value).max().unwrap_or(0), per_hour: slope(&later) }
    }

    /// The limit that the last quarter is beyond, if it is beyond it.
    pub(super) fn beyond(&self, bound: Bound) -> Option<u64> {
        let limit = bound.limit(self.quarters[0]);
        (self.quarters[3] > limit).then_some(limit)
    }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Of the line that is nearest to all points, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count.max(1.0);
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let together: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    if spread > 0.0 { together / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Bound = Bound { percent: 10, units: 5 };

    fn samples(value: impl Fn(u64) -> u64) -> Vec<Sample> {
        (0..=100).map(|second| Sample { at: Duration::from_secs(second), value: value(second) }).collect()
    }

    #[test]
    fn what_is_flat_or_fills_a_cache_first_is_within_its_bound_and_what_grows_is_not() {
        let flat = Trend::of(&samples(|second| 1_000 + second % 3));
        assert_eq!((flat.quarters[0], flat.most), (1_001, 1_002));
        assert!(flat.per_hour.abs() < 40.0 && flat.beyond(BOUND).is_none(), "{flat:?}");
        let peak = Trend::of(&samples(|second| if second % 10 == 0 { 9_000 } else { 1_000 }));
        assert!(peak.most == 9_000 && peak.beyond(BOUND).is_none(), "peaks are no growth: {peak:?}");
        let leak = Trend::of(&samples(|second| 1_000 + 10 * second));
        assert_eq!(leak.per_hour.round(), 36_000.0);
        assert_eq!(leak.beyond(BOUND), Some(1_120 + 112 + 5), "{leak:?}");
    }

    #[test]
    fn the_bound_is_exact() {
        let trend = |last| Trend { quarters: [1_000, 0, 0, last], ..Trend::default() };
        assert_eq!(trend(1_105).beyond(BOUND), None);
        assert_eq!(trend(1_106).beyond(BOUND), Some(1_105));
        assert_eq!(Trend::of(&[]), Trend::default());
    }
}
