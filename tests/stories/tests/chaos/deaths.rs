//! Who dies where, and how often it came to that.

use assay_node::failpoint;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};
use story_tests::NodeProcess;

/// How long a process may take to a place that its work leads to, before it is killed where it is and has to try again.
const REACHED_WITHIN: Duration = Duration::from_secs(10);
/// After so many tries it may take that much longer: a slow machine needs it.
const HASTY_TRIES: u32 = 4;
/// How often a place is tried. Some need what others decide: that a challenge comes, that a client is late.
const TRIES: u32 = 16;

/// One way to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// At a place of this name.
    At { place: &'static str, tries: u32 },
    /// Wherever it is after so long.
    After(Duration),
}

/// How often processes died, and where.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    at: BTreeMap<&'static str, u32>,
    anywhere: u32,
}

impl Toll {
    /// The process that is called so died at a place.
    pub(crate) fn at(&mut self, who: &str, place: &'static str) {
        crate::say(&format!("{who} died {place}"));
        *self.at.entry(place).or_default() += 1;
    }

    pub(crate) fn anywhere(&mut self) {
        self.anywhere += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (place, deaths) in other.at {
            *self.at.entry(place).or_default() += deaths;
        }
        self.anywhere += other.anywhere;
    }

    pub(crate) fn all(&self) -> usize {
        (self.at.values().sum::<u32>() + self.anywhere) as usize
    }

    /// Expects that somebody died at every place there is.
    pub(crate) fn reached_everything(&self) {
        let missing: Vec<_> =
            places().chain(places_of_a_won_dispute()).filter(|place| !self.at.contains_key(place)).collect();
        assert!(missing.is_empty(), "nobody died {missing:?}; {self}");
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} deaths, {} of them wherever it was, the others", self.all(), self.anywhere)?;
        self.at.iter().try_for_each(|(place, deaths)| write!(formatter, " {place}×{deaths}"))
    }
}

/// The places of a node's life with jobs and disputes. Here no deadline is missed, no session opened, and no answer takes more than one
/// write to its buffer; the node's own tests kill it there.
fn places() -> impl Iterator<Item = &'static str> {
    let all = [failpoint::NAMES, failpoint::SEGMENT_NAMES, failpoint::ANSWER_NAMES].concat();
    all.into_iter().filter(|place| !place.starts_with("after_expire") && *place != "after_buffer_written")
}

/// The places of a validator in a dispute that it wins: the settlement closes it too, so there is no closing by itself.
pub(crate) fn places_of_a_won_dispute() -> impl Iterator<Item = &'static str> {
    assay_validator::failpoint::NAMES.iter().copied().filter(|place| *place != "after_close_landed")
}

/// Deaths of one node: places of jobs so many times each, those of disputes once, and moments of no name, in random order.
pub(crate) fn plan(rounds: usize, moments_too: usize, order: &mut StdRng) -> VecDeque<Death> {
    let mut deaths = Vec::from(moments(moments_too, order));
    for place in places() {
        let times = if failpoint::NAMES.contains(&place) { rounds } else { 1 };
        deaths.extend(std::iter::repeat_n(Death::At { place, tries: 0 }, times));
    }
    deaths.shuffle(order);
    deaths.into()
}

/// Deaths at moments of no name.
pub(crate) fn moments(count: usize, order: &mut StdRng) -> VecDeque<Death> {
    (0..count).map(|_| Death::After(Duration::from_millis(order.random_range(200..3_000)))).collect()
}

/// Starts the node for each death and lets it die so. What was not reached is tried again after all others. In the end it lives: others
/// may take minutes longer, and what it promised has to be kept meanwhile.
pub(crate) async fn reap(mut node: NodeProcess, mut plan: VecDeque<Death>, mut order: StdRng) -> (NodeProcess, Toll) {
    let mut toll = Toll::default();
    while let Some(death) = plan.pop_front() {
        let (place, within) = match death {
            Death::At { place, tries } => (Some(place), REACHED_WITHIN * (1 + tries / HASTY_TRIES)),
            Death::After(within) => (None, within),
        };
        // It may die while it starts.
        node.launch(place);
        let started = Instant::now();
        while !node.is_dead() && started.elapsed() < within {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = if node.is_dead() { Some(node.log()) } else { None };
        match (log, death) {
            (Some(log), Death::At { place, .. }) if log.contains(place) => toll.at(node.name(), place),
            // Its endpoint failed so often in a row that it could not start: a service manager starts it again.
            (Some(_), death) if node.was_unreachable() => plan.push_front(death),
            (Some(log), _) => panic!("it ended by itself: {log}"),
            (None, _) => {
                node.kill();
                toll.anywhere();
                if let Death::At { place, tries } = death
                    && tries + 1 < TRIES
                {
                    plan.push_back(Death::At { place, tries: tries + 1 });
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(order.random_range(0..300))).await;
    }
    node.start_in_the_end().await;
    (node, toll)
}
