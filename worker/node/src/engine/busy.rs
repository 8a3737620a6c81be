//! How busy an adapter is.

use std::collections::VecDeque;
use std::time::Duration;

/// For how long back the share of busy time is told.
pub(super) const WINDOW: Duration = Duration::from_secs(300);
/// Spells of work that are remembered; older ones leave first.
const MOST_SPELLS: usize = 4_096;

/// When an adapter worked. Times are since the node's start.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy {
    /// Runs at work, and since when there is one.
    runs: usize,
    since: Duration,
    /// Spells that are over and at least partly within the window.
    spells: VecDeque<(Duration, Duration)>,
    total: Duration,
}

impl Busy {
    /// A run begins.
    pub(super) fn begin(&mut self, now: Duration) {
        if self.runs == 0 {
            self.since = now;
        }
        self.runs += 1;
    }

    /// A run ends.
    pub(super) fn end(&mut self, now: Duration) {
        self.runs = self.runs.saturating_sub(1);
        if self.runs > 0 {
            return;
        }
        self.total = self.total.saturating_add(now.saturating_sub(self.since));
        self.spells.push_back((self.since, now));
        let begin = now.saturating_sub(WINDOW);
        while self.spells.len() > MOST_SPELLS || self.spells.front().is_some_and(|(_, end)| *end < begin) {
            self.spells.pop_front();
        }
    }

    /// All time with at least one run.
    pub(super) fn total(&self, now: Duration) -> Duration {
        let running = if self.runs > 0 { now.saturating_sub(self.since) } else { Duration::ZERO };
        self.total.saturating_add(running)
    }

    /// The share of that in the window, or since the start if that is shorter, in parts of 10,000.
    pub(super) fn share_bps(&self, now: Duration) -> u32 {
        let begin = now.saturating_sub(WINDOW);
        let length = now.saturating_sub(begin).as_nanos();
        let running = (self.runs > 0).then_some((self.since, now));
        let within = |(from, to): (Duration, Duration)| to.saturating_sub(from.max(begin)).as_nanos();
        let busy: u128 = self.spells.iter().copied().chain(running).map(within).sum();
        u32::try_from(busy.saturating_mul(10_000).checked_div(length).unwrap_or(0)).unwrap_or(10_000).min(10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn runs_beside_each_other_count_once_and_old_ones_leave_the_share() {
        let mut busy = Busy::default();
        assert_eq!((busy.share_bps(Duration::ZERO), busy.total(SECOND)), (0, Duration::ZERO));
        busy.begin(SECOND * 10);
        busy.begin(SECOND * 15);
        busy.end(SECOND * 20);
        assert_eq!((busy.total(SECOND * 30), busy.share_bps(SECOND * 40)), (SECOND * 20, 7_500));
        busy.end(SECOND * 30);
        assert_eq!((busy.total(SECOND * 40), busy.share_bps(SECOND * 40)), (SECOND * 20, 5_000));
        assert_eq!(busy.share_bps(SECOND * 320), 333, "half of it is older than the window");
        assert_eq!(busy.share_bps(SECOND * 400), 0);
        for second in 0..10_000 {
            busy.begin(SECOND * 400 + Duration::from_millis(second));
            busy.end(SECOND * 400 + Duration::from_millis(second));
        }
        assert_eq!(busy.spells.len(), MOST_SPELLS);
    }
}
