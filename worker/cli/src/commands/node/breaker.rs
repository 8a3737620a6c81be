//! `assay node breaker`: why a node stopped claiming by itself, asked of it through its control socket, else read from its journal.

use super::Folder;
use crate::error::CliError;
use crate::output::{Output, Table};
use assay_node::breaker::{Cause, CauseReport, Machine, Phase, Report};
use assay_node::journal::Journal;
use assay_telemetry::control::{ControlError, Request, ask};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::time::{Duration, Instant};

/// Between two looks whether backends were tested.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// How long the test of backends may take: a software adapter compiles its shaders for many seconds.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Args, Debug)]
pub(crate) struct Breaker {
    /// What to do
    #[arg(value_enum, default_value = "status")]
    action: Action,
    /// Only this cause; can be repeated [default: all]
    #[arg(long, value_enum)]
    cause: Vec<CauseName>,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Show every cause
    Status,
    /// Let claims through again
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CauseName {
    Mismatch,
    Disagreement,
    Failures,
    Slowdown,
    Balance,
}

impl From<CauseName> for Cause {
    fn from(name: CauseName) -> Self {
        match name {
            CauseName::Mismatch => Self::Mismatch,
            CauseName::Disagreement => Self::Disagreement,
            CauseName::Failures => Self::Failures,
            CauseName::Slowdown => Self::Slowdown,
            CauseName::Balance => Self::Balance,
        }
    }
}

pub(super) async fn breaker(arguments: &Breaker, output: Output) -> Result<(), CliError> {
    let Breaker { action, cause, folder } = arguments;
    // A folder of no node is told before its socket is missed.
    let node = folder.node()?;
    let causes: Vec<Cause> = match cause.as_slice() {
        [] => Cause::ALL.into(),
        some => some.iter().map(|name| Cause::from(*name)).collect(),
    };
    let reset = match action {
        Action::Status => Vec::new(),
        Action::Reset => causes.clone(),
    };
    let (is_running, report) = match asked(folder, &reset).await {
        Ok(report) => (true, report),
        Err(ControlError::Closed { .. }) => (false, recorded(folder, &reset)?),
        Err(error) => return Err(error.into()),
    };
    let shown: Vec<&CauseReport> = report.causes.iter().filter(|report| causes.contains(&report.cause)).collect();
    let value = json!({
        "node": node.to_string(),
        "running": is_running,
        "claims": report.stops(None).is_none(),
        "causes": shown,
    });
    output.result(&value, || table(&shown, is_running))?;
    // What a word cannot end is told to whoever wanted it ended.
    let left = shown.iter().find(|report| *action == Action::Reset && report.phase == Phase::Open);
    left.map_or(Ok(()), |left| Err(CliError::new(&left.code, left.as_reason().words)))
}

/// What the running node says, after backends that are tested have passed or failed.
async fn asked(folder: &Folder, reset: &[Cause]) -> Result<Report, ControlError> {
    let mut request = Request::Breaker { reset: reset.iter().map(|cause| cause.name().to_owned()).collect() };
    let started = Instant::now();
    loop {
        let answer = ask(&folder.data, &request).await?;
        let unreadable = |error: serde_json::Error| ControlError::Unreadable {
            path: assay_telemetry::control::path_of(&folder.data),
            reason: error.to_string(),
        };
        let report: Report = serde_json::from_value(answer).map_err(unreadable)?;
        if !report.is_testing || started.elapsed() > PATIENCE {
            return Ok(report);
        }
        request = Request::Breaker { reset: Vec::new() };
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// What the journal says while the node does not run; a pause counts from the slot at which it began, which nobody knows here to be over.
fn recorded(folder: &Folder, reset: &[Cause]) -> Result<Report, CliError> {
    let settings = folder.config()?.breaker;
    let path = folder.data.join("journal.redb");
    if !path.is_file() {
        return Ok(Machine::default().report(0, &settings));
    }
    let journal = Journal::open(&path)?;
    let mut machine = journal.breaker()?;
    if !reset.is_empty() {
        reset.iter().for_each(|cause| machine.reset(*cause));
        journal.put_breaker(&machine)?;
    }
    Ok(machine.report(0, &settings))
}

fn table(causes: &[&CauseReport], is_running: bool) -> String {
    let mut table = Table::new(&["cause", "code", "claims", "trips", "why, and until when"]);
    for report in causes {
        let claims = match report.phase {
            Phase::Closed => "yes",
            Phase::Open => "no",
            Phase::HalfOpen => "a trial",
        };
        let why = match (&report.reason, &report.resumes) {
            (Some(reason), Some(resumes)) => format!("{reason}: {resumes}"),
            _ => "-".to_owned(),
        };
        table.row([
            report.cause.name().to_owned(),
            report.code.clone(),
            claims.to_owned(),
            report.trips.to_string(),
            why,
        ]);
    }
    let text = table.render();
    if is_running {
        return text;
    }
    format!("{text}\n\nthe node does not run: balance, backends and endpoints are looked at when it starts")
}
