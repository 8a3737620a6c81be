//! Bringing an artifact from a URI into a store.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Client;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use super::download::Download;
use super::guard::guarded_client;
use super::source::Source;
use crate::error::{Result, StoreError};
use crate::id::ArtifactId;
use crate::local::{CHUNK_BYTES, LocalStore, StoredArtifact};

/// What a [`Fetcher`] may do, and how patient it is.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Whether loopback and private addresses may be fetched from: for trusted URIs and local networks of one's own.
    /// Link-local and metadata addresses are refused either way.
    pub allow_private: bool,
    /// Whether `file://` URIs and plain paths are read: for trusted URIs only.
    pub allow_local_files: bool,
    /// Whether an artifact that the store already holds is read once to check that it is undamaged; a damaged one is
    /// then removed and fetched again.
    pub verify_held: bool,
    /// How many redirects are followed, each checked like the first address.
    pub max_redirects: u32,
    /// After how many failed attempts in a row, none of which brought at least 1 MiB, a fetch gives up.
    pub max_attempts: u32,
    /// The wait after the first failed attempt; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait between attempts.
    pub max_wait: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a source may be silent.
    pub stall_timeout: Duration,
    /// The slowest average rate of an attempt, after [`FetchOptions::grace`]. A slower one counts as broken off.
    pub min_bytes_per_second: u64,
    /// How long an attempt may be slower than [`FetchOptions::min_bytes_per_second`].
    pub grace: Duration,
    /// How long a fetch may take in all, waits included.
    pub deadline: Duration,
}

impl Default for FetchOptions {
    /// Public addresses only; 6 attempts with waits from 250 ms to 10 s; 16 KiB/s after 30 s; 15 minutes in all.
    fn default() -> Self {
        Self {
            allow_private: false,
            allow_local_files: false,
            verify_held: true,
            max_redirects: 3,
            max_attempts: 6,
            first_wait: Duration::from_millis(250),
            max_wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            min_bytes_per_second: 16 * 1024,
            grace: Duration::from_secs(30),
            deadline: Duration::from_secs(15 * 60),
        }
    }
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are here, those of an earlier, interrupted fetch included. Falls back to less where the source cannot
    /// resume.
    pub done_bytes: u64,
    /// The artifact's length, where the source has said it.
    pub total_bytes: Option<u64>,
}

/// Receives the progress of a fetch, after each piece that arrives.
pub(super) type ProgressSink<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// An artifact that is now in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The artifact.
    pub artifact: StoredArtifact,
    /// Where it came from.
    pub source: FetchSource,
}

/// Where a fetched artifact came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchSource {
    /// The store held it already, or another fetch brought it meanwhile.
    Held,
    /// A local file.
    File,
    /// An HTTP server.
    Http {
        /// How many of its bytes were there from an earlier, interrupted fetch.
        resumed_bytes: u64,
    },
}

/// Fetches artifacts into stores. Cloning is cheap; clones share their connections.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    options: FetchOptions,
}

impl Fetcher {
    /// A fetcher with these options.
    ///
    /// # Errors
    /// [`StoreError::ClientSetup`].
    pub fn new(options: FetchOptions) -> Result<Self> {
        let client = guarded_client(options.allow_private, options.connect_timeout)?;
        Ok(Self { client, options })
    }

    /// Brings artifact `expected`, of at most `max_bytes`, from `uri` into `store`.
    ///
    /// It is streamed to the disk and hashed as it arrives. What has arrived is kept when the source breaks off, the
    /// deadline passes, the future is dropped or the process dies, and the next fetch of the same artifact, from
    /// whichever URI, goes on from there. Several fetches of one artifact at a time download it once.
    ///
    /// # Errors
    /// Refusals: [`StoreError::UriMalformed`], [`StoreError::SchemeRefused`], [`StoreError::LocalFileRefused`],
    /// [`StoreError::AddressRefused`], [`StoreError::RedirectRefused`].
    /// What the source sends, after which nothing is kept: [`StoreError::WrongHash`], [`StoreError::TooLarge`].
    /// What the source does: [`StoreError::Unreachable`], [`StoreError::Incomplete`], [`StoreError::HttpStatus`],
    /// [`StoreError::Protocol`], [`StoreError::DeadlinePassed`]. The disk: [`StoreError::Io`], [`StoreError::DiskFull`].
    pub async fn fetch(&self, uri: &str, expected: ArtifactId, max_bytes: u64, store: &LocalStore) -> Result<Fetched> {
        self.fetch_with_progress(uri, expected, max_bytes, store, &|_| {}).await
    }

    /// As [`Fetcher::fetch`], calling `progress` after each piece that arrives.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub async fn fetch_with_progress(
        &self,
        uri: &str,
        expected: ArtifactId,
        max_bytes: u64,
        store: &LocalStore,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Fetched> {
        let deadline = Instant::now() + self.options.deadline;
        let source = Source::parse(uri, self.options.allow_private, self.options.allow_local_files)?;
        if let Some(artifact) = self.held(&expected, max_bytes, store).await? {
            return Ok(Fetched { artifact, source: FetchSource::Held });
        }
        match source {
            Source::File(path) => {
                let artifact = copy_file(&path, expected, max_bytes, store, progress).await?;
                Ok(Fetched { artifact, source: FetchSource::File })
            }
            Source::Http(url) => {
                let (client, options) = (&self.client, &self.options);
                let download = Download { client, options, uri, url, expected, max_bytes, store, progress, deadline };
                download.run().await
            }
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn options(&self) -> &FetchOptions {
        &self.options
    }

    /// The artifact as the store holds it, if it does.
    async fn held(&self, id: &ArtifactId, max_bytes: u64, store: &LocalStore) -> Result<Option<StoredArtifact>> {
        let Some(artifact) = store.stored(id).await? else { return Ok(None) };
        if self.options.verify_held {
            match store.verified_reader(id).await {
                Ok(_) => {}
                Err(StoreError::NotFound { .. }) => return Ok(None),
                Err(error @ StoreError::Corrupt { .. }) => {
                    tracing::warn!(%error, "fetching a damaged artifact again");
                    store.remove(id).await?;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        if artifact.bytes > max_bytes {
            return Err(StoreError::TooLarge { limit_bytes: max_bytes, found_bytes: Some(artifact.bytes) });
        }
        Ok(Some(artifact))
    }
}

/// Copies a regular file into the store, checking it like a download.
async fn copy_file(
    path: &std::path::Path,
    expected: ArtifactId,
    max_bytes: u64,
    store: &LocalStore,
    progress: ProgressSink<'_>,
) -> Result<StoredArtifact> {
    let failed = |error| StoreError::io("read", path, error);
    // Looked at before it is opened: opening a pipe would wait for a writer.
    let metadata = tokio::fs::metadata(path).await.map_err(failed)?;
    if !metadata.is_file() {
        return Err(StoreError::malformed(&path.to_string_lossy(), "it is not a regular file"));
    }
    if metadata.len() > max_bytes {
        return Err(StoreError::TooLarge { limit_bytes: max_bytes, found_bytes: Some(metadata.len()) });
    }
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut done_bytes = 0;
    let chunks = ReaderStream::with_capacity(file, CHUNK_BYTES).inspect(|chunk| {
        done_bytes += chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
        progress(Progress { done_bytes, total_bytes: Some(metadata.len()) });
    });
    store.put_stream(chunks, Some(expected), max_bytes).await
}
