//! What a running node says of itself in the text form that Prometheus reads: the status as numbers.

use crate::status::{OpenDisputes, SessionTotals, Status, Totals};
use std::fmt::Write;

/// One number with its meaning.
struct Metric {
    name: &'static str,
    help: &'static str,
    /// `counter` or `gauge`.
    kind: &'static str,
    value: u64,
}

/// The metrics of a status.
pub fn of(status: &Status) -> String {
    let mut text = String::new();
    for Metric { name, help, kind, value } in metrics(status) {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "# HELP assay_node_{name} {help}\n# TYPE assay_node_{name} {kind}\nassay_node_{name} {value}"
        );
    }
    text
}

fn metrics(status: &Status) -> Vec<Metric> {
    let gauge = |name, help, value| Metric { name, help, kind: "gauge", value };
    let counter = |name, help, value| Metric { name, help, kind: "counter", value };
    let Totals { open, paid, lost, skipped, missed, convicted, stood, challenges, answers, .. } = status.totals;
    let SessionTotals { open: sessions_open, settled, receipts, kept_bytes, .. } = status.session_totals;
    let OpenDisputes { challenges: challenges_open, rent_lamports, .. } = status.disputes;
    let funds = &status.funds;
    let mut all = vec![
        gauge("slot", "Slot that the node last saw.", status.slot),
        gauge("places", "Places for jobs.", status.capacity.0 as u64),
        gauge("places_free", "Places for jobs that are free.", status.capacity.1 as u64),
        gauge("jobs_open", "Jobs that are not over.", open),
        counter("jobs_paid_total", "Jobs that ended with payment.", paid),
        counter("jobs_lost_total", "Jobs that others took, or that are gone.", lost),
        counter("jobs_skipped_total", "Jobs that were not taken.", skipped),
        counter("jobs_missed_total", "Jobs that were claimed and not delivered.", missed),
        counter("jobs_convicted_total", "Jobs whose result was proved wrong, or withheld.", convicted),
        gauge("sessions_open", "Sessions that are not over.", sessions_open),
        counter("sessions_settled_total", "Sessions that ended in this node's favour.", settled),
        counter("sessions_convicted_total", "Sessions that ended by a conviction.", status.session_totals.convicted),
        counter("receipts_total", "Receipts that were signed.", receipts),
        counter("receipts_stood_total", "Receipts that were called in and not proved wrong.", stood),
        gauge("receipt_input_bytes", "Inputs that are kept until no receipt can be disputed.", kept_bytes),
        counter("challenges_total", "Challenges of results of this node.", challenges),
        counter("answers_total", "Answers and roots that this node gave in disputes.", answers),
        gauge("challenges_open", "Challenges that have not ended.", challenges_open),
        gauge("dispute_rent_lamports", "Lamports that lie as rent in accounts of disputes.", rent_lamports),
        gauge("defence_needed_lamports", "What the operator key has to hold for the open jobs.", funds.needed_lamports),
        gauge("defence_lacking_lamports", "What it lacks of that; alert above 0.", funds.lacking_lamports),
        gauge(
            "jobs_held_back",
            "Jobs that are not claimed because their defence could not be paid for.",
            funds.held_back.len() as u64,
        ),
        gauge("convicted", "1 if the node was convicted and claims no more.", u64::from(status.conviction.is_some())),
    ];
    if let Some(balance) = funds.balance_lamports {
        all.push(gauge("operator_balance_lamports", "What the operator key holds.", balance));
    }
    if let Some(slot) = status.disputes.next_answer_slot {
        all.push(gauge("next_answer_slot", "Slot by which the next answer is due.", slot));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defence::reserve::Funds;

    #[test]
    fn every_line_is_one_that_prometheus_reads() {
        let funds = Funds { balance_lamports: Some(5), needed_lamports: 12, lacking_lamports: 7, ..Funds::default() };
        let status = Status { funds, ..Status::default() };
        let text = of(&status);
        assert!(
            text.contains("# TYPE assay_node_defence_lacking_lamports gauge\nassay_node_defence_lacking_lamports 7\n")
        );
        assert!(text.contains("\nassay_node_operator_balance_lamports 5\n"));
        assert!(!text.contains("next_answer_slot"), "nothing is due");
        let mut names = std::collections::BTreeSet::new();
        for lines in text.lines().collect::<Vec<_>>().chunks(3) {
            let [help, kind, value] = lines else { panic!("{lines:?}") };
            let (name, number) = value.split_once(' ').unwrap();
            assert!(number.parse::<u64>().is_ok() && names.insert(name), "{value}");
            assert!(help.starts_with(&format!("# HELP {name} ")), "{help}");
            let kind = kind.strip_prefix(&format!("# TYPE {name} ")).unwrap();
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        }
    }
}
