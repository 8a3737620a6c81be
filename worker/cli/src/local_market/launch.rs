//! Starting the processes of a market, with the commands that a person would type.

use super::processes::Processes;
use crate::commands::localnet::{Ready, program};
use crate::error::CliError;
use assay_chain::read_keypair;
use assay_localnet::market::FUNDED_LAMPORTS;
use assay_node::status::Status;
use serde::de::DeserializeOwned;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// How long a process may take to start, on a machine that is busy with other things.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// How long everything may take that follows a conviction: sharing the bounty out, burning, closing.
const SETTLING_PATIENCE: Duration = Duration::from_secs(20);
/// How often the validator is asked.
const SETTLING_POLL: Duration = Duration::from_millis(200);

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
    /// How it lies, if it does.
    pub(crate) fault: Option<&'static str>,
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
    /// Whether it lies.
    pub(crate) lies: bool,
}

/// Starts a localnet in the folder of `processes` and waits until it is ready.
pub(crate) async fn start_localnet(processes: &Processes, slot_ms: u64, nodes: usize) -> Result<Ready, CliError> {
    let program = program(std::env::var_os("ASSAY_PROGRAM_SO").map(Into::into))?;
    let folder = processes.folder().join("localnet");
    let ready_file = folder.join("ready.json");
    let mut arguments = words(&["localnet", "--until-parent-exits", "--rpc-port", "0", "--ws-port", "0"]);
    for (name, value) in [
        ("--folder", folder.display().to_string()),
        ("--slot-ms", slot_ms.to_string()),
        ("--nodes", nodes.to_string()),
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
    let Launch { name, owner, backend, stake, price_floor, concurrent_jobs, fault } = launch;
    let key =
        ready.keys.nodes.get(owner).ok_or_else(|| CliError::new("A0306", "the localnet has no key for a node"))?;
    let (artifacts, status) = (free_address().await?, free_address().await?);
    let common = common(processes, ready, name, key);
    let with = |first: &[&str]| -> Vec<String> { words(first).into_iter().chain(common.iter().cloned()).collect() };
    let mut init = with(&["node", "init", "--allow-private", "--backend", backend]);
    for (option, value) in [
        ("--listen", artifacts.to_string()),
        ("--status-listen", status.to_string()),
        ("--price-floor", price_floor.to_string()),
        ("--concurrent-jobs", concurrent_jobs.to_string()),
        // Half of what the key has: the defence of some seventy jobs with large tensors at a time.
        ("--fund-lamports", (FUNDED_LAMPORTS / 2).to_string()),
    ] {
        init.extend([option.to_owned(), value]);
    }
    let registered = processes.call(&init).await?;
    processes.call(&with(&["node", "stake", &stake.to_string()])).await?;
    let run = with(&["node", "run", "--until-parent-exits"]);
    match fault {
        None => processes.spawn(name, &run)?,
        Some(fault) => processes.spawn_liar(name, &run, fault)?,
    }
    let running: Status = answers(processes, name, status).await?;
    Ok(NodeInfo {
        name,
        backend,
        device: running.backends.first().map_or_else(String::new, |(_, device)| device.clone()),
        stake,
        price_floor,
        address: registered["node"].as_str().unwrap_or_default().parse()?,
        owner: registered["withdraw_authority"].as_str().unwrap_or_default().parse()?,
        status,
        lies: fault.is_some(),
    })
}

/// A validator that runs.
#[derive(Clone, Debug)]
pub(crate) struct ValidatorInfo {
    /// The key that challenges.
    pub(crate) key: Pubkey,
    pub(crate) status: SocketAddr,
}

/// Starts a validator that audits every job, and waits until it answers.
pub(crate) async fn start_validator(
    processes: &Processes,
    ready: &Ready,
    name: &'static str,
) -> Result<ValidatorInfo, CliError> {
    let missing = || CliError::new("A0306", "the localnet has no key for a validator");
    let path = ready.keys.validators.first().ok_or_else(missing)?;
    let status = free_address().await?;
    let mut run = words(&["validator", "run", "--mode", "audit", "--allow-private", "--until-parent-exits"]);
    run.extend(["--status-listen".to_owned(), status.to_string()]);
    run.extend(common(processes, ready, name, path));
    processes.spawn(name, &run)?;
    let _: Value = answers(processes, name, status).await?;
    Ok(ValidatorInfo { key: read_keypair(path)?.pubkey(), status })
}

/// Waits until the validator is through with the job, which closes what the dispute opened, and returns its record of it.
pub(crate) async fn settled(validator: &ValidatorInfo, job: &Pubkey) -> Result<Value, CliError> {
    let (http, started, job) = (reqwest::Client::new(), Instant::now(), job.to_string());
    let url = format!("http://{}/v1/status", validator.status);
    let mut last = Value::Null;
    while started.elapsed() < SETTLING_PATIENCE {
        if let Ok(answer) = http.get(&url).send().await
            && let Ok(status) = answer.json::<Value>().await
            && let Some(record) = records(&status).find(|record| record["job"] == job.as_str())
        {
            if !record["ending"].is_null() {
                return Ok(record.clone());
            }
            last = record.clone();
        }
        tokio::time::sleep(SETTLING_POLL).await;
    }
    let seconds = SETTLING_PATIENCE.as_secs();
    Err(CliError::new(
        "A0307",
        format!("the validator is not through with its dispute {seconds} s after the conviction; it last said: {last}"),
    ))
}

/// The records in a validator's status.
pub(crate) fn records(status: &Value) -> impl Iterator<Item = &Value> {
    status["jobs"].as_array().into_iter().flatten()
}

/// What every command of a service is told.
fn common(processes: &Processes, ready: &Ready, name: &str, key: &Path) -> Vec<String> {
    [
        ("--url", ready.rpc_url.clone()),
        ("--ws", ready.ws_url.clone()),
        ("--keypair", key.display().to_string()),
        ("--data", processes.folder().join(name).display().to_string()),
    ]
    .into_iter()
    .flat_map(|(option, value)| [option.to_owned(), value])
    .collect()
}

/// Waits until a service serves its status.
async fn answers<T: DeserializeOwned>(processes: &Processes, name: &str, status: SocketAddr) -> Result<T, CliError> {
    let http = reqwest::Client::new();
    let ask = async || http.get(format!("http://{status}/v1/status")).send().await.ok()?.json().await.ok();
    processes.until(name, START_PATIENCE, ask).await
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
