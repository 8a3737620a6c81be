//! All causes together: what happened comes in, and whether a claim may be made comes out. Pure.

use super::balance::Balance;
use super::cause::Cause;
use super::disagreement::Disagreement;
use super::failures::Failures;
use super::latch::Position;
use super::mismatch::Mismatch;
use super::report::Report;
use super::slowdown::{Measured, Slowdown};
use crate::config::BreakerSettings;
use crate::market::EndpointView;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The breaker of a node. What a restart has to find again is what is written of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    mismatch: Mismatch,
    disagreement: Disagreement,
    failures: Failures,
    slowdown: Slowdown,
    balance: Balance,
}

impl Machine {
    /// How every cause stands at `slot`.
    pub fn report(&self, slot: u64, settings: &BreakerSettings) -> Report {
        let causes = Cause::ALL.map(|cause| match cause {
            Cause::Mismatch => self.mismatch.report(),
            Cause::Disagreement => self.disagreement.report(settings),
            Cause::Failures => self.failures.report(slot, settings),
            Cause::Slowdown => self.slowdown.report(slot, settings),
            Cause::Balance => self.balance.report(settings),
        });
        Report { causes: causes.into(), is_testing: false }
    }

    /// Notes that `claimant` is about to claim, which nothing stands against: where a trial is due, it is this one.
    pub(super) fn claims(&mut self, claimant: &str, slot: u64) {
        for latch in [self.failures.latch_mut(), self.slowdown.latch_mut()] {
            if matches!(latch.position(slot), Position::HalfOpen { trial: None }) {
                latch.begin_trial(claimant);
            }
        }
    }

    /// Notes that nothing is promised to `claimant`: if it was the trial, another one may begin.
    pub(super) fn gives_back(&mut self, claimant: &str) {
        self.failures.latch_mut().give_back(claimant);
        self.slowdown.latch_mut().give_back(claimant);
    }

    /// Whose trials are under way, base58.
    pub(super) fn trials(&mut self) -> Vec<String> {
        let latches = [self.failures.latch_mut(), self.slowdown.latch_mut()];
        latches.into_iter().filter_map(|latch| latch.trial().map(str::to_owned)).collect()
    }

    pub(super) fn failed(&mut self, what: &str, slot: u64, settings: &BreakerSettings) {
        self.failures.failed(what, slot, settings);
    }

    pub(super) fn kept(&mut self, slot: u64) {
        self.failures.kept(slot);
    }

    pub(super) fn ran(&mut self, run: &Measured, slot: u64, settings: &BreakerSettings) {
        self.slowdown.ran(run, slot, settings);
    }

    pub(super) fn saw_balance(&mut self, lamports: u64, settings: &BreakerSettings) {
        self.balance.saw(lamports, settings);
    }

    pub(super) fn saw_backends(&mut self, differing: Vec<String>, trusted: usize, settings: &BreakerSettings) {
        self.mismatch.looked(differing, trusted, settings);
    }

    pub(super) fn saw_endpoints(&mut self, views: &[Option<EndpointView>], now: Duration, settings: &BreakerSettings) {
        self.disagreement.looked(views, now, settings);
    }

    /// What an operator's word ends. A mismatch is ended by a test of the backends alone, and a low balance by lamports.
    pub fn reset(&mut self, cause: Cause) {
        match cause {
            Cause::Failures => self.failures.reset(),
            Cause::Slowdown => self.slowdown.reset(),
            Cause::Disagreement => self.disagreement.reset(),
            Cause::Mismatch | Cause::Balance => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Phase;
    use super::*;
    use crate::config::MismatchRule;

    fn settings() -> BreakerSettings {
        BreakerSettings {
            failures: 1,
            pause_slots: 10,
            least_lamports: 5,
            mismatch: MismatchRule::Any,
            ..BreakerSettings::default()
        }
    }

    fn stops(machine: &Machine, slot: u64, claimant: Option<&str>) -> Option<Cause> {
        machine.report(slot, &settings()).stops(claimant).map(|report| report.cause)
    }

    #[test]
    fn the_gravest_cause_is_named_and_each_goes_by_its_own_rule() {
        let mut machine = Machine::default();
        assert_eq!(stops(&machine, 100, None), None);
        machine.saw_balance(4, &settings());
        assert_eq!(stops(&machine, 100, None), Some(Cause::Balance));
        machine.failed("a run", 100, &settings());
        assert_eq!(stops(&machine, 100, None), Some(Cause::Failures));
        machine.saw_backends(vec!["gpu".to_owned()], 1, &settings());
        assert_eq!(stops(&machine, 100, None), Some(Cause::Mismatch));
        let all: Vec<_> = machine.report(100, &settings()).all_that_stop().map(|one| one.cause).collect();
        assert_eq!(all, [Cause::Mismatch, Cause::Failures, Cause::Balance]);
        Cause::ALL.into_iter().for_each(|cause| machine.reset(cause));
        assert_eq!(stops(&machine, 100, None), Some(Cause::Mismatch), "words do not mend hardware");
        machine.saw_backends(Vec::new(), 2, &settings());
        assert_eq!(stops(&machine, 100, None), Some(Cause::Balance), "nor fill a purse");
        machine.saw_balance(7, &settings());
        assert_eq!(stops(&machine, 100, None), None);
    }

    #[test]
    fn one_trial_is_let_through_and_the_next_only_when_it_came_to_nothing() {
        let mut machine = Machine::default();
        machine.failed("a run", 100, &settings());
        assert_eq!(stops(&machine, 109, Some("a")), Some(Cause::Failures));
        assert_eq!(stops(&machine, 110, Some("a")), None);
        machine.claims("a", 110);
        assert_eq!(machine.trials(), ["a"]);
        assert_eq!((stops(&machine, 110, Some("a")), stops(&machine, 110, Some("b"))), (None, Some(Cause::Failures)));
        machine.claims("b", 110);
        assert_eq!(machine.trials(), ["a"], "the trial is a's");
        machine.gives_back("a");
        assert_eq!(stops(&machine, 110, Some("b")), None);
        machine.claims("b", 110);
        machine.kept(120);
        assert_eq!((stops(&machine, 120, Some("c")), machine.trials().len()), (None, 0));
    }

    #[test]
    fn what_a_restart_has_to_find_is_written_and_what_it_sees_anew_is_not() {
        let mut machine = Machine::default();
        machine.failed("a run", 100, &settings());
        machine.saw_balance(4, &settings());
        machine.saw_backends(vec!["gpu".to_owned()], 0, &settings());
        let read: Machine = serde_json::from_slice(&serde_json::to_vec(&machine).unwrap()).unwrap();
        let phases: Vec<_> =
            read.report(100, &settings()).causes.into_iter().map(|one| (one.cause, one.phase)).collect();
        assert_eq!(
            phases,
            [
                (Cause::Mismatch, Phase::Closed),
                (Cause::Disagreement, Phase::Closed),
                (Cause::Failures, Phase::Open),
                (Cause::Slowdown, Phase::Closed),
                (Cause::Balance, Phase::Closed)
            ]
        );
        assert!(
            read.report(100, &settings())
                .causes
                .iter()
                .all(|one| (one.trips == 1) == (one.cause != Cause::Disagreement && one.cause != Cause::Slowdown)),
            "trips go on counting"
        );
        assert_eq!(serde_json::from_str::<Machine>("{}").unwrap(), Machine::default());
    }
}
