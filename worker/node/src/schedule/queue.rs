//! The promised runs of one adapter. It runs one at a time, the earliest deadline first, and never breaks one off.

use std::collections::BTreeMap;
use std::time::Duration;

/// The moment at which something is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The time since the node started.
    pub now: Duration,
    /// The slot.
    pub slot: u64,
    /// How long a slot takes.
    pub slot_time: Duration,
}

impl Clock {
    /// How long it is until the end of `slot` is here; nothing if it is past.
    pub fn until(&self, slot: u64) -> Duration {
        let slots = slot.saturating_sub(self.slot);
        self.slot_time.saturating_mul(u32::try_from(slots).unwrap_or(u32::MAX))
    }
}

/// How far a promised run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The job is about to be claimed: it cannot run yet, and others run meanwhile.
    Claiming,
    /// It can run.
    Ready,
    /// It runs since this time after the node's start.
    Running(Duration),
}

/// A run that has to end by a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The slot by which it has to have ended, the margin taken off. Of a job that is not claimed yet: if it were claimed now.
    pub deadline_slot: u64,
    /// How long it is thought to take on this adapter, beside whatever else runs there.
    pub run: Duration,
    /// How far it has come.
    pub phase: Phase,
}

impl Promise {
    /// What is left of the run. One that takes longer than was thought may take as long again.
    fn left(&self, now: Duration) -> Duration {
        match self.phase {
            Phase::Claiming | Phase::Ready => self.run,
            Phase::Running(since) => match self.run.checked_sub(now.saturating_sub(since)) {
                Some(left) => left,
                None => self.run,
            },
        }
    }

    fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }
}

/// A promise that would end too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} would end in {} ms and has to in {} ms: too much is promised at present",
    if number.is_some() { "a run that is promised already" } else { "the run" },
    ends_in.as_millis(),
    due_in.as_millis()
)]
pub struct Late {
    /// Its number; nothing where it is the one that was asked about.
    pub number: Option<u64>,
    /// When it would end, from now.
    pub ends_in: Duration,
    /// When it has to have ended, from now.
    pub due_in: Duration,
}

/// The promised runs of an adapter, by number.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    promises: BTreeMap<u64, Promise>,
}

impl Queue {
    /// Adds a promise, or replaces it.
    pub fn put(&mut self, number: u64, promise: Promise) {
        self.promises.insert(number, promise);
    }

    /// Removes a promise; `false` if there is none.
    pub fn remove(&mut self, number: u64) -> bool {
        self.promises.remove(&number).is_some()
    }

    /// The promise of this number.
    pub fn get(&self, number: u64) -> Option<&Promise> {
        self.promises.get(&number)
    }

    /// Lets a promise run from now on, by its deadline as it is since the claim.
    pub fn make_ready(&mut self, number: u64, deadline_slot: u64) {
        if let Some(promise) = self.promises.get_mut(&number).filter(|promise| !promise.is_running()) {
            (promise.phase, promise.deadline_slot) = (Phase::Ready, deadline_slot);
        }
    }

    /// Whether one runs.
    pub fn is_running(&self) -> bool {
        self.promises.values().any(Promise::is_running)
    }

    /// Promised runs, the running one counted.
    pub fn len(&self) -> usize {
        self.promises.len()
    }

    /// Whether nothing is promised.
    pub fn is_empty(&self) -> bool {
        self.promises.is_empty()
    }

    /// The run that is to begin: nothing while one runs or none can.
    pub fn next(&self) -> Option<u64> {
        if self.is_running() {
            return None;
        }
        let ready = self.promises.iter().filter(|(_, promise)| promise.phase == Phase::Ready);
        ready.min_by_key(|(number, promise)| (promise.deadline_slot, **number)).map(|(number, _)| *number)
    }

    /// Begins a run if it is the next.
    pub fn begin(&mut self, number: u64, now: Duration) -> bool {
        if self.next() != Some(number) {
            return false;
        }
        if let Some(promise) = self.promises.get_mut(&number) {
            promise.phase = Phase::Running(now);
        }
        true
    }

