//! Where the artifacts of strangers lie while a call reads them: bounded for all calls together, and gone when the call ends.

use crate::error::Refusal;
use assay_client::{ClientError, Shelf, mirror};
use assay_store::{ArtifactId, ArtifactUri, Fetcher, LocalStore};
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// Holds the folders of all calls; removed with the server.
#[derive(Debug)]
pub(crate) struct ScratchFolder {
    folder: TempDir,
    room: Arc<Room>,
}

/// Bytes that all calls share.
#[derive(Debug)]
struct Room {
    limit_bytes: u64,
    taken_bytes: Mutex<u64>,
}

impl Room {
    fn take(&self, bytes: u64) -> Result<(), ClientError> {
        let limit = self.limit_bytes;
        if bytes > limit {
            return Err(ClientError::TooLarge { what: "an artifact that is fetched", bytes, limit });
        }
        let mut taken = lock(&self.taken_bytes);
        let left = limit.saturating_sub(*taken);
        if bytes > left {
            return Err(ClientError::NoRoom { needed: bytes, left, limit });
        }
        *taken += bytes;
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        let mut taken = lock(&self.taken_bytes);
        *taken = taken.saturating_sub(bytes);
    }
}

/// What is behind these locks is consistent at every moment, so a panic elsewhere does not spoil it.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ScratchFolder {
    /// Room for so many bytes in a temporary folder.
    ///
    /// # Errors
    /// `Y0203`: no folder can be made.
    pub(crate) fn new(limit_bytes: u64) -> Result<Self, Refusal> {
        let folder = tempfile::tempdir().map_err(|error| no_folder(&error))?;
        Ok(Self { folder, room: Arc::new(Room { limit_bytes, taken_bytes: Mutex::new(0) }) })
    }

    /// The folder of one call, which reads what `held` has there.
    ///
    /// # Errors
    /// `Y0203`: no folder can be made; what the store says of it.
    pub(crate) fn open(&self, held: Option<LocalStore>) -> Result<Scratch, Refusal> {
        let folder = tempfile::tempdir_in(self.folder.path()).map_err(|error| no_folder(&error))?;
        let store = LocalStore::open(folder.path())?;
        let (room, taken) = (Arc::clone(&self.room), Mutex::default());
        Ok(Scratch { folder: Some(folder), store, held, room, taken })
    }
}

fn no_folder(error: &std::io::Error) -> Refusal {
    Refusal::new("Y0203", "no temporary folder can be made; check the disk").with_detail(error.to_string())
}

/// What one call has fetched.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: Option<TempDir>,
    store: LocalStore,
    held: Option<LocalStore>,
    room: Arc<Room>,
    /// For which artifacts room was taken, and how much: parts of a download that broke off take it too.
    taken: Mutex<HashMap<ArtifactId, u64>>,
}

impl Scratch {
    fn take(&self, id: ArtifactId, bytes: u64) -> Result<(), ClientError> {
        match lock(&self.taken).entry(id) {
            Entry::Occupied(mut taken) => {
                let more = bytes.saturating_sub(*taken.get());
                self.room.take(more)?;
                *taken.get_mut() += more;
            }
            Entry::Vacant(entry) => {
                self.room.take(bytes)?;
                entry.insert(bytes);
            }
        }
        Ok(())
    }
}

impl Shelf for Scratch {
    async fn bring(&self, fetcher: &Fetcher, uri: &str, max_bytes: u64) -> Result<Vec<u8>, ClientError> {
        let id = ArtifactUri::parse(uri)?.id();
        if let Some(held) = &self.held
            && let Ok(bytes) = held.read(&id, max_bytes).await
        {
            return Ok(bytes.to_vec());
        }
        self.take(id, max_bytes)?;
        self.store.bring(fetcher, uri, max_bytes).await
    }

    fn remembered_mirror(&self, node: &Pubkey) -> Option<String> {
        self.held.as_ref().and_then(|held| mirror::remembered(held, node))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Room is given back once the bytes are gone. A write that a cancelled call had begun may still hold a file: then it goes with
        // the server.
        if let Some(Err(error)) = self.folder.take().map(TempDir::close) {
            tracing::warn!(%error, "what a call had fetched is not removed before the server ends");
            return;
        }
        self.room.give_back(lock(&self.taken).values().sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::{FetchOptions, ServerOptions, serve};
    use tokio_util::sync::CancellationToken;

    /// A store of a stranger's that is served.
    struct Stranger {
        folder: TempDir,
        store: LocalStore,
        base: String,
        fetcher: Fetcher,
        stop: CancellationToken,
    }

    impl Drop for Stranger {
        fn drop(&mut self) {
            self.stop.cancel();
        }
    }

    impl Stranger {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = LocalStore::open(folder.path()).unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let stop = CancellationToken::new();
            tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
            let options = FetchOptions { allow_private: true, max_attempts: 1, ..FetchOptions::default() };
            Self { folder, store, base, fetcher: Fetcher::new(options).unwrap(), stop }
        }

        /// Serves so many bytes; where.
        async fn serves(&self, byte: u8, bytes: usize) -> String {
            let id = self.store.put_bytes(vec![byte; bytes]).await.unwrap();
            ArtifactUri::new(&self.base, id).unwrap().as_str().to_owned()
        }

        async fn brought(&self, scratch: &Scratch, uri: &str, max_bytes: u64) -> Result<usize, String> {
            let brought = scratch.bring(&self.fetcher, uri, max_bytes).await;
            brought.map(|bytes| bytes.len()).map_err(|error| error.to_string()[..5].to_owned())
        }
    }

    fn files(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }

    #[tokio::test]
    async fn what_a_call_has_fetched_is_bounded_and_gone_after_it() {
        let stranger = Stranger::new().await;
        let (one, other) = (stranger.serves(1, 600).await, stranger.serves(2, 600).await);
        let all = ScratchFolder::new(1_000).unwrap();
        let call = all.open(None).unwrap();
        assert_eq!(stranger.brought(&call, &one, 600).await, Ok(600));
        assert_eq!(stranger.brought(&call, &one, 600).await, Ok(600), "it takes its room once");
        assert_eq!(files(all.folder.path()), 1);
        let at_the_same_time = all.open(None).unwrap();
        assert_eq!(stranger.brought(&at_the_same_time, &other, 600).await, Err("J0121".to_owned()));
        assert_eq!(stranger.brought(&at_the_same_time, &other, 1_001).await, Err("J0114".to_owned()));
        drop(call);
        assert_eq!(files(all.folder.path()), 0);
        assert_eq!(stranger.brought(&at_the_same_time, &other, 600).await, Ok(600));
    }

    #[tokio::test]
    async fn a_budgets_own_artifacts_are_read_where_they_are_and_strangers_are_not_put_beside_them() {
        let stranger = Stranger::new().await;
        let own_folder = tempfile::tempdir().unwrap();
        let own = LocalStore::open(own_folder.path()).unwrap();
        let id = own.put_bytes(vec![3; 900]).await.unwrap();
        let uri = ArtifactUri::new("http://127.0.0.1:9", id).unwrap();
        let all = ScratchFolder::new(1_000).unwrap();
        let call = all.open(Some(own.clone())).unwrap();
        assert_eq!(stranger.brought(&call, uri.as_str(), 900).await, Ok(900));
        let strangers = stranger.serves(4, 900).await;
        assert_eq!(stranger.brought(&call, &strangers, 900).await, Ok(900));
        assert_eq!((files(own_folder.path()), files(stranger.folder.path())), (1, 1));
    }
}
