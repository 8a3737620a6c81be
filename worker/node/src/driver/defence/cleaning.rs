//! Closing what a dispute left open: rents come back.

use super::Tally;
use crate::driver::{DriveError, Driver};
use crate::failpoint;
use crate::journal::{DisputeLog, Record};
use crate::market::{Market, Move};

/// Refusals after which accounts that cannot be closed are left.
const MOST_REFUSED_CLEANINGS: u32 = 10;

impl<M: Market> Driver<M> {
    /// Closes what this node opened in disputes over the job, which is over or gone.
    pub(in crate::driver) async fn clean_up(&mut self) -> Result<(), DriveError> {
        self.shared.alarm.set(&self.address, None);
        self.progress.disputed = None;
        let record = self.record()?;
        let Some(log) = record.dispute.clone() else { return Ok(()) };
        let mut tally = Tally::default();
        let cleaned = self.close_all(&log, &mut tally).await;
        self.looked = self.looked.max(tally.slot);
        let is_given_up = match &cleaned {
            Err(DriveError::Refused { .. }) => {
                self.progress.refused_cleanings = self.progress.refused_cleanings.saturating_add(1);
                self.progress.refused_cleanings >= MOST_REFUSED_CLEANINGS
            }
            _ => false,
        };
        if is_given_up {
            tracing::error!(job = %self.address, "accounts of a dispute cannot be closed: their rent stays in them");
        }
        let mut log = log;
        tally.write_to(&mut log);
        log.open = 0;
        log.until_slot = None;
        log.cleaned = cleaned.is_ok() || is_given_up;
        if cleaned.is_ok() {
            log.rent_lamports = 0;
        }
        self.save(Record { dispute: Some(log), ..record })?;
        if is_given_up { Ok(()) } else { cleaned }
    }

    async fn close_all(&self, log: &DisputeLog, tally: &mut Tally) -> Result<(), DriveError> {
        let market = &self.shared.market;
        for (address, claim) in market.segment_claims(&self.address, self.looked).await? {
            if claim.payer == market.operator() && claim.signed {
                self.carry_out(&[Move::CloseClaim { address, claim: Box::new(claim) }], tally).await?;
            }
        }
        for id in &log.buffers {
            let Some(buffer) = market.buffer(*id, self.looked.max(tally.slot)).await? else { continue };
            let mut moves = Vec::new();
            if let Some(address) = buffer.held_by
                && let Some(demand) = market.demand(&address, self.looked).await?
            {
                moves.push(Move::CloseDemand { address, demand: Box::new(demand) });
            }
            moves.push(Move::CloseBuffer { id: *id });
            self.carry_out(&moves, tally).await?;
            failpoint::reach("after_buffer_closed");
        }
        Ok(())
    }
}
