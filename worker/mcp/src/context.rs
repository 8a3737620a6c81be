//! What all calls share: the chain, the fences, the limits. Nothing in it changes between two calls.

use crate::error::Refusal;
use crate::folder::Folder;
use crate::offer::WorkFiles;
use crate::purse::{Purse, Spending};
use crate::scratch::{Scratch, ScratchFolder};
use assay::state::Job;
use assay_chain::Chain;
use assay_client::{ArtifactUris, ClientError, FetchLimits, Work};
use assay_models::artifact::{bundle_bytes, decode_bundle};
use assay_store::{ArtifactId, ArtifactUri, FetchOptions, Fetcher};
use referee::graph::{Graph, MAX_GRAPH_BYTES, TensorKind};
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How much of this machine and of its time an agent may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest wait that one call may ask for.
    pub max_wait: Duration,
    /// Most operations of a job that is replayed, as the market measures work.
    pub max_operations: u64,
    /// Most bytes of what is fetched or read for a job.
    pub fetch: FetchLimits,
    /// Most bytes on the disk of what was fetched for all calls together; removed as each ends.
    pub max_fetched_bytes: u64,
}

impl Default for Limits {
    /// Two minutes, 10^11 operations (seconds to minutes on a CPU), artifacts of a gigabyte in four gigabytes of memory and two of disk.
    fn default() -> Self {
        Self {
            max_wait: Duration::from_secs(120),
            max_operations: 100_000_000_000,
            fetch: FetchLimits::default(),
            max_fetched_bytes: 2 << 30,
        }
    }
}

/// What a server is started with.
#[derive(Debug)]
pub struct Options {
    /// The chain.
    pub chain: Chain,
    /// The folder in which an agent may name files.
    pub folder: Option<PathBuf>,
    /// How artifacts and results are fetched.
    pub fetch: FetchOptions,
    /// How much a call may take.
    pub limits: Limits,
    /// What may be spent; nothing unless it is given.
    pub spending: Option<Spending>,
}

/// What all calls share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) chain: Chain,
    pub(crate) fetcher: Fetcher,
    pub(crate) folder: Option<Folder>,
    pub(crate) limits: Limits,
    pub(crate) purse: Option<Purse>,
    /// One replay at a time: each takes all threads, and one that was cancelled still runs to its end.
    pub(crate) replaying: Arc<Semaphore>,
    /// Where artifacts lie that a call fetches to read.
    scratch: ScratchFolder,
}

impl Context {
    /// Opens the folders. Nothing is sent to the chain.
    ///
    /// # Errors
    /// A folder or the store cannot be opened, or the HTTP client cannot be made.
    pub(crate) fn new(options: Options) -> Result<Self, Refusal> {
        let folder = options.folder.as_deref().map(Folder::open).transpose()?;
        let purse = options.spending.map(|spending| Purse::new(spending, options.fetch.clone())).transpose()?;
        Ok(Self {
            chain: options.chain,
            fetcher: Fetcher::new(options.fetch)?,
            folder,
            limits: options.limits,
            purse,
            replaying: Arc::new(Semaphore::new(1)),
            scratch: ScratchFolder::new(options.limits.max_fetched_bytes)?,
        })
    }

    /// The folder.
    ///
    /// # Errors
    /// `Y0201`: the server has none.
    pub(crate) fn folder(&self) -> Result<&Folder, Refusal> {
        self.folder.as_ref().ok_or_else(|| {
            Refusal::new(
                "Y0201",
                "this server was started without a folder; the person who starts it names one with --folder",
            )
        })
    }

    /// Where the artifacts of one call lie until it ends. The budget's own are read where they are.
    ///
    /// # Errors
    /// `Y0203`: the disk does not take it.
    pub(crate) fn scratch(&self) -> Result<Scratch, Refusal> {
        self.scratch.open(self.purse.as_ref().map(|purse| purse.store.clone()))
    }

    /// The purse.
    ///
    /// # Errors
    /// `Y0101`: the server only reads.
    pub(crate) fn purse(&self) -> Result<&Purse, Refusal> {
        self.purse.as_ref().ok_or_else(|| {
            Refusal::new(
                "Y0101",
                "this server only reads; the person who starts it names what may be spent with --budget",
            )
        })
    }

    /// Addresses as long as those that a post would have, for what asks for their length: which bytes they name changes nothing else.
    ///
    /// # Errors
    /// Those of a post would be too long for a job.
    pub(crate) fn promised_uris(&self) -> Result<ArtifactUris, Refusal> {
        let base = self.purse.as_ref().map_or("http://localhost", |purse| purse.store_url.as_str());
        let uri = ArtifactUri::new(base, ArtifactId([0; 32]))?.as_str().to_owned();
        Ok(ArtifactUris { graph: uri.clone(), params: uri.clone(), inputs: uri })
    }

    /// A job that is on-chain.
    ///
    /// # Errors
    /// `J0103`: there is none at this address.
    pub(crate) async fn job(&self, address: &Pubkey) -> Result<Job, Refusal> {
        let found = self.chain.find_job(address).await?;
        found.ok_or_else(|| ClientError::NoJob { job: *address }.into())
    }

    /// Work out of the folder, checked and hashed.
    ///
    /// # Errors
    /// Files that cannot be read or are too large, or do not fit together.
    pub(crate) fn work(&self, files: &WorkFiles) -> Result<Work, Refusal> {
        let folder = self.folder()?;
        let limits = &self.limits.fetch;
        let bytes = folder.read(&files.graph, limits.max_artifact_bytes.min(MAX_GRAPH_BYTES as u64))?;
        let graph = Graph::decode(&bytes).map_err(|error| ClientError::Malformed { reason: error.to_string() })?;
        let least: Vec<u32> = graph.symbols.iter().map(|symbol| symbol.min).collect();
        let resolved = graph.resolve(files.symbols.as_deref().unwrap_or(&least)).map_err(ClientError::from)?;
        let needed = resolved.tensors.iter().map(|tensor| tensor.bytes() as u64).fold(0, u64::saturating_add);
        let limit = limits.max_memory_bytes;
        if needed > limit {
            return Err(ClientError::TooLarge { what: "all tensors together", bytes: needed, limit }.into());
        }
        let bundle = |name: &str, kind| {
            let most = bundle_bytes(&resolved, kind).min(limits.max_artifact_bytes);
            decode_bundle(&folder.read(name, most)?, &resolved, kind)
                .map_err(|error| Refusal::from(ClientError::from(error)))
        };
        let params = bundle(&files.params, TensorKind::Param)?;
        let inputs = bundle(&files.inputs, TensorKind::Input)?;
        Ok(Work::new(Arc::new(graph), Arc::new(params), inputs, &resolved.symbols)?)
    }
}

/// Runs what computes or reads files away from the asynchronous threads.
///
/// # Errors
/// What it says; `Y0503` where it panicked.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Refusal::new("Y0503", "a computation broke off; the server's log says why").with_detail(error.to_string()))
    })
}
