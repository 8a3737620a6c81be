//! An artifact opened for reading.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncSeekExt, Take};

use super::CHUNK_BYTES;
use super::layout::Layout;
use crate::error::{Result, StoreError};
use crate::id::{ArtifactHasher, ArtifactId};

/// An open artifact. It stays readable when the artifact is removed from the store.
#[derive(Debug)]
pub struct ArtifactReader {
    file: File,
    path: PathBuf,
    id: ArtifactId,
    length_bytes: u64,
}

impl ArtifactReader {
    pub(super) fn open(layout: &Layout, id: ArtifactId) -> Result<Self> {
        let path = layout.object(&id);
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound { id },
            _ => StoreError::io("open", &path, error),
        })?;
        let length_bytes = file.metadata().map_err(|error| StoreError::io("look at", &path, error))?.len();
        Ok(Self { file, path, id, length_bytes })
    }

    /// The artifact's name.
    pub fn id(&self) -> ArtifactId {
        self.id
    }

    /// The artifact's length in bytes.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The whole artifact as a reader.
    pub fn into_whole(self) -> Take<tokio::fs::File> {
        tokio::fs::File::from_std(self.file).take(self.length_bytes)
    }

    /// `length` bytes from position `start` as a reader.
    ///
    /// # Errors
    /// [`StoreError::RangeOutside`] where they are not all inside the artifact, or [`StoreError::Io`].
    pub async fn into_range(self, start: u64, length: u64) -> Result<Take<tokio::fs::File>> {
        let end = start.saturating_add(length);
        if end > self.length_bytes {
            return Err(StoreError::RangeOutside { start, end, length_bytes: self.length_bytes });
        }
        let mut file = tokio::fs::File::from_std(self.file);
        file.seek(SeekFrom::Start(start)).await.map_err(|error| StoreError::io("read", &self.path, error))?;
        Ok(file.take(length))
    }

    /// Reads everything once, checks the hash and goes back to the start. Blocks on the disk.
    pub(super) fn verify(&mut self) -> Result<()> {
        let mut hasher = ArtifactHasher::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = self.file.read(&mut chunk).map_err(|error| StoreError::io("read", &self.path, error))?;
            if length == 0 {
                break;
            }
            hasher.update(&chunk[..length]);
        }
        self.file.seek(SeekFrom::Start(0)).map_err(|error| StoreError::io("read", &self.path, error))?;
        self.check(hasher.finish())
    }

    /// Reads everything into memory and checks the hash. Blocks on the disk.
    pub(super) fn read_whole(mut self, max_bytes: u64) -> Result<Bytes> {
        let too_large = |found_bytes| StoreError::TooLarge { limit_bytes: max_bytes, found_bytes: Some(found_bytes) };
        if self.length_bytes > max_bytes {
            return Err(too_large(self.length_bytes));
        }
        let capacity = usize::try_from(self.length_bytes).map_err(|_| too_large(self.length_bytes))?;
        let mut bytes = Vec::with_capacity(capacity);
        // The file may have grown since its length was read; it is damaged then, and one byte more proves it.
        let bound = self.length_bytes.saturating_add(1);
        let read = Read::by_ref(&mut self.file).take(bound).read_to_end(&mut bytes);
        read.map_err(|error| StoreError::io("read", &self.path, error))?;
        self.check(ArtifactId::of(&bytes))?;
        Ok(bytes.into())
    }

    fn check(&self, actual: ArtifactId) -> Result<()> {
        if actual == self.id { Ok(()) } else { Err(StoreError::Corrupt { id: self.id, actual }) }
    }
}
