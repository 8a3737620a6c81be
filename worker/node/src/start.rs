//! From settings to a running service.

use crate::adapters::executors;
use crate::board::Board;
use crate::breaker::{Breaker, Cause, Report};
use crate::config::NodeConfig;
use crate::defence::alarm::{Alarm, Conviction};
use crate::defence::reserve::Reserve;
use crate::driver::Shared;
use crate::engine::{CacheBounds, Engine};
#[cfg(debug_assertions)]
use crate::fault::NodeFault;
use crate::journal::{Journal, JournalError};
use crate::leaving::{Ended, Leaving};
use crate::meter::Meter;
use crate::mirror::Mirror;
use crate::prepare::{Artifacts, Prepared};
use crate::publish::Publisher;
use crate::retention::Keeper;
use crate::rpc::RpcMarket;
use crate::segments::Segments;
use crate::service::{Considering, Service, ServiceError, Sighting};
use crate::sessions::Sessions;
use crate::settings::Settings;
use assay::state::Network;
use assay_chain::{Chain, ChainError, Sender, Watcher, WatcherEvent, WatcherOptions};
use assay_kernels::KernelError;
use assay_kernels::commit::Hasher;
use assay_models::mlp::{self, Shape};
use assay_store::{FetchOptions, Fetcher, LocalStore, StoreError, UploadOptions, Uploader, Variables};
use solana_sdk::hash::Hash;
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
    #[error(
        "N0602 the operator of node {node} is {registered}, the key at hand is {given}; use that key, or change the operator with the withdraw authority"
    )]
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
    /// The endpoint is of another cluster than the one that the network was made on.
    #[error(
        "N0605 {endpoint} is of the cluster {given}, the network was made on {expected}: what this node signs would count on neither; use an endpoint of that cluster"
    )]
    OtherCluster {
        /// The endpoint.
        endpoint: String,
        /// Its genesis hash, base58.
        given: String,
        /// That of the network account, base58.
        expected: String,
    },
    /// A fault was asked for where none may be made.
    #[cfg(debug_assertions)]
    #[error(transparent)]
    Fault(#[from] crate::fault::FaultRefused),
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
    node: Pubkey,
    sightings: mpsc::Sender<Sighting>,
}

/// Rows of the calibration run: some tens of millions of products.
const CALIBRATION_ROWS: u32 = 64;
/// Fetches under way for each place of a job in work.
const FETCHES_PER_JOB: usize = 4;

/// Opens everything that a node needs. Nothing is promised yet. Of `sender` the endpoint is used first; the further ones, and what is
/// paid for priority, stand in the settings.
///
/// # Errors
/// Whatever is missing, with what to do about it.
pub async fn start(config: NodeConfig, identity: Identity, sender: Sender) -> Result<Started, StartError> {
    use solana_sdk::signer::Signer;

    let Identity { node, operator, data_folder } = identity;
    let further = &config.disputes.further_endpoints;
    let chain = Chain::with_further(sender.chain().endpoint(), further, config.endpoints)?;
    let sender = Sender::new(chain, *sender.options());
    let account = sender.chain().find_node(&node).await?.ok_or(StartError::NotRegistered { node })?;
    if account.operator != operator.pubkey() {
        return Err(StartError::OtherOperator { node, registered: account.operator, given: operator.pubkey() });
    }
    let network = sender.chain().network().await?;
    let genesis_hash = check_chain(sender.chain(), &network).await?;
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
    let executors = tokio::task::spawn_blocking(move || executors(&chosen))
        .await
        .map_err(|error| KernelError::Device { device: "backend".to_owned(), reason: error.to_string() })??;
    #[cfg(debug_assertions)]
    let fault = NodeFault::from_environment(&network)?;
    let cache = CacheBounds { models: config.cached_models, bytes: config.cached_model_bytes };
    let engine = Engine::of(executors, cache, config.self_check);
    engine.bound_machine(config.total_memory_bytes());
    #[cfg(debug_assertions)]
    let engine = match fault.and_then(|fault| fault.execution) {
        Some(fault) => engine.with_fault(fault),
        None => engine,
    };
    let engine = tokio::task::spawn_blocking(move || {
        calibrate(&engine);
        #[cfg(debug_assertions)]
        if let Some(device) = fault.and_then(|fault| fault.lost_device) {
            engine.lose_in_next_run(device.backend());
        }
        engine
    })
    .await
    .map_err(|error| KernelError::Device { device: "backend".to_owned(), reason: error.to_string() })?;
    let artifacts_listener = listen(config.listen).await?;
    let status_listener = listen(config.status_listen).await?;
    let address = |listener: &TcpListener, asked| listener.local_addr().unwrap_or(asked);
    let (artifacts, status) =
        (address(&artifacts_listener, config.listen), address(&status_listener, config.status_listen));
    let described = engine.backends();
    let chain = sender.chain().clone();
    let (sightings_in, sightings) = mpsc::channel(1024);
    let settings = Settings::from(config.clone());
    let shared = Shared {
        alarm: Alarm::default(),
        reserve: Reserve::default(),
        breaker: Breaker::of(&journal)?,
        meter: Meter::new(&data_folder),
        leaving: Leaving::default(),
        artifacts: Artifacts { fetcher: Fetcher::new(fetch)?, store: store.clone(), settings: settings.clone() },
        publisher: Publisher {
            keeper: Keeper::new(store.clone()),
            store,
            uploader: Uploader::new(upload)?,
            mirror: Mirror::of(&config.mirror, Variables::of_process()),
            #[cfg(debug_assertions)]
            withheld: match fault.and_then(|fault| fault.withheld_tensor()) {
                Some(slot) => Some((slot, LocalStore::open(data_folder.join("withheld"))?)),
                None => None,
            },
        },
        #[cfg(debug_assertions)]
        fault,
        segments: Segments::new(&config.serving),
        sessions: Sessions::new(&config.sessions),
        market: RpcMarket::new(sender, operator, node, genesis_hash, settings.clone()),
        capacity: Arc::new(Semaphore::new(config.concurrent_jobs)),
        fetching: Arc::new(Semaphore::new(config.concurrent_jobs.saturating_mul(FETCHES_PER_JOB))),
        board: Board::default(),
        journal,
        engine: Arc::new(engine),
        node,
        config: settings,
    };
    if account.fraud_convictions > 0 {
        let fault = "it was convicted before it was started".to_owned();
        shared.alarm.convict(Conviction { job: None, fault });
    }
    let considering = Considering::default();
    let service = Service { shared: Arc::new(shared), sightings, artifacts_listener, status_listener, considering };
    Ok(Started { artifacts, status, backends: described, service, chain, node, sightings: sightings_in })
}

