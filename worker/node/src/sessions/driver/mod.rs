//! Takes one session from first sight to its end. Every decision is [`next_session_step`]'s; this carries it out.
//!
//! | module | what it is |
//! |---|---|
//! | `admission` | everything before the acceptance: terms, places, stake, artifacts, the model, lamports |
//! | `promise` | transactions: written down, sent, and what became of them |

mod admission;
mod promise;

use super::material::Material;
use super::served::Served;
use super::steps::{Recording, SessionPhase, SessionStep, SessionView, next_session_step};
use crate::board::Ears;
use crate::defence::alarm::Conviction;
use crate::defence::cost::DefenceCost;
use crate::defence::exposure::Exposure;
use crate::driver::{DriveError, LONGEST_WAIT, Shared, pause_after};
use crate::journal::{JournalError, SessionOutcome, SessionRecord, SessionStage};
use crate::market::{Market, SessionAction};
use crate::refusal::Refusal;
use crate::retention::Pin;
use assay::state::Session;
use assay_store::{ArtifactId, ArtifactUri};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Slots between two looks at stake or lamports that are too few: some four seconds.
const LOOK_SLOTS: u32 = 10;
/// How long a node that ends waits for the requests of a session that are computed.
const LONGEST_DRAIN: Duration = Duration::from_secs(60);
/// How often a node that ends tries to record a voucher.
const DRAIN_TRIES: u32 = 5;

/// Drives one session.
#[derive(Debug)]
pub(crate) struct SessionDriver<M> {
    shared: Arc<Shared<M>>,
    address: Pubkey,
    ears: Ears,
    /// Slot of the last look at the chain; no later look may be from before it.
    looked: u64,
    progress: Progress,
}

/// What a driver holds in memory and would have to do again after a restart.
#[derive(Debug, Default)]
struct Progress {
    /// Graph and params, until the session is served.
    material: Option<(Material, crate::engine::WarmModel)>,
    /// Keeps graph and params in the node's store.
    pin: Option<Pin>,
    /// Why the session was not taken, if it never is.
    trouble: Option<Refusal>,
    failures: u32,
    refused_accepts: u32,
    refused_withdrawals: u32,
}

impl<M: Market> SessionDriver<M> {
    /// A driver for the session at `address`, which was last seen at `seen_slot` (0 if it was not).
    pub(crate) fn new(shared: Arc<Shared<M>>, address: Pubkey, seen_slot: u64) -> Self {
        let ears = shared.board.listen(&address);
        Self { shared, address, ears, looked: seen_slot, progress: Progress::default() }
    }

