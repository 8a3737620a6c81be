//! `assay node`: register, stake, run, watch, leave.

use super::cancelled_by_signals;
use crate::context::{ChainArguments, Context};
use crate::error::CliError;
use crate::output::{Output, Table};
use assay_chain::accounts::NodeFilter;
use assay_chain::instructions::{self, TokenMint};
use assay_chain::{read_keypair, read_or_create_keypair};
use assay_kernels::WgpuBackend;
use assay_node::config::{BackendChoice, NodeConfig};
use assay_node::journal::{Journal, Outcome, Record, Stage};
use assay_node::start::{Identity, start};
use assay_node::status::Status;
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use solana_system_interface::instruction::transfer;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an operator key and settings in the data folder, and register the node; the keypair becomes its withdraw authority
    Init(Init),
    /// Add stake, in base units of the stake mint
    Stake {
        /// How much
        amount: u64,
        #[command(flatten)]
        folder: Folder,
    },
    /// Take jobs until Ctrl-C; then finish what is claimed
    Run {
        #[command(flatten)]
        folder: Folder,
        /// Which backend computes [default: as in node.toml]
        #[arg(long, value_enum)]
        backend: Option<Backend>,
    },
    /// What a node does and did
    Status {
        #[command(flatten)]
        folder: Folder,
    },
    /// The GPU adapters that this machine offers
    Adapters,
    /// Request the withdrawal of stake; it is released after the unbonding time
    Unstake {
        /// How much, in base units of the stake mint
        amount: u64,
        #[command(flatten)]
        folder: Folder,
    },
    /// Withdraw released stake to the withdraw authority's associated token account
    Withdraw {
        #[command(flatten)]
        folder: Folder,
        /// Then close the node's account if nothing is left in it
        #[arg(long)]
        deregister: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// Folder of the node: keys, settings, journal, artifacts
    #[arg(long, default_value = "assay-node", env = "ASSAY_NODE_FOLDER")]
    data: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Init {
    #[command(flatten)]
    folder: Folder,
    /// Tells the nodes of one withdraw authority apart
    #[arg(long, default_value_t = 0)]
    index: u16,
    /// URL at which others reach this node's artifacts [default: http:// and the listen address]
    #[arg(long)]
    endpoint: Option<String>,
    /// Address on which artifacts are served
    #[arg(long, default_value = "127.0.0.1:8900")]
    listen: SocketAddr,
    /// Address on which status is served
    #[arg(long, default_value = "127.0.0.1:8901")]
    status_listen: SocketAddr,
    /// Which backend computes
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    backend: Backend,
    /// Least price of a job, in base units
    #[arg(long, default_value_t = 1)]
    price_floor: u64,
    /// Jobs in work at a time
    #[arg(long, default_value_t = 2)]
    concurrent_jobs: usize,
    /// Fetch artifacts from loopback and private addresses too: on a network of one's own only
    #[arg(long)]
    allow_private: bool,
    /// Lamports to send to the operator key for its fees
    #[arg(long, default_value_t = 100_000_000)]
    fund_lamports: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Auto,
    Cpu,
    Wgpu,
}

impl From<Backend> for BackendChoice {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Auto => Self::Auto,
            Backend::Cpu => Self::Cpu,
            Backend::Wgpu => Self::Wgpu,
        }
    }
}

/// What `init` writes beside the settings.
#[derive(Debug, Serialize, Deserialize)]
struct IdentityFile {
    node: String,
    withdraw_authority: String,
    index: u16,
}

impl Folder {
    fn operator_path(&self) -> PathBuf {
        self.data.join("operator.json")
    }

    fn config_path(&self) -> PathBuf {
        self.data.join("node.toml")
    }

    fn identity_path(&self) -> PathBuf {
        self.data.join("identity.json")
    }

    fn node(&self) -> Result<Pubkey, CliError> {
        let path = self.identity_path();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            CliError::new("A0201", format!("cannot read {}: {error}; run `assay node init` first", path.display()))
        })?;
        let identity: IdentityFile = serde_json::from_str(&text)?;
        Ok(identity.node.parse()?)
    }

    fn config(&self) -> Result<NodeConfig, CliError> {
        Ok(NodeConfig::from_file(&self.config_path())?)
    }
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    if matches!(command, Command::Adapters) {
        return adapters(output);
    }
    let context = chain.context()?;
    match command {
        Command::Adapters => adapters(output),
        Command::Init(arguments) => init(&context, arguments, output).await,
        Command::Stake { amount, folder } => stake(&context, &folder, amount, output).await,
        Command::Run { folder, backend } => run_node(&context, &folder, backend, output).await,
        Command::Status { folder } => status(&context, &folder, output).await,
        Command::Unstake { amount, folder } => unstake(&context, &folder, amount, output).await,
        Command::Withdraw { folder, deregister } => withdraw(&context, &folder, deregister, output).await,
    }
}

