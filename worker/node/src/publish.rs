//! Stores what a run gave before anything is committed: every boundary tensor, and a manifest that lists them. If the job
//! names a store, everything is uploaded there too.

use crate::engine::Run;
use assay::state::Job;
use assay_models::manifest::{MANIFEST_VERSION, ManifestEntry, ResultManifest};
use assay_store::{ArtifactId, LocalStore, StoreError, Uploader};
use solana_sdk::pubkey::Pubkey;

/// The node's own store and the way into others.
#[derive(Debug)]
pub struct Publisher {
    /// Serves results to whoever asks.
    pub store: LocalStore,
    /// Sends results to the store that a job names.
    pub uploader: Uploader,
}

/// Why a result could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The node's own store failed.
    #[error("N0401 the result cannot be stored: {0}")]
    Store(StoreError),
    /// The run lacks a boundary tensor, or the manifest cannot be written.
    #[error("N0402 the result is incomplete: {0}")]
    Incomplete(String),
}

impl Publisher {
    /// Stores the boundary tensors in their order and returns the artifact id of the manifest.
    ///
    /// An upload that fails is logged and left: the node serves the result itself, and the manifest says the same.
    ///
    /// # Errors
    /// The node's own store fails, or a tensor is missing.
    pub async fn publish(&self, address: &Pubkey, node: &Pubkey, job: &Job, run: &Run) -> Result<[u8; 32], PublishError> {
        let mut boundary = Vec::with_capacity(run.boundary_slots.len());
        for slot in &run.boundary_slots {
            let bytes =
                run.tensors.get(slot).ok_or_else(|| PublishError::Incomplete(format!("tensor {slot} is missing")))?;
            let id = self.store.put_bytes(bytes.to_vec()).await.map_err(PublishError::Store)?;
            boundary.push((id, ManifestEntry { slot: *slot, artifact: id.to_string(), bytes: bytes.len() as u64 }));
        }
        let manifest = ResultManifest {
            version: MANIFEST_VERSION,
            job: address.to_string(),
            node: node.to_string(),
            boundary: boundary.iter().map(|(_, entry)| entry.clone()).collect(),
        };
        let bytes = manifest.encode().map_err(|error| PublishError::Incomplete(error.to_string()))?;
        let manifest = self.store.put_bytes(bytes).await.map_err(PublishError::Store)?;
        if !job.store_uri.is_empty() {
            let ids = boundary.iter().map(|(id, _)| *id).chain([manifest]);
            self.upload(&job.store_uri, ids).await;
        }
        Ok(*manifest.as_bytes())
    }

    async fn upload(&self, base: &str, ids: impl Iterator<Item = ArtifactId>) {
        for id in ids {
            if let Err(error) = self.uploader.upload(base, &id, &self.store).await {
                tracing::warn!(%id, base, %error, "upload to the job's store failed; the node serves the result itself");
                return;
            }
        }
    }
}
