//! `assay node exit`: says what holds the node, and has it leave.

use super::Folder;
use super::status::{PATIENCE, known, status_address};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay_chain::accounts::{decode_job, decode_session};
use assay_node::journal::{Record, SessionRecord};
use assay_node::leaving::{Hold, Intention, account_holds, addresses, job_hold, session_hold};
use assay_node::sessions::steps::SessionView;
use assay_node::slot_clock::NOMINAL_SLOT_TIME;
use assay_node::status::Status;
use assay_node::steps::JobView;
use assay_telemetry::asking::{AskError, ask};
use assay_telemetry::control::{self, Request};
use clap::Args;
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;

/// Between two looks at a node that leaves.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Args, Debug)]
pub(crate) struct Exit {
    #[command(flatten)]
    folder: Folder,
    /// Only say what holds the node, and for how long
    #[arg(long, conflicts_with_all = ["cancel", "no_wait"])]
    dry_run: bool,
    /// Do not wait until the node has left
    #[arg(long)]
    no_wait: bool,
    /// Take back that the node leaves; one that runs takes work again at once
    #[arg(long, conflicts_with = "no_wait")]
    cancel: bool,
}

/// What is known of a node's leaving.
#[derive(Clone, Debug, Serialize)]
struct Report {
    node: String,
    running: bool,
    /// Whether it takes nothing new.
    leaving: bool,
    /// Whether nothing needs the service any more.
    left: bool,
    slot: u64,
    /// The first slot at which nothing needs the service; nothing if it depends on others, or nothing holds it.
    service_until_slot: Option<u64>,
    holds: Vec<Hold>,
}

pub(super) async fn exit(context: &Context, arguments: &Exit, output: Output) -> Result<(), CliError> {
    let (folder, intention) = (&arguments.folder, Intention::of(&arguments.folder.data));
    let node = folder.node()?;
    if arguments.cancel {
        match report(context, folder, &node).await?.running {
            true => drop(control::ask(&folder.data, &Request::Stay).await?),
            false => intention.forget()?,
        }
        let report = report(context, folder, &node).await?;
        let words = match report.running {
            true => "the node takes jobs again",
            false => "the node takes jobs when it is started",
        };
        return output.result(&report, || words.to_owned());
    }
    let report_before = report(context, folder, &node).await?;
    if arguments.dry_run {
        return output.result(&report_before, || words(&report_before));
    }
    if !report_before.running {
        return without_service(&report_before, &intention, output);
    }
    control::ask(&folder.data, &Request::Leave).await?;
    if arguments.no_wait {
        let report = report(context, folder, &node).await?;
        return output.result(&report, || words(&report));
    }
    wait(context, folder, &node, &intention, output).await
}

/// A node that does not run has left if nothing needs it; else it leaves when it is started.
fn without_service(report: &Report, intention: &Intention, output: Output) -> Result<(), CliError> {
    if report.left {
        intention.forget()?;
        return output.result(report, || words(report));
    }
    intention.note()?;
    let count = report.holds.iter().filter(|hold| hold.needs_service).count();
    Err(CliError::new(
        "A0233",
        format!(
            "the node does not run while {count} jobs and sessions hold it: start it with `assay node run`; it is noted that it leaves, and it ends by itself"
        ),
    ))
}

/// Waits until the service has ended, and says how it went.
async fn wait(
    context: &Context,
    folder: &Folder,
    node: &Pubkey,
    intention: &Intention,
    output: Output,
) -> Result<(), CliError> {
    let address = status_address(folder)?;
    let mut said = String::new();
    // One that is late still runs.
    while matches!(ask::<Status>(address, PATIENCE).await, Ok(Some(_)) | Err(AskError::Late { .. })) {
        let now = report(context, folder, node).await;
        if let Ok(words) = now.as_ref().map(summary)
            && words != said
        {
            output.note(format!("{words}; Ctrl-C stops the waiting, not the leaving"));
            said = words;
        }
        tokio::time::sleep(LOOK).await;
    }
    // It notes that it has left after its last answer.
    for _ in 0..20 {
        tokio::time::sleep(LOOK / 4).await;
        if intention.is_there() {
            continue;
        }
        match report(context, folder, node).await {
            Ok(report) => return output.result(&report, || words(&report)),
            // The process has not let go of the journal yet.
            Err(error) if error.code() == "N0101" => {}
            Err(error) => return Err(error),
        }
    }
    Err(CliError::new(
        "A0234",
        "the node ended before it had left: its log says why; start it again with `assay node run`, and it goes on leaving",
    ))
}

async fn report(context: &Context, folder: &Folder, node: &Pubkey) -> Result<Report, CliError> {
    let account = context.chain().find_node(node).await?;
    let known = known(folder).await?;
    let slot = context.chain().slot().await?;
    let parse = |text: &str| text.parse::<Pubkey>().ok();
    let jobs: Vec<(Pubkey, Record)> =
        known.jobs.into_iter().filter_map(|record| Some((parse(&record.job)?, record))).collect();
    let sessions: Vec<(Pubkey, SessionRecord)> =
        known.sessions.into_iter().filter_map(|record| Some((parse(&record.session)?, record))).collect();
    let mut holds = promises(context, node, &jobs, &sessions).await?;
    holds.sort_by_key(|hold| hold.until_slot.unwrap_or(u64::MAX));
    let untils: Option<Vec<u64>> = holds.iter().map(|hold| hold.until_slot).collect();
    let left = holds.is_empty();
    if let Some(account) = &account {
        holds.extend(account_holds(account, slot));
    }
    Ok(Report {
        node: node.to_string(),
        running: known.is_running,
        leaving: Intention::of(&folder.data).is_there(),
        left,
        slot,
        service_until_slot: untils.and_then(|untils| untils.into_iter().max()),
        holds,
    })
}

