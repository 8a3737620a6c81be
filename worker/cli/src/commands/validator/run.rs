//! `assay validator run`: the service until Ctrl-C.

use super::{Folder, Settings};
use crate::commands::{cancelled_by_signals, parent_exits, second_signal};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::log::{self, Log};
use crate::output::{Output, fields};
use assay_telemetry::control::{Door, Request};
use assay_telemetry::readiness::Reason;
use assay_validator::config::Mode;
use assay_validator::journal::JournalError;
use assay_validator::start::{StartError, start};
use clap::Args;
use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use tokio_util::sync::CancellationToken;

#[derive(Args, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    settings: Settings,
    /// End at once when the process that started this one has ended
    #[arg(long)]
    until_parent_exits: bool,
}

pub(super) async fn run(context: &Context, arguments: Run, log: &Log, output: Output) -> Result<ExitStatus, CliError> {
    let unfit = |error: CliError| error.with_status(ExitStatus::Unfit);
    let folder = &arguments.folder;
    let mut config = folder.config().map_err(unfit)?;
    arguments.settings.apply(&mut config);
    config.validate().map_err(|error| unfit(error.into()))?;
    // Watching signs nothing, so that nobody needs a key for it.
    let key = match context.keypair() {
        Err(_) if config.mode == Mode::Watch => Keypair::new(),
        key => key?,
    };
    let cancel = cancelled_by_signals()?;
    let started = start(config, key, folder.data.clone(), context.sender.clone()).await.map_err(with_status)?;
    let (challenger, status, mode) = (started.challenger.to_string(), started.status, started.mode);
    let value = json!({ "challenger": challenger, "status": format!("http://{status}"), "mode": mode });
    output.result(&value, || {
        let about = fields([
            ("challenger", challenger.clone()),
            ("mode", format!("{mode:?}").to_lowercase()),
            ("status", format!("http://{status}/v1/status")),
        ]);
        format!("{about}\n\nwatches the market; Ctrl-C ends it, and it goes on where it was at the next start")
    })?;
    let stop = CancellationToken::new();
    // The journal is open, so that no other process works on this folder.
    let door = match Door::open(&folder.data) {
        Ok(door) => Some(tokio::spawn(door.serve(answers(log.clone()), stop.clone()))),
        Err(error) => {
            tracing::warn!(%error, "the validator runs without a control socket: its log cannot be changed meanwhile");
            None
        }
    };
    let ended = tokio::select! {
        ended = started.run(cancel.clone()) => ended.map_err(with_status),
        () = parent_exits(), if arguments.until_parent_exits => Ok(()),
        () = second_signal(&cancel) => {
            let words = "it was ended in the middle of a step; what it promised is in the journal: start it again soon";
            Err(CliError::new("A0404", words).with_status(ExitStatus::Interrupted))
        }
    };
    stop.cancel();
    if let Some(door) = door {
        let _ = door.await;
    }
    ended.map(|()| ExitStatus::Done)
}

/// What the control socket does.
fn answers(log: Log) -> impl Fn(Request) -> Result<Value, Reason> + Clone + Send + Sync + 'static {
    move |request| match request {
        Request::Log { filter } => log::answer(&log, filter),
        Request::Leave | Request::Stay => Err(Reason::new(
            "A0405",
            "a validator has nothing to leave; SIGTERM or Ctrl-C ends it, and it goes on at its next start",
        )),
        Request::Breaker { .. } => {
            Err(Reason::new("A0406", "a validator claims nothing that a breaker could stop; ask a node's folder"))
        }
    }
}

/// The exit status says whether starting again is of any use.
fn with_status(error: StartError) -> CliError {
    let status = match &error {
        StartError::Journal(JournalError::InUse { .. }) => ExitStatus::InUse,
        StartError::OtherChain { .. } => ExitStatus::Unfit,
        _ => ExitStatus::Failed,
    };
    CliError::from(error).with_status(status)
}
