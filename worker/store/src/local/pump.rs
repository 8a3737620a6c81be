//! Carries bytes from an asynchronous source to a blocking writer, so that receiving overlaps hashing and writing.

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::finished;
use super::writer::ObjectWriter;
use crate::error::{Result, StoreError};
use crate::id::ArtifactId;

/// How much is gathered before it is handed to the writer's thread: large enough that the hand-over costs nothing.
const BATCH_BYTES: usize = 1024 * 1024;

/// Gathers what arrives while the batch before is being written; holds at most two batches in memory.
///
/// Dropping a future of its methods loses nothing: what was taken is written by a later [`WritePump::flush`].
pub(crate) struct WritePump {
    writer: Writer,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    inherited_bytes: u64,
    received_bytes: u64,
    max_bytes: u64,
}

/// The writer, here or at work on another thread.
enum Writer {
    Idle(ObjectWriter),
    Working(JoinHandle<Result<ObjectWriter>>),
    /// An error took it.
    Lost,
}

impl WritePump {
    /// A pump that takes up where `writer` is and refuses to go beyond `max_bytes` in all.
    pub(crate) fn new(writer: ObjectWriter, max_bytes: u64) -> Self {
        let inherited_bytes = writer.bytes();
        Self {
            writer: Writer::Idle(writer),
            batch: Vec::new(),
            batch_bytes: 0,
            inherited_bytes,
            received_bytes: inherited_bytes,
            max_bytes,
        }
    }

    /// How much of what is there the writer held at the start: zero after a restart.
    pub(crate) fn inherited_bytes(&self) -> u64 {
        self.inherited_bytes
    }

    /// How much has arrived, including what the writer held at the start.
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] as soon as the bound is passed, or what writing an earlier batch met.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        let received_bytes = self.received_bytes.saturating_add(bytes.len() as u64);
        if received_bytes > self.max_bytes {
            return Err(StoreError::TooLarge { limit_bytes: self.max_bytes, found_bytes: None });
        }
        self.received_bytes = received_bytes;
        self.batch_bytes += bytes.len();
        self.batch.push(bytes);
        if self.batch_bytes >= BATCH_BYTES { self.start_batch().await } else { Ok(()) }
    }

    /// Hands the gathered batch to the writer's thread, once that has finished the one before.
    async fn start_batch(&mut self) -> Result<()> {
        let mut writer = self.take_writer().await?;
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        self.writer = Writer::Working(tokio::task::spawn_blocking(move || {
            for bytes in batch {
                writer.append(&bytes)?;
            }
            Ok(writer)
        }));
        Ok(())
    }

    async fn take_writer(&mut self) -> Result<ObjectWriter> {
        let outcome = match &mut self.writer {
            Writer::Working(handle) => Some(finished(handle.await)),
            Writer::Idle(_) | Writer::Lost => None,
        };
        match (outcome, std::mem::replace(&mut self.writer, Writer::Lost)) {
            (Some(outcome), _) => outcome,
            (None, Writer::Idle(writer)) => Ok(writer),
            (None, _) => Err(StoreError::ShuttingDown),
        }
    }

    /// Waits until everything that arrived is written; its hash.
    pub(crate) async fn flush(&mut self) -> Result<ArtifactId> {
        self.start_batch().await?;
        let writer = self.take_writer().await?;
        let id = writer.id();
        self.writer = Writer::Idle(writer);
        Ok(id)
    }

    /// Forgets everything that arrived.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        let mut writer = self.take_writer().await?;
        self.batch.clear();
        self.batch_bytes = 0;
        self.inherited_bytes = 0;
        self.received_bytes = 0;
        self.writer = Writer::Working(tokio::task::spawn_blocking(move || writer.restart().map(|()| writer)));
        Ok(())
    }

    /// Waits until everything is written and gives the writer back.
    pub(crate) async fn finish(mut self) -> Result<ObjectWriter> {
        self.start_batch().await?;
        self.take_writer().await
    }

    /// Waits until the writer's thread is done and removes the file, so that nothing is left when this returns.
    pub(crate) async fn discard(mut self) {
        // Where an error took the writer, it went the way of a dropped one.
        if let Ok(writer) = self.take_writer().await {
            writer.discard();
        }
    }
}
