//! `assay node`: register, stake, run, watch, leave.

mod benchmark;
mod breaker;
mod config;
mod delegation;
mod doctor;
mod exit;
mod explain;
mod init;
mod list;
mod maintenance;
mod offer;
mod offline;
mod run;
mod stake;
mod status;
mod top;

pub(crate) use offline::in_words;
pub(crate) use status::endpoint_words;

use super::read_file;
use crate::commands::log;
use crate::context::{ChainArguments, Context};
use crate::error::{CliError, ExitStatus};
use crate::log::Log;
use crate::output::{Output, Table};
use assay_chain::Chain;
use assay_kernels::WgpuBackend;
use assay_node::config::{BackendChoice, Layers, NodeConfig};
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
        #[command(flatten)]
        offline: offline::Offline,
    },
    /// Take jobs until Ctrl-C or SIGTERM; then finish what is claimed
    ///
    /// First looks at what `assay node doctor` looks at, but for the speed: an error ends it before anything is promised, unless
    /// jobs or sessions wait for this node.
    Run {
        #[command(flatten)]
        folder: Folder,
        /// Start although the examination found errors
        #[arg(long)]
        despite_errors: bool,
        /// Which backend computes [default: as in node.toml]
        #[arg(long, value_enum)]
        backend: Option<Backend>,
        /// End at once when the process that started this one has ended
        #[arg(long)]
        until_parent_exits: bool,
    },
    /// Whether a node takes jobs, or exactly why not; what it does and did
    Status {
        #[command(flatten)]
        folder: Folder,
    },
    /// A running node at a glance, refreshed until `q`: jobs, adapters, earnings, disputes and their clocks
    Top(top::Top),
    /// Show the filter of a running node's log, or change it until the node ends
    Log {
        #[command(flatten)]
        folder: Folder,
        /// In the language of `tracing`: info, or warn,assay_node=debug
        filter: Option<String>,
    },
    /// Whether a node stopped claiming by itself, why, and when it goes on; `reset` lets it go on now
    ///
    /// It stops after failures in a row, after a backend computed something wrong, when runs are slow, when lamports run low, or when
    /// RPC endpoints contradict each other. What was promised is kept meanwhile. `reset` has backends tested again; a low balance
    /// it does not fill.
    Breaker(breaker::Breaker),
    /// Offer a model to strangers, who pay with their first request (x402): written into node.toml
    Offer(Box<offer::Offer>),
    /// Leave for good: take nothing new, and end when the last window is over
    ///
    /// It may be interrupted and run again at any time: the node goes on leaving, also when it is started again.
    Exit(exit::Exit),
    /// Whether anything stands in the way of a node's jobs, or puts its stake at risk
    ///
    /// Looks at keys, lamports, stake, RPC endpoints, clock, disk, memory, ports, the registered endpoint, backends, speed and the
    /// network, and shows everything it found, each with a stable code. Ends with 1 if there are errors, with 10 if there are
    /// warnings and no errors.
    Doctor(doctor::Arguments),
    /// Write settings for this machine, check them, and see where each value comes from
    #[command(subcommand)]
    Config(config::Command),
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
        #[command(flatten)]
        offline: offline::Offline,
    },
    /// Withdraw released stake to the withdraw authority's associated token account
    Withdraw {
        #[command(flatten)]
        folder: Folder,
        /// Then close the node's account if nothing is left in it
        #[arg(long)]
        deregister: bool,
        #[command(flatten)]
        offline: offline::Offline,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// Folder of the node: keys, settings, journal, artifacts
    #[arg(long, default_value = "assay-node", env = "ASSAY_NODE_FOLDER")]
    data: PathBuf,
    /// A setting for this command alone, before the file and the variables ASSAY_NODE_<SECTION>_<KEY>; can be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

/// A number as a settings file can hold it.
fn whole_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Auto,
    Cpu,
    Wgpu,
}

