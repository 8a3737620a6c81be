//! A folder of artifacts.
//!
//! ```text
//! objects/ab/cdef…   finished artifacts: the path is the hash
//! partial/abcdef…    downloads that broke off, kept to be resumed
//! temporary/…        artifacts that are being written
//! ```
//!
//! An artifact is written elsewhere on the same file system, flushed to the disk and then renamed into `objects`, so it
//! is there whole or not at all, whatever dies. Whoever writes a file holds a lock on it, so that several processes may
//! share the folder: a file without a lock is a leftover of a crash.

mod layout;
mod pump;
mod reader;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::error::{Result, StoreError};
use crate::id::ArtifactId;

use layout::Layout;
pub(crate) use pump::WritePump;
pub use reader::ArtifactReader;
pub(crate) use writer::{ObjectWriter, Resumed};

/// How much is read from a file or a socket at a time.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// An artifact in a [`LocalStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredArtifact {
    /// Its name.
    pub id: ArtifactId,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was written, for deciding what to remove first.
    pub modified: SystemTime,
}

/// A folder of artifacts. Cloning is cheap; clones share the folder.
#[derive(Clone, Debug)]
pub struct LocalStore {
    layout: Arc<Layout>,
}

impl LocalStore {
    /// Opens the folder `root`, making it if it is not there, and removes what crashed writers left in it.
    ///
    /// Blocks on the disk for a moment; meant for start-up.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::DiskFull`].
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let layout = Layout::create(root.as_ref())?;
        for leftover in writer::remove_leftovers(&layout.temporary(), Duration::ZERO)? {
            tracing::info!(file = %leftover.display(), "removed what an interrupted write had left");
        }
        Ok(Self { layout: Arc::new(layout) })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Where artifact `id` is, or would be: for mapping it into memory. The file must not be changed.
    pub fn path(&self, id: &ArtifactId) -> PathBuf {
        self.layout.object(id)
    }

    /// Stores `bytes` and returns their id. Storing what is already there changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::DiskFull`]; nothing is kept then.
    pub async fn put_bytes(&self, bytes: impl Into<Bytes>) -> Result<ArtifactId> {
        let bytes = bytes.into();
        let store = self.clone();
        blocking(move || {
            let id = ArtifactId::of(&bytes);
            if store.holds_intact(&id)? {
                return Ok(id);
            }
            ObjectWriter::write_whole(&store.layout, &bytes, id)?;
            Ok(id)
        })
        .await
    }

