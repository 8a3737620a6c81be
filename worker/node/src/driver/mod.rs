//! Takes one job from first sight to its end. Every decision is [`next_step`]'s; this carries it out.
//!
//! | module | what it is |
//! |---|---|
//! | `adoption` | receipts of sessions that were called in: computed again, then committed results like any other |
//! | `admission` | everything before the claim: terms, stake, places, artifacts |
//! | `defence` | answering challenges, and closing afterwards what that opened |
//! | `places` | memory, a place in an adapter's queue, room on the disk |
//! | `execution` | computing, storing and uploading the result |
//! | `waiting` | what a job waits for before the claim |
//! | `promise` | transactions: written down, sent, and what became of them |

mod admission;
mod adoption;
mod defence;
mod execution;
mod places;
mod promise;
mod waiting;

pub(crate) use admission::Stake;
pub(crate) use adoption::HintsUnknown;
pub(crate) use places::{full_store, no_memory};
pub(crate) use promise::{ClaimRefusal, MOST_REFUSED_CLAIMS, MOST_REFUSED_WITHDRAWALS};

use crate::board::{Board, Ears};
use crate::breaker::Breaker;
use crate::defence::alarm::{Alarm, Conviction};
use crate::defence::cost::DefenceCost;
use crate::defence::exposure::Exposure;
use crate::defence::reserve::Reserve;
use crate::engine::{Booking, Engine, Run};
use crate::journal::{Journal, JournalError, Outcome, Record, Stage};
use crate::leaving::Leaving;
use crate::market::{Action, Market, Unreachable};
use crate::meter::Meter;
use crate::prepare::{Artifacts, Prepared};
use crate::publish::{PublishError, Publisher};
use crate::refusal::Refusal;
use crate::retention::Pin;
use crate::segments::Segments;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::steps::{JobView, Phase, Step, next_step};
use assay::state::Job;
use assay_store::{ArtifactId, ArtifactUri};
use defence::Disputed;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// What all drivers of a node share.
#[derive(Debug)]
pub struct Shared<M> {
    /// Settings.
    pub config: Settings,
    /// Address of the node account.
    pub node: Pubkey,
    /// The chain.
    pub market: M,
    /// Promises.
    pub journal: Journal,
    /// Artifacts of others.
    pub artifacts: Artifacts,
    /// Results of this node.
    pub publisher: Publisher,
    /// Backends.
    pub engine: Arc<Engine>,
    /// Traces of segments that are being computed.
    pub segments: Segments,
    /// Sessions that are served.
    pub sessions: Sessions,
    /// Answers that are due, and convictions.
    pub alarm: Alarm,
    /// Lamports for the defence of the open jobs.
    pub reserve: Reserve,
    /// What stops claims before much is lost.
    pub breaker: Breaker,
    /// What is counted and timed.
    pub meter: Meter,
    /// What this node does wrong on purpose.
    #[cfg(debug_assertions)]
    pub fault: Option<crate::fault::NodeFault>,
    /// Slots and bells.
    pub board: Board,
    /// Whether anything new is taken: what was promised is seen to its end in any case.
    pub leaving: Leaving,
    /// One permit for each job in work.
    pub capacity: Arc<Semaphore>,
    /// One permit for each job whose artifacts are being fetched: a slow source holds no place of a job in work.
    pub fetching: Arc<Semaphore>,
}

/// Why a driver gave up for now; it tries again after a pause.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal failed: without it nothing may be promised.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The chain does not answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The result could not be stored.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The run failed on every backend.
    #[error("{0}")]
    Engine(String),
    /// A challenge cannot be answered at present.
    #[error("N0405 a challenge cannot be answered: {0}")]
    Defence(String),
    /// Artifacts are out of reach at present.
    #[error("{0}")]
    Artifacts(Refusal),
    /// The program refused what the chain's state seemed to allow.
    #[error("refused: {code} {reason}")]
    Refused {
        /// Stable code, if the program gave one.
        code: String,
        /// In words.
        reason: String,
    },
}

