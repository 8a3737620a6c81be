//! Putting artifacts where strangers can fetch them.

use super::RemoteStore;
use crate::client::Fetcher;
use crate::error::{Result, StoreError};
use crate::local::LocalStore;
use crate::uri::ArtifactUri;

impl RemoteStore {
    /// Sends the artifacts that `uris` name from `local` to this store, and makes sure that each is then served at its URI to whoever
    /// has no key: money may be escrowed for what nobody could compute otherwise.
    ///
    /// # Errors
    /// As [`RemoteStore::put`]; [`StoreError::NotPublic`] for a URI at which the artifact is not served, or another length;
    /// refusals of the address and [`StoreError::Unreachable`] as in [`Fetcher::served_bytes`].
    pub async fn publish(&self, uris: &[ArtifactUri], local: &LocalStore, fetcher: &Fetcher) -> Result<()> {
        for uri in uris {
            let id = uri.id();
            self.put(&id, local).await?;
            let held = local.stored(&id).await?.ok_or(StoreError::NotFound { id })?;
            let served = match fetcher.served_bytes(uri.as_str()).await {
                Ok(served) => served,
                Err(error @ StoreError::HttpStatus { .. }) if !error.is_transient() => {
                    return Err(StoreError::NotPublic { reason: error.to_string() });
                }
                Err(error) => return Err(error),
            };
            // Servers that do not say how long something is are rare, and no worse for it.
            if let Some(bytes) = served.filter(|bytes| *bytes != held.bytes) {
                let reason = format!("{uri} has {bytes} bytes there and {} here", held.bytes);
                return Err(StoreError::NotPublic { reason });
            }
        }
        Ok(())
    }
}