    /// Stores what `source` yields, at most `max_bytes`, writing and hashing as it arrives.
    ///
    /// With `expected`, anything that does not hash to it is refused.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::WrongHash`], [`StoreError::SourceFailed`] where the source fails,
    /// [`StoreError::Io`] or [`StoreError::DiskFull`]. Nothing is kept then.
    pub async fn put_stream<S>(&self, source: S, expected: Option<ArtifactId>, max_bytes: u64) -> Result<StoredArtifact>
    where
        S: Stream<Item = io::Result<Bytes>>,
    {
        let layout = Arc::clone(&self.layout);
        let writer = blocking(move || ObjectWriter::create_temporary(&layout)).await?;
        let mut pump = WritePump::new(writer, max_bytes);
        if let Err(error) = pour(source, &mut pump).await {
            pump.discard().await;
            return Err(error);
        }
        let writer = pump.finish().await?;
        let actual = writer.id();
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            return Err(StoreError::WrongHash { expected, actual });
        }
        self.commit(writer, actual).await
    }

    /// Stores what `source` yields until its end; otherwise as [`LocalStore::put_stream`].
    ///
    /// # Errors
    /// As [`LocalStore::put_stream`].
    pub async fn put_reader<R>(&self, source: R, expected: Option<ArtifactId>, max_bytes: u64) -> Result<StoredArtifact>
    where
        R: AsyncRead,
    {
        self.put_stream(ReaderStream::with_capacity(source, CHUNK_BYTES), expected, max_bytes).await
    }

    /// Opens artifact `id` for reading. What is read is not checked against the hash.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Io`].
    pub async fn reader(&self, id: &ArtifactId) -> Result<ArtifactReader> {
        let (layout, id) = (Arc::clone(&self.layout), *id);
        blocking(move || ArtifactReader::open(&layout, id)).await
    }

    /// Opens artifact `id` for reading after reading it once to check its hash.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Corrupt`] or [`StoreError::Io`].
    pub async fn verified_reader(&self, id: &ArtifactId) -> Result<ArtifactReader> {
        let (layout, id) = (Arc::clone(&self.layout), *id);
        blocking(move || {
            let mut reader = ArtifactReader::open(&layout, id)?;
            reader.verify()?;
            Ok(reader)
        })
        .await
    }

    /// Reads artifact `id` whole, at most `max_bytes`, and checks its hash.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::TooLarge`], [`StoreError::Corrupt`] or [`StoreError::Io`].
    pub async fn read(&self, id: &ArtifactId, max_bytes: u64) -> Result<Bytes> {
        let (layout, id) = (Arc::clone(&self.layout), *id);
        blocking(move || ArtifactReader::open(&layout, id)?.read_whole(max_bytes)).await
    }

    /// Whether the store holds artifact `id`.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the disk does not say.
    pub async fn contains(&self, id: &ArtifactId) -> Result<bool> {
        Ok(self.stored(id).await?.is_some())
    }

    /// Length and age of artifact `id`, or `None` where the store does not hold it.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the disk does not say.
    pub async fn stored(&self, id: &ArtifactId) -> Result<Option<StoredArtifact>> {
        let (layout, id) = (Arc::clone(&self.layout), *id);
        blocking(move || layout.stored(&id)).await
    }

    /// Removes artifact `id`; whether it was there. Readers that have it open read on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn remove(&self, id: &ArtifactId) -> Result<bool> {
        let (store, id) = (self.clone(), *id);
        blocking(move || store.remove_now(&id)).await
    }

    /// As [`LocalStore::remove`], on this thread: for callers that hold a lock which must not outlast the removal.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove_now(&self, id: &ArtifactId) -> Result<bool> {
        let path = self.layout.object(id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("remove", &path, error)),
        }
    }

    /// All artifacts, in order of their ids. Files that are not artifacts are left out.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn list(&self) -> Result<Vec<StoredArtifact>> {
        let layout = Arc::clone(&self.layout);
        blocking(move || layout.list()).await
    }

    /// The length of all artifacts together, in bytes; unfinished downloads are not counted.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn total_bytes(&self) -> Result<u64> {
        Ok(self.list().await?.iter().map(|artifact| artifact.bytes).sum())
    }

    /// Removes downloads that broke off and were not touched for `unused_for`; how many were removed.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn remove_unfinished(&self, unused_for: Duration) -> Result<usize> {
        let folder = self.layout.partials();
        blocking(move || Ok(writer::remove_leftovers(&folder, unused_for)?.len())).await
    }

    /// Takes up the unfinished download of `id`, or begins one.
    pub(crate) async fn resume(&self, id: ArtifactId, max_bytes: u64) -> Result<Resumed> {
        let layout = Arc::clone(&self.layout);
        blocking(move || ObjectWriter::resume(&layout, &id, max_bytes)).await
    }

    /// Makes what `writer` wrote, whose hash the caller has checked to be `id`, an artifact of this store.
    pub(crate) async fn commit(&self, writer: ObjectWriter, id: ArtifactId) -> Result<StoredArtifact> {
        let layout = Arc::clone(&self.layout);
        blocking(move || {
            let bytes = writer.bytes();
            writer.commit(&layout, id)?;
            Ok(StoredArtifact { id, bytes, modified: SystemTime::now() })
        })
        .await
    }

    /// Whether the artifact is there and undamaged.
    fn holds_intact(&self, id: &ArtifactId) -> Result<bool> {
        match ArtifactReader::open(&self.layout, *id).and_then(|mut reader| reader.verify()) {
            Ok(()) => Ok(true),
            Err(StoreError::NotFound { .. } | StoreError::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Pushes everything that `source` yields.
async fn pour<S: Stream<Item = io::Result<Bytes>>>(source: S, pump: &mut WritePump) -> Result<()> {
    let mut source = std::pin::pin!(source);
    while let Some(chunk) = source.next().await {
        pump.push(chunk.map_err(|source| StoreError::SourceFailed { source })?).await?;
    }
    Ok(())
}

/// Runs `work`, which blocks on the disk or hashes much, outside the asynchronous threads.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    finished(tokio::task::spawn_blocking(work).await)
}

/// The result of work on another thread; its panic becomes ours.
fn finished<T>(outcome: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    match outcome {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::ShuttingDown),
        },
    }
}
