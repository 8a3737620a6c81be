//! What is counted and timed while a service works. Cheap to clone: all clones count together.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use std::time::Duration;

/// Values of the labels of one series, in the order of the contract.
pub(crate) type Labels = Vec<(String, String)>;

/// The upper ends of the ranges of times, in seconds: from a message to a long run.
const SECONDS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

fn in_seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// How long things took.
#[derive(Clone, Debug)]
pub struct Timings(pub(crate) Family<Labels, Histogram, fn() -> Histogram>);

impl Default for Timings {
    fn default() -> Self {
        Self(Family::new_with_constructor(in_seconds))
    }
}

impl Timings {
    /// Notes that something of these labels took so long.
    pub fn note(&self, labels: &[(&str, &str)], time: Duration) {
        self.0.get_or_create(&owned(labels)).observe(time.as_secs_f64());
    }
}

/// How often things happened.
#[derive(Clone, Debug, Default)]
pub struct Counts(pub(crate) Family<Labels, Counter>);

impl Counts {
    /// Notes that something of these labels happened once more.
    pub fn note(&self, labels: &[(&str, &str)]) {
        self.0.get_or_create(&owned(labels)).inc();
    }

    /// How often something of these labels happened.
    pub fn count(&self, labels: &[(&str, &str)]) -> u64 {
        self.0.get(&owned(labels)).map_or(0, |counter| counter.get())
    }
}

pub(crate) fn owned(labels: &[(&str, &str)]) -> Labels {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together_and_labels_apart() {
        let counts = Counts::default();
        let clone = counts.clone();
        clone.note(&[("code", "N0201")]);
        clone.note(&[("code", "N0201")]);
        counts.note(&[("code", "N0202")]);
        assert_eq!((counts.count(&[("code", "N0201")]), counts.count(&[("code", "N0202")])), (2, 1));
        assert_eq!(counts.count(&[("code", "N0203")]), 0);
    }
}
