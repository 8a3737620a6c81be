//! How fast a body must move.

use std::time::Duration;

use tokio::time::Instant;

/// The pace of one body: no long silence, and a lowest average rate after a time of grace.
///
/// Without the rate, a peer that moves one byte before each silence would be too long could hold its place for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    began: Instant,
    idle: Duration,
    grace: Duration,
    min_bytes_per_second: u64,
}

impl Pace {
    /// The pace of a body that begins now.
    pub(crate) fn begin(idle: Duration, grace: Duration, min_bytes_per_second: u64) -> Self {
        Self { began: Instant::now(), idle, grace, min_bytes_per_second }
    }

    /// By when the next piece must move, at `now` and after `moved_bytes`.
    pub(crate) fn next_by(&self, now: Instant, moved_bytes: u64) -> Instant {
        let due = self.grace.as_secs_f64() + moved_bytes as f64 / self.min_bytes_per_second.max(1) as f64;
        let due = Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX);
        let by_rate = self.began.checked_add(due);
        let by_silence = now.checked_add(self.idle);
        [by_rate, by_silence].into_iter().flatten().min().unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn silence_and_rate_both_bound_the_next_piece() {
        let pace = Pace::begin(5 * SECOND, 10 * SECOND, 100);
        let began = pace.began;
        assert_eq!(pace.next_by(began, 0), began + 5 * SECOND, "silence comes first");
        assert_eq!(pace.next_by(began + 8 * SECOND, 0), began + 10 * SECOND, "then the grace is over");
        assert_eq!(pace.next_by(began + 8 * SECOND, 200), began + 12 * SECOND, "200 bytes buy two seconds");
        assert_eq!(pace.next_by(began, u64::MAX), began + 5 * SECOND, "no overflow");
    }
}
