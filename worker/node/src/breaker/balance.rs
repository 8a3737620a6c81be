//! A low balance: the operator key is about to run out of lamports for fees and rents.
//!
//! Trips when the key holds less than the settings ask for; resumes when it holds a quarter more than that, so that the fees of one
//! job do not turn it to and fro. What a single job needs for its defence is another rule (`N0218`), and so is the alarm about
//! what is open (`N0406`): this one leaves what is left to the promises that were made.

use super::cause::Cause;
use super::report::CauseReport;
use crate::config::BreakerSettings;
use serde::{Deserialize, Serialize};

/// Whether the operator key holds enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Balance {
    trips: u64,
    /// What it held at the last look, while that is too little. Looked at anew after a restart.
    #[serde(skip)]
    low: Option<u64>,
}

/// From which balance on claims go on.
fn enough(least_lamports: u64) -> u64 {
    least_lamports.saturating_add(least_lamports / 4)
}

impl Balance {
    /// Notes what the key holds, in lamports.
    pub(super) fn saw(&mut self, lamports: u64, settings: &BreakerSettings) {
        let least = settings.least_lamports;
        let bound = if self.low.is_some() { enough(least) } else { least };
        let low = (lamports < bound).then_some(lamports);
        if self.low.is_none() && low.is_some() {
            self.trips = self.trips.saturating_add(1);
        }
        self.low = low;
    }

    pub(super) fn report(&self, settings: &BreakerSettings) -> CauseReport {
        let least = settings.least_lamports;
        let Some(lamports) = self.low.filter(|_| least > 0) else {
            return CauseReport::closed(Cause::Balance, self.trips);
        };
        let reason = format!("the operator key holds {lamports} lamports, breaker.least_lamports is {least}");
        let resumes = format!("claims go on when it holds {} lamports: send it some", enough(least));
        CauseReport::open(Cause::Balance, self.trips, &reason, resumes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Phase;
    use super::*;

    #[test]
    fn it_trips_below_the_bound_and_resumes_a_quarter_above_it() {
        let settings = BreakerSettings { least_lamports: 1_000, ..BreakerSettings::default() };
        let mut balance = Balance::default();
        let mut phases = Vec::new();
        for lamports in [1_000, 999, 1_000, 1_249, 1_250, 1_000, 999] {
            balance.saw(lamports, &settings);
            phases.push(balance.report(&settings).phase == Phase::Open);
        }
        assert_eq!(phases, [false, true, true, true, false, false, true]);
        let report = balance.report(&settings);
        assert_eq!(report.trips, 2);
        let refusal = report.refusal();
        assert!(
            refusal.code == "N0244" && refusal.reason.contains("999") && refusal.remedy.contains("1250"),
            "{refusal}"
        );
    }

    #[test]
    fn nothing_trips_where_nothing_is_asked_for() {
        let off = BreakerSettings { least_lamports: 0, ..BreakerSettings::default() };
        let mut balance = Balance::default();
        balance.saw(0, &off);
        assert_eq!((balance.report(&off).phase, balance.trips), (Phase::Closed, 0));
        // Switched off while it is tripped.
        balance.saw(0, &BreakerSettings { least_lamports: 1, ..off.clone() });
        assert_eq!(balance.report(&off).phase, Phase::Closed);
        balance.saw(0, &off);
        assert_eq!(balance, Balance { trips: 1, low: None });
    }
}
