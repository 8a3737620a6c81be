//! What a running node says of itself as numbers, by the contract in `worker/telemetry/metrics.toml`.

use crate::breaker::Cause;
use crate::market::RpcUse;
use crate::meter::Meter;
use crate::status::{OpenDisputes, SessionTotals, Status, Totals};
use assay_telemetry::contract::Service;
use assay_telemetry::machine::Machine;
use assay_telemetry::page::{Page, PageError};
use std::collections::BTreeMap;

/// Label of what was counted before it was told apart.
const UNKNOWN: &str = "unknown";

/// What is measured at the moment of asking, and stands in no record.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Memory and disk.
    pub machine: Machine,
    /// How the endpoints are used.
    pub rpc: RpcUse,
}

/// The metrics of a status.
///
/// # Errors
/// A number does not fit the contract; a test serves every one.
pub fn of(status: &Status, meter: &Meter, measured: &Measured) -> Result<String, PageError> {
    let mut page = Page::new(Service::Node)?;
    process(&mut page, status, measured);
    chain(&mut page, status, meter, measured);
    jobs(&mut page, status, meter);
    sessions(&mut page, &status.session_totals);
    earnings(&mut page, status);
    standing(&mut page, status);
    disputes(&mut page, status);
    page.text()
}

fn process(page: &mut Page, status: &Status, measured: &Measured) {
    page.labelled("build_info", &[("version", &status.version)], 1);
    page.number("uptime_seconds", status.uptime_seconds);
    for (backend, device) in &status.backends {
        page.labelled("backend_info", &[("backend", backend), ("device", device)], 1);
    }
    adapters(page, status);
    if let Some(bytes) = status.store_bytes {
        page.number("store_bytes", bytes);
    }
    page.flag("ready", status.readiness.ready);
    for reason in &status.readiness.reasons {
        page.labelled("not_ready", &[("code", &reason.code)], 1);
    }
    page.flag("draining", status.is_draining);
    for cause in Cause::ALL {
        let report = status.breaker.of(cause);
        let labels = [("cause", cause.name())];
        page.labelled("breaker_open", &labels, report.is_some_and(|report| report.stops(None)).into());
        page.labelled("breaker_trips_total", &labels, report.map_or(0, |report| report.trips));
    }
    page.flag("convicted", status.conviction.is_some());
    if let Some(bytes) = measured.machine.memory_bytes {
        page.number("memory_bytes", bytes);
    }
    if let Some(count) = measured.machine.open_files {
        page.number("open_files", count);
    }
    if let Some(bytes) = measured.machine.disk_free_bytes {
        page.number("disk_free_bytes", bytes);
    }
}

fn adapters(page: &mut Page, status: &Status) {
    for adapter in &status.adapters {
        let label = [("adapter", adapter.name.as_str())];
        page.labelled("adapter_trusted", &label, adapter.distrusted.is_none().into());
        page.labelled("adapter_queue", &label, adapter.queued);
        page.labelled("adapter_held_bytes", &label, adapter.held_bytes);
        page.labelled("adapter_memory_bytes", &label, adapter.memory_bytes);
        page.labelled("adapter_models", &label, adapter.models);
        page.labelled("adapter_model_bytes", &label, adapter.model_bytes);
        page.labelled_real("adapter_busy_seconds_total", &label, adapter.busy_millis as f64 / 1_000.0);
    }
}

fn chain(page: &mut Page, status: &Status, meter: &Meter, measured: &Measured) {
    page.number("slot", status.slot);
    let age = status.slot_age_millis.map_or(status.uptime_seconds as f64, |millis| millis as f64 / 1_000.0);
    page.real("slot_age_seconds", age);
    page.number("rpc_lag_slots", meter.lag_slots());
    let RpcUse { traffic, endpoints, failovers, paid } = &measured.rpc;
    for (number, traffic) in traffic.iter().enumerate() {
        let endpoint = number.to_string();
        page.labelled("rpc_requests_total", &[("endpoint", &endpoint)], traffic.requests);
        for (kind, count) in [("unreachable", traffic.unreachable), ("refused", traffic.refused)] {
            page.labelled("rpc_errors_total", &[("endpoint", &endpoint), ("kind", kind)], count);
        }
        page.labelled_real("rpc_wait_seconds_total", &[("endpoint", &endpoint)], traffic.waited.as_secs_f64());
    }
    for (number, report) in endpoints.iter().enumerate() {
        let endpoint = number.to_string();
        page.labelled("rpc_endpoint_in_use", &[("endpoint", &endpoint)], u64::from(report.in_use));
        if let Some(lag) = report.lag_slots {
            page.labelled("rpc_endpoint_lag_slots", &[("endpoint", &endpoint)], lag);
        }
    }
    page.number("rpc_failovers_total", *failovers);
    for (part, lamports) in [("base", paid.base_lamports), ("priority", paid.priority_lamports)] {
        page.labelled("fees_paid_lamports_total", &[("part", part)], lamports);
    }
}

