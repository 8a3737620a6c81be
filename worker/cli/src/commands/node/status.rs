//! `assay node status`: what a node does and did, asked of the running node, else read from its journal.

use super::Folder;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay::state::Node;
use assay_chain::{Chain, EndpointReport};
use assay_node::breaker::Report;
use assay_node::config::NodeConfig;
use assay_node::defence::alarm::Conviction;
use assay_node::defence::reserve::{Funds, Reserve};
use assay_node::defence::watch::needed_by;
use assay_node::engine::AdapterReport;
use assay_node::journal::{Journal, Outcome, Record, SessionOutcome, SessionRecord, SessionStage, Stage};
use assay_node::rpc::most_fee_lamports;
use assay_node::settings::SettingsReport;
use assay_node::status::{OpenDisputes, SessionTotals, Status, Totals};
use assay_telemetry::asking::{AskError, ask};
use assay_telemetry::readiness::{Readiness, Reason};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;
use std::time::Duration;

/// Jobs, and sessions, that the text form lists; the JSON has all that the node gave.
const SHOWN_JOBS: usize = 40;
/// How long a running node may take to say how it is.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long the chain may take to say what it has of the node.
const CHAIN_PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn status(context: &Context, folder: &Folder, output: Output) -> Result<(), CliError> {
    let node = folder.node()?;
    let chain = folder.chain(context);
    // The node first: what it says is wanted most where the chain does not answer.
    let mut known = known(folder).await?;
    let (account, chain_error) = match on_chain(&chain, &node).await {
        Ok(account) => (account, None),
        Err(error) => (None, Some(error)),
    };
    if !known.is_running {
        known.endpoints = chain.endpoints();
        if let Some((_, balance)) = &account {
            known.funds.balance_lamports = Some(*balance);
            known.funds.lacking_lamports = known.funds.needed_lamports.saturating_sub(*balance);
        }
    }
    let account = account.map(|(account, _)| account);
    let Known {
        is_running,
        readiness,
        backends,
        adapters,
        jobs,
        totals,
        sessions,
        session_totals,
        disputes,
        funds,
        conviction,
        settings,
        breaker,
        endpoints,
    } = known;
    let convictions = account.as_ref().map_or(0, |account| account.fraud_convictions);
    let value = json!({
        "node": node.to_string(),
        "running": is_running,
        "ready": readiness.ready,
        "not_ready": readiness.reasons,
        "backends": backends,
        "adapters": adapters,
        "chain_error": chain_error.as_ref().map(ToString::to_string),
        "stake": account.as_ref().map(|account| account.stake),
        "locked": account.as_ref().map(|account| account.locked),
        "convictions": convictions,
        "conviction": conviction,
        "totals": totals,
        "disputes": disputes,
        "funds": funds,
        "breaker": breaker,
        "endpoints": endpoints,
        "settings": settings,
        "session_totals": session_totals,
        "sessions": sessions,
        "jobs": jobs,
    });
    output.result(&value, || {
        let (stake, locked) = match &account {
            Some(account) => (account.stake.to_string(), account.locked.to_string()),
            None if chain_error.is_some() => ("not known".to_owned(), "-".to_owned()),
            None => ("not registered on this chain".to_owned(), "-".to_owned()),
        };
        let Totals { open, paid, lost, skipped, missed, earned, convicted, .. } = totals;
        let mut rows = vec![
            ("node", node.to_string()),
            ("running", if is_running { "yes" } else { "no" }.to_owned()),
            ("ready", ready_words(&readiness)),
            ("stake", stake),
            ("locked", locked),
            ("jobs", format!("{open} open, {paid} paid, {lost} lost, {skipped} skipped, {missed} missed")),
            ("earned", earned.to_string()),
            ("lamports", lamports_words(&funds)),
        ];
        if let Some(error) = &chain_error {
            rows.push(("CHAIN", format!("it does not say what it has of the node: {error}")));
        }
        rows.extend(adapters.iter().map(|adapter| ("adapter", adapter_words(adapter))));
        rows.extend(endpoints.iter().map(|report| ("endpoint", endpoint_words(report))));
        if let Some(error) = &settings.error {
            rows.push(("SETTINGS", format!("those before stay: {error}")));
        }
        if !settings.needs_restart.is_empty() {
            let keys: Vec<&str> = settings.needs_restart.iter().map(|change| change.key.as_str()).collect();
            rows.push(("settings", format!("N0006 changes of {} wait for a restart", keys.join(", "))));
        }
        if funds.lacking_lamports > 0 {
            let lacking = funds.lacking_lamports;
            rows.push((
                "LACKING",
                format!("N0406 {lacking} lamports for the defence of the open jobs; send them to the operator key"),
            ));
        }
        if let Some(words) = breaker_words(&breaker) {
            rows.push(("breaker", words));
        }
        if let Some(held_back) = funds.held_back.first() {
            rows.push(("held back", format!("{} jobs: {}", funds.held_back.len(), held_back.refusal)));
        }
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
        if session_totals != SessionTotals::default() {
            let SessionTotals { open, settled, skipped, receipts, earned, .. } = session_totals;
            let words =
                format!("{open} open, {settled} settled, {skipped} skipped; {receipts} receipts, earned {earned}");
            rows.push(("sessions", words));
        }
        if totals.challenges > 0 {
            let Totals { challenges, answers, dispute_fees_lamports, dispute_earned_lamports, .. } = totals;
            let paid = format!(
                "fees {dispute_fees_lamports}, earned {dispute_earned_lamports}, rent {} lamports",
                disputes.rent_lamports
            );
            rows.push(("disputes", format!("{challenges} challenges, {answers} answers; {paid}")));
        }
        let mut text = fields(rows);
        if !sessions.is_empty() {
            text = format!("{text}\n\n{}", session_table(&sessions).render());
        }
        if !jobs.is_empty() {
            text = format!("{text}\n\n{}", job_table(&jobs).render());
        }
        text
    })
}