/// Drives one job.
#[derive(Debug)]
pub struct Driver<M> {
    shared: Arc<Shared<M>>,
    address: Pubkey,
    ears: Ears,
    /// Slot of the last look at the chain; no later look may be from before it.
    looked: u64,
    progress: Progress,
    /// One of the places of jobs that nothing is promised to, until something is.
    place: Option<Place>,
}

/// A place among the jobs that are considered.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) _permit: OwnedSemaphorePermit,
    /// Called when others are to have it. A driver that gives up for now what it may come back to calls it too.
    pub(crate) recall: CancellationToken,
}

/// What a driver holds in memory and would have to do again after a restart.
#[derive(Debug, Default)]
struct Progress {
    /// All artifacts are in the node's own store.
    fetched: bool,
    /// The artifacts, read and checked; held only together with a permit.
    prepared: Option<Prepared>,
    /// Operations of the graph, from the first look at it; 0 before.
    operations: u64,
    /// What openings of the result can cost, from the first look at the graph.
    defence: Option<DefenceCost>,
    /// The result, until it is stored.
    computed: Option<(Prepared, Run)>,
    /// The result was sent to the job's store, or that was tried.
    uploaded: bool,
    permit: Option<OwnedSemaphorePermit>,
    /// Memory and a place in the queue of an adapter, until the result is stored.
    booking: Option<Arc<Booking>>,
    /// Keeps graph, params and inputs in the node's store while the job is in work.
    pin: Option<Pin>,
    /// The same for inputs that the journal kept.
    inputs_pin: Option<Pin>,
    /// What kept the artifacts away, or lamports lacking, the last time: why the job was not taken, if it never is.
    trouble: Option<Refusal>,
    /// The job is not claimed for now because the operator key has too few lamports.
    is_held_back: bool,
    failures: u32,
    refused_claims: u32,
    /// Why the commitment was refused, until the chain shows whether it is missing all the same.
    refused_commitment: Option<String>,
    /// That it was refused counts once a job.
    has_refused_commitment: bool,
    refused_withdrawals: u32,
    refused_cleanings: u32,
    /// The result, while it is disputed.
    disputed: Option<Disputed>,
}

