//! From a claim to a result on disk.

use super::places::run_deadline;
use super::{DriveError, Driver};
use crate::engine::{Run, Wanted};
use crate::failpoint;
use crate::journal::{Computed, Executed, Stage};
use crate::market::Market;
use crate::meter::JobStage;
use crate::prepare::Prepared;
use crate::roots::{Roots, roots_of};
use assay::market::settle;
use assay::state::Job;
use assay::units::{BasisPoints, TokenAmount};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl<M: Market> Driver<M> {
    /// Computes the result, stores it durably, and notes its roots.
    pub(super) async fn execute(&mut self, job: &Job) -> Result<(), DriveError> {
        if self.progress.permit.is_none() {
            // Claimed in an earlier life: a bond is at risk, so it does not queue behind what is not claimed yet.
            self.progress.permit = Arc::clone(&self.shared.capacity).try_acquire_owned().ok();
        }
        if self.progress.computed.is_none() {
            self.progress.computed = Some(self.compute(job).await?);
            failpoint::reach("after_run");
        }
        let Some((prepared, run)) = &self.progress.computed else { return Ok(()) };
        let started = Instant::now();
        let stored = self.shared.publisher.store(&self.address, &self.shared.node, run).await?;
        self.shared.meter.note_stage(JobStage::Commit, run.commit_time.saturating_add(started.elapsed()));
        failpoint::reach("after_publish");
        self.hold(job, &stored.artifacts)?;
        self.shared.publisher.keeper.note_change();
        let mut record = self.record()?;
        record.stage = Stage::Executed(executed(prepared, run, stored.manifest)?);
        record.price = Some(job.price);
        record.mint = Some(job.payment_mint.to_string());
        record.payment = payment(job);
        record.computed = Some(Computed {
            backend: run.backend.to_owned(),
            kernel_micros: micros(run.kernel_time),
            commit_micros: micros(run.commit_time),
        });
        self.save(record)?;
        self.progress.computed = None;
        self.progress.booking = None;
        failpoint::reach("after_execute");
        Ok(())
    }

    async fn compute(&mut self, job: &Job) -> Result<(Prepared, Run), DriveError> {
        let prepared = match &self.progress.prepared {
            Some(prepared) => prepared.clone(),
            // The artifacts were fetched before the claim: this reads them from the node's own store.
            None => {
                let prepared = self.shared.artifacts.prepare(job).await;
                prepared.map_err(|error| DriveError::Artifacts(error.refusal().clone()))?
            }
        };
        let shared = Arc::clone(&self.shared);
        let deadline_slot = run_deadline(job, job.claimed_slot, shared.config.now().limits.margin_slots);
        let looked = self.looked;
        let terms = || shared.terms(deadline_slot, shared.board.slot().max(looked));
        // Claimed in an earlier life it has none.
        let booking = match self.progress.booking.take() {
            Some(booking) => booking,
            None => Arc::new(shared.engine.book_promised(Wanted::from(&prepared), &terms())),
        };
        let at_work = shared.breaker.run_begins();
        let run = shared.engine.compute(&prepared, &booking, terms).await;
        // What failed on every adapter is booked anew when it is tried again.
        let run = run.map_err(|error| DriveError::Engine(error.to_string()))?;
        self.progress.booking = Some(booking);
        self.shared.meter.note_stage(JobStage::Run, run.kernel_time);
        self.shared.ran(&prepared, &run, &at_work)?;
        self.progress.prepared = None;
        Ok((prepared, run))
    }

    /// Sends the stored result to the store that the job names, once, in at most half of the time that is left.
    pub(super) async fn upload(&mut self, job: &Job, manifest: &[u8; 32], slot: u64) {
        if self.progress.uploaded || job.store_uri.is_empty() {
            return;
        }
        self.progress.uploaded = true;
        #[cfg(debug_assertions)]
        if self.shared.fault.is_some_and(|fault| fault.is_silent() || fault.withheld_tensor().is_some()) {
            return;
        }
        let limits = &self.shared.config.now().limits;
        let end = job.claimed_slot.saturating_add(job.run_slots).saturating_sub(limits.margin_slots);
        let allowance = upload_allowance(end.saturating_sub(slot), self.shared.board.slot_time());
        let allowance = allowance.min(Duration::from_secs(limits.fetch_seconds));
        self.shared.publisher.upload(&job.store_uri, manifest, allowance).await;
    }
}

fn upload_allowance(slots_left: u64, slot_time: Duration) -> Duration {
    slot_time.saturating_mul(u32::try_from(slots_left / 2).unwrap_or(u32::MAX))
}

/// What the node is paid when the result stands.
fn payment(job: &Job) -> Option<u64> {
    let fee = BasisPoints(u32::from(job.protocol_fee_bps));
    settle(TokenAmount(job.price_max), TokenAmount(job.price), fee).ok().map(|split| split.node.0)
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn executed(prepared: &Prepared, run: &Run, manifest: [u8; 32]) -> Result<Executed, DriveError> {
    let Roots { boundary_root, output_root, output_path, .. } = roots_of(prepared, run).map_err(DriveError::Engine)?;
    Ok(Executed { manifest, boundary_root, output_root, output_path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate;

    #[test]
    fn an_upload_never_takes_the_time_of_the_commitment() {
        let slot = Duration::from_millis(400);
        assert_eq!(upload_allowance(100, slot), 50 * slot);
        assert_eq!(upload_allowance(1, slot), Duration::ZERO);
        assert_eq!(upload_allowance(0, slot), Duration::ZERO);
        assert!(estimate::slots(upload_allowance(u64::MAX, slot), slot) >= u64::from(u32::MAX));
    }

    #[test]
    fn the_payment_is_the_price_less_the_fee() {
        let job = Job { price_max: 2_000, price: 1_000, protocol_fee_bps: 250, ..Job::default() };
        assert_eq!(payment(&job), Some(975));
        assert_eq!(payment(&Job { price: 3_000, ..job }), None);
    }
}