/// What an adapter is at, for people.
fn adapter_words(adapter: &AdapterReport) -> String {
    let AdapterReport { name, device, queued, busy_bps, held_bytes, memory_bytes, models, .. } = adapter;
    if let Some(distrusted) = &adapter.distrusted {
        return format!("{name} is not used: N0211 {distrusted} differs from the scalar reference ({device})");
    }
    let role = if adapter.is_fallback { ", for what no other one can do" } else { "" };
    format!(
        "{name}{role}: {queued} promised runs, {} % busy, {held_bytes} of {memory_bytes} bytes held, {models} models loaded ({device})",
        busy_bps / 100
    )
}

/// What a node says of itself, or, while it does not run, its journal and the chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) is_running: bool,
    pub(super) readiness: Readiness,
    pub(super) backends: Option<Vec<(String, String)>>,
    pub(super) adapters: Vec<AdapterReport>,
    pub(super) jobs: Vec<Record>,
    pub(super) totals: Totals,
    pub(super) sessions: Vec<SessionRecord>,
    pub(super) session_totals: SessionTotals,
    pub(super) disputes: OpenDisputes,
    pub(super) funds: Funds,
    pub(super) conviction: Option<Conviction>,
    pub(super) settings: SettingsReport,
    pub(super) breaker: Report,
    pub(super) endpoints: Vec<EndpointReport>,
}

/// What the chain has of a node, with the lamports of its operator key; nothing if it is not registered.
async fn on_chain(chain: &Chain, node: &Pubkey) -> Result<Option<(Node, u64)>, CliError> {
    let reading = async {
        let Some(account) = chain.find_node(node).await? else { return Ok(None) };
        let balance = chain.balance_lamports(&account.operator).await?;
        Ok(Some((account, balance)))
    };
    tokio::time::timeout(CHAIN_PATIENCE, reading).await.unwrap_or_else(|_| {
        let (endpoint, seconds) = (chain.endpoint().shown(), CHAIN_PATIENCE.as_secs());
        let words = format!("{endpoint} did not answer within {seconds} s: check that it runs and can be reached");
        Err(CliError::new("C0110", words))
    })
}

/// Where the node of a folder answers. One that runs has the settings from before somebody broke the file, and can say so.
pub(super) fn status_address(folder: &Folder) -> Result<SocketAddr, CliError> {
    match folder.config() {
        Ok(config) => Ok(config.status_listen),
        Err(error) => folder.layers()?.status_listen().ok_or(error),
    }
}

/// Asks the running node; where none runs, reads its journal.
pub(super) async fn known(folder: &Folder) -> Result<Known, CliError> {
    let stranger = match ask::<Status>(status_address(folder)?, PATIENCE).await {
        Ok(Some(status)) => return Ok(Known::from(status)),
        Ok(None) => None,
        Err(late @ AskError::Late { .. }) => return Err(late.into()),
        Err(stranger) => Some(stranger),
    };
    let config = folder.config()?;
    match (recorded(folder, &config, most_fee_lamports(&config.fees)), stranger) {
        // A node of another version, say: it has the journal.
        (Err(error), Some(stranger)) if error.code() == "N0101" => Err(stranger.into()),
        (recorded, _) => recorded,
    }
}

impl From<Status> for Known {
    fn from(status: Status) -> Self {
        Self {
            is_running: true,
            readiness: status.readiness,
            backends: Some(status.backends),
            adapters: status.adapters,
            jobs: status.jobs,
            totals: status.totals,
            sessions: status.sessions,
            session_totals: status.session_totals,
            disputes: status.disputes,
            funds: status.funds,
            conviction: status.conviction,
            settings: status.settings,
            breaker: status.breaker,
            endpoints: status.endpoints,
        }
    }
}

