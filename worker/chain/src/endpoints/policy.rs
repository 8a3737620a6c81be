//! Which endpoint is used, and when another one is: rules over what was heard, without a network or a clock of their own.
//!
//! * The endpoint in use stays in use while it answers and is level: not further behind the best slot that any endpoint told lately than
//!   the bound allows.
//! * When it does not answer, or falls behind, the first one of the settings that is well takes over; where none is, the one whose
//!   fault is the oldest.
//! * An endpoint that stands earlier in the settings comes back when it has answered and been level without a break for the time that
//!   the options say.
//! * An endpoint of another cluster is never used.

use super::EndpointOptions;
use std::time::Duration;

/// For how long a slot that an endpoint told counts when others are compared with it. An endpoint that told an impossible one, once,
/// does not shut out all others for good.
const TOLD_SLOT_COUNTS: Duration = Duration::from_secs(60);

/// What is wrong with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It did not answer.
    Silent,
    /// It is behind the others.
    Behind,
    /// It is of another cluster.
    Foreign,
}

/// What an answer says of the endpoint that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// What it says may be used.
    Level,
    /// It speaks of a slot too far behind the best one known.
    Behind {
        /// The slot that it speaks of.
        slot: u64,
        /// The best one known.
        best: u64,
    },
}

/// What is known of one endpoint.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// The last slot that it told, and when.
    told: Option<(u64, Duration)>,
    /// What is wrong with it, and since when.
    fault: Option<(Fault, Duration)>,
    /// Since when it answers and is level without a break; nothing before the first answer.
    well_since: Option<Duration>,
}

/// The endpoints of a connection, numbered in the order of the settings. Times are since an arbitrary moment, the same for all calls.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    standings: Vec<Standing>,
    options: EndpointOptions,
    in_use: usize,
    switches: u64,
}

impl Policy {
    /// So many endpoints, one at least; the first is used.
    pub(super) fn new(count: usize, options: EndpointOptions) -> Self {
        Self { standings: vec![Standing::default(); count.max(1)], options, in_use: 0, switches: 0 }
    }

    /// The number of the endpoint in use.
    pub(super) fn in_use(&self) -> usize {
        self.in_use
    }

    /// How often another endpoint was taken into use.
    pub(super) fn switches(&self) -> u64 {
        self.switches
    }

    /// What is wrong with an endpoint.
    pub(super) fn fault(&self, endpoint: usize) -> Option<Fault> {
        self.standings.get(endpoint)?.fault.map(|(fault, _)| fault)
    }

    /// The last slot that an endpoint told.
    pub(super) fn slot(&self, endpoint: usize) -> Option<u64> {
        self.standings.get(endpoint)?.told.map(|(slot, _)| slot)
    }

    /// The best slot that an endpoint of the right cluster told lately; 0 before the first.
    pub(super) fn best(&self, now: Duration) -> u64 {
        let lately = |at: Duration| now.saturating_sub(at) <= TOLD_SLOT_COUNTS;
        let counts = |standing: &&Standing| !matches!(standing.fault, Some((Fault::Foreign, _)));
        let told = self.standings.iter().filter(counts).filter_map(|standing| standing.told);
        told.filter(|(_, at)| lately(*at)).map(|(slot, _)| slot).max().unwrap_or(0)
    }

    /// How far an endpoint is behind the best one; nothing before it told a slot.
    pub(super) fn lag(&self, endpoint: usize, now: Duration) -> Option<u64> {
        Some(self.best(now).saturating_sub(self.slot(endpoint)?))
    }

    /// An endpoint answered, and told a slot if the answer has one.
    pub(super) fn answered(&mut self, endpoint: usize, slot: Option<u64>, now: Duration) -> Judgement {
        if let (Some(standing), Some(slot)) = (self.standings.get_mut(endpoint), slot) {
            standing.told = Some((slot, now));
        }
        let judgement = self.judge(slot, now);
        let Some(standing) = self.standings.get_mut(endpoint) else { return judgement };
        match (judgement, standing.fault) {
            // Only a look at its genesis hash takes that back.
            (_, Some((Fault::Foreign, _))) => {}
            (Judgement::Behind { .. }, fault) => {
                let since = fault.filter(|(fault, _)| *fault == Fault::Behind).map_or(now, |(_, since)| since);
                standing.fault = Some((Fault::Behind, since));
                standing.well_since = None;
            }
            // An answer without a slot does not say that it caught up.
            (Judgement::Level, Some((Fault::Behind, _))) if slot.is_none() => {}
            (Judgement::Level, _) => {
                standing.fault = None;
                standing.well_since.get_or_insert(now);
            }
        }
        judgement
    }

