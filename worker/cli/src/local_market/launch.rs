//! Starting the processes of a market, with the commands that a person would type.

use super::processes::Processes;
use crate::commands::localnet::{Ready, program};
use crate::error::CliError;
use assay_node::status::Status;
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long a process may take to start, on a machine that is busy with other things.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// How a node is to be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch {
    pub(crate) name: &'static str,
    /// Which of the localnet's node keys owns it.
    pub(crate) owner: usize,
    pub(crate) backend: &'static str,
    /// In base units.
    pub(crate) stake: u64,
    pub(crate) price_floor: u64,
    pub(crate) concurrent_jobs: usize,
}

/// A node that runs.
#[derive(Clone, Debug)]
pub(crate) struct NodeInfo {
    pub(crate) name: &'static str,
    pub(crate) backend: &'static str,
    /// What the backend says of its device.
    pub(crate) device: String,
    pub(crate) stake: u64,
    pub(crate) price_floor: u64,
    pub(crate) address: Pubkey,
    pub(crate) owner: Pubkey,
    pub(crate) status: SocketAddr,
}

/// Starts a localnet in the folder of `processes` and waits until it is ready.
pub(crate) async fn start_localnet(processes: &Processes, slot_ms: u64) -> Result<Ready, CliError> {
    let program = program(std::env::var_os("ASSAY_PROGRAM_SO").map(Into::into))?;
    let folder = processes.folder().join("localnet");
    let ready_file = folder.join("ready.json");
    let mut arguments = words(&["localnet", "--until-parent-exits", "--rpc-port", "0", "--ws-port", "0"]);
    for (name, value) in [
        ("--folder", folder.display().to_string()),
        ("--slot-ms", slot_ms.to_string()),
        ("--program", program.display().to_string()),
        ("--ready-file", ready_file.display().to_string()),
    ] {
        arguments.extend([name.to_owned(), value]);
    }
    processes.spawn("localnet", &arguments)?;
    processes
        .until("the localnet", START_PATIENCE, async || {
            let text = std::fs::read_to_string(&ready_file).ok()?;
            serde_json::from_str(&text).ok()
        })
        .await
}

/// Registers, stakes and starts a node and waits until it answers.
pub(crate) async fn start_node(processes: &Processes, ready: &Ready, launch: Launch) -> Result<NodeInfo, CliError> {
    let Launch { name, owner, backend, stake, price_floor, concurrent_jobs } = launch;
    let key =
        ready.keys.nodes.get(owner).ok_or_else(|| CliError::new("A0306", "the localnet has no key for a node"))?;
    let (artifacts, status) = (free_address().await?, free_address().await?);
    let mut common = Vec::new();
    for (option, value) in [
        ("--url", ready.rpc_url.clone()),
        ("--ws", ready.ws_url.clone()),
        ("--keypair", key.display().to_string()),
        ("--data", processes.folder().join(name).display().to_string()),
    ] {
        common.extend([option.to_owned(), value]);
    }
    let with = |first: &[&str]| -> Vec<String> { words(first).into_iter().chain(common.iter().cloned()).collect() };
    let mut init = with(&["node", "init", "--allow-private", "--backend", backend]);
    for (option, value) in [
        ("--listen", artifacts.to_string()),
        ("--status-listen", status.to_string()),
        ("--price-floor", price_floor.to_string()),
        ("--concurrent-jobs", concurrent_jobs.to_string()),
    ] {
        init.extend([option.to_owned(), value]);
    }
    let registered = processes.call(&init).await?;
    processes.call(&with(&["node", "stake", &stake.to_string()])).await?;
    processes.spawn(name, &with(&["node", "run", "--until-parent-exits"]))?;
    let http = reqwest::Client::new();
    let running: Status = processes
        .until(name, START_PATIENCE, async || {
            http.get(format!("http://{status}/v1/status")).send().await.ok()?.json().await.ok()
        })
        .await?;
    Ok(NodeInfo {
        name,
        backend,
        device: running.backends.first().map_or_else(String::new, |(_, device)| device.clone()),
        stake,
        price_floor,
        address: registered["node"].as_str().unwrap_or_default().parse()?,
        owner: registered["withdraw_authority"].as_str().unwrap_or_default().parse()?,
        status,
    })
}

/// Whether there is an adapter. Asked of a process of its own: drivers write what they like to stderr.
pub(crate) async fn has_adapter(processes: &Processes) -> Result<bool, CliError> {
    let adapters = processes.call(&words(&["node", "adapters"])).await?;
    Ok(adapters.as_array().is_some_and(|adapters| !adapters.is_empty()))
}

/// An address that was free a moment ago.
async fn free_address() -> Result<SocketAddr, CliError> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
