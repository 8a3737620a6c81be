//! What every command that talks to the chain needs: endpoint, payer, sender.

use crate::error::CliError;
use assay_chain::{
    Chain, Endpoint, EndpointSettings, KeySource, PriorityFee, SendOptions, Sender, SolanaConfig, read_keypair,
};
use clap::Args;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::path::PathBuf;
use std::sync::OnceLock;
use tokio_util::sync::CancellationToken;

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
    /// Further RPC endpoints for when the first fails, of other providers; `URL WEBSOCKET` where that is not derived
    /// (`node` and `validator` have theirs in their settings)
    #[arg(long, global = true, help_heading = SHARED_HEADING, env = "ASSAY_FURTHER_URLS", value_delimiter = ',')]
    pub(crate) further_url: Vec<String>,
    /// Key that signs and pays: the path of a file, - for stdin, ASK or prompt: for a seed phrase; never the key itself
    /// [default: the Solana CLI's]
    #[arg(short = 'k', long, global = true, help_heading = SHARED_HEADING, env = "ASSAY_KEYPAIR")]
    pub(crate) keypair: Option<String>,
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
    /// Where the key is, as given; read when it is needed.
    key_source: String,
    key: OnceLock<Keypair>,
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
        let chain = Chain::with_further(&endpoint, &self.further_url, EndpointSettings::default())?;
        let options = SendOptions { priority_fee, ..SendOptions::default() };
        Ok(Context {
            sender: Sender::new(chain, options),
            key_source: self.keypair.clone().unwrap_or_else(|| solana.keypair_path.display().to_string()),
            key: OnceLock::new(),
        })
    }
}

impl ChainArguments {
    /// The same, ready to be used: where there are several endpoints, they are all of one cluster, and compared as long as the
    /// command runs.
    pub(crate) async fn connected(&self) -> Result<Context, CliError> {
        let context = self.context()?;
        let chain = context.chain().clone();
        if chain.endpoint_count() > 1 {
            let genesis = chain.genesis_hash().await?;
            chain.require_cluster(genesis).await?;
            tokio::spawn(async move { chain.keep_level(&CancellationToken::new()).await });
        }
        Ok(context)
    }
}

impl Context {
    /// The connection.
    pub(crate) fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    /// The file of the key that signs and pays, and its address; nothing where there is none that can be read.
    pub(crate) fn signing(&self) -> Option<(PathBuf, Pubkey)> {
        let source: KeySource = self.key_source.parse().ok()?;
        let path = source.path()?;
        Some((path.clone(), read_keypair(path).ok()?.pubkey()))
    }

    /// Whether the key comes by stdin, where nothing else can then be read.
    pub(crate) fn reads_stdin(&self) -> bool {
        matches!(self.key_source.parse(), Ok(KeySource::Stdin))
    }

    /// The key that signs and pays. Stdin and people are asked once.
    pub(crate) fn keypair(&self) -> Result<Keypair, CliError> {
        if let Some(key) = self.key.get() {
            return Ok(key.insecure_clone());
        }
        let key = self.key_source.parse::<KeySource>()?.read()?;
        Ok(self.key.get_or_init(|| key).insecure_clone())
    }
}
