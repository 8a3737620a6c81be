//! What every command that talks to the chain needs: endpoint, payer, sender.

use crate::error::CliError;
use assay_chain::{Chain, Endpoint, PriorityFee, SendOptions, Sender, SolanaConfig, read_keypair};
use clap::Args;
use solana_sdk::signature::Keypair;
use std::path::PathBuf;

/// Where `--help` lists the options that every command has.
pub(crate) const SHARED_HEADING: &str = "Options of every command";

/// Options of every command. What is not given comes from the Solana CLI's configuration.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChainArguments {
    /// RPC endpoint: l(ocalhost), d(evnet), t(estnet), m(ainnet) or a URL
    #[arg(short = 'u', long, global = true, help_heading = SHARED_HEADING, env = "ASSAY_URL")]
    pub(crate) url: Option<String>,
    /// Websocket endpoint [default: derived from the URL]
    #[arg(long, global = true, help_heading = SHARED_HEADING, env = "ASSAY_WS")]
    pub(crate) ws: Option<String>,
    /// Keypair file that signs and pays [default: the Solana CLI's]
    #[arg(short = 'k', long, global = true, help_heading = SHARED_HEADING, env = "ASSAY_KEYPAIR")]
    pub(crate) keypair: Option<PathBuf>,
    /// The Solana CLI's configuration file
    #[arg(short = 'C', long, global = true, help_heading = SHARED_HEADING, env = "SOLANA_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Most lamports to add to a transaction for priority
    #[arg(long, global = true, help_heading = SHARED_HEADING, default_value_t = 0)]
    pub(crate) max_priority_fee: u64,
}

/// Access to the chain.
pub(crate) struct Context {
    pub(crate) sender: Sender,
    keypair_path: PathBuf,
}

impl ChainArguments {
    /// Resolves the options; nothing is sent yet.
    pub(crate) fn context(&self) -> Result<Context, CliError> {
        let solana = match &self.config {
            Some(path) => SolanaConfig::load(path)?,
            None => SolanaConfig::load_default()?,
        };
        let ws = self.ws.as_deref().unwrap_or_default();
        let endpoint = match &self.url {
            Some(url) => Endpoint::parse_with_websocket(url, ws)?,
            None if ws.is_empty() => solana.endpoint,
            None => Endpoint::parse_with_websocket(&solana.endpoint.rpc_url, ws)?,
        };
        let priority_fee = match self.max_priority_fee {
            0 => PriorityFee::None,
            maximum_lamports => PriorityFee::Market { maximum_lamports },
        };
        let options = SendOptions { priority_fee, ..SendOptions::default() };
        Ok(Context {
            sender: Sender::new(Chain::new(endpoint), options),
            keypair_path: self.keypair.clone().unwrap_or(solana.keypair_path),
        })
    }
}

impl Context {
    /// The connection.
    pub(crate) fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    /// The key that signs and pays.
    pub(crate) fn keypair(&self) -> Result<Keypair, CliError> {
        Ok(read_keypair(&self.keypair_path)?)
    }
}
