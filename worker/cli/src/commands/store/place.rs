//! A folder, or a remote store: what the commands that look after artifacts work on.

use super::remote::{Remote, name_the_option};
use crate::error::CliError;
use assay_store::{ArtifactId, LocalStore, RemoteStore, StoreError, StoredArtifact};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The folder, unless --remote is given; created if it is missing
    #[arg(long, default_value = "assay-store")]
    pub(super) folder: PathBuf,
    #[command(flatten)]
    pub(super) remote: Remote,
}

/// What a command works on.
pub(super) enum Opened {
    Folder(LocalStore),
    Remote(RemoteStore),
}

impl Place {
    pub(super) fn open(&self) -> Result<Opened, CliError> {
        match self.remote.open()? {
            Some(remote) => Ok(Opened::Remote(remote)),
            None => Ok(Opened::Folder(LocalStore::open(&self.folder)?)),
        }
    }
}

impl Opened {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Folder(store) => store.root().display().to_string(),
            Self::Remote(remote) => remote.address().to_owned(),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<StoredArtifact>, CliError> {
        match self {
            Self::Folder(store) => Ok(store.list().await?),
            Self::Remote(remote) => remote.list().await.map_err(name_the_option),
        }
    }

    /// Reads an artifact and checks its hash.
    pub(super) async fn check(&self, id: &ArtifactId) -> Result<(), StoreError> {
        match self {
            Self::Folder(store) => store.verified_reader(id).await.map(|_| ()),
            Self::Remote(remote) => remote.check(id).await.map(|_| ()),
        }
    }

    /// The bytes of a small artifact, if they are there and are the artifact.
    pub(super) async fn read(&self, id: &ArtifactId, max_bytes: u64) -> Result<Option<Vec<u8>>, CliError> {
        let read = match self {
            Self::Folder(store) => store.read(id, max_bytes).await.map(|bytes| bytes.to_vec()),
            Self::Remote(remote) => remote.read(id, max_bytes).await,
        };
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(
                StoreError::NotFound { .. }
                | StoreError::WrongHash { .. }
                | StoreError::Corrupt { .. }
                | StoreError::TooLarge { .. },
            ) => Ok(None),
            Err(error) => Err(name_the_option(error)),
        }
    }

    pub(super) async fn remove(&self, id: &ArtifactId) -> Result<(), CliError> {
        match self {
            Self::Folder(store) => store.remove(id).await.map(|_| ()).map_err(CliError::from),
            Self::Remote(remote) => remote.remove(id).await.map_err(name_the_option),
        }
    }
}
