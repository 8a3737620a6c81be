//! Stores what a run gave before anything is committed: every boundary tensor, and a manifest that lists them. If the job
//! names a store, all of it is uploaded there too, as far as time allows.

use crate::engine::Run;
use assay_models::manifest::{MANIFEST_VERSION, MAX_MANIFEST_BYTES, ManifestEntry, ResultManifest};
use assay_store::{ArtifactId, LocalStore, StoreError, Uploader};
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;

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
    /// The store that the job names does not take it.
    #[error("N0403 the result cannot be uploaded: {0}")]
    Upload(StoreError),
}

impl Publisher {
    /// Stores the boundary tensors in their order, durably, and returns the artifact id of the manifest.
    ///
    /// # Errors
    /// The node's own store fails, or a tensor is missing.
    pub async fn store(&self, address: &Pubkey, node: &Pubkey, run: &Run) -> Result<[u8; 32], PublishError> {
        let mut boundary = Vec::with_capacity(run.boundary_slots.len());
        for slot in &run.boundary_slots {
            let bytes =
                run.tensors.get(slot).ok_or_else(|| PublishError::Incomplete(format!("tensor {slot} is missing")))?;
            let id = self.store.put_bytes(bytes.to_vec()).await.map_err(PublishError::Store)?;
            boundary.push(ManifestEntry { slot: *slot, artifact: id.to_string(), bytes: bytes.len() as u64 });
        }
        let manifest =
            ResultManifest { version: MANIFEST_VERSION, job: address.to_string(), node: node.to_string(), boundary };
        let bytes = manifest.encode().map_err(|error| PublishError::Incomplete(error.to_string()))?;
        let manifest = self.store.put_bytes(bytes).await.map_err(PublishError::Store)?;
        Ok(*manifest.as_bytes())
    }

    /// Sends a stored result to the store at `base`, within `allowance`.
    ///
    /// An upload that fails is logged and left: strangers choose that store, and neither its failure nor its slowness
    /// may cost the node its bond. The node serves the result itself.
    pub async fn upload(&self, base: &str, manifest: &[u8; 32], allowance: Duration) {
        match tokio::time::timeout(allowance, self.upload_all(base, ArtifactId(*manifest))).await {
            Ok(Ok(())) => tracing::info!(base, "result uploaded to the job's store"),
            Ok(Err(error)) => tracing::warn!(base, %error, "upload failed; the node serves the result itself"),
            Err(_) => tracing::warn!(base, ?allowance, "upload took too long; the node serves the result itself"),
        }
    }

    async fn upload_all(&self, base: &str, manifest: ArtifactId) -> Result<(), PublishError> {
        let bytes = self.store.read(&manifest, MAX_MANIFEST_BYTES).await.map_err(PublishError::Store)?;
        let listed: ResultManifest =
            serde_json::from_slice(&bytes).map_err(|error| PublishError::Incomplete(error.to_string()))?;
        for entry in &listed.boundary {
            let id = entry.artifact.parse().map_err(PublishError::Store)?;
            self.uploader.upload(base, &id, &self.store).await.map_err(PublishError::Upload)?;
        }
        self.uploader.upload(base, &manifest, &self.store).await.map_err(PublishError::Upload)?;
        Ok(())
    }
}