fn adapters(output: Output) -> Result<(), CliError> {
    let adapters = WgpuBackend::adapters();
    let value: Vec<_> = adapters
        .iter()
        .map(|adapter| json!({ "name": adapter.name, "kind": format!("{:?}", adapter.kind), "driver": adapter.driver }))
        .collect();
    output.result(&value, || {
        let mut table = Table::new(&["adapter", "kind", "driver"]);
        for adapter in &adapters {
            table.row([adapter.name.clone(), format!("{:?}", adapter.kind), adapter.driver.clone()]);
        }
        if adapters.is_empty() { "no GPU adapter: nodes compute on the CPU".to_owned() } else { table.render() }
    })
}

async fn init(context: &Context, arguments: Init, output: Output) -> Result<(), CliError> {
    let authority = context.keypair()?;
    let operator = read_or_create_keypair(&arguments.folder.operator_path())?;
    let endpoint = arguments.endpoint.unwrap_or_else(|| format!("http://{}", arguments.listen));
    let node = assay::address::node(&authority.pubkey(), arguments.index);
    let config = NodeConfig {
        listen: arguments.listen,
        status_listen: arguments.status_listen,
        backend: arguments.backend.into(),
        price_floor: arguments.price_floor,
        concurrent_jobs: arguments.concurrent_jobs,
        allow_private_addresses: arguments.allow_private,
        ..NodeConfig::default()
    };
    config.validate()?;
    let mut steps = Vec::new();
    match context.chain().find_node(&node).await? {
        None => {
            steps.push(instructions::register_node(&authority.pubkey(), arguments.index, &operator.pubkey(), &endpoint))
        }
        Some(known) if known.operator != operator.pubkey() || known.endpoint != endpoint => {
            steps.push(instructions::update_node(&authority.pubkey(), &node, &operator.pubkey(), &endpoint));
        }
        Some(_) => {}
    }
    if arguments.fund_lamports > 0
        && context.chain().balance_lamports(&operator.pubkey()).await? < arguments.fund_lamports
    {
        steps.push(transfer(&authority.pubkey(), &operator.pubkey(), arguments.fund_lamports));
    }
    if !steps.is_empty() {
        context.sender.execute(&steps, &[&authority]).await?;
    }
    let identity = IdentityFile {
        node: node.to_string(),
        withdraw_authority: authority.pubkey().to_string(),
        index: arguments.index,
    };
    write(&arguments.folder.identity_path(), &serde_json::to_string_pretty(&identity)?)?;
    write(&arguments.folder.config_path(), &toml::to_string_pretty(&config)?)?;
    let value = json!({
        "node": node.to_string(),
        "operator": operator.pubkey().to_string(),
        "withdraw_authority": authority.pubkey().to_string(),
        "endpoint": endpoint,
        "config": arguments.folder.config_path(),
    });
    output.result(&value, || {
        format!(
            "node {node}\noperator {} (hot, in {})\nsettings in {}\nnext: assay node stake AMOUNT, then assay node run",
            operator.pubkey(),
            arguments.folder.operator_path().display(),
            arguments.folder.config_path().display()
        )
    })
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(path, text)
        .map_err(|error| CliError::new("A0202", format!("cannot write {}: {error}", path.display())))
}

async fn stake(context: &Context, folder: &Folder, amount: u64, output: Output) -> Result<(), CliError> {
    let (funder, node) = (context.keypair()?, folder.node()?);
    let mint = context.chain().stake_mint().await?;
    let source = mint.associated_account(&funder.pubkey());
    let instruction = instructions::stake(&funder.pubkey(), &node, mint, &source, amount);
    context.sender.execute(&[instruction], &[&funder]).await?;
    show_stake(context, &node, output).await
}

async fn unstake(context: &Context, folder: &Folder, amount: u64, output: Output) -> Result<(), CliError> {
    let (authority, node) = (context.keypair()?, folder.node()?);
    let instruction = instructions::request_withdrawal(&authority.pubkey(), &node, amount);
    context.sender.execute(&[instruction], &[&authority]).await?;
    show_stake(context, &node, output).await
}

async fn withdraw(context: &Context, folder: &Folder, deregister: bool, output: Output) -> Result<(), CliError> {
    let (authority, node) = (context.keypair()?, folder.node()?);
    let mint: TokenMint = context.chain().stake_mint().await?;
    let destination = mint.associated_account(&authority.pubkey());
    let account = context.chain().node(&node).await?;
    if account.unbonding.iter().any(|place| place.amount > 0) {
        let steps = [
            mint.create_associated_account(&authority.pubkey(), &authority.pubkey()),
            instructions::withdraw_stake(&authority.pubkey(), &node, mint, &destination),
        ];
        context.sender.execute(&steps, &[&authority]).await?;
    }
    if deregister {
        context.sender.execute(&[instructions::deregister_node(&authority.pubkey(), &node)], &[&authority]).await?;
        return output
            .result(&json!({ "node": node.to_string(), "deregistered": true }), || format!("node {node} is closed"));
    }
    show_stake(context, &node, output).await
}

