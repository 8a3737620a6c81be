//! `assay localnet`: a chain of one's own, furnished.

use super::{cancelled_by_signals, parent_exits, write_file};
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::deploy::DeployProgress;
use assay_chain::migrations::{Action, Step};
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
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(10..=10_000))]
    slot_ms: u64,
    /// Node owners to fund
    #[arg(long, default_value_t = 2)]
    nodes: u16,
    /// Validators to fund
    #[arg(long, default_value_t = 1)]
    validators: u16,
    /// A migration to lay over the project's own, to change parameters; can be given several times
    #[arg(long, value_name = "FILE")]
    migration: Vec<PathBuf>,
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
    /// Have tokens of the stake mint, in which challenges are bonded.
    pub(crate) validators: Vec<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let cancel = cancelled_by_signals()?;
    let program_file = program(arguments.program)?;
    let migrations = arguments.migration.iter().map(|path| read_text(path)).collect::<Result<_, _>>()?;
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
        validators: arguments.validators,
        migrations,
    };
    let market = set_up_market(&localnet, &market, |step| progress.message(words(&step))).await?;
    progress.done();
    let ready = Ready::of(&localnet, &market);
    if let Some(path) = &arguments.ready_file {
        // Whoever polls for the file must never read half of it.
        let unfinished = path.with_extension("unfinished");
        write_file(&unfinished, serde_json::to_string_pretty(&ready)?)?;
        std::fs::rename(&unfinished, path).map_err(|error| CliError::file("write", path, &error))?;
    }
    output.result(&ready, || describe(&ready))?;
    tokio::select! {
        () = cancel.cancelled() => {}
        () = parent_exits(), if arguments.until_parent_exits => {}
    }
    tokio::task::spawn_blocking(move || localnet.stop()).await?;
    Ok(())
}

fn read_text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| CliError::file("read", path, &error))
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
                validators: market.validators.clone(),
            },
        }
    }
}

/// What a migration is doing at the moment.
pub(super) fn words(step: &Step<'_>) -> String {
    match step {
        Step::Begun { action: Action::DeployProgram { .. }, .. } => "deploying the program".to_owned(),
        Step::Begun { action: Action::UpgradeProgram { .. }, .. } => "upgrading the program".to_owned(),
        Step::Begun { action: Action::InitialiseNetwork { .. }, .. } => "initialising the network".to_owned(),
        Step::Begun { action: Action::CreateStakeRegister, .. } => "creating the register of stake".to_owned(),
        Step::Begun { action: Action::MigrateNetwork, .. } => "migrating the network".to_owned(),
        Step::Begun { action: Action::MigrateAccounts { outdated }, .. } => format!("migrating {outdated}"),
        Step::Begun { action: Action::SetParameters { .. }, .. } => "setting parameters".to_owned(),
        Step::Begun {
            action: Action::SetFeeBurn { .. } | Action::SetGuardian { .. } | Action::SetTimelock { .. },
            ..
        } => "setting how the network is governed".to_owned(),
        Step::Begun { action: Action::AllowPaymentMint(mint) | Action::SetPaymentMint(mint), .. } => {
            format!("setting the payment mint {}", mint.mint)
        }
        Step::Deploying(DeployProgress::Writing { written_bytes, total_bytes }) => {
            format!("deploying the program: {} of {} KiB", written_bytes / 1024, total_bytes / 1024)
        }
        Step::Deploying(DeployProgress::Extending { .. }) => "making room for the program".to_owned(),
        Step::Deploying(DeployProgress::Installing) => "installing the program".to_owned(),
        Step::Done { .. } => "done".to_owned(),
        Step::Waiting { number, eta_slot, .. } => format!("proposal {number} waits until slot {eta_slot}"),
        Step::Postponed { .. } => "a mint is set when it is allowed".to_owned(),
    }
}

/// The compiled program: given, or where `cargo xtask build` puts it beside this executable.
pub(crate) fn program(given: Option<PathBuf>) -> Result<PathBuf, CliError> {
    let missing = |what: String| CliError::new("A0501", format!("{what}; run `cargo xtask build`, or give --program"));
    if let Some(path) = given {
        return if path.is_file() { Ok(path) } else { Err(missing(format!("there is no program {}", path.display()))) };
    }
    let executable = std::env::current_exe()?;
    let beside = executable.ancestors().map(|folder| folder.join("deploy/assay.so"));
    let found = beside.chain([PathBuf::from("target/deploy/assay.so")]).find(|path| path.is_file());
    found.ok_or_else(|| missing("no compiled program found".to_owned()))
}

fn describe(ready: &Ready) -> String {
    let folder = ready.keys.authority.parent().unwrap_or(Path::new("."));
    let about = fields([
        ("rpc", ready.rpc_url.clone()),
        ("websocket", ready.ws_url.clone()),
        ("program", ready.program.clone()),
        ("stake mint", ready.stake_mint.clone()),
        ("payment mint", ready.payment_mint.clone()),
        ("keys", format!("{} (authority, client, node-1, …, validator-1, …)", folder.display())),
    ]);
    format!(
        "{about}\n\nto use it from another terminal as its client:\n  export ASSAY_URL={} ASSAY_WS={} ASSAY_KEYPAIR={}\n\nCtrl-C ends it",
        ready.rpc_url,
        ready.ws_url,
        ready.keys.client.display()
    )
}