    /// Runs until the session is over for this node. When `cancel` is called, requests that are computed are waited for, and
    /// what the client has promised is recorded; the session goes on when the node is started again. Returns the slot of
    /// the last look: of anything later, the driver knows nothing.
    ///
    /// # Errors
    /// The journal failed. Everything else is tried again.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<u64, JournalError> {
        let result = self.run_to_end(&cancel).await;
        self.shared.sessions.stop(&self.address);
        self.shared.board.forget(&self.address);
        self.shared.reserve.release(&self.address);
        self.shared.gives_trial_back(&self.address)?;
        if !self.shared.journal.session(&self.address)?.is_some_and(|record| record.may_be_bound()) {
            self.shared.sessions.leave(&self.address);
        }
        result.map(|()| self.looked)
    }

    async fn run_to_end(&mut self, cancel: &CancellationToken) -> Result<(), JournalError> {
        let mut drain_tries = 0;
        loop {
            if cancel.is_cancelled() {
                if drain_tries == 0 {
                    self.finish_requests().await;
                }
                drain_tries += 1;
                if drain_tries > DRAIN_TRIES {
                    tracing::error!(session = %self.address, "the node ends before what it is owed was recorded: start it again soon");
                    return Ok(());
                }
            }
            match self.step(cancel).await {
                Ok(true) => self.progress.failures = 0,
                Ok(false) => return Ok(()),
                Err(DriveError::Journal(error)) => return Err(error),
                Err(error) => {
                    self.progress.failures = self.progress.failures.saturating_add(1);
                    let pause = pause_after(self.progress.failures, cancel.is_cancelled());
                    tracing::warn!(session = %self.address, %error, ?pause, "step failed; it will be tried again");
                    let is_draining = cancel.is_cancelled();
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = cancel.cancelled(), if !is_draining => {}
                    }
                }
            }
        }
    }

    /// Takes no more requests, and waits for those that are computed.
    async fn finish_requests(&self) {
        let Some(served) = self.shared.sessions.stop(&self.address) else { return };
        if tokio::time::timeout(LONGEST_DRAIN, served.emptied()).await.is_err() {
            tracing::warn!(session = %self.address, "requests are still computed while the node ends");
        }
    }

    /// Carries out one step. `false`: nothing more to do.
    async fn step(&mut self, cancel: &CancellationToken) -> Result<bool, DriveError> {
        let heard = self.ears.hear_job();
        let seen = self.shared.market.session(&self.address, self.looked.max(heard)).await?;
        self.looked = self.looked.max(seen.slot);
        let record = self.shared.journal.session(&self.address)?;
        let view = seen.account.as_ref().map(|session| SessionView::of(session, &self.shared.node));
        let recording = Recording {
            every_slots: self.shared.config.now().sessions.record_slots,
            is_draining: cancel.is_cancelled(),
        };
        let step = next_session_step(view.as_ref(), record.as_ref(), seen.slot, recording);
        if view.is_some_and(|view| view.ours && view.phase == SessionPhase::Convicted) {
            let fault = "a receipt was proved wrong, or what it rests on was withheld".to_owned();
            self.shared.alarm.convict(Conviction { job: None, fault });
        }
        self.note_exposure(view.as_ref(), record.as_ref());
        tracing::debug!(session = %self.address, slot = seen.slot, ?step, "next step");
        if let (None, Some(session)) = (&self.progress.pin, &seen.account) {
            self.progress.pin = Some(self.shared.publisher.keeper.pin(given_artifacts(session)));
        }
        if !matches!(step, SessionStep::Serve(_) | SessionStep::Record | SessionStep::Resolve(_)) {
            self.shared.sessions.stop(&self.address);
        }
        match (step, seen.account) {
            (SessionStep::Done, _) => {
                if let Some(trouble) = self.progress.trouble.take().filter(|_| record.is_none()) {
                    self.skip(trouble)?;
                }
                return Ok(false);
            }
            (SessionStep::Admit | SessionStep::Accept | SessionStep::Serve(_) | SessionStep::Wait(_), _)
                if cancel.is_cancelled() =>
            {
                return Ok(false);
            }
            (SessionStep::Admit | SessionStep::Accept, _) if self.shared.leaving.is_under_way() => return Ok(false),
            // Who was convicted promises nothing more.
            (SessionStep::Admit | SessionStep::Accept, _) if self.shared.alarm.conviction().is_some() => {
                return Ok(false);
            }
            (SessionStep::Resolve(_), session) => self.resolve(session.as_ref()).await?,
            (SessionStep::Finish(SessionOutcome::Lost { .. }), _) if self.progress.trouble.is_some() => {
                // It is gone by now: what matters is why this node had not accepted.
                if let Some(trouble) = self.progress.trouble.take() {
                    self.skip(trouble)?;
                }
            }
            (SessionStep::Finish(outcome), _) => self.finish(outcome)?,
            (SessionStep::Wait(until), _) => self.wait_for(until, cancel).await,
            (SessionStep::Admit, Some(session)) => {
                let leaving = self.shared.leaving.clone();
                tokio::select! {
                    done = self.admit(&session, cancel) => done?,
                    () = leaving.begun() => {}
                }
            }
            (SessionStep::Accept, Some(session)) => {
                let leaving = self.shared.leaving.clone();
                tokio::select! {
                    done = self.accept(&session, cancel) => done?,
                    () = leaving.begun() => {}
                }
            }
            (SessionStep::Serve(until), Some(session)) => {
                self.serve(&session, cancel).await?;
                self.wait_for(until, cancel).await;
            }
            (SessionStep::Record, Some(session)) => {
                let held = record.and_then(|record| record.voucher);
                if let Some(voucher) = held {
                    self.promise(&session, &SessionAction::Record(voucher)).await?;
                }
            }
            (SessionStep::Finalise, Some(session)) => self.promise(&session, &SessionAction::Finalise).await?,
            (SessionStep::Withdraw(amount), Some(session)) => {
                if self.shared.config.now().withdraw_payments {
                    self.promise(&session, &SessionAction::Withdraw).await?;
                } else {
                    let reason = "withdraw_payments is off".to_owned();
                    self.finish(SessionOutcome::Credited { amount, reason })?;
                }
            }
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Notes what the session can still cost in disputes: as long as receipts can be called in, one that nobody has called in
    /// yet. Those that were are jobs with entries of their own.
    fn note_exposure(&self, view: Option<&SessionView>, record: Option<&SessionRecord>) {
        let is_bound = view.is_some_and(|view| view.ours && view.phase == SessionPhase::Active);
        if is_bound {
            self.shared.sessions.taken(&self.address);
            let needed = self.needed_lamports(record.and_then(|record| record.defence));
            self.shared.reserve.set(&self.address, needed);
        } else if record.is_none_or(|record| record.in_flight.is_none()) {
            self.shared.reserve.free(&self.address);
        }
    }

    fn needed_lamports(&self, cost: Option<DefenceCost>) -> u64 {
        self.shared.needed_lamports(cost, &Exposure { is_challengeable: true, ..Exposure::default() })
    }

    /// Answers requests from now on.
    async fn serve(&mut self, session: &Session, cancel: &CancellationToken) -> Result<(), DriveError> {
        if let Some(served) = self.shared.sessions.get(&self.address) {
            served.ends(session.ends_slot);
            return Ok(());
        }
        if self.progress.material.is_none() && !self.bring_material(session, cancel).await? {
            return Ok(());
        }
        let Some((material, warm)) = self.progress.material.take() else { return Ok(()) };
        let record = self.save(session.price, |record| record.stage = SessionStage::Accepted)?;
        let places = self.shared.config.now().sessions.requests_per_session;
        let served = Served::new(self.address, session.clone(), material, &record, warm, places);
        self.shared.sessions.serve(served);
        tracing::info!(session = %self.address, ends_slot = session.ends_slot, "requests are answered");
        Ok(())
    }

    /// Waits until the chain has come to `slot`, or the session changes, or it is time to look again anyway.
    async fn wait_for(&mut self, slot: u64, cancel: &CancellationToken) {
        let slot = slot.max(self.looked.saturating_add(1));
        tokio::select! {
            () = self.ears.job_or_slot(slot) => {}
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(LONGEST_WAIT) => {}
        }
        if self.shared.board.slot() >= slot {
            // What the board knows may take a moment to be confirmed.
            tokio::time::sleep(self.shared.board.slot_time() / 2).await;
        }
    }

    /// Places, lamports and stake come without ringing.
    async fn wait_a_little(&mut self, cancel: &CancellationToken) {
        let pause = self.shared.board.slot_time().saturating_mul(LOOK_SLOTS).min(LONGEST_WAIT);
        tokio::select! {
            () = self.ears.job() => {}
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    fn skip(&mut self, refusal: Refusal) -> Result<(), DriveError> {
        tracing::info!(session = %self.address, code = refusal.code, reason = refusal.reason, "session skipped");
        self.finish(SessionOutcome::Skipped(refusal))
    }

    fn finish(&mut self, outcome: SessionOutcome) -> Result<(), DriveError> {
        tracing::info!(session = %self.address, ?outcome, "session over");
        self.progress = Progress::default();
        self.shared.sessions.leave(&self.address);
        // Released and forgotten first: a node that dies in between comes here once more.
        self.shared.journal.release(&self.address, self.looked)?;
        self.shared.journal.forget_receipts(&self.address)?;
        let mut freed_bytes = 0;
        self.save(0, |record| {
            freed_bytes = std::mem::take(&mut record.kept_bytes);
            record.stage = SessionStage::Finished(outcome);
        })?;
        self.shared.sessions.kept_bytes.fetch_sub(freed_bytes, Ordering::Relaxed);
        Ok(())
    }

    fn save(&self, price: u64, change: impl FnOnce(&mut SessionRecord)) -> Result<SessionRecord, JournalError> {
        let fresh = || SessionRecord::new(&self.address, price, self.looked);
        self.shared.journal.change_session(&self.address, fresh, |record| {
            change(record);
            record.price = record.price.max(price);
            record.last_slot = record.last_slot.max(self.looked);
        })
    }
}

impl<M: Market> Shared<M> {
    /// Counts the inputs that the journal keeps, the places of sessions that it knows, and what their defence needs, before any
    /// driver takes another.
    ///
    /// # Errors
    /// The journal failed.
    pub fn adopt_sessions(&self) -> Result<(), JournalError> {
        let mut kept_bytes = 0u64;
        for (session, record) in self.journal.sessions()? {
            kept_bytes = kept_bytes.saturating_add(record.kept_bytes);
            if record.may_be_bound() {
                self.sessions.taken(&session);
                let exposure = Exposure { is_challengeable: true, ..Exposure::default() };
                self.reserve.set(&session, self.needed_lamports(record.defence, &exposure));
            }
        }
        self.sessions.kept_bytes.store(kept_bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// Graph and params; addresses that are none are left out, and the session is refused for them.
fn given_artifacts(session: &Session) -> impl Iterator<Item = ArtifactId> {
    let uris = [&session.graph_uri, &session.params_uri];
    uris.map(|uri| ArtifactUri::parse(uri).map(|uri| uri.id())).into_iter().flatten()
}
