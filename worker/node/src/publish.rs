//! Stores what a run gave before anything is committed: every boundary tensor, and a manifest that lists them. If the job
//! names a store, all of it is uploaded there too, as far as time allows.

use crate::engine::Run;
use crate::mirror::Mirror;
use crate::retention::{Keeper, Pin};
use assay_kernels::TensorSet;
use assay_models::manifest::{MANIFEST_VERSION, MAX_MANIFEST_BYTES, ManifestEntry, ManifestError, ResultManifest};
use assay_store::{ArtifactId, LocalStore, StoreError, Uploader};
use bytes::Bytes;
use referee::graph::{ResolvedGraph, Slot};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::Duration;

/// The node's own store and the way into others.
#[derive(Debug)]
pub struct Publisher {
    /// Serves results to whoever asks.
    pub store: LocalStore,
    /// Sends results to the store that a job names.
    pub uploader: Uploader,
    /// Says what stays in the store.
    pub keeper: Keeper,
    /// Where the operator wants results to be once more, if anywhere.
    pub mirror: Option<Mirror>,
    /// A tensor whose bytes are kept from everybody, and where they are.
    #[cfg(debug_assertions)]
    pub withheld: Option<(Slot, LocalStore)>,
}

/// Artifacts that were stored; they stay at least until this is dropped.
#[derive(Debug)]
pub struct Stored {
    /// The artifact that lists the others.
    pub manifest: [u8; 32],
    /// All of them, that one included.
    pub artifacts: Vec<[u8; 32]>,
    /// Nobody else names them yet.
    _pin: Vec<Pin>,
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
    /// Stores the boundary tensors in their order and their manifest, durably. The mirror hears of it and is not waited for.
    ///
    /// # Errors
    /// The node's own store fails, or a tensor is missing.
    pub async fn store(&self, address: &Pubkey, node: &Pubkey, run: &Run) -> Result<Stored, PublishError> {
        let (job, node) = (address.to_string(), node.to_string());
        let stored = self
            .store_listed(&run.boundary_slots, &run.tensors, |boundary| {
                ResultManifest { version: MANIFEST_VERSION, job, node, boundary }.encode()
            })
            .await?;
        if let Some(mirror) = &self.mirror {
            mirror.note(stored.manifest);
        }
        Ok(stored)
    }

    /// Stores the tensors at `slots` in this order, then the manifest that `list` makes of them.
    ///
    /// # Errors
    /// The node's own store fails, or a tensor is missing.
    pub async fn store_listed(
        &self,
        slots: &[Slot],
        tensors: &TensorSet,
        list: impl FnOnce(Vec<ManifestEntry>) -> Result<Vec<u8>, ManifestError>,
    ) -> Result<Stored, PublishError> {
        let (mut entries, mut pins) = (Vec::with_capacity(slots.len()), Vec::with_capacity(slots.len() + 1));
        let mut artifacts = Vec::with_capacity(slots.len() + 1);
        for slot in slots {
            let missing = || PublishError::Incomplete(format!("tensor {slot} is missing"));
            let bytes = Bytes::from_owner(Arc::clone(tensors.get(slot).ok_or_else(missing)?));
            let length = bytes.len() as u64;
            #[cfg(debug_assertions)]
            if let Some((withheld, store)) = &self.withheld
                && withheld == slot
            {
                let id = store.put_bytes(bytes).await.map_err(PublishError::Store)?;
                entries.push(ManifestEntry { slot: *slot, artifact: id.to_string(), bytes: length });
                continue;
            }
            let (id, pin) = self.put(bytes).await?;
            entries.push(ManifestEntry { slot: *slot, artifact: id.to_string(), bytes: length });
            artifacts.push(*id.as_bytes());
            pins.push(pin);
        }
        let bytes = list(entries).map_err(|error| PublishError::Incomplete(error.to_string()))?;
        let (manifest, pin) = self.put(Bytes::from(bytes)).await?;
        artifacts.push(*manifest.as_bytes());
        pins.push(pin);
        Ok(Stored { manifest: *manifest.as_bytes(), artifacts, _pin: pins })
    }

    /// Stores bytes durably; they stay at least until the pin is dropped. Pinned first: what is there already could be
    /// removed just now.
    ///
    /// # Errors
    /// The node's own store fails.
    pub(crate) async fn put(&self, bytes: Bytes) -> Result<(ArtifactId, Pin), PublishError> {
        let hashed = bytes.clone();
        let id = tokio::task::spawn_blocking(move || ArtifactId::of(&hashed))
            .await
            .map_err(|error| PublishError::Incomplete(error.to_string()))?;
        let pin = self.keeper.pin([id]);
        self.store.put_bytes(bytes).await.map_err(PublishError::Store)?;
        Ok((id, pin))
    }

    /// The tensors of a stored result, in the order of its manifest, which is checked against the graph.
    ///
    /// # Errors
    /// The node's own store lacks something, or holds what is not the result of such a graph.
    pub async fn result(&self, manifest: &[u8; 32], graph: &ResolvedGraph) -> Result<TensorSet, PublishError> {
        let bytes = self.store.read(&ArtifactId(*manifest), MAX_MANIFEST_BYTES).await.map_err(PublishError::Store)?;
        let listed = ResultManifest::decode(&bytes, graph).map_err(|e| PublishError::Incomplete(e.to_string()))?;
        self.tensors(&listed.boundary).await
    }

    /// The tensors that a manifest of this node's lists.
    ///
    /// # Errors
    /// The node's own store lacks something.
    pub async fn tensors(&self, entries: &[ManifestEntry]) -> Result<TensorSet, PublishError> {
        let mut tensors = TensorSet::new();
        for entry in entries {
            let id: ArtifactId = entry.artifact.parse().map_err(PublishError::Store)?;
            #[cfg(debug_assertions)]
            if let Some((withheld, store)) = &self.withheld
                && *withheld == entry.slot
            {
                let bytes = store.read(&id, entry.bytes).await.map_err(PublishError::Store)?;
                tensors.insert(entry.slot, Arc::from(bytes.as_ref()));
                continue;
            }
            let bytes = self.store.read(&id, entry.bytes).await.map_err(PublishError::Store)?;
            tensors.insert(entry.slot, Arc::from(bytes.as_ref()));
        }
        Ok(tensors)
    }

    /// Everything that a stored result consists of: its manifest and what that lists.
    ///
    /// # Errors
    /// The node's own store lacks the manifest.
    pub async fn listed(&self, manifest: &[u8; 32]) -> Result<Vec<[u8; 32]>, PublishError> {
        let bytes = self.store.read(&ArtifactId(*manifest), MAX_MANIFEST_BYTES).await.map_err(PublishError::Store)?;
        let listed: ResultManifest =
            serde_json::from_slice(&bytes).map_err(|error| PublishError::Incomplete(error.to_string()))?;
        let mut artifacts = vec![*manifest];
        for entry in &listed.boundary {
            artifacts.push(*entry.artifact.parse::<ArtifactId>().map_err(PublishError::Store)?.as_bytes());
        }
        Ok(artifacts)
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
