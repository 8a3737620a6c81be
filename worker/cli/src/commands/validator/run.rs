//! `assay validator run`: the service until Ctrl-C.

use super::{Folder, Settings};
use crate::commands::{cancelled_by_signals, parent_exits};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_validator::config::Mode;
use assay_validator::start::start;
use clap::Args;
use serde_json::json;
use solana_sdk::signature::Keypair;

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

pub(super) async fn run(context: &Context, arguments: Run, output: Output) -> Result<(), CliError> {
    let mut config = arguments.folder.config()?;
    arguments.settings.apply(&mut config);
    config.validate()?;
    // Watching signs nothing, so that nobody needs a key for it.
    let key = match context.keypair() {
        Err(_) if config.mode == Mode::Watch => Keypair::new(),
        key => key?,
    };
    let cancel = cancelled_by_signals()?;
    let started = start(config, key, arguments.folder.data.clone(), context.sender.clone()).await?;
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
    tokio::select! {
        ended = started.run(cancel) => Ok(ended?),
        () = parent_exits(), if arguments.until_parent_exits => Ok(()),
    }
}
