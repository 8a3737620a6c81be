//! Whether the node takes jobs, or exactly why not: a pure function of what it knows of itself.
//!
//! | code | meaning |
//! |---|---|
//! | N0503 | it was convicted and claims no more |
//! | N0521 | it is to end and takes nothing new |
//! | N0522 | it has not heard a slot yet |
//! | N0523 | it has heard no later slot for a while: the endpoint or the chain stands still |
//! | N0524 | its own account was not read yet |
//! | N0525 | its stake is below what the network asks for |
//! | N0526 | it is in jail for misses |
//! | N0527 | a miss was not followed by a sign of life yet |
//! | N0528 | it declared maintenance for now |
//! | N0529 | the guardian pauses new work |
//! | N0406 | the operator key has too few lamports for the defence of the open jobs |
//! | N0248 | its store holds as many bytes as it may, and all of them are needed |
//! | N0530 | an answer in a dispute is due soon, and goes before new jobs |
//! | N0241 to N0245 | its breaker is open, for the cause of that code |

use crate::breaker::{CauseReport, Report};
use crate::defence::alarm::Conviction;
use crate::defence::reserve::Funds;
use crate::driver::full_store;
use crate::meter::Standing;
use assay_telemetry::readiness::{Readiness, Reason};
use std::time::Duration;

/// The chain stands still when no later slot was heard for so long.
pub const STALE: Duration = Duration::from_secs(30);

/// What decides.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// Slot that was last heard.
    pub slot: u64,
    /// How long ago; nothing before the first.
    pub slot_age: Option<Duration>,
    /// What the node's own account says, once it was read.
    pub standing: Option<Standing>,
    /// Lamports of the operator key.
    pub funds: Option<&'a Funds>,
    /// Of what the node was convicted, if it was.
    pub conviction: Option<&'a Conviction>,
    /// The node is to end.
    pub is_draining: bool,
    /// Bytes in the node's store, and how many there may be; 0: no bound.
    pub full_store: Option<(u64, u64)>,
    /// The job whose answer is due soon, and by when.
    pub answer_due: Option<(String, u64)>,
    /// How the breaker stands.
    pub breaker: Option<&'a Report>,
}

