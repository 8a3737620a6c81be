//! `assay validator status`: what a validator found, asked of the running one, else read from its journal.

use super::Folder;
use crate::commands::node::endpoint_words;
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay_telemetry::asking::{AskError, ask};
use assay_validator::journal::{Audit, Ending, Journal, Record, Verdict};
use assay_validator::status::{Status, Totals, recorded};
use assay_validator::watching::Market;
use serde_json::json;
use std::time::Duration;

/// Jobs that the text form lists; the JSON has all that the validator gave.
const SHOWN_JOBS: usize = 40;
/// How long a running validator may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn status(folder: &Folder, output: Output) -> Result<(), CliError> {
    let config = folder.config()?;
    let asked = ask::<Status>(config.status_listen, PATIENCE).await;
    let (running, stranger) = match asked {
        Ok(running) => (running, None),
        Err(late @ AskError::Late { .. }) => return Err(late.into()),
        Err(stranger) => (None, Some(stranger)),
    };
    let (jobs, totals) = match &running {
        Some(status) => (status.jobs.clone(), status.totals),
        None if folder.journal_path().is_file() => match (Journal::open(&folder.journal_path()), stranger) {
            // A validator of another version, say: it has the journal.
            (Err(_), Some(stranger)) => return Err(stranger.into()),
            (journal, _) => recorded(&journal?)?,
        },
        None => (Vec::new(), Totals::default()),
    };
    let value = json!({
        "running": running.is_some(),
        "ready": running.as_ref().is_some_and(|status| status.readiness.ready),
        "not_ready": running.as_ref().map(|status| &status.readiness.reasons),
        "challenger": running.as_ref().map(|status| &status.challenger),
        "mode": running.as_ref().map_or(config.mode, |status| status.mode),
        "standing": running.as_ref().map(|status| status.standing),
        "totals": totals,
        "duties": running.as_ref().map(|status| status.duties),
        "endpoints": running.as_ref().map(|status| &status.endpoints),
        "jobs": jobs,
        "market": running.as_ref().and_then(|status| status.market.as_ref()),
    });
    output.result(&value, || {
        let Totals { agreed, wrong, left, won, lost, open, earned, fees_lamports, .. } = totals;
        let mut rows = vec![
            ("running", if running.is_some() { "yes" } else { "no" }.to_owned()),
            ("ready", running.as_ref().map_or("no".to_owned(), |status| status.readiness.words().replace('\n', "; "))),
            ("audits", format!("{agreed} right, {wrong} wrong, {left} left to others")),
            ("disputes", format!("{open} open, {won} won, {lost} lost")),
            ("earned", format!("{earned} base units of the stake mint")),
            ("fees", format!("{fees_lamports} lamports")),
        ];
        if let Some(status) = &running {
            let duties = status.duties;
            rows.push((
                "paid audits",
                format!("{} attested, {} missed, {} slashed", duties.attested, duties.missed, duties.slashed),
            ));
            rows.push(("audit fees", format!("{} base units", duties.earned)));
            rows.push(("in bonds", status.standing.bonds.to_string()));
            rows.extend(status.endpoints.iter().map(|report| ("endpoint", endpoint_words(report))));
            rows.push(("fees today", format!("{} lamports", status.standing.spent_today)));
        }
        let mut about = fields(rows);
        if let Some(market) = running.as_ref().and_then(|status| status.market.as_ref()) {
            about.push_str(&market_words(market));
        }
        if jobs.is_empty() { about } else { format!("{about}\n\n{}", job_table(&jobs).render()) }
    })
}

fn market_words(market: &Market) -> String {
    let mut results = Table::new(&["open result", "state", "last slot"]);
    for job in &market.jobs {
        results.row([job.job.clone(), job.state.clone(), job.last_slot.to_string()]);
    }
    let mut challenges = Table::new(&["challenge", "job", "state", "target", "clock"]);
    for challenge in &market.challenges {
        let clock = challenge.clock.map_or("-".to_owned(), |clock| {
            let side = format!("{:?}", clock.side).to_lowercase();
            format!("{side}, {} of {} slots left", clock.left_slots, clock.length_slots)
        });
        let target = challenge.target.clone().unwrap_or_else(|| "-".to_owned());
        challenges.row([challenge.challenge.clone(), challenge.job.clone(), challenge.state.clone(), target, clock]);
    }
    let mut alerts = Table::new(&["alert", "slot", "job", "what"]);
    for alert in &market.alerts {
        alerts.row([alert.code.clone(), alert.slot.to_string(), alert.job.clone(), alert.words.clone()]);
    }
    let mut words = String::new();
    let tables = [(market.jobs.len(), results), (market.challenges.len(), challenges), (market.alerts.len(), alerts)];
    for (_, table) in tables.iter().filter(|(rows, _)| *rows > 0) {
        words.push_str("\n\n");
        words.push_str(&table.render());
    }
    words
}

fn job_table(jobs: &[Record]) -> Table {
    let mut table = Table::new(&["job", "slot", "audit", "dispute", "units", "lamports"]);
    for record in jobs.iter().take(SHOWN_JOBS) {
        let costs = record.dispute.as_ref().map(|dispute| dispute.costs);
        let number = |of: &dyn Fn(assay_validator::journal::Costs) -> u64| {
            costs.map_or("-".to_owned(), |costs| of(costs).to_string())
        };
        table.row([
            record.job.clone(),
            record.last_slot.to_string(),
            audit_words(&record.audit),
            dispute_words(record),
            number(&|costs| costs.compute_units),
            number(&|costs| costs.budgeted_lamports()),
        ]);
    }
    table
}

fn audit_words(audit: &Audit) -> String {
    match audit {
        Audit::Pending => "to be replayed".to_owned(),
        Audit::Left { code, .. } => format!("left: {code}"),
        Audit::Agreed { micros } => format!("right, {} ms", micros / 1_000),
        Audit::Wrong(wrong) => format!("WRONG: {}", wrong.words),
    }
}

fn dispute_words(record: &Record) -> String {
    match (&record.ending, &record.dispute) {
        (Some(Ending::NotChallenged { code, reason }), _) => format!("not challenged: {code} {reason}"),
        (Some(Ending::Won { received }), _) => format!("won {received}"),
        (Some(Ending::Moot { received }), _) => format!("moot, {received} back"),
        (Some(Ending::Lost { reason }), _) => format!("lost: {reason}"),
        (_, Some(dispute)) => match (dispute.committed, dispute.result) {
            (false, _) => "sealed".to_owned(),
            (true, None) => "challenged".to_owned(),
            (true, Some(Verdict::Won)) => "won, not paid out yet".to_owned(),
            (true, Some(Verdict::Lost)) => "lost".to_owned(),
            (true, Some(Verdict::Moot)) => "moot".to_owned(),
        },
        (_, None) => "-".to_owned(),
    }
}
