//! `assay localnet`: a chain of one's own, furnished.

use super::cancelled_by_signals;
use crate::error::CliError;
use crate::output::Output;
use assay_chain::migrations::Step;
use assay_localnet::{Localnet, LocalnetOptions, Market, MarketOptions, set_up_market};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Folder for keys
    #[arg(long, default_value = ".assay/localnet")]
    folder: PathBuf,
    /// Port of JSON-RPC; 0 takes a free one
    #[arg(long, default_value_t = 8899)]
    rpc_port: u16,
    /// Port of the websocket; 0 takes a free one
    #[arg(long, default_value_t = 8900)]
    ws_port: u16,
    /// Milliseconds a slot
    #[arg(long, default_value_t = 400)]
    slot_ms: u64,
    /// Node owners to fund
    #[arg(long, default_value_t = 2)]
    nodes: u16,
    /// The compiled program [default: $ASSAY_PROGRAM_SO, else target/deploy/assay.so]
    #[arg(long, env = "ASSAY_PROGRAM_SO")]
    program: Option<PathBuf>,
    /// File that is written, as JSON, when everything is ready
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// End when the process that started this one has ended
    #[arg(long)]
    until_parent_exits: bool,
}

/// What somebody needs to use the localnet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) rpc_url: String,
    pub(crate) ws_url: String,
    pub(crate) program: String,
    pub(crate) stake_mint: String,
    pub(crate) payment_mint: String,
    pub(crate) keys: Keys,
}

/// Keypair files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Keys {
    /// Governs the network and both mints.
    pub(crate) authority: PathBuf,
    /// Has tokens of the payment mint.
    pub(crate) client: PathBuf,
    /// Have tokens of the stake mint.
    pub(crate) nodes: Vec<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let cancel = cancelled_by_signals()?;
    let program_file = program(arguments.program.as_deref())?;
    let options = LocalnetOptions {
        rpc_port: arguments.rpc_port,
        websocket_port: arguments.ws_port,
        slot_time_ms: arguments.slot_ms,
        ..LocalnetOptions::default()
    };
    let progress = output.progress("starting the chain", 0);
    let localnet = tokio::task::spawn_blocking(move || Localnet::start(options)).await??;
    let market = MarketOptions {
        program_file,
        program_keypair: None,
        keys_folder: std::path::absolute(&arguments.folder)?.join("keys"),
        nodes: arguments.nodes,
    };
    let market = set_up_market(&localnet, &market, |step| progress.message(words(&step))).await?;
    progress.done();
    let ready = Ready::of(&localnet, &market);
    if let Some(path) = &arguments.ready_file {
        // Whoever polls for the file must never read half of it.
        let unfinished = path.with_extension("unfinished");
        std::fs::write(&unfinished, serde_json::to_string_pretty(&ready)?)?;
        std::fs::rename(&unfinished, path)?;
    }
    output.result(&ready, || describe(&ready))?;
    tokio::select! {
        () = cancel.cancelled() => {}
        () = parent_exits(), if arguments.until_parent_exits => {}
    }
    tokio::task::spawn_blocking(move || localnet.stop()).await?;
    Ok(())
}

/// Returns when this process has been handed to another parent.
async fn parent_exits() {
    #[cfg(unix)]
    {
        let parent = std::os::unix::process::parent_id();
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }
    #[cfg(not(unix))]
    std::future::pending::<()>().await;
}

impl Ready {
    fn of(localnet: &Localnet, market: &Market) -> Self {
        Self {
            rpc_url: localnet.endpoint().rpc_url.clone(),
            ws_url: localnet.endpoint().websocket_url.clone(),
            program: market.program.to_string(),
            stake_mint: market.stake_mint.address.to_string(),
            payment_mint: market.payment_mint.address.to_string(),
            keys: Keys {
                authority: market.authority.clone(),
                client: market.client.clone(),
                nodes: market.nodes.clone(),
            },
        }
    }
}

fn words(step: &Step<'_>) -> String {
    format!("{step:?}").chars().take(60).collect()
}

/// The compiled program: given, or where `cargo xtask build` puts it beside this executable.
fn program(given: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(path) = given {
        return Ok(path.to_path_buf());
    }
    let executable = std::env::current_exe()?;
    let beside = executable.ancestors().map(|folder| folder.join("deploy/assay.so"));
    let found = beside.chain([PathBuf::from("target/deploy/assay.so")]).find(|path| path.is_file());
    found.ok_or_else(|| CliError::new("A0501", "no compiled program found; run `cargo xtask build`, or give --program"))
}

fn describe(ready: &Ready) -> String {
    format!(
        "rpc          {}\nwebsocket    {}\nprogram      {}\nstake mint   {}\npayment mint {}\nkeys         {}\n\n\
         export ASSAY_URL={} ASSAY_WS={} ASSAY_KEYPAIR={}\nCtrl-C ends",
        ready.rpc_url,
        ready.ws_url,
        ready.program,
        ready.stake_mint,
        ready.payment_mint,
        ready.keys.authority.parent().unwrap_or(Path::new(".")).display(),
        ready.rpc_url,
        ready.ws_url,
        ready.keys.client.display()
    )
}
