//! When to try again, as pure functions.

use std::time::Duration;

/// An attempt that brought this much counts as a success for the count of failures in a row.
///
/// Less would let a hostile server hold a fetch with one byte a connection; it is still held by the deadline.
pub(super) const PROGRESS_BYTES: u64 = 1024 * 1024;

/// Counts failures in a row and says how long to wait after each.
#[derive(Debug)]
pub(super) struct RetrySchedule {
    max_attempts: u32,
    first_wait: Duration,
    max_wait: Duration,
    failures: u32,
}

impl RetrySchedule {
    /// A schedule that gives up after `max_attempts` attempts in a row without progress.
    pub(super) fn new(max_attempts: u32, first_wait: Duration, max_wait: Duration) -> Self {
        Self { max_attempts, first_wait, max_wait, failures: 0 }
    }

    /// Attempts that failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes a failed attempt that brought `gained_bytes`; how long to wait, or `None` to give up.
    ///
    /// The wait doubles with each failure up to the longest, then is shortened by up to half by `jitter` (any number),
    /// so that many nodes that lost one server do not return to it at once. A server's own wish (`Retry-After`) is
    /// respected up to the longest wait.
    pub(super) fn after_failure(
        &mut self,
        gained_bytes: u64,
        wished: Option<Duration>,
        jitter: u64,
    ) -> Option<Duration> {
        if gained_bytes >= PROGRESS_BYTES {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.max_attempts {
            return None;
        }
        let doublings = (self.failures - 1).min(30);
        let wait = self.first_wait.saturating_mul(1 << doublings).min(self.max_wait);
        let shortened = wait - (wait / 2).mul_f64((jitter % 1_024) as f64 / 1_024.0);
        Some(shortened.max(wished.unwrap_or_default().min(self.max_wait)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule() -> RetrySchedule {
        RetrySchedule::new(5, SECOND, 3 * SECOND)
    }

    #[test]
    fn waits_double_up_to_the_longest_and_then_it_gives_up() {
        let mut schedule = schedule();
        let waits: Vec<_> = (0..5).map(|_| schedule.after_failure(0, None, 0)).collect();
        assert_eq!(waits, [Some(SECOND), Some(2 * SECOND), Some(3 * SECOND), Some(3 * SECOND), None]);
    }

    #[test]
    fn jitter_takes_away_at_most_half() {
        for jitter in [1, 511, 1_023, u64::MAX] {
            let wait = schedule().after_failure(0, None, jitter).unwrap();
            assert!(wait >= SECOND / 2 && wait < SECOND, "{wait:?}");
        }
    }

    #[test]
    fn only_real_progress_forgives_earlier_failures() {
        let mut schedule = schedule();
        for _ in 0..20 {
            assert!(schedule.after_failure(PROGRESS_BYTES, None, 0).is_some());
        }
        assert_eq!(schedule.failures(), 1);
        for _ in 0..3 {
            assert!(schedule.after_failure(PROGRESS_BYTES - 1, None, 0).is_some());
        }
        assert_eq!(schedule.after_failure(1, None, 0), None);
    }

    #[test]
    fn a_server_may_ask_for_a_longer_wait_but_not_for_any() {
        assert_eq!(schedule().after_failure(0, Some(2 * SECOND), 0), Some(2 * SECOND));
        assert_eq!(schedule().after_failure(0, Some(1_000 * SECOND), 0), Some(3 * SECOND));
        assert_eq!(RetrySchedule::new(u32::MAX, SECOND, SECOND).after_failure(0, None, 0), Some(SECOND));
    }
}
