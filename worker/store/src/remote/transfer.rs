//! Sending to a remote store, and receiving from it.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetResult, MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use super::RemoteStore;
use crate::client::UploadOutcome;
use crate::error::{Result, StoreError};
use crate::id::{ArtifactHasher, ArtifactId};
use crate::local::{ArtifactReader, LocalStore, StoredArtifact};

/// What is longer goes in parts of at least this length.
const PART_BYTES: u64 = 8 << 20;
/// Parts that S3 puts together to one object.
const MAX_PARTS: u64 = 10_000;
/// Parts that are under way at a time, all of them in memory.
const PARTS_AT_A_TIME: usize = 4;
/// Most bytes for a store that takes no parts: they are in memory whole.
const MAX_WHOLE_BYTES: u64 = 256 << 20;

impl RemoteStore {
    pub(super) async fn send(&self, id: &ArtifactId, local: &LocalStore) -> Result<UploadOutcome> {
        let reader = local.reader(id).await?;
        let (path, length_bytes) = (self.path(id), reader.length_bytes());
        match self.store.head(&path).await {
            Ok(meta) if meta.size == length_bytes => return Ok(UploadOutcome::AlreadyThere),
            // Whoever may write but not list is told no more than that of what is not there.
            Ok(_) | Err(object_store::Error::NotFound { .. } | object_store::Error::PermissionDenied { .. }) => {}
            Err(error) => return Err(self.explained(Some(id), &error)),
        }
        if self.takes_parts && length_bytes > PART_BYTES {
            self.send_parts(&path, reader).await?;
        } else {
            drop(reader);
            let bytes = local.read(id, MAX_WHOLE_BYTES).await?;
            let sent = self.store.put(&path, PutPayload::from(bytes)).await;
            sent.map_err(|error| self.about_put(id, &error))?;
        }
        Ok(UploadOutcome::Sent)
    }

    /// Sends in parts, which become an object only if all of them together are the artifact.
    async fn send_parts(&self, path: &Path, reader: ArtifactReader) -> Result<()> {
        let (id, length_bytes) = (reader.id(), reader.length_bytes());
        let mut upload = self.store.put_multipart(path).await.map_err(|error| self.about_put(&id, &error))?;
        let outcome = match self.parts(upload.as_mut(), reader).await {
            Ok(()) => match upload.complete().await {
                Ok(_) => return Ok(()),
                // An answer that was lost is asked for again, of an upload that is then no more: what is there decides.
                Err(_) if self.store.head(path).await.is_ok_and(|meta| meta.size == length_bytes) => return Ok(()),
                Err(error) => Err(self.about_put(&id, &error)),
            },
            Err(error) => Err(error),
        };
        if let Err(error) = upload.abort().await {
            // Not the library's own words, in which a store may repeat what it was sent.
            let error = self.explained(Some(&id), &error);
            tracing::warn!(store = %self.shown, artifact = %id, %error, "parts of an upload that failed stay in the store");
        }
        outcome
    }

    async fn parts(&self, upload: &mut dyn MultipartUpload, reader: ArtifactReader) -> Result<()> {
        let (id, length_bytes) = (reader.id(), reader.length_bytes());
        let part_bytes = part_bytes(length_bytes);
        let mut source = reader.into_whole();
        let (mut hasher, mut under_way) = (ArtifactHasher::new(), JoinSet::new());
        let ended = |ended: std::result::Result<object_store::Result<()>, tokio::task::JoinError>| match ended {
            Ok(sent) => sent.map_err(|error| self.about_put(&id, &error)),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(StoreError::ShuttingDown),
        };
        loop {
            let mut part = Vec::with_capacity(usize::try_from(part_bytes).unwrap_or_default());
            let read = (&mut source).take(part_bytes).read_to_end(&mut part).await;
            read.map_err(|source| StoreError::SourceFailed { source })?;
            if part.is_empty() {
                break;
            }
            // Some milliseconds for a part; the connection waits for longer than that.
            hasher.update(&part);
            while under_way.len() >= PARTS_AT_A_TIME {
                under_way.join_next().await.map_or(Ok(()), ended)?;
            }
            under_way.spawn(upload.put_part(PutPayload::from(Bytes::from(part))));
        }
        while let Some(one) = under_way.join_next().await {
            ended(one)?;
        }
        let actual = hasher.finish();
        if actual == id { Ok(()) } else { Err(StoreError::Corrupt { id, actual }) }
    }