/// What jobs and sessions hold, by their accounts as they are now.
async fn promises(
    context: &Context,
    node: &Pubkey,
    jobs: &[(Pubkey, Record)],
    sessions: &[(Pubkey, SessionRecord)],
) -> Result<Vec<Hold>, CliError> {
    let (job_addresses, session_addresses) = addresses(jobs, sessions);
    let mut holds = Vec::new();
    let accounts = context.chain().accounts(&job_addresses, 0).await?.value;
    for (address, account) in job_addresses.iter().zip(accounts) {
        let live = account.filter(|account| !account.data.is_empty());
        let job = live.map(|account| decode_job(address, &account)).transpose()?;
        let view = job.map(|job| JobView::of(&job, node));
        let record = jobs.iter().find(|(known, _)| known == address).map(|(_, record)| record);
        holds.extend(record.and_then(|record| job_hold(record, view.as_ref())));
    }
    let accounts = context.chain().accounts(&session_addresses, 0).await?.value;
    for (address, account) in session_addresses.iter().zip(accounts) {
        let live = account.filter(|account| !account.data.is_empty());
        let session = live.map(|account| decode_session(address, &account)).transpose()?;
        let view = session.map(|session| SessionView::of(&session, node));
        let record = sessions.iter().find(|(known, _)| known == address).map(|(_, record)| record);
        holds.extend(record.and_then(|record| session_hold(record, view.as_ref())));
    }
    Ok(holds)
}

/// Slots and the time that they nominally take.
fn in_slots(slot: u64, until: Option<u64>) -> String {
    let Some(until) = until else { return "depends on others".to_owned() };
    let slots = until.saturating_sub(slot);
    let seconds = NOMINAL_SLOT_TIME.saturating_mul(u32::try_from(slots).unwrap_or(u32::MAX)).as_secs();
    match seconds {
        0..120 => format!("{slots} slots, {seconds} s"),
        120..7_200 => format!("{slots} slots, {} min", seconds / 60),
        _ => format!("{slots} slots, {} h", seconds / 3_600),
    }
}

fn summary(report: &Report) -> String {
    let count = report.holds.iter().filter(|hold| hold.needs_service).count();
    match (count, report.service_until_slot) {
        (0, _) => "nothing needs the service any more".to_owned(),
        (count, None) => format!("{count} jobs and sessions hold the node, for how long depends on others"),
        (count, until) => format!("{count} jobs and sessions hold the node: about {}", in_slots(report.slot, until)),
    }
}

fn words(report: &Report) -> String {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let rows = vec![
        ("node", report.node.clone()),
        ("running", yes(report.running)),
        ("leaving", yes(report.leaving)),
        ("service", summary(report)),
    ];
    let mut text = fields(rows);
    if !report.holds.is_empty() {
        let mut table = Table::new(&["holds", "address", "until slot", "in about", "why"]);
        for hold in &report.holds {
            table.row([
                hold.what.clone(),
                hold.address.clone().unwrap_or_else(|| "-".to_owned()),
                hold.until_slot.map_or("-".to_owned(), |slot| slot.to_string()),
                in_slots(report.slot, hold.until_slot),
                hold.words.clone(),
            ]);
        }
        text = format!("{text}\n\n{}", table.render());
    }
    if report.left {
        text.push_str("\n\nnext, with the withdraw authority: assay node unstake AMOUNT, and after the unbonding time assay node withdraw --deregister");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(until_slot: Option<u64>, needs_service: bool) -> Hold {
        Hold { what: "job".to_owned(), address: None, words: "x".to_owned(), until_slot, needs_service }
    }

    #[test]
    fn what_holds_is_summed_up_in_slots_and_time() {
        let report = |holds: Vec<Hold>, service_until_slot| Report {
            node: "n".to_owned(),
            running: true,
            leaving: false,
            left: !holds.iter().any(|hold| hold.needs_service),
            slot: 100,
            service_until_slot,
            holds,
        };
        assert_eq!(summary(&report(vec![hold(None, false)], None)), "nothing needs the service any more");
        let window = report(vec![hold(Some(400), true)], Some(400));
        assert_eq!(summary(&window), "1 jobs and sessions hold the node: about 300 slots, 2 min");
        assert!(summary(&report(vec![hold(None, true)], None)).contains("depends on others"));
        assert!(words(&report(Vec::new(), None)).contains("assay node unstake"));
        assert!(!words(&window).contains("assay node unstake"));
        assert_eq!(in_slots(0, Some(100)), "100 slots, 40 s");
        assert_eq!(in_slots(0, Some(90_000)), "90000 slots, 10 h");
        assert_eq!(in_slots(9, Some(3)), "0 slots, 0 s");
    }
}