    fn judge(&self, slot: Option<u64>, now: Duration) -> Judgement {
        let best = self.best(now);
        match slot {
            Some(slot) if self.standings.len() > 1 && best.saturating_sub(slot) > self.options.most_lag_slots => {
                Judgement::Behind { slot, best }
            }
            _ => Judgement::Level,
        }
    }

    /// Several endpoints were asked for their slots at the same time: all are noted before any is judged.
    pub(super) fn told_together(&mut self, slots: &[(usize, Option<u64>)], now: Duration) {
        for (endpoint, slot) in slots {
            if let (Some(standing), Some(slot)) = (self.standings.get_mut(*endpoint), slot) {
                standing.told = Some((*slot, now));
            }
        }
        for (endpoint, slot) in slots {
            match slot {
                Some(slot) => drop(self.answered(*endpoint, Some(*slot), now)),
                None => self.silent(*endpoint, now),
            }
        }
    }

    /// An endpoint did not answer.
    pub(super) fn silent(&mut self, endpoint: usize, now: Duration) {
        let Some(standing) = self.standings.get_mut(endpoint) else { return };
        if !matches!(standing.fault, Some((Fault::Foreign, _))) {
            standing.fault = Some((Fault::Silent, now));
        }
        standing.well_since = None;
    }

    /// An endpoint said of which cluster it is.
    pub(super) fn identified(&mut self, endpoint: usize, is_of_the_cluster: bool, now: Duration) {
        let Some(standing) = self.standings.get_mut(endpoint) else { return };
        if !is_of_the_cluster {
            *standing = Standing { fault: Some((Fault::Foreign, now)), ..Standing::default() };
        } else if matches!(standing.fault, Some((Fault::Foreign, _))) {
            standing.fault = None;
        }
    }

    /// The endpoint to ask now that is not among `tried`; nothing when all that may be used were. Another one is taken into use when
    /// the one in use is at fault, or an earlier one is well again.
    pub(super) fn choose(&mut self, tried: &[usize], now: Duration) -> Option<usize> {
        self.reconsider(now);
        if !tried.contains(&self.in_use) && self.fault(self.in_use) != Some(Fault::Foreign) {
            return Some(self.in_use);
        }
        self.best_of(tried)
    }

    fn reconsider(&mut self, now: Duration) {
        let next = match self.fault(self.in_use) {
            None => (0..self.in_use).find(|earlier| self.is_back(*earlier, now)),
            Some(Fault::Behind) => (0..self.standings.len()).find(|endpoint| self.fault(*endpoint).is_none()),
            Some(_) => self.best_of(&[]),
        };
        if let Some(next) = next.filter(|next| *next != self.in_use) {
            self.in_use = next;
            self.switches = self.switches.saturating_add(1);
        }
    }

    fn is_back(&self, endpoint: usize, now: Duration) -> bool {
        let standing = self.standings.get(endpoint);
        let since = standing.filter(|standing| standing.fault.is_none()).and_then(|standing| standing.well_since);
        since.is_some_and(|since| now.saturating_sub(since) >= self.options.return_after)
    }