impl Started {
    /// The settings that the node runs with: what takes up changes of them changes the node.
    pub fn settings(&self) -> Settings {
        self.service.shared.config.clone()
    }

    /// Works until `cancel`, then drains; or until it has left.
    ///
    /// # Errors
    /// The journal, a listener or the watcher failed.
    pub async fn run(self, cancel: CancellationToken) -> Result<Ended, StartError> {
        let watching = CancellationToken::new();
        let options =
            WatcherOptions { nodes: vec![self.node], sessions_of: Some(self.node), ..WatcherOptions::default() };
        let chain = self.chain.clone();
        let events = Watcher::new(self.chain, options).spawn(watching.clone());
        let feed = tokio::spawn(feed(events, self.sightings));
        let (level, stop) = (chain, watching.clone());
        let level = tokio::spawn(async move { level.keep_level(&stop).await });
        let result = self.service.run(cancel).await;
        // The watcher outlives the drain: drivers still need to know the slot.
        watching.cancel();
        let _ = tokio::join!(feed, level);
        Ok(result?)
    }

    /// A handle on the breaker of the node.
    pub fn breaker(&self) -> BreakerHandle {
        BreakerHandle { shared: Arc::clone(&self.service.shared) }
    }

    /// Makes the node take nothing new and end when everything that it promised is over, or takes that back.
    pub fn leaving(&self) -> Leaving {
        self.service.shared.leaving.clone()
    }
}

/// What the owner of a running node can do about its breaker.
#[derive(Clone, Debug)]
pub struct BreakerHandle {
    shared: Arc<Shared<RpcMarket>>,
}

impl BreakerHandle {
    /// How it stands.
    pub fn report(&self) -> Report {
        self.shared.breaker_report()
    }

    /// As [`Shared::reset_breaker`].
    ///
    /// # Errors
    /// The journal failed.
    pub fn reset(&self, causes: &[Cause]) -> Result<Report, JournalError> {
        self.shared.reset_breaker(causes)
    }
}

/// Tells the service what the watcher sees.
async fn feed(mut events: mpsc::Receiver<WatcherEvent>, sightings: mpsc::Sender<Sighting>) {
    while let Some(event) = events.recv().await {
        let sighting = match event {
            WatcherEvent::JobChanged { address, job, slot } => Sighting::Job(address, job, slot),
            WatcherEvent::SessionChanged { address, session, slot } => Sighting::Session(address, session, slot),
            WatcherEvent::JobClosed { address } | WatcherEvent::SessionClosed { address } => Sighting::Closed(address),
            WatcherEvent::NodeChanged { slot, .. } => Sighting::Node(slot),
            WatcherEvent::NodeClosed { .. } => Sighting::Node(0),
            WatcherEvent::Slot(slot) | WatcherEvent::Resynced { slot } => Sighting::Slot(slot),
        };
        if sightings.send(sighting).await.is_err() {
            return;
        }
    }
}

/// Measures the machine with a small perceptron, so that deadlines can be judged before the first job.
fn calibrate(engine: &Engine) {
    let shape = Shape { inputs: 512, hidden: vec![512], outputs: 512, max_batch: CALIBRATION_ROWS };
    let prepared = mlp::model(&shape, 1).ok().and_then(|model| {
        let graph = model.resolve(&[CALIBRATION_ROWS]).ok()?;
        let inputs = mlp::inputs(&shape, CALIBRATION_ROWS, 1);
        let params_root = Hasher::default().params_root(&graph, &model.params).ok()?;
        Some(Prepared {
            definition: Arc::new(model.graph),
            graph: Arc::new(graph),
            params: Arc::new(model.params),
            inputs: Arc::new(inputs),
            params_root,
        })
    });
    let Some(prepared) = prepared else {
        tracing::error!("the calibration graph cannot be built: run times are unknown until the first job");
        return;
    };
    match engine.calibrate(&prepared) {
        Ok(()) => tracing::info!(estimate = ?engine.estimate(&prepared), "calibrated"),
        Err(error) => tracing::warn!(%error, "calibration failed: run times are unknown until the first job"),
    }
}

/// The genesis hash of the cluster that the network names, of which all endpoints must be: what is signed names it.
async fn check_chain(chain: &Chain, network: &Network) -> Result<[u8; 32], StartError> {
    match chain.require_cluster(Hash::new_from_array(network.genesis_hash)).await {
        Ok(()) => Ok(network.genesis_hash),
        Err(ChainError::EndpointOfOtherCluster { endpoint, given, expected }) => {
            Err(StartError::OtherCluster { endpoint, given, expected })
        }
        Err(error) => Err(error.into()),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen { address, reason: error.to_string() })
}

/// The folder of a node's artifacts.
pub fn artifacts_folder(data_folder: &Path) -> PathBuf {
    data_folder.join("artifacts")
}
