//! The index as one service: follows the chain, keeps the history, serves it.

use crate::error::IndexError;
use crate::history::History;
use crate::server::{self, Shared};
use assay_chain::{Chain, Follower, FollowerEvent, FollowerOptions};
use assay_store::ServerOptions;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// The database in its folder.
const FILE: &str = "index.redb";
/// An endpoint this far behind what is kept does not merely lag: it is four minutes late, or a chain that was begun anew.
const MOST_BEHIND_SLOTS: u64 = 600;
/// Connections in all. Followers of events hold one each.
const MOST_CONNECTIONS: usize = 1_024;

/// How an index runs.
#[derive(Clone, Debug)]
pub struct IndexOptions {
    /// Where the database lies; made if it is missing.
    pub folder: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How to follow the chain.
    pub follower: FollowerOptions,
    /// Most followers of events at one address. Behind a reverse proxy all are at the proxy's.
    pub followers_per_address: usize,
}

impl IndexOptions {
    /// What [`IndexOptions::followers_per_address`] is where nobody says otherwise: an eighth of all.
    pub const FOLLOWERS_PER_ADDRESS: usize = server::MOST_FOLLOWERS_OF_AN_ADDRESS;
}

/// An index that is ready to run.
#[derive(Debug)]
pub struct Index {
    history: Arc<History>,
    listener: TcpListener,
    chain: Chain,
    options: IndexOptions,
    last_id: u64,
}

impl Index {
    /// Opens the history and the listener, and compares chain and history.
    ///
    /// # Errors
    /// `H0101` to `H0106` and `H0110`, and those of the chain.
    pub async fn open(chain: Chain, options: IndexOptions) -> Result<Self, IndexError> {
        std::fs::create_dir_all(&options.folder)
            .map_err(|source| IndexError::Folder { path: options.folder.clone(), source })?;
        let genesis = chain.genesis_hash().await?.to_string();
        let path = options.folder.join(FILE);
        let history = tokio::task::spawn_blocking(move || History::open(&path, &genesis)).await??;
        let served = chain.slot().await?;
        if served.saturating_add(MOST_BEHIND_SLOTS) < history.slot() {
            let path = history.path().to_path_buf();
            return Err(IndexError::EndpointBehind { path, kept: history.slot(), served });
        }
        let last_id = history.last_id()?;
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|source| IndexError::Listen { address: options.listen, source })?;
        Ok(Self { history: Arc::new(history), listener, chain, options, last_id })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> Result<SocketAddr, IndexError> {
        self.listener.local_addr().map_err(|source| IndexError::Listen { address: self.options.listen, source })
    }

    /// Runs until `cancel`. Whatever was taken in by then is on disk.
    ///
    /// # Errors
    /// The database, the server or the follower failed.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), IndexError> {
        // Whichever of the two ends, the other one ends too.
        let stop = cancel.child_token();
        let (told, last_id) = watch::channel(self.last_id);
        let of_an_address = self.options.followers_per_address;
        let shared = Shared::new(Arc::clone(&self.history), last_id, of_an_address, stop.clone());
        let events = Follower::new(self.chain, self.options.follower).spawn(stop.clone());
        let mut options = ServerOptions { max_connections: MOST_CONNECTIONS, ..ServerOptions::default() };
        // As many beside the followers as there are by default.
        options.max_connections_per_address += of_an_address.saturating_sub(IndexOptions::FOLLOWERS_PER_ADDRESS);
        let server = tokio::spawn(server::serve(Arc::clone(&shared), self.listener, options, stop.clone()));
        let _stop_on_drop = stop.clone().drop_guard();
        let mut server = std::pin::pin!(server);
        let followed = tokio::select! {
            followed = follow(&shared, events, &told) => followed,
            served = server.as_mut() => return served?,
        };
        // A follower that was asked to end is no failure.
        let followed = if cancel.is_cancelled() { Ok(()) } else { followed };
        stop.cancel();
        server.await??;
        followed
    }
}

/// Takes in events until there are no more.
async fn follow(
    shared: &Arc<Shared>,
    mut events: mpsc::Receiver<FollowerEvent>,
    told: &watch::Sender<u64>,
) -> Result<(), IndexError> {
    while let Some(event) = events.recv().await {
        let complete = match event {
            FollowerEvent::Complete { .. } => Some(true),
            FollowerEvent::Dropped { .. } => Some(false),
            _ => None,
        };
        let history = Arc::clone(&shared.history);
        let records = tokio::task::spawn_blocking(move || history.apply(&event, now())).await??;
        if let Some(last) = records.last() {
            told.send_replace(last.id);
        }
        let mut heard = shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.complete = complete.unwrap_or(heard.complete);
        if complete != Some(false) {
            heard.last = Instant::now();
        }
    }
    Err(IndexError::FollowerEnded)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
    i64::try_from(since).unwrap_or(i64::MAX)
}