fn jobs(page: &mut Page, status: &Status, meter: &Meter) {
    let Totals { open, paid, credited, lost, skipped, missed, convicted, stood, .. } = status.totals;
    page.number("places", status.capacity.0 as u64);
    page.number("places_free", status.capacity.1 as u64);
    page.number("jobs_open", open);
    page.number("jobs_paid_total", paid);
    page.number("jobs_credited_total", credited);
    page.number("jobs_lost_total", lost);
    page.number("jobs_missed_total", missed);
    page.number("jobs_convicted_total", convicted);
    page.number("receipts_stood_total", stood);
    page.number("windows_open", status.windows_open);
    page.number("jobs_held_back", status.funds.held_back.len() as u64);
    by_key(page, "jobs_skipped_total", "code", &status.totals.skipped_by_code, skipped);
    page.timings("job_stage_seconds", &meter.stages);
    page.counts("transactions_total", &meter.transactions);
    page.counts("mirror_results_total", &meter.mirrored);
    page.number("mirror_waiting", status.mirror_waiting);
}

fn sessions(page: &mut Page, totals: &SessionTotals) {
    let SessionTotals { open, settled, skipped, convicted, receipts, kept_bytes, .. } = *totals;
    page.number("sessions_open", open);
    page.number("sessions_settled_total", settled);
    page.number("sessions_convicted_total", convicted);
    page.number("receipts_total", receipts);
    page.number("receipt_input_bytes", kept_bytes);
    by_key(page, "sessions_skipped_total", "code", &totals.skipped_by_code, skipped);
}

fn earnings(page: &mut Page, status: &Status) {
    let (jobs, sessions) = (&status.totals, &status.session_totals);
    let mut sums = jobs.earned_by_mint.clone();
    for (mint, amount) in &sessions.earned_by_mint {
        let sum = sums.entry(mint.clone()).or_default();
        *sum = sum.saturating_add(*amount);
    }
    by_key(page, "earned_units_total", "mint", &sums, jobs.earned.saturating_add(sessions.earned));
}

/// Sums that are told apart, and what is in their sum but was counted before they were.
fn by_key(page: &mut Page, name: &str, label: &str, sums: &BTreeMap<String, u64>, all: u64) {
    for (key, sum) in sums {
        page.labelled(name, &[(label, key)], *sum);
    }
    let rest = sums.values().fold(all, |rest, sum| rest.saturating_sub(*sum));
    if rest > 0 || sums.is_empty() {
        page.labelled(name, &[(label, UNKNOWN)], rest);
    }
}

fn standing(page: &mut Page, status: &Status) {
    let Some(standing) = &status.standing else { return };
    page.number("stake_units", standing.stake);
    page.number("locked_units", standing.locked);
    page.number("unbonding_units", standing.unbonding);
    page.number("delegated_units", standing.delegated);
    page.real("reputation_ratio", f64::from(standing.reputation_bps) / 10_000.0);
    page.number("misses_unresolved", standing.misses_unresolved.into());
    page.number("jail_left_slots", standing.jailed_until_slot.saturating_sub(status.slot));
}