/// First and longest pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause while a bond is at risk.
const LONGEST_PAUSE_WHEN_BOUND: Duration = Duration::from_secs(2);
/// A socket can die without a word: nobody waits longer than this before looking again.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl<M: Market> Driver<M> {
    /// A driver for the job at `address`, which was last seen at `seen_slot` (0 if it was not).
    pub fn new(shared: Arc<Shared<M>>, address: Pubkey, seen_slot: u64) -> Self {
        let ears = shared.board.listen(&address);
        Self { shared, address, ears, looked: seen_slot, progress: Progress::default(), place: None }
    }

    /// The same, with a place among the jobs that are considered.
    pub(crate) fn in_place(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    /// Runs until the job is over for this node, or `cancel` is called while no bond depends on it. Returns the slot of
    /// the last look: of anything later, the driver knows nothing.
    ///
    /// # Errors
    /// The journal failed. Everything else is tried again.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<u64, JournalError> {
        let result = self.run_to_end(&cancel).await;
        self.shared.board.forget(&self.address);
        self.shared.reserve.release(&self.address);
        if !self.is_bound()? {
            self.shared.gives_trial_back(&self.address)?;
        }
        result.map(|()| self.looked)
    }

    async fn run_to_end(&mut self, cancel: &CancellationToken) -> Result<(), JournalError> {
        loop {
            if cancel.is_cancelled() && !self.is_bound()? {
                return Ok(());
            }
            match self.step(cancel).await {
                Ok(true) => self.progress.failures = 0,
                Ok(false) => return Ok(()),
                Err(DriveError::Journal(error)) => return Err(error),
                Err(error) => {
                    self.progress.failures = self.progress.failures.saturating_add(1);
                    let bound = self.is_bound()?;
                    let pause = pause_after(self.progress.failures, bound);
                    tracing::warn!(job = %self.address, %error, ?pause, "step failed; it will be tried again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = cancel.cancelled(), if !bound => {}
                    }
                }
            }
        }
    }

    /// Whether a bond depends on what this node does next, as far as the journal knows.
    fn is_bound(&self) -> Result<bool, JournalError> {
        Ok(self.shared.journal.get(&self.address)?.is_some_and(|record| record.binds()))
    }

    /// Carries out one step. `false`: nothing more to do.
    async fn step(&mut self, cancel: &CancellationToken) -> Result<bool, DriveError> {
        let heard = self.ears.hear_job();
        let mut seen = self.shared.market.job(&self.address, self.looked.max(heard)).await?;
        self.looked = self.looked.max(seen.slot);
        self.shared.meter.note_lag(self.shared.board.slot().saturating_sub(seen.slot));
        let record = self.shared.journal.get(&self.address)?;
        if record.as_ref().is_some_and(Record::binds) {
            self.place = None;
        }
        if let Some(job) = &mut seen.account {
            self.shared.correct_hints(job, record.as_ref());
        }
        let view = seen.account.as_ref().map(|job| JobView::of(job, &self.shared.node));
        if self.note_commitment(view.as_ref(), record.as_ref())? {
            return Ok(true);
        }
        let step = next_step(view.as_ref(), record.as_ref(), seen.slot);
        // Withdrawing is the operator's; the bond of an accepted job still waits for its window.
        let is_early = view.is_some_and(|view| view.phase == Phase::Accepted);
        let step = match (step, view) {
            (Step::Withdraw(_), Some(view)) if is_early && !self.shared.config.now().withdraw_payments => {
                next_step(Some(&JobView { node_credit: 0, ..view }), record.as_ref(), seen.slot)
            }
            (step, _) => step,
        };
        if let Some(view) = view.filter(|view| view.ours && view.phase == Phase::Convicted) {
            self.shared.alarm.set(&self.address, None);
            self.shared.alarm.convict(Conviction { job: Some(self.address.to_string()), fault: view.fault.to_owned() });
        }
        self.note_exposure(view.as_ref(), record.as_ref(), seen.slot);
        tracing::debug!(job = %self.address, slot = seen.slot, ?step, "next step");
        if let (None, Some(job)) = (&self.progress.pin, &seen.account) {
            self.progress.pin = Some(self.shared.publisher.keeper.pin(given_artifacts(job)));
        }
        // Only a closed account has no job, and what is left to do then needs none.
        match (step, seen.account) {
            (Step::Done, _) => {
                if let Some(trouble) = self.progress.trouble.take().filter(|_| record.is_none()) {
                    self.skip(trouble)?;
                }
                return Ok(false);
            }
            // What is not claimed need not be, and what is committed waits for whoever starts next.
            (Step::Admit | Step::Claim | Step::Wait(_) | Step::CleanUp, _) if cancel.is_cancelled() => {
                return Ok(false);
            }
            (Step::Defend, _) if cancel.is_cancelled() => {
                tracing::error!(job = %self.address, "the node ends while a result of it is challenged: start it again soon");
                return Ok(false);
            }
            // Who leaves claims no more, nor who was convicted.
            (Step::Admit | Step::Claim, _) if self.shared.leaving.is_under_way() => {
                self.place.iter().for_each(|place| place.recall.cancel());
                return Ok(false);
            }
            (Step::Admit | Step::Claim, _) if self.shared.alarm.conviction().is_some() => return Ok(false),
            (Step::Resolve(_), job) => self.resolve(job.as_ref()).await?,
            (Step::Finish(Outcome::Lost { .. }), _) if self.progress.trouble.is_some() => {
                // Others have it by now: what matters is why this node had not.
                if let Some(trouble) = self.progress.trouble.take() {
                    self.skip(trouble)?;
                }
            }
            (Step::Finish(outcome), _) => self.finish(outcome)?,
            (Step::Wait(until), _) => self.wait_for(until, cancel).await,
            (Step::Admit | Step::Claim, Some(job)) => {
                // Dropped in the middle of a claim it is as after a crash: the journal knows what was signed.
                let leaving = self.shared.leaving.clone();
                let recall = self.place.as_ref().map(|place| place.recall.clone()).unwrap_or_default();
                tokio::select! {
                    biased;
                    () = recall.cancelled() => return Ok(self.is_bound()?),
                    () = leaving.begun() => {}
                    done = self.approach(&job, cancel) => done?,
                }
            }
            (Step::Execute, Some(job)) => {
                let executed = self.execute(&job).await;
                if let Err(error) = &executed
                    && fails_a_promise(error)
                {
                    self.shared.promise_failed(&self.address, &error.to_string(), self.looked)?;
                }
                executed?;
            }
            (Step::Adopt, Some(job)) => self.adopt(&job).await?,
            (Step::Commit(executed), Some(job)) => {
                self.upload(&job, &executed.manifest, seen.slot).await;
                let action = Action::Commit {
                    boundary_root: executed.boundary_root,
                    output_root: executed.output_root,
                    output_path: executed.output_path,
                    manifest: executed.manifest,
                };
                self.promise(&job, &action).await?;
            }
            (Step::Defend, Some(job)) => self.defend(&job, cancel).await?,
            (Step::CleanUp, _) => self.clean_up().await?,
            (Step::Finalise, Some(job)) => self.promise(&job, &Action::Finalise).await?,
            (Step::Expire, Some(job)) => self.promise(&job, &Action::Expire).await?,
            (Step::Withdraw(amount), Some(job)) => {
                if self.shared.config.now().withdraw_payments {
                    self.promise(&job, &Action::Withdraw).await?;
                } else {
                    let reason = "withdraw_payments is off".to_owned();
                    self.finish(Outcome::Credited { amount, reason })?;
                }
            }
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Notes that a commitment is on-chain whose landing nobody told, or that one which was refused is not. Whether the record changed.
    fn note_commitment(&mut self, view: Option<&JobView>, record: Option<&Record>) -> Result<bool, DriveError> {
        let (Some(view), Some(record)) = (view.filter(|view| view.ours), record) else { return Ok(false) };
        let (Stage::Executed(executed), None) = (&record.stage, &record.in_flight) else { return Ok(false) };
        match view.phase {
            Phase::Committed | Phase::Accepted => {
                self.progress.refused_commitment = None;
                self.progress.permit = None;
                self.write(Stage::Committed(executed.clone()))?;
                self.shared.promise_kept(&self.address, self.looked)?;
                Ok(true)
            }
            Phase::Claimed => {
                let refused = self.progress.refused_commitment.take();
                if let Some(refused) = refused.filter(|_| !self.progress.has_refused_commitment) {
                    self.progress.has_refused_commitment = true;
                    self.shared.promise_failed(&self.address, &refused, self.looked)?;
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// Notes what the defence of the job can still cost, as far as its account says it; while challenges are open, the accounts
    /// of the dispute say it.
    fn note_exposure(&self, view: Option<&JobView>, record: Option<&Record>, slot: u64) {
        let reserve = &self.shared.reserve;
        let Some(view) = view.filter(|view| view.ours) else {
            // A claim that was signed may still land.
            if record.is_none_or(|record| record.in_flight.is_none()) {
                reserve.free(&self.address);
            }
            return;
        };
        let is_challengeable = match view.phase {
            Phase::Claimed => true,
            Phase::Committed | Phase::Accepted if view.challenges_open > 0 => return,
            Phase::Committed | Phase::Accepted => view.is_disputable(slot),
            _ => return reserve.free(&self.address),
        };
        let lent_lamports = record.and_then(|record| record.dispute.as_ref()).map_or(0, |log| log.rent_lamports);
        let exposure = Exposure { open: Vec::new(), is_challengeable, lent_lamports };
        self.need(record, &exposure);
    }

    /// Notes what a job needs that can be disputed as `exposure` says.
    fn need(&self, record: Option<&Record>, exposure: &Exposure) {
        let cost = record.and_then(|record| record.defence);
        self.shared.reserve.set(&self.address, self.shared.needed_lamports(cost, exposure));
    }

    /// Waits until the chain has come to `slot`, or the job changes, or it is time to look again anyway.
    async fn wait_for(&mut self, slot: u64, cancel: &CancellationToken) {
        // Slots are heard before they are confirmed: then looking at once would see the one before, again and again.
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

    fn skip(&mut self, refusal: Refusal) -> Result<(), DriveError> {
        tracing::info!(job = %self.address, code = refusal.code, reason = refusal.reason, "job skipped");
        self.finish(Outcome::Skipped(refusal))
    }

    fn finish(&mut self, outcome: Outcome) -> Result<(), DriveError> {
        tracing::info!(job = %self.address, ?outcome, "job over");
        if let Outcome::Missed { reason } | Outcome::Convicted { fault: reason } = &outcome {
            self.shared.promise_failed(&self.address, reason, self.looked)?;
        }
        self.progress = Progress::default();
        self.write(Stage::Finished(outcome))
    }

    /// Writes down, durably, that the job needs these artifacts until its end.
    fn hold(&self, job: &Job, artifacts: &[[u8; 32]]) -> Result<(), DriveError> {
        let mut needed: Vec<[u8; 32]> = given_artifacts(job).map(|id| *id.as_bytes()).collect();
        needed.extend_from_slice(artifacts);
        Ok(self.shared.journal.hold(&self.address, &needed)?)
    }

    fn record(&self) -> Result<Record, JournalError> {
        let known = self.shared.journal.get(&self.address)?;
        Ok(known.unwrap_or_else(|| Record::new(&self.address, Stage::Admitted, self.looked)))
    }

    fn write(&self, stage: Stage) -> Result<(), DriveError> {
        let mut record = self.record()?;
        record.stage = stage;
        self.save(record)
    }

    fn save(&self, mut record: Record) -> Result<(), DriveError> {
        record.last_slot = record.last_slot.max(self.looked);
        if let Stage::Finished(outcome) = &record.stage {
            let has_result = matches!(outcome, Outcome::Paid { .. } | Outcome::Credited { .. } | Outcome::Stood);
            let kept_slots = if has_result { self.shared.config.now().retention.results_slots } else { 0 };
            // Released first: a node that dies in between comes here once more.
            self.shared.journal.release(&self.address, record.last_slot.saturating_add(kept_slots))?;
            self.keep_for_mirror()?;
        }
        Ok(self.shared.journal.put(&self.address, &record)?)
    }

    /// Notes a result that the mirror did not take yet, before the record of its job stops to name it.
    fn keep_for_mirror(&self) -> Result<(), JournalError> {
        let Some(mirror) = &self.shared.publisher.mirror else { return Ok(()) };
        let known = self.shared.journal.get(&self.address)?;
        match known.as_ref().and_then(|record| record.stage.executed()) {
            Some(executed) if mirror.awaits(&executed.manifest) => {
                self.shared.journal.note_unmirrored(&executed.manifest)
            }
            _ => Ok(()),
        }
    }
}

/// Whether an error says something of this machine, and not of an endpoint that does not answer.
fn fails_a_promise(error: &DriveError) -> bool {
    match error {
        DriveError::Engine(_) | DriveError::Publish(_) | DriveError::Artifacts(_) => true,
        DriveError::Journal(_) | DriveError::Unreachable(_) | DriveError::Defence(_) | DriveError::Refused { .. } => {
            false
        }
    }
}

/// Graph, params and inputs; addresses that are none are left out, and the job is refused for them.
fn given_artifacts(job: &Job) -> impl Iterator<Item = ArtifactId> {
    let uris = [&job.graph_uri, &job.params_uri, &job.inputs_uri];
    uris.map(|uri| ArtifactUri::parse(uri).map(|uri| uri.id())).into_iter().flatten()
}

pub(crate) fn pause_after(failures: u32, bound: bool) -> Duration {
    let longest = if bound { LONGEST_PAUSE_WHEN_BOUND } else { LONGEST_PAUSE };
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_short_while_a_bond_is_at_risk() {
        let millis = |bound| [1, 2, 3, 4, 9, u32::MAX].map(|failures| pause_after(failures, bound).as_millis());
        assert_eq!(millis(false), [250, 500, 1_000, 2_000, 10_000, 10_000]);
        assert_eq!(millis(true), [250, 500, 1_000, 2_000, 2_000, 2_000]);
    }
}
