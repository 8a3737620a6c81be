//! Adapter mismatch: a backend computed something else than the scalar reference. That is a fault of the hardware or of its driver,
//! and on the chain it cannot be told from a lie.
//!
//! Trips at the first mismatch, or, by the settings, when no backend is left that had none. What is promised is worked on with the
//! backends that are left. Resumes when the node is started again, which tests every backend before it uses it, or when the
//! operator has the backends tested again and all of them pass.

use super::cause::Cause;
use super::report::CauseReport;
use crate::config::{BreakerSettings, MismatchRule};
use serde::{Deserialize, Serialize};

/// Backends that differed from the reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Mismatch {
    trips: u64,
    /// What each of them computed wrong, in words. A restart tests them anew.
    #[serde(skip)]
    differing: Vec<String>,
    /// Backends that are still used.
    #[serde(skip)]
    trusted: usize,
    #[serde(skip)]
    is_open: bool,
}

fn stops(differing: &[String], trusted: usize, rule: MismatchRule) -> bool {
    !differing.is_empty() && (rule == MismatchRule::Any || trusted == 0)
}

impl Mismatch {
    /// Notes which backends differed, and how many did not.
    pub(super) fn looked(&mut self, differing: Vec<String>, trusted: usize, settings: &BreakerSettings) {
        let is_open = stops(&differing, trusted, settings.mismatch);
        if is_open && !self.is_open {
            self.trips = self.trips.saturating_add(1);
        }
        (self.differing, self.trusted, self.is_open) = (differing, trusted, is_open);
    }

    pub(super) fn report(&self) -> CauseReport {
        if !self.is_open {
            return CauseReport::closed(Cause::Mismatch, self.trips);
        }
        let left = match self.trusted {
            0 => "none is left".to_owned(),
            left => format!("{left} left, which keep what was promised"),
        };
        let reason = format!("backends differ from the scalar reference ({}); {left}", self.differing.join(", "));
        let resumes = "claims go on after a restart, or when the backends pass their self-test again".to_owned();
        CauseReport::open(Cause::Mismatch, self.trips, &reason, resumes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Phase;
    use super::*;

    #[test]
    fn one_backend_trips_or_all_of_them_by_the_settings() {
        let settings = |mismatch| BreakerSettings { mismatch, ..BreakerSettings::default() };
        let gpu = || vec!["wgpu: element 3 of tensor 9".to_owned()];
        let both = || [gpu(), vec!["cpu: element 0 of tensor 1".to_owned()]].concat();
        for (rule, differing, trusted, opens) in [
            (MismatchRule::Any, Vec::new(), 2, false),
            (MismatchRule::Any, gpu(), 1, true),
            (MismatchRule::Any, both(), 0, true),
            (MismatchRule::All, gpu(), 1, false),
            (MismatchRule::All, both(), 0, true),
            // A node without any backend has computed nothing wrong.
            (MismatchRule::All, Vec::new(), 0, false),
        ] {
            let mut mismatch = Mismatch::default();
            mismatch.looked(differing, trusted, &settings(rule));
            let report = mismatch.report();
            assert_eq!((report.phase == Phase::Open, report.trips == 1), (opens, opens), "{rule:?} {mismatch:?}");
        }
    }

    #[test]
    fn it_stays_until_the_backends_are_trusted_again_and_a_second_mismatch_counts_anew() {
        let settings = BreakerSettings { mismatch: MismatchRule::Any, ..BreakerSettings::default() };
        let mut mismatch = Mismatch::default();
        for (differs, phase, trips) in
            [(true, Phase::Open, 1), (true, Phase::Open, 1), (false, Phase::Closed, 1), (true, Phase::Open, 2)]
        {
            let differing = if differs { vec!["wgpu: element 3 of tensor 9".to_owned()] } else { Vec::new() };
            mismatch.looked(differing, 1, &settings);
            assert_eq!((mismatch.report().phase, mismatch.report().trips), (phase, trips));
        }
        assert!(mismatch.report().reason.unwrap().contains("element 3 of tensor 9"));
    }
}