fn disputes(page: &mut Page, status: &Status) {
    let Totals { challenges, answers, dispute_fees_lamports, dispute_earned_lamports, .. } = status.totals;
    let OpenDisputes { challenges: open, bonds_at_risk, next_answer_slot, rent_lamports, .. } = status.disputes;
    let funds = &status.funds;
    page.number("challenges_total", challenges);
    page.number("answers_total", answers);
    page.number("challenges_open", open);
    page.number("bonds_at_risk_units", bonds_at_risk);
    page.number("dispute_rent_lamports", rent_lamports);
    page.number("dispute_fees_lamports_total", dispute_fees_lamports);
    page.number("dispute_earned_lamports_total", dispute_earned_lamports);
    page.number("defence_needed_lamports", funds.needed_lamports);
    page.number("defence_lacking_lamports", funds.lacking_lamports);
    if let Some(balance) = funds.balance_lamports {
        page.number("operator_balance_lamports", balance);
    }
    if let Some(slot) = next_answer_slot {
        page.number("next_answer_slots", slot.saturating_sub(status.slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defence::reserve::Funds;
    use crate::engine::AdapterReport;
    use crate::meter::{JobStage, Standing};
    use assay_chain::{EndpointReport, Paid, Traffic};
    use assay_telemetry::contract::Contract;
    use assay_telemetry::page::{Served, served};
    use assay_telemetry::readiness::{Readiness, Reason};
    use std::time::Duration;

    fn sums(key: &str) -> BTreeMap<String, u64> {
        BTreeMap::from([(key.to_owned(), 3)])
    }

    /// A status in which everything has a value.
    fn full() -> Status {
        Status {
            version: "1".to_owned(),
            backends: vec![("cpu".to_owned(), "a \"fast\" one".to_owned())],
            adapters: vec![AdapterReport { name: "cpu".to_owned(), busy_millis: 1_250, ..AdapterReport::default() }],
            store_bytes: Some(7),
            readiness: Readiness::of(vec![Reason::new("N0521", "it ends")]),
            totals: Totals {
                skipped: 5,
                earned: 9,
                earned_by_mint: sums("m"),
                skipped_by_code: sums("N0206"),
                ..Totals::default()
            },
            session_totals: SessionTotals {
                skipped_by_code: sums("N0206"),
                earned_by_mint: sums("m"),
                earned: 3,
                skipped: 3,
                ..SessionTotals::default()
            },
            standing: Some(Standing { reputation_bps: 2_500, ..Standing::default() }),
            funds: Funds { balance_lamports: Some(5), needed_lamports: 12, lacking_lamports: 7, ..Funds::default() },
            disputes: OpenDisputes { next_answer_slot: Some(140), ..OpenDisputes::default() },
            slot: 100,
            slot_age_millis: Some(1_500),
            ..Status::default()
        }
    }

    fn busy() -> Meter {
        let meter = Meter::new(".");
        meter.note_stage(JobStage::Run, Duration::from_millis(1));
        meter.transactions.note(&[("purpose", "claim"), ("fate", "landed")]);
        meter.mirrored.note(&[("outcome", "mirrored")]);
        meter
    }

    #[test]
    fn every_metric_of_the_contract_is_served_and_no_other() {
        let machine = Machine { memory_bytes: Some(1), open_files: Some(3), disk_free_bytes: Some(2) };
        let traffic = Traffic { requests: 4, refused: 1, waited: Duration::from_millis(250), ..Traffic::default() };
        let report = EndpointReport { in_use: true, lag_slots: Some(3), ..EndpointReport::default() };
        let rpc = RpcUse {
            traffic: vec![traffic],
            endpoints: vec![EndpointReport::default(), report],
            failovers: 1,
            paid: Paid { base_lamports: 5_000, priority_lamports: 21 },
        };
        let text = of(&full(), &busy(), &Measured { machine, rpc }).unwrap();
        let contract = Contract::of_this_version().unwrap();
        let wanted: Vec<Served> = contract.of(Service::Node).map(Served::from).collect();
        assert_eq!(served(&text), wanted);
        for line in [
            "assay_node_earned_units_total{mint=\"m\"} 6",
            "assay_node_earned_units_total{mint=\"unknown\"} 6",
            "assay_node_jobs_skipped_total{code=\"unknown\"} 2",
            "assay_node_not_ready{code=\"N0521\"} 1",
            "assay_node_next_answer_slots 40",
            "assay_node_reputation_ratio 0.25",
            "assay_node_slot_age_seconds 1.5",
            "assay_node_adapter_trusted{adapter=\"cpu\"} 1",
            "assay_node_adapter_busy_seconds_total{adapter=\"cpu\"} 1.25",
            "assay_node_store_bytes 7",
            "assay_node_defence_lacking_lamports 7",
            "assay_node_rpc_errors_total{endpoint=\"0\",kind=\"refused\"} 1",
            "assay_node_rpc_wait_seconds_total{endpoint=\"0\"} 0.25",
            "assay_node_rpc_endpoint_in_use{endpoint=\"0\"} 0",
            "assay_node_rpc_endpoint_in_use{endpoint=\"1\"} 1",
            "assay_node_rpc_endpoint_lag_slots{endpoint=\"1\"} 3",
            "assay_node_rpc_failovers_total 1",
            "assay_node_fees_paid_lamports_total{part=\"priority\"} 21",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
        }
    }

    #[test]
    fn what_has_no_value_is_what_the_contract_says_is_served_at_times() {
        let rpc = RpcUse {
            traffic: vec![Traffic::default()],
            endpoints: vec![EndpointReport::default()],
            ..RpcUse::default()
        };
        let measured = Measured { rpc, ..Measured::default() };
        let status = Status { backends: full().backends, adapters: full().adapters, ..Status::default() };
        let text = of(&status, &busy(), &measured).unwrap();
        let contract = Contract::of_this_version().unwrap();
        let wanted: Vec<Served> =
            contract.of(Service::Node).filter(|metric| !metric.sometimes).map(Served::from).collect();
        assert_eq!(served(&text), wanted);
    }
}
