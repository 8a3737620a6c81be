//! From settings to a running service.

use crate::board::Board;
use crate::config::{BackendChoice, NodeConfig};
use crate::driver::Shared;
use crate::engine::Engine;
use crate::journal::{Journal, JournalError};
use crate::prepare::Artifacts;
use crate::publish::Publisher;
use crate::rpc::RpcMarket;
use crate::service::{Service, ServiceError, Sighting};
use assay_chain::accounts::JobFilter;
use assay_chain::{Chain, ChainError, Sender};
use assay_kernels::{Backend, CpuBackend, CpuOptions, KernelError, WgpuBackend, WgpuOptions};
use assay_store::{FetchOptions, Fetcher, LocalStore, StoreError, UploadOptions, Uploader};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The node's account is missing.
    #[error("N0601 there is no node {node} on this network; register it with `assay node init`, or check --url")]
    NotRegistered {
        /// The address.
        node: Pubkey,
    },
    /// The key at hand is not the registered operator's.
    #[error("N0602 the operator of node {node} is {registered}, the key at hand is {given}; use that key, or change the operator with the withdraw authority")]
    OtherOperator {
        /// The node.
        node: Pubkey,
        /// On-chain.
        registered: Pubkey,
        /// At hand.
        given: Pubkey,
    },
    /// An address is taken.
    #[error("N0603 cannot listen on {address}: {reason}; choose another port in node.toml")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// The data folder cannot be made.
    #[error("N0604 cannot use the data folder {path}: {reason}")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// No backend can be used.
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

/// Who a node is and where it keeps what.
pub struct Identity {
    /// Address of the node account.
    pub node: Pubkey,
    /// The hot key.
    pub operator: Keypair,
    /// Journal and artifacts.
    pub data_folder: PathBuf,
}

/// A node that listens and is about to work.
#[derive(Debug)]
pub struct Started {
    /// Where artifacts are served.
    pub artifacts: SocketAddr,
    /// Where status is served.
    pub status: SocketAddr,
    /// Name and description of each backend.
    pub backends: Vec<(&'static str, String)>,
    service: Service<RpcMarket>,
    chain: Chain,
    sightings: mpsc::Sender<Sighting>,
}

/// Opens everything that a node needs. Nothing is promised yet.
///
/// # Errors
/// Whatever is missing, with what to do about it.
pub async fn start(config: NodeConfig, identity: Identity, sender: Sender) -> Result<Started, StartError> {
    use solana_sdk::signer::Signer;

    let Identity { node, operator, data_folder } = identity;
    let account = sender.chain().find_node(&node).await?.ok_or(StartError::NotRegistered { node })?;
    if account.operator != operator.pubkey() {
        return Err(StartError::OtherOperator { node, registered: account.operator, given: operator.pubkey() });
    }
    std::fs::create_dir_all(&data_folder)
        .map_err(|error| StartError::DataFolder { path: data_folder.clone(), reason: error.to_string() })?;
    let journal = Journal::open(&data_folder.join("journal.redb"))?;
    let store = LocalStore::open(artifacts_folder(&data_folder))?;
    let fetch = FetchOptions {
        allow_private: config.allow_private_addresses,
        deadline: Duration::from_secs(config.limits.fetch_seconds),
        ..FetchOptions::default()
    };
    let upload = UploadOptions {
        allow_private: config.allow_private_addresses,
        deadline: Duration::from_secs(config.limits.fetch_seconds),
        ..UploadOptions::default()
    };
    // Compiling shaders and running the self-test takes a second: not on an async thread.
    let chosen = config.clone();
    let backends = tokio::task::spawn_blocking(move || backends(&chosen))
        .await
        .map_err(|error| KernelError::Device { device: "backend".to_owned(), reason: error.to_string() })??;
    let engine = Engine::new(backends, config.cached_models, config.self_check);
    let artifacts_listener = listen(config.listen).await?;
    let status_listener = listen(config.status_listen).await?;
    let address = |listener: &TcpListener, asked| listener.local_addr().unwrap_or(asked);
    let (artifacts, status) = (address(&artifacts_listener, config.listen), address(&status_listener, config.status_listen));
    let described = engine.backends();
    let chain = sender.chain().clone();
    let (sightings_in, sightings) = mpsc::channel(1024);
    let shared = Shared {
        artifacts: Artifacts { fetcher: Fetcher::new(fetch)?, store: store.clone(), limits: config.limits.clone() },
        publisher: Publisher { store, uploader: Uploader::new(upload)? },
        market: RpcMarket::new(sender, operator, node),
        capacity: Arc::new(Semaphore::new(config.concurrent_jobs)),
        board: Board::default(),
        journal,
        engine,
        node,
        config,
    };
    let service = Service { shared: Arc::new(shared), sightings, artifacts_listener, status_listener };
    Ok(Started { artifacts, status, backends: described, service, chain, sightings: sightings_in })
}

impl Started {
    /// Works until `cancel`, then drains.
    ///
    /// # Errors
    /// The journal, a listener or the watcher failed.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), StartError> {
        let watching = CancellationToken::new();
        let feed = tokio::spawn(feed(self.chain, self.sightings, watching.clone()));
        let result = self.service.run(cancel).await;
        // The watcher outlives the drain: drivers still need to know the slot.
        watching.cancel();
        let _ = feed.await;
        Ok(result?)
    }
}

/// Looks again and again and passes on what changed.
async fn feed(chain: Chain, sightings: mpsc::Sender<Sighting>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Ok(slot) = chain.slot().await
            && sightings.send(Sighting::Slot(slot)).await.is_err()
        {
            return;
        }
        for (address, job) in chain.jobs(JobFilter::default()).await.unwrap_or_default() {
            if sightings.send(Sighting::Job(address, Box::new(job))).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen { address, reason: error.to_string() })
}

/// The folder of a node's artifacts.
pub fn artifacts_folder(data_folder: &Path) -> PathBuf {
    data_folder.join("artifacts")
}

/// The backends in order of preference. The CPU always comes last, so that a job survives a lost device.
fn backends(config: &NodeConfig) -> Result<Vec<Arc<dyn Backend>>, KernelError> {
    let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
    if config.backend != BackendChoice::Cpu {
        match WgpuBackend::open(WgpuOptions { adapter: config.adapter.clone(), ..WgpuOptions::default() }) {
            Ok(wgpu) => backends.push(Arc::new(wgpu)),
            Err(error) if config.backend == BackendChoice::Wgpu => return Err(error),
            Err(error) => tracing::warn!(%error, "no usable adapter: the CPU computes"),
        }
    }
    backends.push(Arc::new(CpuBackend::new(CpuOptions { threads: config.threads, ..CpuOptions::default() })?));
    Ok(backends)
}