    /// The first without a fault; else the one whose fault is the oldest; never one of another cluster.
    fn best_of(&self, tried: &[usize]) -> Option<usize> {
        let usable = (0..self.standings.len())
            .filter(|endpoint| !tried.contains(endpoint) && self.fault(*endpoint) != Some(Fault::Foreign));
        usable.min_by_key(|endpoint| {
            self.standings.get(*endpoint).and_then(|standing| standing.fault).map(|(_, since)| since)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn policy(count: usize) -> Policy {
        let options = EndpointOptions { most_lag_slots: 50, return_after: at(60), ..EndpointOptions::default() };
        Policy::new(count, options)
    }

    #[test]
    fn the_next_one_is_used_when_the_first_is_silent_and_the_first_again_when_it_was_well_for_long() {
        let mut policy = policy(3);
        assert_eq!(policy.choose(&[], at(0)), Some(0));
        policy.silent(0, at(1));
        assert_eq!((policy.choose(&[], at(1)), policy.in_use(), policy.switches()), (Some(1), 1, 1));
        for second in 2..=61 {
            policy.answered(0, Some(100), at(second));
            assert_eq!(policy.choose(&[], at(second)), Some(1), "{second} s");
        }
        assert_eq!((policy.choose(&[], at(62)), policy.switches()), (Some(0), 2));
    }

    #[test]
    fn one_failure_begins_the_time_until_the_return_anew() {
        let mut policy = policy(2);
        policy.silent(0, at(0));
        assert_eq!(policy.choose(&[], at(0)), Some(1));
        policy.answered(0, Some(1), at(1));
        policy.silent(0, at(50));
        policy.answered(0, Some(1), at(51));
        assert_eq!(policy.choose(&[], at(70)), Some(1));
        assert_eq!(policy.choose(&[], at(111)), Some(0));
    }

    #[test]
    fn one_that_is_behind_is_left_for_a_fresher_one_and_not_believed() {
        let mut policy = policy(2);
        assert_eq!(policy.answered(0, Some(1_000), at(0)), Judgement::Level);
        assert_eq!(policy.answered(1, Some(1_050), at(1)), Judgement::Level);
        assert_eq!(policy.answered(0, Some(1_000), at(1)), Judgement::Level, "as far behind as is allowed");
        policy.answered(1, Some(1_051), at(2));
        assert_eq!(policy.answered(0, Some(1_000), at(2)), Judgement::Behind { slot: 1_000, best: 1_051 });
        assert_eq!((policy.choose(&[], at(2)), policy.lag(0, at(2))), (Some(1), Some(51)));
        policy.answered(0, None, at(3));
        assert_eq!(policy.fault(0), Some(Fault::Behind), "an answer without a slot shows nothing");
        policy.answered(0, Some(1_060), at(4));
        assert_eq!((policy.choose(&[], at(63)), policy.choose(&[], at(64))), (Some(1), Some(0)));
    }

    #[test]
    fn those_that_are_asked_together_are_compared_with_one_another_whatever_their_order() {
        for order in [[0, 1], [1, 0]] {
            let mut policy = policy(2);
            let slot = |endpoint| if endpoint == 0 { 100 } else { 900 };
            policy.told_together(&order.map(|endpoint| (endpoint, Some(slot(endpoint)))), at(5));
            assert_eq!((policy.fault(0), policy.fault(1)), (Some(Fault::Behind), None));
            policy.told_together(&[(0, Some(901)), (1, None)], at(6));
            assert_eq!((policy.fault(0), policy.fault(1)), (None, Some(Fault::Silent)));
        }
    }

    #[test]
    fn an_impossible_slot_that_was_told_once_shuts_the_others_out_for_a_minute_only() {
        let mut policy = policy(2);
        policy.answered(1, Some(u64::MAX), at(0));
        assert!(matches!(policy.answered(0, Some(100), at(60)), Judgement::Behind { .. }));
        assert_eq!(policy.answered(0, Some(100), at(61)), Judgement::Level);
        policy.answered(1, Some(101), at(61));
        assert_eq!((policy.best(at(61)), policy.fault(0)), (101, None));
    }

    #[test]
    fn one_of_another_cluster_is_never_asked_and_its_slots_count_nothing() {
        let mut policy = policy(2);
        policy.identified(1, false, at(0));
        policy.answered(1, Some(9_000), at(0));
        assert_eq!((policy.best(at(0)), policy.fault(1)), (0, Some(Fault::Foreign)));
        policy.silent(0, at(1));
        assert_eq!((policy.choose(&[], at(1)), policy.choose(&[0], at(1))), (Some(0), None));
        policy.silent(1, at(2));
        assert_eq!(policy.fault(1), Some(Fault::Foreign));
        policy.identified(1, true, at(3));
        assert_eq!(policy.choose(&[], at(3)), Some(1));
    }

    #[test]
    fn where_all_are_at_fault_they_take_turns() {
        let mut policy = policy(3);
        let mut asked = Vec::new();
        for second in 0..6 {
            let endpoint = policy.choose(&[], at(second)).unwrap();
            policy.silent(endpoint, at(second));
            asked.push(endpoint);
        }
        assert_eq!(asked, [0, 1, 2, 0, 1, 2]);
        assert_eq!(policy.choose(&[0, 1, 2], at(9)), None);
    }

    #[test]
    fn one_alone_is_neither_behind_nor_left() {
        let mut policy = policy(1);
        policy.answered(0, Some(1_000), at(0));
        assert_eq!(policy.answered(0, Some(1), at(1)), Judgement::Level);
        policy.silent(0, at(2));
        assert_eq!((policy.choose(&[], at(2)), policy.switches()), (Some(0), 0));
    }
}