impl Backend {
    /// As settings have it.
    fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
        }
    }
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
        Ok(self.identity()?.node.parse()?)
    }

    fn withdraw_authority(&self) -> Result<Pubkey, CliError> {
        Ok(self.identity()?.withdraw_authority.parse()?)
    }

    fn identity(&self) -> Result<IdentityFile, CliError> {
        let path = self.identity_path();
        if !path.is_file() {
            let folder = self.data.display();
            return Err(CliError::new(
                "A0201",
                format!("{folder} is not a node's folder; run `assay node init` first, or give --data"),
            ));
        }
        serde_json::from_slice(&read_file(&path)?).map_err(|error| {
            CliError::new("A0202", format!("{} is damaged: {error}; run `assay node init` again", path.display()))
        })
    }

    /// What speaks for the settings: the file, the environment, flags.
    fn layers(&self) -> Result<Layers, CliError> {
        Ok(Layers::of_process(&self.config_path()).with_flags(self.set.iter().map(String::as_str))?)
    }

    fn config(&self) -> Result<NodeConfig, CliError> {
        Ok(self.layers()?.load()?.config)
    }

    /// The chain over the endpoint of the command line and the further ones of the settings, if these can be read.
    fn chain(&self, context: &Context) -> Chain {
        let over_all = |config: NodeConfig| {
            let further = &config.disputes.further_endpoints;
            Chain::with_further(context.chain().endpoint(), further, config.endpoints).ok()
        };
        self.config().ok().and_then(over_all).unwrap_or_else(|| context.chain().clone())
    }
}

pub(crate) async fn run(
    command: Command,
    chain: &ChainArguments,
    log: &Log,
    output: Output,
) -> Result<ExitStatus, CliError> {
    match &command {
        Command::Adapters => return adapters(output).map(|()| ExitStatus::Done),
        Command::Benchmark(arguments) => return benchmark::run(arguments, output).map(|()| ExitStatus::Done),
        Command::Config(command) if !command.needs_chain() => {
            return config::offline(command, output).map(|()| ExitStatus::Done);
        }
        Command::Log { folder, filter } => {
            return log::log(&folder.data, filter.as_deref(), output).await.map(|()| ExitStatus::Done);
        }
        Command::Breaker(arguments) => return breaker::breaker(arguments, output).await.map(|()| ExitStatus::Done),
        Command::Top(arguments) => return top::top(arguments, output).await.map(|()| ExitStatus::Done),
        _ => {}
    }
    let context = chain.context()?;
    match command {
        Command::Adapters => adapters(output),
        Command::Benchmark(arguments) => benchmark::run(&arguments, output),
        Command::Config(command) => config::online(&context, &command, output).await,
        Command::List(arguments) => list::list(&context, &arguments, output).await,
        Command::Explain { node, job } => explain::explain(&context, &node, &job, output).await,
        Command::Maintenance(arguments) => maintenance::maintenance(&context, &arguments, output).await,
        Command::Delegation(command) => delegation::run(&context, command, output).await,
        Command::Offer(arguments) => offer::offer(&context, *arguments, output).await,
        Command::Init(arguments) => init::init(&context, arguments, output).await,
        Command::Stake { amount, folder, offline } => stake::stake(&context, &folder, amount, &offline, output).await,
        Command::Run { folder, despite_errors, backend, until_parent_exits } => {
            let how = run::How { backend, despite_errors, until_parent_exits };
            return run::run_node(&context, &folder, how, log, output).await;
        }
        Command::Log { folder, filter } => log::log(&folder.data, filter.as_deref(), output).await,
        Command::Breaker(arguments) => breaker::breaker(&arguments, output).await,
        Command::Top(arguments) => top::top(&arguments, output).await,
        Command::Exit(arguments) => exit::exit(&context, &arguments, output).await,
        Command::Status { folder } => status::status(&context, &folder, output).await,
        Command::Doctor(arguments) => doctor::doctor(&context, &arguments, output).await,
        Command::Unstake { amount, folder, offline } => {
            stake::unstake(&context, &folder, amount, &offline, output).await
        }
        Command::Withdraw { folder, deregister, offline } => {
            stake::withdraw(&context, &folder, deregister, &offline, output).await
        }
    }?;
    Ok(ExitStatus::Done)
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
