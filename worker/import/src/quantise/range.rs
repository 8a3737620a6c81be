//! The range of a value that its integers cover.

use crate::calibrate::Statistics;
use serde::{Deserialize, Serialize};

/// How the range is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeMethod {
    /// For each value whichever of the others has the least mean squared error on the calibration data.
    #[default]
    Best,
    /// Everything that was seen.
    MinMax,
    /// All but this share of what was seen, in millionths.
    Percentile(u32),
    /// The range that trades rounding against clipping best, by the histogram.
    MeanSquaredError,
}

impl RangeMethod {
    /// Its name, for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::MinMax => "min-max",
            Self::Percentile(_) => "percentile",
            Self::MeanSquaredError => "mean squared error",
        }
    }
}

/// A range and how it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    /// The greatest magnitude that is covered.
    pub limit: f64,
    /// What found it.
    pub method: RangeMethod,
}

/// Fractions of the whole range that are tried for the least error.
const TRIALS: usize = 48;
/// The share that the percentile leaves out where nothing else is asked, in millionths.
const PERCENTILE_MILLIONTHS: u32 = 100;

/// The range of a value for `levels` integers on each side of 0 (or only above it).
pub(crate) fn choose(statistics: &Statistics, levels: f64, method: RangeMethod) -> Range {
    let whole = f64::from(statistics.magnitude());
    let percentile = |millionths: u32| {
        let share = 1.0 - f64::from(millionths) / 1e6;
        Range { limit: f64::from(statistics.percentile_magnitude(share)), method: RangeMethod::Percentile(millionths) }
    };
    let least_error = || {
        let candidates = (1..=TRIALS).map(|trial| whole * trial as f64 / TRIALS as f64);
        Range { limit: least(statistics, levels, candidates, whole), method: RangeMethod::MeanSquaredError }
    };
    let range = match method {
        RangeMethod::MinMax => Range { limit: whole, method },
        RangeMethod::Percentile(millionths) => percentile(millionths),
        RangeMethod::MeanSquaredError => least_error(),
        RangeMethod::Best => {
            let candidates =
                [Range { limit: whole, method: RangeMethod::MinMax }, percentile(PERCENTILE_MILLIONTHS), least_error()];
            let error = |range: &Range| squared_error(statistics, levels, range.limit);
            candidates.into_iter().min_by(|a, b| error(a).total_cmp(&error(b))).unwrap_or(candidates[0])
        }
    };
    // a percentile of mostly zeros is none
    if range.limit > 0.0 { range } else { Range { limit: whole, method: RangeMethod::MinMax } }
}

fn least(statistics: &Statistics, levels: f64, candidates: impl Iterator<Item = f64>, otherwise: f64) -> f64 {
    candidates
        .filter(|limit| *limit > 0.0)
        .map(|limit| (squared_error(statistics, levels, limit), limit))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(otherwise, |(_, limit)| limit)
}

/// The squared error, by the histogram, of `levels` steps up to `limit`: `step^2 / 12` within, the distance outside.
pub(crate) fn squared_error(statistics: &Statistics, levels: f64, limit: f64) -> f64 {
    if limit <= 0.0 {
        return f64::INFINITY;
    }
    let step = limit / levels;
    let rounding = step * step / 12.0;
    let histogram = &statistics.histogram;
    let mut error = 0.0;
    for (bin, count) in histogram.counts().iter().enumerate().filter(|(_, count)| **count > 0) {
        let magnitude = f64::from(histogram.middle(bin)).abs();
        let beyond = (magnitude - limit).max(0.0);
        error += *count as f64 * if beyond > 0.0 { beyond * beyond } else { rounding };
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10,000 numbers within 1 and one of 100.
    fn outlier() -> Statistics {
        let mut statistics = Statistics::new(None);
        let mut values: Vec<f32> = (0..10_000).map(|n| (n as f32 - 5_000.0) / 5_000.0).collect();
        values.push(100.0);
        statistics.add(&[values.len()], &values);
        statistics
    }

    #[test]
    fn min_max_covers_an_outlier_and_a_percentile_does_not() {
        let statistics = outlier();
        assert_eq!(choose(&statistics, 127.0, RangeMethod::MinMax).limit, 100.0);
        let percentile = choose(&statistics, 127.0, RangeMethod::Percentile(1_000)).limit;
        assert!((0.9..1.2).contains(&percentile), "{percentile}");
    }

    #[test]
    fn the_best_is_no_worse_than_any_method() {
        for statistics in [outlier(), {
            let mut s = Statistics::new(None);
            s.add(&[3], &[1.0, -1.0, 0.5]);
            s
        }] {
            let best = choose(&statistics, 127.0, RangeMethod::Best);
            let error = squared_error(&statistics, 127.0, best.limit);
            for method in [RangeMethod::MinMax, RangeMethod::Percentile(100), RangeMethod::MeanSquaredError] {
                let other = choose(&statistics, 127.0, method);
                assert!(error <= squared_error(&statistics, 127.0, other.limit), "{method:?}");
            }
        }
    }
}