    pub(super) async fn receive(&self, id: &ArtifactId, max_bytes: u64, local: &LocalStore) -> Result<StoredArtifact> {
        match local.verified_reader(id).await {
            Ok(_) => {
                let held = local.stored(id).await?.ok_or(StoreError::NotFound { id: *id })?;
                return within(max_bytes, held.bytes).map(|()| held);
            }
            Err(StoreError::NotFound { .. }) => {}
            Err(StoreError::Corrupt { .. }) => drop(local.remove(id).await?),
            Err(error) => return Err(error),
        }
        let answer = self.get(id).await?;
        within(max_bytes, answer.meta.size)?;
        let source = answer.into_stream().map_err(io::Error::other);
        match local.put_stream(source, Some(*id), max_bytes).await {
            Err(StoreError::SourceFailed { source }) => Err(self.about_stream(id, source)),
            other => other,
        }
    }

    /// Gives everything to `sink` as it arrives, at most `max_bytes`, and checks the hash; the length in bytes.
    pub(super) async fn read_through(
        &self,
        id: &ArtifactId,
        max_bytes: u64,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<u64> {
        let answer = self.get(id).await?;
        within(max_bytes, answer.meta.size)?;
        let mut chunks = answer.into_stream();
        let (mut hasher, mut bytes) = (ArtifactHasher::new(), 0_u64);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| self.explained(Some(id), &error))?;
            bytes = bytes.saturating_add(chunk.len() as u64);
            within(max_bytes, bytes)?;
            hasher.update(&chunk);
            sink(&chunk);
        }
        let actual = hasher.finish();
        if actual == *id { Ok(bytes) } else { Err(StoreError::WrongHash { expected: *id, actual }) }
    }

    async fn get(&self, id: &ArtifactId) -> Result<GetResult> {
        self.store.get(&self.path(id)).await.map_err(|error| self.explained(Some(id), &error))
    }

    /// Where something is put, what is not there is the bucket or the folder above it.
    pub(super) fn about_put(&self, id: &ArtifactId, error: &object_store::Error) -> StoreError {
        match self.explained(Some(id), error) {
            StoreError::NotFound { .. } => StoreError::BucketMissing { store: self.shown.to_string() },
            other => other,
        }
    }

    fn about_stream(&self, id: &ArtifactId, source: io::Error) -> StoreError {
        match source.downcast::<object_store::Error>() {
            Ok(error) => self.explained(Some(id), &error),
            Err(source) => StoreError::SourceFailed { source },
        }
    }
}

fn within(limit_bytes: u64, found_bytes: u64) -> Result<()> {
    if found_bytes <= limit_bytes {
        return Ok(());
    }
    Err(StoreError::TooLarge { limit_bytes, found_bytes: Some(found_bytes) })
}

/// The length of parts: as short as it may be, for as few bytes in memory.
fn part_bytes(length_bytes: u64) -> u64 {
    PART_BYTES.max(length_bytes.div_ceil(MAX_PARTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_artifact_has_too_many_parts() {
        assert_eq!(part_bytes(PART_BYTES + 1), PART_BYTES);
        for length_bytes in [PART_BYTES * MAX_PARTS, PART_BYTES * MAX_PARTS + 1, 5 << 40] {
            assert!(length_bytes.div_ceil(part_bytes(length_bytes)) <= MAX_PARTS, "{length_bytes}");
        }
    }
}
