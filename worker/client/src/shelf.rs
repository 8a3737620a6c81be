//! Where artifacts lie that are fetched to be read.

use crate::error::ClientError;
use crate::mirror;
use assay_store::{ArtifactId, ArtifactUri, Fetcher, LocalStore};
use solana_sdk::pubkey::Pubkey;

/// Brings artifacts of jobs here and reads them. A [`LocalStore`] keeps all that it is brought; what reads the jobs of strangers
/// may bound it and remove it.
pub trait Shelf: Sync {
    /// Reads an artifact of at most `max_bytes` bytes, fetching it from `uri` if it is not here.
    ///
    /// # Errors
    /// It cannot be fetched or is larger, or there is no room for it.
    fn bring(
        &self,
        fetcher: &Fetcher,
        uri: &str,
        max_bytes: u64,
    ) -> impl Future<Output = Result<Vec<u8>, ClientError>> + Send;

    /// What is remembered of a node's mirror.
    fn remembered_mirror(&self, node: &Pubkey) -> Option<String>;
}

impl Shelf for LocalStore {
    async fn bring(&self, fetcher: &Fetcher, uri: &str, max_bytes: u64) -> Result<Vec<u8>, ClientError> {
        let id: ArtifactId = ArtifactUri::parse(uri)?.id();
        if let Ok(bytes) = self.read(&id, max_bytes).await {
            return Ok(bytes.to_vec());
        }
        fetcher.fetch(uri, id, max_bytes, self).await?;
        Ok(self.read(&id, max_bytes).await?.to_vec())
    }

    fn remembered_mirror(&self, node: &Pubkey) -> Option<String> {
        mirror::remembered(self, node)
    }
}
