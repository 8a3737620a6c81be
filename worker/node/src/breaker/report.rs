//! How the breaker stands, for people, and why a claim waits.

use super::cause::Cause;
use super::latch::{Latch, Position};
use crate::refusal::Refusal;
use assay_telemetry::readiness::Reason;
use serde::{Deserialize, Serialize};

/// Whether a cause lets claims through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It does.
    #[default]
    Closed,
    /// It does not.
    Open,
    /// One at a time: what is promised next shows whether the cause is over.
    HalfOpen,
}

/// How one cause stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseReport {
    /// Which.
    pub cause: Cause,
    /// Its stable code.
    pub code: String,
    /// Whether it lets claims through.
    pub phase: Phase,
    /// How often it stopped claims so far.
    pub trips: u64,
    /// What was seen; nothing while it is closed.
    pub reason: Option<String>,
    /// When claims go on, and what the operator can do; nothing while it is closed.
    pub resumes: Option<String>,
    /// The first slot of a trial, while it is open and that is known.
    pub until_slot: Option<u64>,
    /// Job or session of the trial that is under way, base58.
    pub trial: Option<String>,
}

/// How the breaker stands: all causes, the gravest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Every cause.
    pub causes: Vec<CauseReport>,
    /// Backends that computed something wrong are being tested again.
    pub is_testing: bool,
}

impl CauseReport {
    pub(super) fn closed(cause: Cause, trips: u64) -> Self {
        Self {
            cause,
            code: cause.code().to_owned(),
            phase: Phase::Closed,
            trips,
            reason: None,
            resumes: None,
            until_slot: None,
            trial: None,
        }
    }

    /// One that is open until what `resumes` says.
    pub(super) fn open(cause: Cause, trips: u64, reason: &str, resumes: String) -> Self {
        let (reason, resumes) = (Some(reason.to_owned()), Some(resumes));
        Self { phase: Phase::Open, reason, resumes, ..Self::closed(cause, trips) }
    }

    /// One whose latch decides; `proof` is what ends a trial well.
    pub(super) fn of_latch(cause: Cause, trips: u64, latch: &Latch, slot: u64, reason: &str, proof: &str) -> Self {
        let open = |resumes| Self::open(cause, trips, reason, resumes);
        match latch.position(slot) {
            Position::Closed => Self::closed(cause, trips),
            Position::Open { until_slot } => Self {
                until_slot: Some(until_slot),
                ..open(format!("from slot {until_slot} on one job is tried at a time, until {proof}"))
            },
            Position::HalfOpen { trial } => Self {
                phase: Phase::HalfOpen,
                trial: trial.map(str::to_owned),
                ..open(match trial {
                    Some(trial) => format!("{trial} is being tried; claims go on when {proof}"),
                    None => format!("the next job is a trial; claims go on when {proof}"),
                })
            },
        }
    }

    /// Whether it stands against a claim of `claimant`, or, without one, against any further claim.
    pub fn stops(&self, claimant: Option<&str>) -> bool {
        match self.phase {
            Phase::Closed => false,
            Phase::Open => true,
            Phase::HalfOpen => self.trial.as_deref().is_some_and(|trial| claimant != Some(trial)),
        }
    }

    /// The same as the reason why a job is not taken.
    pub fn refusal(&self) -> Refusal {
        let words = |text: &Option<String>| text.clone().unwrap_or_default();
        let remedy = format!("{}; or `assay node breaker reset`", words(&self.resumes));
        Refusal::new(&self.code, words(&self.reason), remedy)
    }

    /// The same as the reason why the node is not ready.
    pub fn as_reason(&self) -> Reason {
        let Refusal { reason, remedy, .. } = self.refusal();
        Reason::new(&self.code, format!("{reason}: {remedy}"))
    }
}

impl Report {
    /// The gravest of the causes that stand against a claim.
    pub fn stops(&self, claimant: Option<&str>) -> Option<&CauseReport> {
        self.causes.iter().find(|cause| cause.stops(claimant))
    }

    /// All causes that stand against any further claim.
    pub fn all_that_stop(&self) -> impl Iterator<Item = &CauseReport> {
        self.causes.iter().filter(|cause| cause.stops(None))
    }

    /// How a cause stands.
    pub fn of(&self, cause: Cause) -> Option<&CauseReport> {
        self.causes.iter().find(|report| report.cause == cause)
    }

    /// Whether a trial decides about some cause next.
    pub fn is_on_trial(&self) -> bool {
        self.causes.iter().any(|cause| cause.phase == Phase::HalfOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::super::latch::Pauses;
    use super::*;

    #[test]
    fn a_latch_stops_everybody_then_everybody_but_the_trial() {
        let mut latch = Latch::default();
        let report =
            |latch: &Latch, slot| CauseReport::of_latch(Cause::Failures, 1, latch, slot, "3 failed", "one is kept");
        assert_eq!(report(&latch, 5), CauseReport::closed(Cause::Failures, 1));
        latch.open(100, Pauses { first_slots: 10, longest_slots: 10 });
        let open = report(&latch, 109);
        assert!(open.stops(None) && open.stops(Some("a")));
        let refusal = open.refusal();
        assert_eq!((refusal.code.as_str(), refusal.reason.as_str()), ("N0241", "3 failed"));
        assert!(refusal.remedy.contains("slot 110") && refusal.remedy.contains("reset"), "{refusal}");
        assert!(open.as_reason().words.starts_with("3 failed: "));
        let half = report(&latch, 110);
        assert!(!half.stops(None) && !half.stops(Some("a")), "nobody is on trial yet");
        latch.begin_trial("a");
        let trial = report(&latch, 110);
        assert!(trial.stops(None) && trial.stops(Some("b")) && !trial.stops(Some("a")));
    }
}
