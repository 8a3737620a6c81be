//! `assay node`: register, stake, run, watch, leave.

mod benchmark;
mod delegation;
mod doctor;
mod explain;
mod init;
mod list;
mod maintenance;
mod offer;
mod run;
mod stake;
mod status;

use super::read_file;
use crate::context::ChainArguments;
use crate::error::CliError;
use crate::output::{Output, Table};
use assay_kernels::WgpuBackend;
use assay_node::config::{BackendChoice, NodeConfig};
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an operator key and settings in the data folder, and register the node
    ///
    /// The keypair of -k becomes the node's withdraw authority: stake and earnings go to it, and it is needed to stake,
    /// unstake and withdraw, never to run. Running it again changes nothing that is as it should be.
    Init(init::Init),
    /// Add stake, in base units of the stake mint
    Stake {
        /// How much, in base units
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        amount: u64,
        #[command(flatten)]
        folder: Folder,
    },
    /// Take jobs until Ctrl-C or SIGTERM; then finish what is claimed
    Run {
        #[command(flatten)]
        folder: Folder,
        /// Which backend computes [default: as in node.toml]
        #[arg(long, value_enum)]
        backend: Option<Backend>,
        /// End at once when the process that started this one has ended
        #[arg(long)]
        until_parent_exits: bool,
    },
    /// What a node does and did
    Status {
        #[command(flatten)]
        folder: Folder,
    },
    /// Whether anything stands in the way of a node's jobs, or puts its stake at risk
    ///
    /// Ends with 1 if something is not well; each finding has a stable code.
    Doctor {
        #[command(flatten)]
        folder: Folder,
    },
    /// Offer a model to strangers, who pay with their first request (x402): written into node.toml
    Offer(Box<offer::Offer>),
    /// Measure this machine, and what its node may promise
    Benchmark(benchmark::Benchmark),
    /// The nodes of the network, with filters like those of a job
    List(list::List),
    /// Why a node may claim a job or not, and what became of it, by the program's own codes
    Explain {
        /// Address of the node
        node: Pubkey,
        /// Address of the job
        #[arg(long)]
        job: Pubkey,
    },
    /// Declare ahead that the node will be away
    Maintenance(maintenance::Maintenance),
    /// Whether others may delegate to the node, and for which commission
    #[command(subcommand)]
    Delegation(delegation::Command),
    /// The GPU adapters that this machine offers
    Adapters,
    /// Request the withdrawal of stake; it is released after the unbonding time
    Unstake {
        /// How much, in base units of the stake mint
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
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
        if !path.is_file() {
            let folder = self.data.display();
            return Err(CliError::new(
                "A0201",
                format!("{folder} is not a node's folder; run `assay node init` first, or give --data"),
            ));
        }
        let identity: IdentityFile = serde_json::from_slice(&read_file(&path)?).map_err(|error| {
            CliError::new("A0202", format!("{} is damaged: {error}; run `assay node init` again", path.display()))
        })?;
        Ok(identity.node.parse()?)
    }

    fn config(&self) -> Result<NodeConfig, CliError> {
        Ok(NodeConfig::from_file(&self.config_path())?)
    }
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    match &command {
        Command::Adapters => return adapters(output),
        Command::Benchmark(arguments) => return benchmark::run(arguments, output),
        _ => {}
    }
    let context = chain.context()?;
    match command {
        Command::Adapters => adapters(output),
        Command::Benchmark(arguments) => benchmark::run(&arguments, output),
        Command::List(arguments) => list::list(&context, &arguments, output).await,
        Command::Explain { node, job } => explain::explain(&context, &node, &job, output).await,
        Command::Maintenance(arguments) => maintenance::maintenance(&context, &arguments, output).await,
        Command::Delegation(command) => delegation::run(&context, command, output).await,
        Command::Offer(arguments) => offer::offer(&context, *arguments, output).await,
        Command::Init(arguments) => init::init(&context, arguments, output).await,
        Command::Stake { amount, folder } => stake::stake(&context, &folder, amount, output).await,
        Command::Run { folder, backend, until_parent_exits } => {
            run::run_node(&context, &folder, backend, until_parent_exits, output).await
        }
        Command::Status { folder } => status::status(&context, &folder, output).await,
        Command::Doctor { folder } => doctor::doctor(&context, &folder, output).await,
        Command::Unstake { amount, folder } => stake::unstake(&context, &folder, amount, output).await,
        Command::Withdraw { folder, deregister } => stake::withdraw(&context, &folder, deregister, output).await,
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
