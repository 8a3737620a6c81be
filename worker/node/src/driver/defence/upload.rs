//! Bringing an answer on-chain, as far as it is not there yet.

use super::Tally;
use crate::defence::cost::{WRITE_BYTES, rent_lamports};
use crate::driver::{DriveError, Driver};
use crate::failpoint;
use crate::market::{Market, Move};
use assay::state::{Buffer, Demand};
use futures_util::{StreamExt, stream};
use referee::commit::sha256;
use solana_sdk::pubkey::Pubkey;

/// Writes of one upload that are under way at a time.
const WRITES_AT_A_TIME: usize = 8;

impl<M: Market> Driver<M> {
    /// Uploads the answer to a demand, as far as it is not there yet, and gives it.
    pub(super) async fn open(&self, address: &Pubkey, demand: &Demand, tally: &mut Tally) -> Result<(), DriveError> {
        let bytes = self.answer_to(demand).await?;
        let id = buffer_id(address);
        let length = u32::try_from(bytes.len()).map_err(|error| DriveError::Defence(error.to_string()))?;
        let mut present = self.shared.market.buffer(id, self.looked).await?;
        if present.as_ref().is_some_and(|buffer| buffer.held_by.is_some()) {
            // It was given already; the demand will be seen as answered.
            return Ok(());
        }
        if present.as_ref().is_some_and(|buffer| buffer.bytes.len() != bytes.len()) {
            self.carry_out(&[Move::CloseBuffer { id }], tally).await?;
            present = None;
        }
        let mut missing = missing_pieces(&bytes, present.as_ref().map(|buffer| buffer.bytes.as_slice()));
        if present.is_none() {
            let first = missing.first().map(|piece| write(id, &bytes, piece.clone()));
            let opening = Move::OpenBuffer { id, bytes: length };
            self.carry_out(&[Some(opening), first].into_iter().flatten().collect::<Vec<_>>(), tally).await?;
            tally.rent_lamports += rent_lamports(Buffer::space(length));
            missing = missing.split_off(missing.len().min(1));
            failpoint::reach("after_buffer_opened");
        }
        let bytes = &bytes;
        let mut writing = stream::iter(missing)
            .map(|piece| async move {
                let mut own = Tally::default();
                let result = self.carry_out(&[write(id, bytes, piece)], &mut own).await;
                (own, result)
            })
            .buffer_unordered(WRITES_AT_A_TIME);
        while let Some((own, result)) = writing.next().await {
            tally.add(&own);
            result?;
            failpoint::reach("after_buffer_written");
        }
        let giving = Move::Answer { address: *address, demand: Box::new(demand.clone()), id };
        self.carry_out(&[giving], tally).await?;
        tally.answers += 1;
        tally.earned_lamports += demand.fee_lamports;
        failpoint::reach("after_answer");
        tracing::info!(job = %self.address, demand = %address, bytes = bytes.len(), "answered");
        Ok(())
    }
}

/// The number of the buffer that answers a demand: whoever knows the demand finds the buffer again.
pub(super) fn buffer_id(demand: &Pubkey) -> u64 {
    let hash = sha256(&[b"assay/answer/1", demand.as_ref()]);
    hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Ranges of an answer that the buffer does not have yet.
fn missing_pieces(bytes: &[u8], present: Option<&[u8]>) -> Vec<std::ops::Range<usize>> {
    let starts = (0..bytes.len()).step_by(WRITE_BYTES);
    let pieces = starts.map(|start| start..(start + WRITE_BYTES).min(bytes.len()));
    pieces
        .filter(|piece| present.is_none_or(|present| present.get(piece.clone()) != bytes.get(piece.clone())))
        .collect()
}

fn write(id: u64, bytes: &[u8], piece: std::ops::Range<usize>) -> Move {
    Move::WriteBuffer { id, offset: piece.start as u32, bytes: bytes.get(piece).unwrap_or_default().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_written() {
        let bytes: Vec<u8> = (0..2_000).map(|byte| (byte % 250) as u8 + 1).collect();
        let all = missing_pieces(&bytes, None);
        assert_eq!(all, [0..880, 880..1_760, 1_760..2_000]);
        let mut present = vec![0; 2_000];
        assert_eq!(missing_pieces(&bytes, Some(&present)), all);
        present[880..1_760].copy_from_slice(&bytes[880..1_760]);
        assert_eq!(missing_pieces(&bytes, Some(&present)), [0..880, 1_760..2_000]);
        assert!(missing_pieces(&bytes, Some(&bytes)).is_empty());
    }

    #[test]
    fn each_demand_has_a_buffer_of_its_own_that_is_found_again() {
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        assert_eq!(buffer_id(&one), buffer_id(&one));
        assert_ne!(buffer_id(&one), buffer_id(&other));
    }
}