impl Facts<'_> {
    /// Ready, or every reason why not.
    pub fn readiness(&self) -> Readiness {
        let mut reasons = Vec::new();
        let mut because = |code: &str, words: String| reasons.push(Reason::new(code, words));
        if let Some(conviction) = self.conviction {
            let fault = &conviction.fault;
            because("N0503", format!("it was convicted ({fault}) and claims no more: register another node"));
        }
        if self.is_draining {
            because("N0521", "it takes nothing new and ends when what it promised is done".to_owned());
        }
        match self.slot_age {
            None => because("N0522", "no slot was heard yet: check the websocket of the endpoint".to_owned()),
            Some(age) if age >= STALE => because(
                "N0523",
                format!(
                    "no slot after {} was heard for {} s: check the endpoint, or use another one",
                    self.slot,
                    age.as_secs()
                ),
            ),
            Some(_) => {}
        }
        match &self.standing {
            None => because("N0524", "the node's own account was not read yet".to_owned()),
            Some(standing) => self.stand(standing, &mut because),
        }
        if let Some(lacking) = self.funds.map(|funds| funds.lacking_lamports).filter(|lacking| *lacking > 0) {
            because("N0406", format!("the operator key lacks {lacking} lamports for the defence of the open jobs"));
        }
        if let Some((stored, most)) = self.full_store.filter(|(stored, most)| *most > 0 && stored >= most) {
            let refusal = full_store(stored, most);
            because("N0248", format!("{}: {}", refusal.reason, refusal.remedy));
        }
        if let Some((job, until_slot)) = &self.answer_due {
            because("N0530", format!("an answer for job {job} is due by slot {until_slot}; it goes before new jobs"));
        }
        let stopped = self.breaker.into_iter().flat_map(|report| report.all_that_stop());
        reasons.extend(stopped.map(CauseReport::as_reason));
        Readiness::of(reasons)
    }

    fn stand(&self, standing: &Standing, because: &mut impl FnMut(&str, String)) {
        let slot = self.slot.max(standing.slot);
        let Standing { stake, minimum_stake, jailed_until_slot, misses_unresolved, .. } = *standing;
        if stake < minimum_stake {
            because(
                "N0525",
                format!("its stake is {stake}, the network asks for {minimum_stake}: add some with `assay node stake`"),
            );
        }
        if slot < jailed_until_slot {
            because("N0526", format!("it is in jail for misses until slot {jailed_until_slot}; it is slot {slot}"));
        }
        if misses_unresolved > 0 {
            because(
                "N0527",
                format!("{misses_unresolved} misses wait for the next heartbeat, which it sends by itself"),
            );
        }
        if standing.is_in_maintenance(slot) {
            let until = standing.maintenance.1;
            because("N0528", format!("it declared maintenance until slot {until}; it is slot {slot}"));
        }
        if let Some(until) = standing.paused_until_slot.filter(|until| slot < *until) {
            because("N0529", format!("the guardian pauses new work until slot {until}; it is slot {slot}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Facts<'static> {
        let standing = Standing { slot: 90, stake: 10, minimum_stake: 10, ..Standing::default() };
        Facts { slot: 100, slot_age: Some(Duration::from_secs(1)), standing: Some(standing), ..Facts::default() }
    }

    fn codes(facts: &Facts<'_>) -> Vec<String> {
        facts.readiness().reasons.into_iter().map(|reason| reason.code).collect()
    }

    #[test]
    fn a_node_that_lacks_nothing_is_ready() {
        assert_eq!(codes(&well()), [""; 0]);
        assert!(well().readiness().ready);
        let funds = Funds::default();
        assert!(Facts { funds: Some(&funds), ..well() }.readiness().ready);
    }

    #[test]
    fn each_reason_has_its_code_and_all_are_named() {
        let standing = well().standing.unwrap();
        let with = |standing: Standing| Facts { standing: Some(standing), ..well() };
        assert_eq!(codes(&Facts { slot_age: None, ..well() }), ["N0522"]);
        assert_eq!(codes(&Facts { slot_age: Some(STALE), ..well() }), ["N0523"]);
        assert_eq!(codes(&Facts { standing: None, ..well() }), ["N0524"]);
        assert_eq!(codes(&Facts { is_draining: true, ..well() }), ["N0521"]);
        assert_eq!(codes(&Facts { answer_due: Some(("job".to_owned(), 120)), ..well() }), ["N0530"]);
        assert_eq!(codes(&with(Standing { stake: 9, ..standing })), ["N0525"]);
        assert_eq!(codes(&with(Standing { jailed_until_slot: 101, ..standing })), ["N0526"]);
        assert_eq!(codes(&with(Standing { jailed_until_slot: 100, ..standing })), [""; 0]);
        assert_eq!(codes(&with(Standing { misses_unresolved: 1, ..standing })), ["N0527"]);
        assert_eq!(codes(&with(Standing { maintenance: (100, 100), ..standing })), ["N0528"]);
        assert_eq!(codes(&with(Standing { paused_until_slot: Some(101), ..standing })), ["N0529"]);
        assert_eq!(codes(&with(Standing { paused_until_slot: Some(100), ..standing })), [""; 0]);
        let funds = Funds { lacking_lamports: 1, ..Funds::default() };
        let open = r#"{"failures":{"row":3,"latch":{"open":{"number":1,"until_slot":120,"trial":null}}}}"#;
        let machine: crate::breaker::Machine = serde_json::from_str(open).unwrap();
        let at = |slot| machine.report(slot, &crate::config::BreakerSettings::default());
        let (open, half_open) = (at(119), at(120));
        assert_eq!(codes(&Facts { breaker: Some(&open), ..well() }), ["N0241"]);
        assert_eq!(codes(&Facts { breaker: Some(&half_open), ..well() }), [""; 0], "it takes a job, as a trial");
        let conviction = Conviction { job: None, fault: "fraud".to_owned() };
        let both = Facts { funds: Some(&funds), conviction: Some(&conviction), ..well() };
        assert_eq!(codes(&both), ["N0503", "N0406"], "the gravest first");
    }
}
