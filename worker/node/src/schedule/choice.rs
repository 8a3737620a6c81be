//! The adapter of a run: the one on which it ends first, of those on which it fits and keeps every promise.

use super::memory::Lack;
use super::queue::Late;
use std::time::Duration;

/// Why a run is not promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// There is too little memory, at present or at all.
    #[error(transparent)]
    Memory(Lack),
    /// It would be too late, or make another promise too late, as the queue is at present.
    #[error(transparent)]
    Queue(Late),
    /// It takes longer than the job allows, even if nothing else were promised.
    #[error("the run takes about {} ms, longer than it may", run.as_millis())]
    Slow {
        /// How long it is thought to take.
        run: Duration,
    },
}

impl Obstacle {
    /// Whether it passes when promises are kept.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Memory(Lack::Now { .. }) | Self::Queue(_) => true,
            Self::Memory(Lack::Never { .. }) | Self::Slow { .. } => false,
        }
    }
}

/// What an adapter makes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its place in the order of preference.
    pub adapter: usize,
    /// Whether it is there only for what no other one can do.
    pub is_fallback: bool,
    /// When the run would end on it, from now, or what is in the way.
    pub ends_in: Result<Duration, Obstacle>,
}

/// Where the run ends first; of adapters that are alike, on the first of them. A fallback is asked only if it could never run on any
/// other one.
///
/// # Errors
/// It can run on none at present: what passes is named before what does not. Nothing was offered: no obstacle either.
pub fn choose(offers: &[Offer]) -> Result<(usize, Duration), Option<Obstacle>> {
    let of = |is_fallback: bool| offers.iter().filter(move |offer| offer.is_fallback == is_fallback);
    let mut obstacle = None;
    for group in [false, true] {
        let ends = of(group).filter_map(|offer| offer.ends_in.ok().map(|ends_in| (ends_in, offer.adapter)));
        if let Some((ends_in, adapter)) = ends.min() {
            return Ok((adapter, ends_in));
        }
        let obstacles: Vec<Obstacle> = of(group).filter_map(|offer| offer.ends_in.err()).collect();
        if let Some(passing) = obstacles.iter().find(|obstacle| obstacle.is_passing()) {
            return Err(Some(*passing));
        }
        obstacle = obstacle.or(obstacles.first().copied());
    }
    Err(obstacle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Result<Duration, Obstacle> = Err(Obstacle::Memory(Lack::Never { needed: 2, bound: 1 }));
    const NOW: Result<Duration, Obstacle> = Err(Obstacle::Memory(Lack::Now { needed: 2, free: 1 }));

    fn seconds(seconds: u64) -> Result<Duration, Obstacle> {
        Ok(Duration::from_secs(seconds))
    }

    /// Of these, the last is the fallback.
    fn chosen(ends: &[Result<Duration, Obstacle>]) -> Result<usize, Option<Obstacle>> {
        let offer = |(adapter, ends_in): (usize, &_)| Offer {
            adapter,
            is_fallback: adapter + 1 == ends.len(),
            ends_in: *ends_in,
        };
        let offers: Vec<Offer> = ends.iter().enumerate().map(offer).collect();
        choose(&offers).map(|(adapter, _)| adapter)
    }

    #[test]
    fn the_first_to_end_is_chosen_and_of_equals_the_first() {
        assert_eq!(chosen(&[seconds(5), seconds(3), seconds(1)]), Ok(1), "the last is for what no other can do");
        assert_eq!(chosen(&[seconds(3), seconds(3), seconds(1)]), Ok(0));
        assert_eq!(chosen(&[NOW, seconds(9), seconds(1)]), Ok(1));
    }

    #[test]
    fn the_fallback_is_asked_only_where_waiting_is_of_no_use() {
        assert_eq!(chosen(&[NEVER, NEVER, seconds(9)]), Ok(2));
        assert_eq!(chosen(&[NOW, NEVER, seconds(9)]), Err(NOW.err()));
        assert_eq!(chosen(&[NEVER, NEVER, NOW]), Err(NOW.err()));
        assert_eq!(chosen(&[NEVER, NEVER, NEVER]), Err(NEVER.err()));
        assert_eq!(choose(&[]), Err(None));
    }
}
