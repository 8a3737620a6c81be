//! `assay localnet`: a chain of one's own, furnished.

use super::cancelled_by_signals;
use crate::error::CliError;
use crate::output::Output;
use assay::state::Parameters;
use assay_chain::{Chain, SendOptions, Sender, read_or_create_keypair};
use assay_localnet::{Funding, Localnet, LocalnetOptions, Town};
use clap::Args;
use serde::{Deserialize, Serialize};
use solana_sdk::signer::Signer;
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
    /// Shortest challenge window, in slots
    #[arg(long, default_value_t = 8)]
    window_slots: u64,
    /// Unbonding time, in slots
    #[arg(long, default_value_t = 1_200)]
    unbonding_slots: u64,
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

/// Keypair files. Each has lamports and tokens of both mints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(crate) authority: PathBuf,
    pub(crate) client: PathBuf,
    pub(crate) node_a: PathBuf,
    pub(crate) node_b: PathBuf,
}

/// One unit of either test mint: 6 decimals.
const UNIT: u64 = 1_000_000;

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let cancel = cancelled_by_signals()?;
    let so = program(arguments.program.as_deref())?;
    let options = LocalnetOptions {
        rpc_port: arguments.rpc_port,
        ws_port: arguments.ws_port,
        slot_ms: arguments.slot_ms,
    };
    let progress = output.progress("starting the chain", 0);
    let localnet = Localnet::start(options).await?;
    let sender = Sender::new(Chain::new(localnet.endpoint().clone()), SendOptions::default());

    progress.message("creating mints");
    let keys = Keys {
        authority: key(&arguments.folder, "authority"),
        client: key(&arguments.folder, "client"),
        node_a: key(&arguments.folder, "node-a"),
        node_b: key(&arguments.folder, "node-b"),
    };
    let town = Town::found(&sender, read_or_create_keypair(&keys.authority)?).await?;
    progress.message("deploying the program");
    let program = program_keypair()?;
    assay_localnet::deploy(&sender, &town.authority, &program, &so, |_, _| {}).await?;
    progress.message("initialising the network");
    assay_localnet::initialise(&sender, &town, parameters(&arguments)).await?;
    for path in [&keys.client, &keys.node_a, &keys.node_b] {
        let owner = read_or_create_keypair(path)?.pubkey();
        let funding = Funding { lamports: 100_000_000_000, stake: 100_000 * UNIT, payment: 100_000 * UNIT };
        town.furnish(&sender, &owner, funding).await?;
    }
    progress.done();

    let ready = Ready {
        rpc_url: localnet.endpoint().rpc_url.clone(),
        ws_url: localnet.endpoint().websocket_url.clone(),
        program: assay::ID.to_string(),
        stake_mint: town.stake_mint.address.to_string(),
        payment_mint: town.payment_mint.address.to_string(),
        keys,
    };
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

fn parameters(arguments: &Arguments) -> Parameters {
    Parameters {
        minimum_stake: 100 * UNIT,
        unbonding_slots: arguments.unbonding_slots,
        protocol_fee_bps: 100,
        miss_charge_bps: 500,
        minimum_bond_bps: 20_000,
        maximum_claim_slots: 500,
        maximum_run_slots: 800,
        maximum_window_slots: 300,
        minimum_window_slots: arguments.window_slots,
        maximum_open_jobs_per_node: 64,
    }
}

fn key(folder: &Path, name: &str) -> PathBuf {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    folder.join("keys").join(format!("{name}.json"))
}

/// The development key of the program's address: worth nothing, and part of the project.
fn program_keypair() -> Result<solana_sdk::signature::Keypair, CliError> {
    let bytes: Vec<u8> = serde_json::from_str(include_str!("../../../../migrations/keys/assay-dev-keypair.json"))?;
    solana_sdk::signature::Keypair::try_from(bytes.as_slice()).map_err(CliError::from)
}

/// The compiled program: given, or where `cargo xtask build` puts it beside this executable.
fn program(given: Option<&Path>) -> Result<Vec<u8>, CliError> {
    let candidates: Vec<PathBuf> = match given {
        Some(path) => vec![path.to_path_buf()],
        None => {
            let executable = std::env::current_exe()?;
            let beside = executable.ancestors().map(|folder| folder.join("deploy/assay.so"));
            beside.chain([PathBuf::from("target/deploy/assay.so")]).collect()
        }
    };
    candidates.iter().find_map(|path| std::fs::read(path).ok()).ok_or_else(|| {
        CliError::new("A0501", "no compiled program found; run `cargo xtask build`, or give --program")
    })
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
