//! `assay node run`: the service until Ctrl-C, or until it has left.

use super::doctor::{examine_before_start, patient};
use super::{Backend, Folder};
use crate::commands::{cancelled_by_signals, parent_exits, second_signal};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::log::{self, Log};
use crate::output::{Output, fields};
use assay_chain::{PriorityFee, read_keypair};
use assay_node::breaker::Cause;
use assay_node::journal::JournalError;
use assay_node::leaving::{Ended, Intention, Leaving};
use assay_node::service::ServiceError;
use assay_node::settings::follow;
use assay_node::start::{BreakerHandle, Identity, StartError, start};
use assay_telemetry::control::{Door, Request};
use assay_telemetry::readiness::Reason;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What the command line says beside the settings.
pub(super) struct How {
    pub(super) backend: Option<Backend>,
    pub(super) despite_errors: bool,
    pub(super) until_parent_exits: bool,
}

pub(super) async fn run_node(
    context: &Context,
    folder: &Folder,
    how: How,
    log: &Log,
    output: Output,
) -> Result<ExitStatus, CliError> {
    let How { backend, despite_errors, until_parent_exits } = how;
    let unfit = |error: CliError| error.with_status(ExitStatus::Unfit);
    // A folder of no node is told before its settings are missed.
    let node = folder.node()?;
    let mut layers = folder.layers().map_err(unfit)?;
    layers.flags.extend(backend.map(|backend| ("backend".to_owned(), backend.word().to_owned())));
    // As a flag, so that it stays when the file changes.
    if let PriorityFee::Market { maximum_lamports } = context.sender.options().priority_fee {
        let flags = [("fees.priority", "market".to_owned()), ("fees.most_lamports", maximum_lamports.to_string())];
        layers.flags.extend(flags.map(|(path, value)| (path.to_owned(), value)));
    }
    let config = layers.load().map_err(|error| unfit(error.into()))?.config;
    let patient = patient(context, folder, config.clone())?;
    examine_before_start(&patient, despite_errors).await?;
    let identity =
        Identity { node, operator: read_keypair(&folder.operator_path())?, data_folder: folder.data.clone() };
    let cancel = cancelled_by_signals()?;
    let started = start(config, identity, context.sender.clone()).await.map_err(with_status)?;
    let following = follow(started.settings(), layers, cancel.clone());
    let value = json!({
        "node": node.to_string(),
        "artifacts": format!("http://{}", started.artifacts),
        "status": format!("http://{}", started.status),
        "backends": started.backends,
    });
    output.result(&value, || {
        let mut rows = vec![
            ("node", node.to_string()),
            ("artifacts", format!("http://{}", started.artifacts)),
            ("status", format!("http://{}/v1/status", started.status)),
        ];
        rows.extend(started.backends.iter().map(|(name, device)| ("backend", format!("{name}: {device}"))));
        format!("{}\n\ntakes jobs; Ctrl-C finishes what is claimed and ends", fields(rows))
    })?;
    let (intention, leaving, breaker) = (Intention::of(&folder.data), started.leaving(), started.breaker());
    if intention.is_there() {
        tracing::warn!("this node was told to leave: it takes nothing new; `assay node exit --cancel` takes that back");
        leaving.begin();
    }
    let stop = CancellationToken::new();
    // The journal is open, so that no other process works on this folder.
    let door = match Door::open(&folder.data) {
        Ok(door) => {
            let answers = answers(log.clone(), intention.clone(), leaving, breaker);
            Some(tokio::spawn(door.serve(answers, stop.clone())))
        }
        Err(error) => {
            tracing::warn!(%error, "the node runs without a control socket: its log and its leaving cannot be changed meanwhile");
            None
        }
    };
    let ended = tokio::select! {
        ended = started.run(cancel.clone()) => ended.map_err(with_status),
        // It ends when the node is told to end, which then drains.
        never = async { following.await; std::future::pending().await } => never,
        () = parent_exits(), if until_parent_exits => Ok(Ended::Asked),
        () = second_signal(&cancel) => {
            let words = "it was ended before it had drained: what is claimed may be missed; start it again soon";
            Err(CliError::new("A0231", words).with_status(ExitStatus::Interrupted))
        }
    };
    stop.cancel();
    if let Some(door) = door {
        let _ = door.await;
    }
    match ended? {
        Ended::Asked => Ok(ExitStatus::Done),
        Ended::Left => {
            intention.forget()?;
            output.note("the node has left: nothing that it promised is open");
            Ok(ExitStatus::Left)
        }
    }
}

/// What the control socket does.
fn answers(
    log: Log,
    intention: Intention,
    leaving: Leaving,
    breaker: BreakerHandle,
) -> impl Fn(Request) -> Result<Value, Reason> + Clone + Send + Sync + 'static {
    move |request| match request {
        Request::Log { filter } => log::answer(&log, filter),
        Request::Leave => {
            intention
                .note()
                .map_err(|error| Reason::new("A0232", format!("it cannot note that it leaves: {error}")))?;
            leaving.begin();
            Ok(json!({ "leaving": true }))
        }
        Request::Stay => {
            intention
                .forget()
                .map_err(|error| Reason::new("A0235", format!("it cannot take back that it leaves: {error}")))?;
            match leaving.take_back() {
                true => Ok(json!({ "leaving": false })),
                false => Err(Reason::new("A0236", "the node ends already: it takes jobs after its next start")),
            }
        }
        Request::Breaker { reset } => {
            let unknown = |name: &String| Reason::new("A0243", format!("the breaker has no cause {name}"));
            let causes: Vec<Cause> =
                reset.iter().map(|name| Cause::of_name(name).ok_or_else(|| unknown(name))).collect::<Result<_, _>>()?;
            let failed = |error: String| Reason::new("A0244", error);
            let report = match causes.as_slice() {
                [] => breaker.report(),
                causes => breaker.reset(causes).map_err(|error| failed(error.to_string()))?,
            };
            serde_json::to_value(report).map_err(|error| failed(error.to_string()))
        }
    }
}

/// The exit status says whether starting again is of any use.
fn with_status(error: StartError) -> CliError {
    let status = match &error {
        StartError::Service(ServiceError::Convicted { .. }) => ExitStatus::Convicted,
        StartError::Journal(JournalError::InUse { .. }) => ExitStatus::InUse,
        StartError::NotRegistered { .. } | StartError::OtherOperator { .. } | StartError::OtherCluster { .. } => {
            ExitStatus::Unfit
        }
        _ => ExitStatus::Failed,
    };
    CliError::from(error).with_status(status)
}
