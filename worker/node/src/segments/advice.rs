//! The sums of a segment's contractions, for auditors who check them by random vectors instead of computing them again.
//!
//! Nobody is bound to advice: it is neither signed nor promised. It is computed from the trace that was, kept like it, and
//! served again from the store.

use super::{SegmentError, disputable};
use crate::driver::Shared;
use crate::market::Market;
use assay_models::manifest::{AdviceEntry, AdviceManifest, MANIFEST_VERSION, MAX_MANIFEST_BYTES};
use assay_store::{ArtifactId, StoreError};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;

impl<M: Market> Shared<M> {
    /// The advice for a segment, from the store if it is there, else computed now, behind whatever is computed already. The
    /// caller holds a place.
    ///
    /// # Errors
    /// There is none, for any of the reasons of [`SegmentError`].
    pub async fn advice(self: &Arc<Self>, job: Pubkey, segment: u16) -> Result<AdviceManifest, SegmentError> {
        if let Some(advice) = self.stored_advice(&job, segment).await? {
            return Ok(advice);
        }
        // The trace comes first: what auditors check is bound by its root.
        let trace = self.segment_within_place(job, segment).await?;
        let _turn = self.segments.working.acquire().await;
        if let Some(advice) = self.stored_advice(&job, segment).await? {
            return Ok(advice);
        }
        let seen = self.job_with_own_hints(&job).await?;
        let account = seen.account.ok_or_else(|| SegmentError::Unknown(format!("there is no job {job}")))?;
        disputable(&job, &account, &self.node, seen.slot)?;
        let unavailable = |reason: String| SegmentError::Unavailable(reason);
        let prepared = self.artifacts.prepare(&account).await;
        let prepared = prepared.map_err(|error| unavailable(error.refusal().to_string()))?;
        let mut tensors = self.publisher.result(&account.result_manifest, &prepared.graph).await?;
        // Inside the segment, what was signed counts.
        tensors.extend(self.publisher.tensors(&trace.manifest.tensors).await?);
        let engine = Arc::clone(&self.engine);
        let sums = tokio::task::spawn_blocking(move || engine.advice(&prepared, &tensors, segment))
            .await
            .map_err(|error| unavailable(error.to_string()))?
            .map_err(|error| unavailable(error.to_string()))?;
        let (mut entries, mut artifacts, mut pins) = (Vec::new(), Vec::new(), Vec::new());
        for (op, bytes) in sums {
            let length = bytes.len() as u64;
            let (id, pin) = self.publisher.put(bytes::Bytes::from_owner(bytes)).await?;
            entries.push(AdviceEntry { op, artifact: id.to_string(), bytes: length });
            artifacts.push(*id.as_bytes());
            pins.push(pin);
        }
        let (version, node) = (MANIFEST_VERSION, self.node.to_string());
        let advice = AdviceManifest { version, job: job.to_string(), node, segment, sums: entries };
        let encoded = advice.encode().map_err(|error| unavailable(error.to_string()))?;
        let (id, pin) = self.publisher.put(encoded.into()).await?;
        artifacts.push(*id.as_bytes());
        pins.push(pin);
        self.journal.hold(&job, &artifacts)?;
        self.journal.put_segment_advice(&job, segment, *id.as_bytes())?;
        Ok(advice)
    }

    /// The advice if it was computed before and is at hand.
    pub(super) async fn stored_advice(
        &self,
        job: &Pubkey,
        segment: u16,
    ) -> Result<Option<AdviceManifest>, SegmentError> {
        let known = self.journal.segment(job, segment)?;
        let Some(advice) = known.and_then(|known| known.advice) else { return Ok(None) };
        match self.publisher.store.read(&ArtifactId(advice), MAX_MANIFEST_BYTES).await {
            Ok(bytes) => {
                let advice = serde_json::from_slice(&bytes);
                Ok(Some(advice.map_err(|error| SegmentError::Unavailable(error.to_string()))?))
            }
            Err(StoreError::NotFound { .. } | StoreError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