/// What the journal says; nothing if the node never ran.
fn recorded(folder: &Folder, config: &NodeConfig, fee_lamports: u64) -> Result<Known, CliError> {
    let path = folder.data.join("journal.redb");
    if !path.is_file() {
        let funds = Funds { needed_lamports: Reserve::base_lamports(), ..Funds::default() };
        return Ok(Known { readiness: not_running(), funds, ..Known::default() });
    }
    let journal = Journal::open(&path)?;
    let records = journal.all()?;
    let mut sessions: Vec<SessionRecord> = journal.sessions()?.into_iter().map(|(_, record)| record).collect();
    let needed_lamports = needed_by(&records, &sessions, config.disputes.reserved_challenges, fee_lamports);
    let mut jobs: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
    jobs.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
    sessions.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
    Ok(Known {
        readiness: not_running(),
        breaker: journal.breaker()?.report(0, &config.breaker),
        totals: journal.totals()?,
        session_totals: journal.session_totals()?,
        sessions,
        disputes: OpenDisputes::of(&jobs),
        funds: Funds { needed_lamports, ..Funds::default() },
        jobs,
        ..Known::default()
    })
}

fn not_running() -> Readiness {
    Readiness::of(vec![Reason::new("N0407", "it does not run: start it with `assay node run`")])
}

fn ready_words(readiness: &Readiness) -> String {
    if readiness.ready { "yes".to_owned() } else { format!("no: {}", readiness.words().replace('\n', "; ")) }
}

/// What the breaker stops, or would try; nothing while every cause is closed.
fn breaker_words(breaker: &Report) -> Option<String> {
    let open = breaker.causes.iter().filter(|cause| cause.reason.is_some());
    let words: Vec<String> = open.map(|cause| format!("{} {}", cause.code, cause.as_reason().words)).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// An RPC endpoint with how it is doing.
pub(crate) fn endpoint_words(report: &EndpointReport) -> String {
    let used = if report.in_use { "in use, " } else { "" };
    let behind = match report.lag_slots {
        Some(lag) if lag > 0 => format!(", {lag} slots behind"),
        _ => String::new(),
    };
    format!("{}: {used}{}{behind}", report.endpoint, report.condition.words())
}

fn lamports_words(funds: &Funds) -> String {
    let needed = funds.needed_lamports;
    match funds.balance_lamports {
        Some(balance) => format!("{balance} on the operator key, {needed} needed for the open jobs"),
        None => format!("{needed} needed for the open jobs"),
    }
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

/// The newest sessions first.
fn session_table(sessions: &[SessionRecord]) -> Table {
    let mut table = Table::new(&["session", "slot", "price", "receipts", "promised", "stage"]);
    for record in sessions.iter().take(SHOWN_JOBS) {
        table.row([
            record.session.clone(),
            record.last_slot.to_string(),
            record.price.to_string(),
            record.receipts.to_string(),
            record.promised().to_string(),
            session_words(&record.stage),
        ]);
    }
    table
}

pub(super) fn stage_words(stage: &Stage) -> String {
    match stage {
        Stage::Admitted => "admitted".to_owned(),
        Stage::Claimed => "claimed".to_owned(),
        Stage::Executed(_) => "computed".to_owned(),
        Stage::Committed(_) => "committed".to_owned(),
        Stage::Settled(_) => "settled".to_owned(),
        Stage::Finished(Outcome::Paid { amount }) => format!("paid {amount}"),
        Stage::Finished(Outcome::Stood) => "a receipt that stood".to_owned(),
        Stage::Finished(Outcome::Lost { reason }) => format!("lost: {reason}"),
        Stage::Finished(Outcome::Skipped(refusal)) => format!("skipped: {refusal}"),
        Stage::Finished(Outcome::Credited { amount, reason }) => format!("credited {amount}, not withdrawn: {reason}"),
        Stage::Finished(Outcome::Missed { reason }) => format!("missed: {reason}"),
        Stage::Finished(Outcome::Convicted { fault }) => format!("convicted: {fault}"),
    }
}

fn session_words(stage: &SessionStage) -> String {
    match stage {
        SessionStage::Admitted => "admitted".to_owned(),
        SessionStage::Accepted => "accepted".to_owned(),
        SessionStage::Finished(SessionOutcome::Paid { amount }) => format!("paid {amount}"),
        SessionStage::Finished(SessionOutcome::Credited { amount, reason }) => {
            format!("credited {amount}, not withdrawn: {reason}")
        }
        SessionStage::Finished(SessionOutcome::Lost { reason }) => format!("lost: {reason}"),
        SessionStage::Finished(SessionOutcome::Skipped(refusal)) => format!("skipped: {refusal}"),
        SessionStage::Finished(SessionOutcome::Convicted) => "convicted".to_owned(),
    }
}
