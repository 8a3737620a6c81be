//! Local stores and bytes for the tests.

use assay_store::{ArtifactId, LocalStore, StoreError};
use object_store_tests::S3Server;
use tempfile::TempDir;

/// More than any artifact of the tests.
pub(crate) const PLENTY: u64 = 1 << 30;

/// A store in a folder that goes away with it.
pub(crate) struct Local {
    pub(crate) store: LocalStore,
    folder: TempDir,
}

impl Local {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: LocalStore::open(folder.path()).unwrap(), folder }
    }

    pub(crate) async fn with(bytes: Vec<u8>) -> (Self, ArtifactId) {
        let local = Self::new();
        let id = local.store.put_bytes(bytes).await.unwrap();
        (local, id)
    }

    /// Asserts that nothing is there, finished or not.
    pub(crate) async fn assert_empty(&self) {
        assert!(self.store.list().await.unwrap().is_empty());
        for folder in ["temporary", "partial"] {
            assert_eq!(std::fs::read_dir(self.folder.path().join(folder)).unwrap().count(), 0, "{folder}");
        }
    }
}

/// Bytes that do not repeat soon.
pub(crate) fn sample(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn code<T>(result: Result<T, StoreError>) -> &'static str {
    result.map(|_| ()).unwrap_err().code()
}

/// The address of the server's bucket, below a prefix.
pub(crate) fn below(prefix: &str) -> String {
    format!("s3://{}/{prefix}", S3Server::BUCKET)
}

/// The key of an artifact below a prefix.
pub(crate) fn key(prefix: &str, id: &ArtifactId) -> String {
    format!("{prefix}/v1/artifacts/{id}").trim_start_matches('/').to_owned()
}