async fn show_stake(context: &Context, node: &Pubkey, output: Output) -> Result<(), CliError> {
    let account = context.chain().node(node).await?;
    let unbonding: Vec<_> = account.unbonding.iter().filter(|place| place.amount > 0).collect();
    let value = json!({
        "node": node.to_string(),
        "stake": account.stake,
        "locked": account.locked,
        "free": account.stake.saturating_sub(account.locked),
        "unbonding": unbonding.iter().map(|place| json!({ "amount": place.amount, "release_slot": place.release_slot })).collect::<Vec<_>>(),
    });
    output.result(&value, || {
        let mut text = format!(
            "node {node}: stake {}, locked {}, free {}",
            account.stake,
            account.locked,
            account.stake.saturating_sub(account.locked)
        );
        for place in unbonding {
            text.push_str(&format!("\nunbonding {} until slot {}", place.amount, place.release_slot));
        }
        text
    })
}

async fn run_node(
    context: &Context,
    folder: &Folder,
    backend: Option<Backend>,
    output: Output,
) -> Result<(), CliError> {
    let mut config = folder.config()?;
    if let Some(backend) = backend {
        config.backend = backend.into();
    }
    let identity = Identity {
        node: folder.node()?,
        operator: read_keypair(&folder.operator_path())?,
        data_folder: folder.data.clone(),
    };
    let (node, cancel) = (identity.node, cancelled_by_signals()?);
    let started = start(config, identity, context.sender.clone()).await?;
    let value = json!({
        "node": node.to_string(),
        "artifacts": format!("http://{}", started.artifacts),
        "status": format!("http://{}", started.status),
        "backends": started.backends,
    });
    output.result(&value, || {
        let backends: Vec<String> = started.backends.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        format!(
            "node {node} takes jobs\nartifacts http://{}\nstatus    http://{}/v1/status\n{}",
            started.artifacts,
            started.status,
            backends.join("\n")
        )
    })?;
    started.run(cancel).await?;
    Ok(())
}

async fn status(context: &Context, folder: &Folder, output: Output) -> Result<(), CliError> {
    let node = folder.node()?;
    let config = folder.config()?;
    let running = ask(config.status_listen).await;
    let (jobs, totals) = match &running {
        Some(status) => (status.jobs.clone(), status.totals),
        None => {
            let journal = Journal::open(&folder.data.join("journal.redb"))?;
            let mut jobs: Vec<Record> = journal.all()?.into_iter().map(|(_, record)| record).collect();
            jobs.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
            let totals = journal.totals()?;
            (jobs, totals)
        }
    };
    let account = context.chain().nodes(NodeFilter::default()).await?.into_iter().find(|(address, _)| *address == node);
    let value = json!({
        "node": node.to_string(),
        "running": running.is_some(),
        "backends": running.as_ref().map(|status| &status.backends),
        "stake": account.as_ref().map(|(_, account)| account.stake),
        "locked": account.as_ref().map(|(_, account)| account.locked),
        "totals": totals,
        "jobs": jobs,
    });
    output.result(&value, || {
        let mut table = Table::new(&["job", "stage", "price", "slot", "backend"]);
        for record in &jobs {
            let price = record.price.map(|price| price.to_string()).unwrap_or_default();
            let backend = record.computed.as_ref().map(|computed| computed.backend.clone()).unwrap_or_default();
            table.row([record.job.clone(), stage_words(&record.stage), price, record.last_slot.to_string(), backend]);
        }
        format!(
            "node {node} {}\nopen {}, paid {}, lost {}, skipped {}, missed {}, earned {}\n\n{}",
            if running.is_some() { "is running" } else { "is not running" },
            totals.open,
            totals.paid,
            totals.lost,
            totals.skipped,
            totals.missed,
            totals.earned,
            table.render()
        )
    })
}

/// What the running node says; nothing if none answers.
async fn ask(address: SocketAddr) -> Option<Status> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().ok()?;
    client.get(format!("http://{address}/v1/status")).send().await.ok()?.json().await.ok()
}

fn stage_words(stage: &Stage) -> String {
    match stage {
        Stage::Admitted => "admitted".to_owned(),
        Stage::Claimed => "claimed".to_owned(),
        Stage::Executed(_) => "computed".to_owned(),
        Stage::Committed(_) => "committed".to_owned(),
        Stage::Settled(_) => "settled".to_owned(),
        Stage::Finished(Outcome::Paid { amount }) => format!("paid {amount}"),
        Stage::Finished(Outcome::Lost { reason }) => format!("lost: {reason}"),
        Stage::Finished(Outcome::Skipped(refusal)) => format!("skipped: {refusal}"),
        Stage::Finished(Outcome::Credited { amount, reason }) => format!("credited {amount}, not withdrawn: {reason}"),
        Stage::Finished(Outcome::Missed { reason }) => format!("missed: {reason}"),
    }
}
