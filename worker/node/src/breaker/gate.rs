//! Where drivers and requests meet the breaker: they tell it what happened, and ask it before they claim.

use super::machine::Machine;
use super::report::{CauseReport, Report};
use super::slowdown::Measured;
use super::{AtWork, Cause};
use crate::board::{Board, Ears};
use crate::driver::{LONGEST_WAIT, Shared};
use crate::engine::Run;
use crate::estimate::operations;
use crate::journal::{JournalError, Stage};
use crate::market::Market;
use crate::prepare::Prepared;
use crate::refusal::Refusal;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Why a claim waits, and until when.
#[derive(Debug)]
pub(crate) struct Stopped {
    report: CauseReport,
    /// Subscribed before the breaker was asked: no change in between is missed.
    changed: watch::Receiver<()>,
}

impl Stopped {
    pub(crate) fn refusal(&self) -> Refusal {
        self.report.refusal()
    }

    /// Whether a refusal is one of the breaker.
    pub(crate) fn explains(refusal: &Refusal) -> bool {
        Cause::ALL.iter().any(|cause| cause.code() == refusal.code)
    }

    /// Waits until the breaker lets claims through or may, or what was to be claimed changes.
    pub(crate) async fn over(&mut self, board: &Board, ears: &mut Ears, cancel: &CancellationToken) {
        let until_slot = self.report.until_slot.unwrap_or(u64::MAX);
        let changed = async {
            if self.changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = changed => {}
            () = board.reached(until_slot) => {}
            () = ears.job() => {}
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(LONGEST_WAIT) => {}
        }
    }
}

impl<M: Market> Shared<M> {
    fn breaks<T>(&self, slot: u64, act: impl FnOnce(&mut Machine) -> T) -> Result<T, JournalError> {
        let slot = slot.max(self.board.slot());
        self.breaker.change(&self.journal, slot, &self.config.now().breaker, act)
    }

    /// How the breaker stands.
    pub fn breaker_report(&self) -> Report {
        self.breaker.report(self.board.slot(), &self.config.now().breaker)
    }

    /// What stands against a claim of the job or session at `claimant`, as looked at at `slot`.
    pub(crate) fn stopped(&self, claimant: &Pubkey, slot: u64) -> Result<Option<Stopped>, JournalError> {
        self.ask_breaker(claimant, slot, false)
    }

    /// The same just before the claim: if nothing stands against it and a trial is due, it is this one.
    pub(crate) fn stopped_at_claim(&self, claimant: &Pubkey, slot: u64) -> Result<Option<Stopped>, JournalError> {
        self.ask_breaker(claimant, slot, true)
    }

    fn ask_breaker(&self, claimant: &Pubkey, slot: u64, claims: bool) -> Result<Option<Stopped>, JournalError> {
        let changed = self.breaker.changed.subscribe();
        let (slot, settings) = (slot.max(self.board.slot()), self.config.now());
        let (differing, trusted) = self.engine.trust();
        let name = claimant.to_string();
        let report = self.breaks(slot, |machine| {
            machine.saw_backends(differing, trusted, &settings.breaker);
            let report = machine.report(slot, &settings.breaker).stops(Some(&name)).cloned();
            if report.is_none() && claims {
                machine.claims(&name, slot);
            }
            report
        })?;
        Ok(report.map(|report| Stopped { report, changed }))
    }

    /// Nothing is promised to `claimant`, or what it was promised is over: if it was a trial that showed nothing, another may begin.
    pub(crate) fn gives_trial_back(&self, claimant: &Pubkey) -> Result<(), JournalError> {
        self.breaks(0, |machine| machine.gives_back(&claimant.to_string()))
    }

    /// A promise failed.
    pub(crate) fn promise_failed(&self, claimant: &Pubkey, what: &str, slot: u64) -> Result<(), JournalError> {
        let (settings, slot) = (self.config.now(), slot.max(self.board.slot()));
        self.breaks(slot, |machine| machine.failed(&format!("{claimant}: {what}"), slot, &settings.breaker))
    }

    /// A promise to `claimant` was kept. If it was a trial that another cause learnt nothing from, another may begin.
    pub(crate) fn promise_kept(&self, claimant: &Pubkey, slot: u64) -> Result<(), JournalError> {
        let slot = slot.max(self.board.slot());
        self.breaks(slot, |machine| {
            machine.kept(slot);
            machine.gives_back(&claimant.to_string());
        })
    }

    /// A run ended.
    pub(crate) fn ran(&self, job: &Prepared, run: &Run, at_work: &AtWork) -> Result<(), JournalError> {
        let (settings, slot) = (self.config.now(), self.board.slot());
        let (graph, params) = (hex::encode(&job.graph.root[..8]), hex::encode(&job.params_root[..8]));
        let measured = Measured {
            model: format!("{} {graph} {params} {:?}", run.adapter, job.graph.symbols),
            operations: operations(&job.graph),
            time: run.kernel_time,
            at_once: at_work.at_once(),
        };
        self.breaks(slot, |machine| machine.ran(&measured, slot, &settings.breaker))
    }

    /// The balance of the operator key was looked at.
    pub(crate) fn breaker_saw_balance(&self, lamports: u64) -> Result<(), JournalError> {
        let settings = self.config.now();
        self.breaks(0, |machine| machine.saw_balance(lamports, &settings.breaker))
    }

    /// Looks at the journal before any driver starts: a node that died over jobs that it had claimed has failed once more, however
    /// many they are, because one death has one cause; and a trial that nothing is promised to is none.
    ///
    /// # Errors
    /// The journal failed.
    pub fn adopt_breaker(&self) -> Result<(), JournalError> {
        let jobs = self.journal.live()?;
        for trial in self.breaks(0, Machine::trials)? {
            let of_job = jobs.iter().any(|(job, record)| job.to_string() == trial && record.binds());
            let sessions = self.journal.live_sessions()?;
            let of_session =
                sessions.iter().any(|(session, record)| session.to_string() == trial && record.in_flight.is_some());
            if !of_job && !of_session {
                self.breaks(0, |machine| machine.gives_back(&trial))?;
            }
        }
        // A node that ends by itself commits first what it claimed.
        let died = jobs.iter().find(|(_, record)| record.stage == Stage::Claimed);
        if let Some((job, record)) = died {
            self.promise_failed(job, "the node ended before it was computed", record.last_slot)?;
        }
        Ok(())
    }

    /// Ends what an operator's word can end of these causes, and has backends that differed tested again, which takes a while: until
    /// then the report says so.
    ///
    /// # Errors
    /// The journal failed.
    pub fn reset_breaker(self: &Arc<Self>, causes: &[Cause]) -> Result<Report, JournalError> {
        self.breaks(0, |machine| causes.iter().for_each(|cause| machine.reset(*cause)))?;
        tracing::warn!(causes = ?causes.iter().map(|cause| cause.name()).collect::<Vec<_>>(), "the operator reset the breaker");
        let differs = !self.engine.trust().0.is_empty();
        if causes.contains(&Cause::Mismatch) && differs && !self.breaker.is_testing.swap(true, Ordering::AcqRel) {
            let shared = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                shared.engine.test_again();
                shared.look_at_backends();
                shared.breaker.is_testing.store(false, Ordering::Release);
            });
        }
        Ok(self.breaker_report())
    }
}
