//! `assay node status`: what a node does and did, asked of the running node, else read from its journal.

use super::Folder;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay_node::journal::{Journal, Outcome, Record, Stage};
use assay_node::status::{OpenDisputes, Status, Totals};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

/// Jobs that the text form lists; the JSON has all that the node gave.
const SHOWN_JOBS: usize = 40;

pub(super) async fn status(context: &Context, folder: &Folder, output: Output) -> Result<(), CliError> {
    let node = folder.node()?;
    let config = folder.config()?;
    let running = ask(config.status_listen).await;
    let (jobs, totals) = match &running {
        Some(status) => (status.jobs.clone(), status.totals),
        None => recorded(folder)?,
    };
    let account = context.chain().find_node(&node).await?;
    let disputes = running.as_ref().map_or_else(|| OpenDisputes::of(&jobs), |status| status.disputes);
    let conviction = running.as_ref().and_then(|status| status.conviction.clone());
    let convictions = account.as_ref().map_or(0, |account| account.fraud_convictions);
    let value = json!({
        "node": node.to_string(),
        "running": running.is_some(),
        "backends": running.as_ref().map(|status| &status.backends),
        "stake": account.as_ref().map(|account| account.stake),
        "locked": account.as_ref().map(|account| account.locked),
        "convictions": convictions,
        "conviction": conviction,
        "totals": totals,
        "disputes": disputes,
        "jobs": jobs,
    });
    output.result(&value, || {
        let (stake, locked) = match &account {
            Some(account) => (account.stake.to_string(), account.locked.to_string()),
            None => ("not registered on this chain".to_owned(), "-".to_owned()),
        };
        let Totals { open, paid, lost, skipped, missed, earned, convicted, .. } = totals;
        let mut rows = vec![
            ("node", node.to_string()),
            ("running", if running.is_some() { "yes" } else { "no" }.to_owned()),
            ("stake", stake),
            ("locked", locked),
            ("jobs", format!("{open} open, {paid} paid, {lost} lost, {skipped} skipped, {missed} missed")),
            ("earned", earned.to_string()),
        ];
        if convictions > 0 {
            let why = conviction.map_or_else(String::new, |conviction| format!(": {}", conviction.fault));
            rows.push((
                "convicted",
                format!("{convictions} times ({convicted} jobs of this journal){why}; it claims no more jobs"),
            ));
        }
        if disputes.challenges > 0 {
            let OpenDisputes { jobs, challenges, bonds_at_risk, next_answer_slot, .. } = disputes;
            let due =
                next_answer_slot.map_or("nothing is due".to_owned(), |slot| format!("an answer is due by slot {slot}"));
            rows.push((
                "CHALLENGED",
                format!("{challenges} challenges of {jobs} jobs, bonds at risk {bonds_at_risk}; {due}"),
            ));
        }
        if totals.challenges > 0 {
            let Totals { challenges, answers, dispute_fees_lamports, dispute_earned_lamports, .. } = totals;
            let paid = format!(
                "fees {dispute_fees_lamports}, earned {dispute_earned_lamports}, rent {} lamports",
                disputes.rent_lamports
            );
            rows.push(("disputes", format!("{challenges} challenges, {answers} answers; {paid}")));
        }
        let about = fields(rows);
        if jobs.is_empty() { about } else { format!("{about}\n\n{}", job_table(&jobs).render()) }
    })
}

/// The records of the journal and their sums; none if the node never ran.
fn recorded(folder: &Folder) -> Result<(Vec<Record>, Totals), CliError> {
    let path = folder.data.join("journal.redb");
    if !path.is_file() {
        return Ok((Vec::new(), Totals::default()));
    }
    let journal = Journal::open(&path)?;
    let mut jobs: Vec<Record> = journal.all()?.into_iter().map(|(_, record)| record).collect();
    jobs.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
    Ok((jobs, journal.totals()?))
}

/// The newest jobs first; a reason is cut to what a line holds.
fn job_table(jobs: &[Record]) -> Table {
    let mut table = Table::new(&["job", "slot", "price", "backend", "stage"]);
    for record in jobs.iter().take(SHOWN_JOBS) {
        table.row([
            record.job.clone(),
            record.last_slot.to_string(),
            record.price.map_or("-".to_owned(), |price| price.to_string()),
            record.computed.as_ref().map_or("-".to_owned(), |computed| computed.backend.clone()),
            stage_words(&record.stage),
        ]);
    }
    table
}

/// What the running node says; nothing if none answers.
async fn ask(address: SocketAddr) -> Option<Status> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().ok()?;
    client.get(format!("http://{address}/v1/status")).send().await.ok()?.json().await.ok()
}

fn stage_words(stage: &Stage) -> String {
    match stage {
        Stage::Admitted => "admitted".to_owned(),
        Stage::Claimed => "claimed".to_owned(),
        Stage::Executed(_) => "computed".to_owned(),
        Stage::Committed(_) => "committed".to_owned(),
        Stage::Settled(_) => "settled".to_owned(),
        Stage::Finished(Outcome::Paid { amount }) => format!("paid {amount}"),
        Stage::Finished(Outcome::Lost { reason }) => format!("lost: {reason}"),
        Stage::Finished(Outcome::Skipped(refusal)) => format!("skipped: {refusal}"),
        Stage::Finished(Outcome::Credited { amount, reason }) => format!("credited {amount}, not withdrawn: {reason}"),
        Stage::Finished(Outcome::Missed { reason }) => format!("missed: {reason}"),
        Stage::Finished(Outcome::Convicted { fault }) => format!("convicted: {fault}"),
    }
}
