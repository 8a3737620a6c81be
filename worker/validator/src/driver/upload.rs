//! A proof into a buffer: the pieces that the chain lacks, in parallel.
//!
//! Pieces may land in any order and any number of times, and the account itself says which are missing. So they are not
//! promised one by one; only their fees are written down, before they are sent.

use super::promise::{note_costs, refused, stuck};
use super::{DriveError, Driver};
use crate::docket::Docket;
use crate::failpoint;
use crate::journal::Record;
use assay_chain::{ChainError, Landed, Urgency, instructions};
use assay_store::ArtifactId;
use futures_util::StreamExt;
use futures_util::stream;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of one piece: what a transaction holds beside one signature, its accounts and the compute budget.
pub(crate) const PIECE_BYTES: usize = 900;
/// What a buffer may grow in one instruction, its head included.
pub(crate) const STEP_BYTES: usize = 10_000;
/// Pieces that are under way at a time.
const CONCURRENT_PIECES: usize = 16;

impl Driver {
    /// Brings the own buffer closer to holding exactly these bytes, a proof or a witness: opens it, makes it longer, or
    /// writes what differs.
    pub(super) async fn upload(&mut self, docket: &Docket, record: Record, proof: &[u8]) -> Result<(), DriveError> {
        let Some(dispute) = &record.dispute else { return Ok(()) };
        let (me, id) = (self.shared.terms.me, dispute.buffer);
        let buffer = docket.buffers.values().find(|buffer| buffer.owner == me && buffer.id == id);
        let Some(buffer) = buffer else {
            let open = instructions::open_buffer(&me, id, first_step(proof.len()));
            return self.promise(record, crate::journal::Purpose::Buffer, &[open], 0).await;
        };
        if buffer.bytes.len() > proof.len() {
            return self.close_buffer(record).await;
        }
        if buffer.bytes.len() < proof.len() {
            let grow: Vec<_> = steps(buffer.bytes.len(), proof.len())
                .into_iter()
                .map(|bytes| instructions::grow_buffer(&me, id, bytes))
                .collect();
            return self.promise(record, crate::journal::Purpose::Buffer, &grow, 0).await;
        }
        self.write(record, id, proof, &missing(&buffer.bytes, proof)).await
    }

    async fn write(
        &mut self,
        mut record: Record,
        id: u64,
        proof: &[u8],
        pieces: &[Range<usize>],
    ) -> Result<(), DriveError> {
        let me = self.shared.terms.me;
        let writes: Vec<_> = pieces
            .iter()
            .filter_map(|range| {
                let offset = u32::try_from(range.start).ok()?;
                Some(instructions::write_buffer(&me, id, offset, proof.get(range.clone())?))
            })
            .collect();
        let fees = writes.iter().map(|write| self.fee_lamports(std::slice::from_ref(write))).sum();
        if let Some(dispute) = &mut record.dispute {
            self.shared.config.budget.check_move(dispute.costs.budgeted_lamports(), fees)?;
            dispute.costs.fees_lamports = dispute.costs.fees_lamports.saturating_add(fees);
        }
        self.shared.journal.put_with_fees(&self.address, &record, self.shared.today(), fees)?;
        let landed: Vec<Result<Landed, ChainError>> = stream::iter(writes.clone())
            .map(|write| {
                let shared = Arc::clone(&self.shared);
                async move {
                    let landed = shared.sender.with_urgency(Urgency::High).execute(&[write], &[&shared.key]).await;
                    failpoint::reach("after_upload_part");
                    landed
                }
            })
            .buffer_unordered(CONCURRENT_PIECES)
            .collect()
            .await;
        let mut failed = None;
        for piece in landed {
            match piece {
                Ok(landed) => {
                    let landing = self.receipt(&landed).await;
                    self.looked = self.looked.max(landing.slot);
                    note_costs(&mut record, &landing);
                }
                Err(ChainError::TransactionFailed(failure)) => failed = Some(refused(&failure)),
                Err(error) => failed = Some(error.into()),
            }
        }
        self.save(&mut record)?;
        tracing::info!(job = %self.address, pieces = writes.len(), bytes = proof.len(), "uploaded");
        failpoint::reach("after_upload");
        failed.map_or(Ok(()), Err)
    }

    /// Bytes of the prepared proof, out of the validator's own store.
    pub(super) async fn stored_proof(&self, record: &Record) -> Option<Vec<u8>> {
        let prepared = record.proof.as_ref()?;
        let id: ArtifactId = prepared.artifact.parse().ok()?;
        let bytes = self.shared.sources.store.read(&id, u64::from(prepared.bytes)).await;
        match bytes {
            Ok(bytes) => Some(bytes.to_vec()),
            Err(error) => {
                tracing::warn!(job = %self.address, %error, "the prepared proof is gone; it is built again");
                None
            }
        }
    }

    /// Keeps a proof in the validator's own store.
    pub(super) async fn store_proof(&self, proof: &[u8]) -> Result<String, DriveError> {
        let id = self.shared.sources.store.put_bytes(proof.to_vec()).await;
        id.map(|id| id.to_string()).map_err(|error| stuck(&format!("V0502 the validator's store failed: {error}")))
    }
}

/// Bytes that a buffer for a proof of this length is opened with.
pub(crate) fn first_step(proof_bytes: usize) -> u32 {
    u32::try_from(proof_bytes.min(STEP_BYTES)).unwrap_or(u32::MAX)
}

/// Lengths through which a buffer grows from one length to another.
pub(crate) fn steps(from: usize, to: usize) -> Vec<u32> {
    let mut lengths = Vec::new();
    let mut length = from;
    while length < to {
        length = (length + STEP_BYTES).min(to);
        lengths.push(u32::try_from(length).unwrap_or(u32::MAX));
    }
    lengths
}

/// Pieces of `proof` that `written`, of the same length, does not hold.
pub(crate) fn missing(written: &[u8], proof: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(start) = (at..proof.len()).find(|index| written.get(*index) != proof.get(*index)) {
        let longest = (start + PIECE_BYTES).min(proof.len());
        // What is there already, at the end of a piece, need not travel.
        let end = (start..longest)
            .rev()
            .find(|index| written.get(*index) != proof.get(*index))
            .map_or(longest, |last| last + 1);
        pieces.push(start..end);
        at = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buffers_grow_in_steps() {
        assert_eq!((first_step(5), first_step(50_000)), (5, 10_000));
        assert_eq!(steps(10_000, 32_768), [20_000, 30_000, 32_768]);
        assert_eq!(steps(7, 7), Vec::<u32>::new());
    }

    proptest! {
        #[test]
        fn writing_what_is_missing_makes_the_proof_and_nothing_more(
            proof in prop::collection::vec(0u8..3, 0..5_000),
            damage in prop::collection::vec(any::<usize>(), 0..40),
            blank: bool,
        ) {
            let mut written = if blank { vec![0; proof.len()] } else { proof.clone() };
            for at in damage {
                if !written.is_empty() {
                    let at = at % written.len();
                    written[at] ^= 1;
                }
            }
            let pieces = missing(&written, &proof);
            for piece in &pieces {
                prop_assert!(piece.len() <= PIECE_BYTES && !piece.is_empty());
                prop_assert!(written[piece.start] != proof[piece.start]);
                prop_assert!(written[piece.end - 1] != proof[piece.end - 1]);
                written[piece.clone()].copy_from_slice(&proof[piece.clone()]);
            }
            prop_assert_eq!(&written, &proof);
            prop_assert!(missing(&written, &proof).is_empty());
        }
    }
}
