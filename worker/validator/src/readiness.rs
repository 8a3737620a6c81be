//! Whether the validator takes new disputes on, or exactly why not: a pure function of what it knows of itself.
//!
//! | code | meaning |
//! |---|---|
//! | V0621 | it has not heard a slot yet |
//! | V0622 | it has heard no later slot for a while: the endpoint or the chain stands still |
//! | V0623 | the day's budget of fees is spent or reserved |
//! | V0624 | as much lies in bonds as the budget allows |

use crate::budget::{Standing, next_day};
use crate::config::{Budget, Mode};
use assay_telemetry::readiness::{Readiness, Reason};
use std::time::Duration;

/// The chain stands still when no later slot was heard for so long.
pub const STALE: Duration = Duration::from_secs(30);

/// Ready, or every reason why not. Who only watches needs no budget.
pub fn readiness(mode: Mode, slot: u64, slot_age: Option<Duration>, standing: &Standing, budget: &Budget) -> Readiness {
    let mut reasons = Vec::new();
    match slot_age {
        None => reasons.push(Reason::new("V0621", "no slot was heard yet: check the websocket of the endpoint")),
        Some(age) if age >= STALE => {
            let seconds = age.as_secs();
            let words =
                format!("no slot after {slot} was heard for {seconds} s: check the endpoint, or use another one");
            reasons.push(Reason::new("V0622", words));
        }
        Some(_) => {}
    }
    if !mode.audits() {
        return Readiness::of(reasons);
    }
    let (taken, limit) = (standing.spent_today.saturating_add(standing.reserved), budget.max_fees_lamports_per_day);
    if taken >= limit {
        let until = next_day(slot);
        let words = format!(
            "{taken} lamports of fees are spent or reserved today, the budget is {limit}: raise budget.max_fees_lamports_per_day, or wait for slot {until}"
        );
        reasons.push(Reason::new("V0623", words));
    }
    if standing.bonds >= budget.max_bonds {
        let (bonds, limit) = (standing.bonds, budget.max_bonds);
        let words = format!(
            "{bonds} base units lie in bonds, the budget is {limit}: raise budget.max_bonds, or wait for disputes to end"
        );
        reasons.push(Reason::new("V0624", words));
    }
    Readiness::of(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_code_and_watching_needs_no_budget() {
        let budget = Budget::default();
        let fresh = Some(Duration::from_secs(1));
        let spent =
            Standing { spent_today: budget.max_fees_lamports_per_day - 1, reserved: 1, bonds: budget.max_bonds };
        let codes = |mode, age, standing: &Standing| {
            let readiness = readiness(mode, 7, age, standing, &budget);
            readiness.reasons.into_iter().map(|reason| reason.code).collect::<Vec<_>>()
        };
        let none =
            Standing { spent_today: budget.max_fees_lamports_per_day - 1, reserved: 0, bonds: budget.max_bonds - 1 };
        assert_eq!(codes(Mode::Audit, fresh, &none), [""; 0]);
        assert_eq!(codes(Mode::Audit, None, &none), ["V0621"]);
        assert_eq!(codes(Mode::Watch, Some(STALE), &spent), ["V0622"]);
        assert_eq!(codes(Mode::Defend, fresh, &spent), ["V0623", "V0624"]);
    }
}
