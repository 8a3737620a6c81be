//! What a running validator says of itself as numbers, by the contract in `worker/telemetry/metrics.toml`.

use crate::config::Budget;
use crate::meter::Meter;
use crate::status::{Status, Totals};
use assay_chain::{Paid, Traffic};
use assay_telemetry::contract::Service;
use assay_telemetry::machine::Machine;
use assay_telemetry::page::{Page, PageError};

/// What is measured at the moment of asking, and stands in no record.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Memory and disk.
    pub machine: Machine,
    /// What went over each endpoint, in the order of the settings.
    pub traffic: Vec<Traffic>,
    /// How often another endpoint was taken into use.
    pub failovers: u64,
    /// What transactions that landed cost since the start.
    pub paid: Paid,
}

/// The metrics of a status.
///
/// # Errors
/// A number does not fit the contract; a test serves every one.
pub fn of(status: &Status, meter: &Meter, budget: &Budget, measured: &Measured) -> Result<String, PageError> {
    let mut page = Page::new(Service::Validator)?;
    page.labelled("build_info", &[("version", &status.version)], 1);
    page.number("uptime_seconds", status.uptime_seconds);
    page.flag("ready", status.readiness.ready);
    for reason in &status.readiness.reasons {
        page.labelled("not_ready", &[("code", &reason.code)], 1);
    }
    chain(&mut page, status, measured);
    if let Some(bytes) = measured.machine.memory_bytes {
        page.number("memory_bytes", bytes);
    }
    if let Some(count) = measured.machine.open_files {
        page.number("open_files", count);
    }
    if let Some(bytes) = measured.machine.disk_free_bytes {
        page.number("disk_free_bytes", bytes);
    }
    disputes(&mut page, &status.totals);
    page.timings("replay_seconds", &meter.replays);
    page.number("bonds_units", status.standing.bonds);
    page.number("fees_today_lamports", status.standing.spent_today);
    page.number("fees_day_limit_lamports", budget.max_fees_lamports_per_day);
    page.number("attested_total", status.duties.attested);
    page.number("attestations_missed_total", status.duties.missed);
    page.number("attestations_slashed_total", status.duties.slashed);
    page.number("audit_fees_units_total", status.duties.earned);
    page.text()
}

fn chain(page: &mut Page, status: &Status, measured: &Measured) {
    page.number("slot", status.slot);
    let age = status.slot_age_millis.map_or(status.uptime_seconds as f64, |millis| millis as f64 / 1_000.0);
    page.real("slot_age_seconds", age);
    for (number, traffic) in measured.traffic.iter().enumerate() {
        let endpoint = number.to_string();
        page.labelled("rpc_requests_total", &[("endpoint", &endpoint)], traffic.requests);
        for (kind, count) in [("unreachable", traffic.unreachable), ("refused", traffic.refused)] {
            page.labelled("rpc_errors_total", &[("endpoint", &endpoint), ("kind", kind)], count);
        }
        page.labelled_real("rpc_wait_seconds_total", &[("endpoint", &endpoint)], traffic.waited.as_secs_f64());
    }
    for (number, report) in status.endpoints.iter().enumerate() {
        let endpoint = number.to_string();
        page.labelled("rpc_endpoint_in_use", &[("endpoint", &endpoint)], u64::from(report.in_use));
        if let Some(lag) = report.lag_slots {
            page.labelled("rpc_endpoint_lag_slots", &[("endpoint", &endpoint)], lag);
        }
    }
    page.number("rpc_failovers_total", measured.failovers);
    for (part, lamports) in [("base", measured.paid.base_lamports), ("priority", measured.paid.priority_lamports)] {
        page.labelled("fees_paid_lamports_total", &[("part", part)], lamports);
    }
}

fn disputes(page: &mut Page, totals: &Totals) {
    let Totals { agreed, wrong, left, won, lost, moot, open, earned, fees_lamports } = *totals;
    for (verdict, count) in [("right", agreed), ("wrong", wrong), ("left", left)] {
        page.labelled("audits_total", &[("verdict", verdict)], count);
    }
    for (ending, count) in [("won", won), ("lost", lost), ("moot", moot)] {
        page.labelled("disputes_total", &[("ending", ending)], count);
    }
    page.number("disputes_open", open);
    page.number("earned_units_total", earned);
    page.number("fees_lamports_total", fees_lamports);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Standing;
    use crate::config::Mode;
    use crate::duties::Sums;
    use assay_chain::EndpointReport;
    use assay_telemetry::contract::Contract;
    use assay_telemetry::page::{Served, served};
    use assay_telemetry::readiness::{Readiness, Reason};
    use std::time::Duration;

    fn status(readiness: Readiness) -> Status {
        Status {
            version: "1".to_owned(),
            uptime_seconds: 9,
            readiness,
            challenger: String::new(),
            mode: Mode::Audit,
            slot: 100,
            slot_age_millis: None,
            standing: Standing { bonds: 5, spent_today: 6, reserved: 0 },
            totals: Totals { agreed: 2, moot: 1, ..Totals::default() },
            duties: Sums { slashed: 3, ..Sums::default() },
            endpoints: vec![EndpointReport { in_use: true, ..EndpointReport::default() }],
            jobs: Vec::new(),
            market: None,
        }
    }

    #[test]
    fn every_metric_of_the_contract_is_served_and_no_other() {
        let (meter, budget) = (Meter::new("."), Budget::default());
        meter.note_replay(true, Duration::from_millis(3));
        let measured = Measured {
            machine: Machine { memory_bytes: Some(1), open_files: Some(3), disk_free_bytes: Some(2) },
            traffic: vec![Traffic { requests: 4, ..Traffic::default() }],
            failovers: 2,
            paid: Paid { base_lamports: 5_000, priority_lamports: 21 },
        };
        let mut not_ready = status(Readiness::of(vec![Reason::new("V0621", "no slot")]));
        not_ready.endpoints.push(EndpointReport { lag_slots: Some(7), ..EndpointReport::default() });
        let text = of(&not_ready, &meter, &budget, &measured).unwrap();
        let contract = Contract::of_this_version().unwrap();
        let wanted: Vec<Served> = contract.of(Service::Validator).map(Served::from).collect();
        assert_eq!(served(&text), wanted);
        for line in [
            "assay_validator_audits_total{verdict=\"right\"} 2",
            "assay_validator_disputes_total{ending=\"moot\"} 1",
            "assay_validator_attestations_slashed_total 3",
            "assay_validator_slot_age_seconds 9.0",
            "assay_validator_not_ready{code=\"V0621\"} 1",
            "assay_validator_rpc_endpoint_in_use{endpoint=\"0\"} 1",
            "assay_validator_rpc_endpoint_lag_slots{endpoint=\"1\"} 7",
            "assay_validator_rpc_failovers_total 2",
            "assay_validator_fees_paid_lamports_total{part=\"priority\"} 21",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
        }
        let silent = Measured { traffic: vec![Traffic::default()], ..Measured::default() };
        let text = of(&status(Readiness::of(Vec::new())), &meter, &budget, &silent).unwrap();
        let wanted: Vec<Served> =
            contract.of(Service::Validator).filter(|one| !one.sometimes).map(Served::from).collect();
        assert_eq!(served(&text), wanted, "what has no value is not served");
    }
}
