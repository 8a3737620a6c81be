//! `assay mcp`: tools for AI agents over the Model Context Protocol.

use super::cancelled_by_signals;
use crate::context::ChainArguments;
use crate::error::CliError;
use assay_client::FetchLimits;
use assay_mcp::{AgentServer, AllowedCluster, Limits, Options, Spending, serve_stdio};
use assay_store::FetchOptions;
use clap::Args;
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;
use std::time::Duration;

/// What `--help` says last.
const AFTER_HELP: &str = "\
Without --budget there are only tools that read, and no key is used. With it, -k names the keypair of the budget's agent, and jobs are
posted out of the budget where --allow-cluster says so: nowhere else, and never by the owner's key. stdout is the protocol, logs go to stderr.

    {\"mcpServers\": {\"assay\": {\"command\": \"assay\", \"args\": [\"mcp\", \"--url\", \"l\", \"--folder\", \"/path/to/work\"]}}}";

/// How long one artifact may take to arrive: somebody waits for the answer of a call.
const FETCH_DEADLINE: Duration = Duration::from_secs(300);

/// Where the options of spending are listed.
const SPENDING_HEADING: &str = "Spending (nothing is spent without --budget and --allow-cluster)";

#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Folder in which the agent may name files: graphs, params, inputs, and results to save [default: none]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Fetch artifacts and results from loopback and private addresses too
    #[arg(long)]
    allow_private: bool,
    /// The longest wait that one call may ask for, in seconds
    #[arg(long, default_value_t = 120)]
    max_wait_seconds: u64,
    /// Most operations of a job that is replayed, as the market measures work
    #[arg(long, default_value_t = Limits::default().max_operations)]
    max_operations: u64,
    /// Most bytes of one artifact
    #[arg(long, default_value_t = FetchLimits::default().max_artifact_bytes)]
    max_artifact_bytes: u64,
    /// Most bytes of all tensors of a job together
    #[arg(long, default_value_t = FetchLimits::default().max_memory_bytes)]
    max_memory_bytes: u64,
    /// Most bytes on the disk of what is fetched for all calls together; removed as each ends
    #[arg(long, default_value_t = Limits::default().max_fetched_bytes)]
    max_fetched_bytes: u64,
    #[command(flatten)]
    spending: SpendingArguments,
}

#[derive(Args, Debug)]
struct SpendingArguments {
    /// Address of the budget out of which the agent may post jobs; -k is its agent's keypair
    #[arg(long, help_heading = SPENDING_HEADING, requires_all = ["store", "store_url"])]
    budget: Option<Pubkey>,
    /// Cluster on which it may: l(ocalnet), d(evnet), t(estnet), m(ainnet) or a genesis hash; can be given several times
    #[arg(long, help_heading = SPENDING_HEADING, requires = "budget", value_parser = AllowedCluster::parse)]
    allow_cluster: Vec<AllowedCluster>,
    /// Folder into which what jobs need is put, for `assay store serve` to serve
    #[arg(long, help_heading = SPENDING_HEADING, requires = "budget")]
    store: Option<PathBuf>,
    /// Base URL at which nodes reach that folder
    #[arg(long, help_heading = SPENDING_HEADING, requires = "budget")]
    store_url: Option<String>,
    /// Highest maximum price of a job, in base units [default: the budget's limit]
    #[arg(long, help_heading = SPENDING_HEADING, requires = "budget")]
    max_price: Option<u64>,
    /// Post only while fewer jobs of the budget are open
    #[arg(long, help_heading = SPENDING_HEADING, requires = "budget", default_value_t = 4)]
    max_open_jobs: u32,
}

pub(crate) async fn run(arguments: Arguments, chain: &ChainArguments) -> Result<(), CliError> {
    let context = chain.connected().await?;
    let given = arguments.spending;
    let spending = match (given.budget, given.store, given.store_url) {
        (Some(budget), Some(store), Some(store_url)) => Some(Spending {
            sender: context.sender.clone(),
            key: context.keypair()?,
            budget,
            store,
            store_url,
            clusters: given.allow_cluster,
            max_price_base_units: given.max_price,
            max_open_jobs: given.max_open_jobs,
        }),
        _ => None,
    };
    let options = Options {
        chain: context.chain().clone(),
        folder: arguments.folder,
        fetch: FetchOptions {
            allow_private: arguments.allow_private,
            deadline: FETCH_DEADLINE,
            ..FetchOptions::default()
        },
        limits: Limits {
            max_wait: Duration::from_secs(arguments.max_wait_seconds),
            max_operations: arguments.max_operations,
            fetch: FetchLimits {
                max_artifact_bytes: arguments.max_artifact_bytes,
                max_memory_bytes: arguments.max_memory_bytes,
            },
            max_fetched_bytes: arguments.max_fetched_bytes,
        },
        spending,
    };
    Ok(serve_stdio(AgentServer::new(options)?, cancelled_by_signals()?).await?)
}
