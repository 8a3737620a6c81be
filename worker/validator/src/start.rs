//! From settings to a running service.

use crate::board::Board;
use crate::budget::day_of;
use crate::config::{Mode, ValidatorConfig};
use crate::driver::Shared;
use crate::equivocation::SeenRoots;
use crate::evidence::Sources;
use crate::journal::{Journal, JournalError};
use crate::meter::Meter;
use crate::service::{Service, ServiceError};
use crate::steps::Terms;
use assay_chain::{Chain, ChainError, PriorityFee, SendOptions, Sender, Watcher, WatcherOptions};
use assay_client::FetchLimits;
use assay_kernels::{CpuBackend, CpuOptions, KernelError};
use assay_store::{FetchOptions, Fetcher, LocalStore, StoreError};
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

/// Why a validator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The endpoint is of another chain than the network was made for.
    #[error(
        "V0603 the network was initialised on the chain of genesis {pinned}, {endpoint} is of {found}; check --url and further_endpoints"
    )]
    OtherChain {
        /// The endpoint.
        endpoint: String,
        /// Pinned by the network.
        pinned: String,
        /// The endpoint's.
        found: String,
    },
    /// An address is taken.
    #[error("V0604 cannot listen on {address}: {reason}; choose another port in validator.toml")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// The data folder cannot be made.
    #[error("V0605 cannot use the data folder {path}: {reason}")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The backend cannot be used.
    #[error(transparent)]
    Backend(#[from] KernelError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain does not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The service failed while it ran.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// A validator that listens and is about to work.
#[derive(Debug)]
pub struct Started {
    /// Where status is served.
    pub status: SocketAddr,
    /// The key that challenges.
    pub challenger: Pubkey,
    /// What it does of its own accord.
    pub mode: Mode,
    shared: Arc<Shared>,
    listener: TcpListener,
}

/// What evidence is gathered with, in a folder.
///
/// # Errors
/// The folder, the HTTP client or the backend cannot be used.
pub fn sources(config: &ValidatorConfig, chain: &Chain, data_folder: &Path) -> Result<Sources, StartError> {
    std::fs::create_dir_all(data_folder)
        .map_err(|error| StartError::DataFolder { path: data_folder.to_path_buf(), reason: error.to_string() })?;
    let fetch = FetchOptions {
        allow_private: config.allow_private_addresses,
        deadline: Duration::from_secs(config.limits.fetch_seconds),
        // Challenge windows are short: a source that does not answer is asked again by the next step.
        max_attempts: 3,
        ..FetchOptions::default()
    };
    Ok(Sources {
        chain: chain.clone(),
        fetcher: Fetcher::new(fetch)?,
        store: LocalStore::open(data_folder.join("artifacts"))?,
        backend: Arc::new(CpuBackend::new(CpuOptions { threads: config.threads, ..CpuOptions::default() })?),
        limits: FetchLimits {
            max_artifact_bytes: config.limits.max_artifact_bytes,
            max_memory_bytes: config.limits.max_memory_bytes,
        },
        trace_limit: Duration::from_secs(config.limits.trace_seconds),
        seen: SeenRoots::default(),
    })
}

/// Opens everything that a validator needs. Nothing is promised yet. Of `sender` the endpoint is used first; the further ones stand in
/// the settings.
///
/// # Errors
/// Whatever is missing, with what to do about it.
pub async fn start(
    config: ValidatorConfig,
    key: Keypair,
    data_folder: PathBuf,
    sender: Sender,
) -> Result<Started, StartError> {
    let chain = Chain::with_further(sender.chain().endpoint(), &config.further_endpoints, config.endpoints)?;
    // What the command line says of fees goes before the settings.
    let priority_fee = match sender.options().priority_fee {
        PriorityFee::None => config.fees.priority_fee(),
        given => given,
    };
    let sender = Sender::new(chain.clone(), SendOptions { priority_fee, ..*sender.options() });
    let network = chain.network().await?;
    match chain.require_cluster(Hash::new_from_array(network.genesis_hash)).await {
        Err(ChainError::EndpointOfOtherCluster { endpoint, given: found, expected: pinned }) => {
            return Err(StartError::OtherChain { endpoint, pinned, found });
        }
        checked => checked?,
    }
    let stake_mint = chain.token_mint(&network.stake_mint).await?;
    // Opening the backend measures the machine: not on an async thread.
    let (settings, folder, connection) = (config.clone(), data_folder.clone(), chain.clone());
    let sources = tokio::task::spawn_blocking(move || sources(&settings, &connection, &folder))
        .await
        .map_err(|error| StartError::DataFolder { path: data_folder.clone(), reason: error.to_string() })??;
    let journal = Journal::open(&data_folder.join("journal.redb"))?;
    let selection_secret = journal.selection_secret()?;
    let first_slot = chain.slot().await?;
    journal.adopt_fees(day_of(first_slot))?;
    let listener = TcpListener::bind(config.status_listen)
        .await
        .map_err(|error| StartError::Listen { address: config.status_listen, reason: error.to_string() })?;
    let status = listener.local_addr().unwrap_or(config.status_listen);
    let (challenger, mode) = (key.pubkey(), config.mode);
    let shared = Arc::new(Shared {
        terms: Terms { me: challenger, window_margin_slots: config.window_margin_slots },
        replays: Arc::new(Semaphore::new(config.selection.concurrent_replays)),
        board: Board::default(),
        meter: Meter::new(&data_folder),
        genesis_hash: network.genesis_hash,
        purse: Mutex::new(()),
        config,
        key,
        sender,
        journal,
        sources,
        stake_mint,
        selection_secret,
        first_slot,
    });
    Ok(Started { status, challenger, mode, shared, listener })
}

impl Started {
    /// What the service and its drivers share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Works until `cancel`.
    ///
    /// # Errors
    /// The journal, the listener or the watcher failed.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), StartError> {
        let watching = CancellationToken::new();
        let chain = self.shared.chain().clone();
        let events = Watcher::new(chain.clone(), WatcherOptions::default()).spawn(watching.clone());
        let stop = watching.clone();
        let level = tokio::spawn(async move { chain.keep_level(&stop).await });
        let service = Service { shared: self.shared, events, status_listener: self.listener };
        let result = service.run(cancel).await;
        watching.cancel();
        let _ = level.await;
        Ok(result?)
    }
}
