//! What a job waits for before the claim, with nothing held that others could use meanwhile.

use super::{DriveError, Driver, LONGEST_WAIT};
use crate::breaker::Stopped;
use crate::defence::exposure::Exposure;
use crate::defence::reserve::Shortage;
use crate::market::Market;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Slots between two looks at a balance that is too low: some four seconds.
const LAMPORTS_SLOTS: u32 = 10;

impl<M: Market> Driver<M> {
    /// Waits until the breaker lets claims through, or may; the place is others' to use.
    pub(super) async fn wait_for_breaker(&mut self, mut stopped: Stopped, cancel: &CancellationToken) {
        self.let_go();
        // What was set aside for a claim that is not made is others' to use, too.
        self.shared.reserve.free(&self.address);
        self.progress.trouble = Some(stopped.refusal());
        let shared = Arc::clone(&self.shared);
        stopped.over(&shared.board, &mut self.ears, cancel).await;
    }

    /// Waits for the slot of this node's turn; the place is others' to use until shortly before.
    pub(super) async fn wait_for_turn(&mut self, slot: u64, cancel: &CancellationToken) {
        self.let_go();
        self.wait_for(slot, cancel).await;
    }

    /// Waits until this node's account changes: bonds of other jobs come back, and until then the place is theirs to use.
    pub(super) async fn wait_for_place(&mut self, cancel: &CancellationToken) {
        self.let_go();
        tokio::select! {
            () = self.ears.node_or_job() => {}
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(LONGEST_WAIT) => {}
        }
    }

    /// What the operator key lacks to defend the job beside those that are open; if it lacks nothing and `take_on` says
    /// so, the job counts as open from now on.
    pub(super) async fn shortage(&mut self, take_on: bool) -> Result<Option<Shortage>, DriveError> {
        let look = self.shared.market.balance_lamports();
        let balance = match take_on {
            true => look.await?,
            false => self.shared.reserve.shared_look(self.lamports_pause(), look).await?,
        };
        self.shared.breaker_saw_balance(balance)?;
        let exposure = Exposure { is_challengeable: true, ..Exposure::default() };
        let needed = self.shared.needed_lamports(self.progress.defence, &exposure);
        let reserve = &self.shared.reserve;
        let covered = match take_on {
            true => reserve.take_on(&self.address, needed, balance),
            false => reserve.covers(&self.address, needed, balance),
        };
        if take_on && covered.is_ok() {
            self.progress.trouble = None;
            self.progress.is_held_back = false;
        }
        Ok(covered.err())
    }

    /// Tells people once, and leaves the place to jobs that need less.
    pub(super) fn hold_back(&mut self, shortage: &Shortage) {
        let refusal = shortage.refusal(&self.shared.market.operator());
        if !self.progress.is_held_back {
            tracing::warn!(
                job = %self.address, code = refusal.code, reason = refusal.reason, remedy = refusal.remedy,
                "no job is claimed that could not be defended"
            );
        }
        self.shared.reserve.hold_back(&self.address, refusal.clone());
        self.progress.is_held_back = true;
        self.progress.trouble = Some(refusal);
        self.let_go();
    }

    /// Lamports come without ringing; jobs that end bring some. Meanwhile all that wait look at the balance together, and none of
    /// them at its job.
    pub(super) async fn wait_for_lamports(&mut self, cancel: &CancellationToken) -> Result<(), DriveError> {
        let began = Instant::now();
        while began.elapsed() < LONGEST_WAIT {
            let pause = self.lamports_pause();
            tokio::select! {
                () = self.ears.job() => return Ok(()),
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            if self.shortage(false).await?.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn lamports_pause(&self) -> Duration {
        self.shared.board.slot_time().saturating_mul(LAMPORTS_SLOTS).min(LONGEST_WAIT)
    }
}