    /// When a new promise would end, from now, if it and all others end in time.
    ///
    /// # Errors
    /// A promise would end after its deadline: the new one, or one that is here already.
    pub fn admit(&self, new: &Promise, clock: &Clock) -> Result<Duration, Late> {
        let ends = self.ends(Some(new), clock);
        if let Some(late) = ends.iter().find(|end| end.ends_in > end.due_in) {
            return Err(*late);
        }
        Ok(self.end_of(new, clock))
    }

    /// When a new promise would end, from now, whatever becomes of the others.
    pub fn end_of(&self, new: &Promise, clock: &Clock) -> Duration {
        let ends = self.ends(Some(new), clock);
        ends.iter().find(|end| end.number.is_none()).map_or(Duration::MAX, |end| end.ends_in)
    }

    /// When each promise ends and when it has to have ended, in the order in which they run.
    ///
    /// A job that is not claimed yet cannot run yet. By the time that it can, one with a later deadline may have just begun: the
    /// longest of them is counted to it.
    fn ends(&self, new: Option<&Promise>, clock: &Clock) -> Vec<Late> {
        let numbered = self.promises.iter().map(|(number, promise)| (Some(*number), promise));
        let mut order: Vec<(Option<u64>, &Promise)> = numbered.chain(new.map(|promise| (None, promise))).collect();
        // The new one has the highest number.
        order.sort_by_key(|(number, promise)| {
            (!promise.is_running(), promise.deadline_slot, number.unwrap_or(u64::MAX))
        });
        let mut done = Duration::ZERO;
        let mut ends = Vec::with_capacity(order.len());
        for (at, (number, promise)) in order.iter().enumerate() {
            done = done.saturating_add(promise.left(clock.now));
            let behind = order.get(at + 1..).unwrap_or_default().iter().map(|(_, other)| other.run);
            let in_the_way = if promise.phase == Phase::Claiming { behind.max() } else { None };
            let ends_in = done.saturating_add(in_the_way.unwrap_or_default());
            ends.push(Late { number: *number, ends_in, due_in: clock.until(promise.deadline_slot) });
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock(now: u32) -> Clock {
        Clock { now: SECOND * now, slot: 100 + u64::from(now), slot_time: SECOND }
    }

    /// A promise that takes `run` seconds and is due `due` seconds after the start.
    fn promise(run: u32, due: u64, phase: Phase) -> Promise {
        Promise { deadline_slot: 100 + due, run: SECOND * run, phase }
    }

    fn queue(promises: &[Promise]) -> Queue {
        let mut queue = Queue::default();
        (0..).zip(promises).for_each(|(number, promise)| queue.put(number, *promise));
        queue
    }

    #[test]
    fn the_earliest_deadline_runs_first_and_one_at_a_time() {
        let mut queue = queue(&[
            promise(5, 90, Phase::Ready),
            promise(5, 30, Phase::Ready),
            promise(5, 10, Phase::Claiming),
            promise(5, 30, Phase::Ready),
        ]);
        assert!(!queue.begin(0, SECOND) && queue.begin(1, SECOND));
        assert_eq!(queue.next(), None);
        assert!(!queue.begin(3, SECOND), "one runs already");
        assert!(queue.remove(1) && !queue.remove(1));
        assert_eq!(queue.next(), Some(3), "of two that are due together the one that came first");
        queue.put(2, promise(5, 10, Phase::Ready));
        assert_eq!(queue.next(), Some(2));
        assert_eq!((queue.len(), queue.is_empty(), queue.get(1)), (3, false, None));
    }

    #[test]
    fn a_promise_that_would_be_late_is_not_admitted() {
        let queue = queue(&[promise(10, 25, Phase::Ready), promise(10, 60, Phase::Ready)]);
        let new = |run, due| promise(run, due, Phase::Claiming);
        // Until it is claimed, the longest of those that are due later may have begun.
        assert_eq!(queue.admit(&new(10, 20), &clock(0)), Ok(SECOND * 20));
        assert_eq!(queue.admit(&new(10, 40), &clock(0)), Ok(SECOND * 30));
        let late = queue.admit(&new(16, 26), &clock(0)).unwrap_err();
        assert_eq!(late, Late { number: None, ends_in: SECOND * 36, due_in: SECOND * 26 });
        assert_eq!(queue.admit(&new(45, 100), &clock(0)), Ok(SECOND * 65));
        assert_eq!(queue.end_of(&new(90, 1), &clock(0)), SECOND * 100, "whatever becomes of it");
    }

    #[test]
    fn one_that_is_here_already_is_not_made_late() {
        let queue = queue(&[promise(10, 25, Phase::Ready)]);
        let late = queue.admit(&promise(16, 20, Phase::Ready), &clock(0)).unwrap_err();
        assert_eq!(late, Late { number: Some(0), ends_in: SECOND * 26, due_in: SECOND * 25 });
    }

    #[test]
    fn what_runs_is_counted_by_what_is_left_of_it() {
        let mut queue = queue(&[promise(10, 90, Phase::Ready)]);
        let new = promise(5, 12, Phase::Claiming);
        assert!(queue.begin(0, Duration::ZERO));
        assert_eq!(queue.admit(&new, &clock(0)).unwrap_err().ends_in, SECOND * 15);
        assert_eq!(queue.end_of(&new, &clock(7)), SECOND * 8);
        assert_eq!(queue.end_of(&new, &clock(11)), SECOND * 15, "who is late may take as long again");
    }

    fn orders(count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![vec![]];
        }
        let mut all = Vec::new();
        for order in orders(count - 1) {
            for at in 0..=order.len() {
                let mut longer = order.clone();
                longer.insert(at, count - 1);
                all.push(longer);
            }
        }
        all
    }

    proptest! {
        /// Whatever order would keep every promise, the queue's does; what it refuses, none would.
        #[test]
        fn a_set_is_admitted_exactly_if_some_order_keeps_every_promise(
            runs in proptest::collection::vec((1u32..12, 1u64..40), 1..6),
        ) {
            let promises: Vec<Promise> = runs.iter().map(|(run, due)| promise(*run, *due, Phase::Ready)).collect();
            let keeps = |order: &Vec<usize>| {
                let mut done = 0u64;
                order.iter().all(|at| {
                    let (run, due) = runs[*at];
                    done += u64::from(run);
                    done <= due
                })
            };
            let possible = orders(promises.len()).iter().any(keeps);
            let (last, others) = promises.split_last().unwrap();
            prop_assert_eq!(queue(others).admit(last, &clock(0)).is_ok(), possible);
        }

        /// Played second by second: every job that was admitted is claimed some time later, others run meanwhile, and all end in time.
        #[test]
        fn whenever_the_claims_land_every_admitted_run_ends_in_time(
            jobs in proptest::collection::vec((0u32..30, 1u32..8, 1u64..40, 0u32..6), 1..8),
        ) {
            let (mut queue, mut running) = (Queue::default(), None::<(u64, u32)>);
            let mut claims: Vec<(u32, u64)> = Vec::new();
            for now in 0..200u32 {
                let clock = clock(now);
                if let Some((number, end)) = running && end == now {
                    let due = queue.get(number).unwrap().deadline_slot;
                    prop_assert!(clock.slot <= due, "{} ended in slot {} and was due in {}", number, clock.slot, due);
                    queue.remove(number);
                    running = None;
                }
                for (number, (seen, run, slots, landing)) in (0u64..).zip(&jobs) {
                    let new = promise(*run, u64::from(now) + slots, Phase::Claiming);
                    if *seen == now && queue.admit(&new, &clock).is_ok() {
                        queue.put(number, new);
                        claims.push((now + landing, number));
                    }
                }
                for (at, number) in &claims {
                    if *at == now {
                        // The deadline counts from the claim.
                        let (_, run, slots, _) = jobs[*number as usize];
                        queue.put(*number, promise(run, u64::from(now) + slots, Phase::Ready));
                    }
                }
                if let Some(number) = queue.next() {
                    prop_assert!(queue.begin(number, clock.now));
                    running = Some((number, now + jobs[number as usize].1));
                }
            }
            prop_assert!(queue.is_empty());
        }
    }
}
