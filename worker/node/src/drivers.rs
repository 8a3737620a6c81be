//! The drivers at work: one for each job and each session that there is something to do for, and another in its place if it dies.

use crate::candidates::{Candidate, Candidates};
use crate::driver::{Driver, Place, Shared};
use crate::journal::JournalError;
use crate::market::Market;
use crate::service::Sighting;
use crate::sessions::driver::SessionDriver;
use crate::sessions::steps::{Recording, SessionStep, SessionView, next_session_step};
use crate::steps::{JobView, Step, next_step};
use assay::state::{Job, Session};
use solana_sdk::pubkey::Pubkey;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// The pause before a driver takes over from one that died; it doubles with each that dies at the same place.
const FIRST_PAUSE_AFTER_DEATH: Duration = Duration::from_secs(1);
/// The longest of these pauses. A driver that lived for longer did not die at the place of the one before.
const LONGEST_PAUSE_AFTER_DEATH: Duration = Duration::from_secs(60);

/// How many jobs that nothing is promised to are considered at a time, and for how long where others wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Considering {
    /// Places.
    pub places: usize,
    /// After which a job that was not claimed leaves its place to the next, and comes again later.
    pub turn: Duration,
}

impl Default for Considering {
    /// A few hundred requests a minute at most, whatever strangers post.
    fn default() -> Self {
        Self { places: 256, turn: Duration::from_secs(60) }
    }
}

/// What a driver drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Job,
    Session,
}

/// The drivers at work, at most one for each job and each session.
pub(crate) struct Drivers<M> {
    pub(crate) shared: Arc<Shared<M>>,
    pub(crate) cancel: CancellationToken,
    pub(crate) tasks: JoinSet<Result<u64, JournalError>>,
    /// The job or session of each task, and the slot of its last sighting.
    pub(crate) active: HashMap<Pubkey, u64>,
    driven: HashMap<Id, Driven>,
    /// Jobs that nothing is promised to: those that wait for a place, and those that have one.
    candidates: Candidates,
    considered: HashMap<Pubkey, Considered>,
    places: Arc<Semaphore>,
    turn: Duration,
    /// Sessions that were not looked at to the end because the node leaves, and the slots of their last sightings.
    passed: BTreeMap<Pubkey, u64>,
    /// How many drivers died one after the other over what the journal knows.
    deaths: HashMap<Pubkey, u32>,
}

/// A job that has a place.
#[derive(Clone, Debug)]
struct Considered {
    candidate: Candidate,
    since: Instant,
    recall: CancellationToken,
}

impl<M: Market> Drivers<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>, cancel: CancellationToken, considering: Considering) -> Self {
        Self {
            shared,
            cancel,
            tasks: JoinSet::new(),
            active: HashMap::new(),
            driven: HashMap::new(),
            candidates: Candidates::default(),
            considered: HashMap::new(),
            places: Arc::new(Semaphore::new(considering.places)),
            turn: considering.turn,
            passed: BTreeMap::new(),
            deaths: HashMap::new(),
        }
    }

    /// Has a job of which nothing is known but that it is open wait for a place.
    pub(crate) fn note(&mut self, address: Pubkey, seen_slot: u64, price: u64) {
        self.candidates.note(address, Candidate { seen_slot, price, rounds: 0 });
        self.fill();
    }

    fn takes_jobs(&self) -> bool {
        !self.cancel.is_cancelled() && !self.shared.leaving.is_under_way() && self.shared.alarm.conviction().is_none()
    }

    /// Whether somebody waits for a place that another one has.
    pub(crate) fn want_places(&self) -> bool {
        !self.candidates.is_empty() && self.places.available_permits() == 0 && self.takes_jobs()
    }

    /// The places of those that are considered.
    pub(crate) fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.places)
    }

    /// Gives the free places to those that wait.
    pub(crate) fn fill(&mut self) {
        while self.takes_jobs() && !self.candidates.is_empty() {
            let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() else { return };
            let Some((address, candidate)) = self.candidates.next() else { return };
            let recall = CancellationToken::new();
            let considered = Considered { candidate, since: Instant::now(), recall: recall.clone() };
            self.considered.insert(address, considered);
            let place = Some(Place { _permit: permit, recall });
            self.drive_after(Duration::ZERO, Kind::Job, address, candidate.seen_slot, place);
        }
    }

    /// Takes the places back from those that have had them for a turn, while others wait.
    pub(crate) fn recall(&self) {
        if self.want_places() {
            let is_over = |considered: &&Considered| considered.since.elapsed() >= self.turn;
            self.considered.values().filter(is_over).for_each(|considered| considered.recall.cancel());
        }
    }

    /// The node leaves no more: what was passed by meanwhile is looked at.
    pub(crate) fn resume(&mut self) {
        for (address, seen_slot) in std::mem::take(&mut self.passed) {
            if !self.wake(&address, seen_slot) {
                self.drive(Kind::Session, address, seen_slot);
            }
        }
        self.fill();
    }

    /// The node leaves: sessions whose drivers end for that are looked at again if it stays.
    pub(crate) fn pause(&mut self) {
        let sessions = self.driven.values().filter(|driven| driven.kind == Kind::Session);
        let seen = |address: &Pubkey| self.active.get(address).copied().unwrap_or(0);
        self.passed = sessions.map(|driven| (driven.address, seen(&driven.address))).collect();
    }

    /// Rings the bells that a sighting concerns.
    pub(crate) fn hear(&mut self, sighting: &Sighting) {
        match sighting {
            Sighting::Slot(slot) => self.shared.board.saw_slot(*slot),
            Sighting::Node(slot) => self.shared.board.saw_node(*slot),
            Sighting::Closed(address) => {
                self.candidates.forget(address);
                self.shared.board.saw_job(address, 0);
            }
            Sighting::Job(address, _, slot) | Sighting::Session(address, _, slot) => {
                self.wake(address, *slot);
            }
        }
    }

    /// Wakes the driver of a job or a session; `false` if there is none.
    fn wake(&mut self, address: &Pubkey, slot: u64) -> bool {
        let driven = self.active.get_mut(address);
        let is_driven = driven.is_some();
        if let Some(seen) = driven {
            *seen = (*seen).max(slot);
        }
        self.shared.board.saw_job(address, slot);
        is_driven
    }

    /// Wakes the driver of a job, or starts one if there is something to do.
    pub(crate) fn consider(&mut self, address: Pubkey, job: &Job, slot: u64) -> Result<(), JournalError> {
        if self.wake(&address, slot) {
            return Ok(());
        }
        let view = JobView::of(job, &self.shared.node);
        let record = self.shared.journal.get(&address)?;
        let step = next_step(Some(&view), record.as_ref(), slot);
        match step {
            Step::Done => {
                self.candidates.forget(&address);
            }
            Step::Admit | Step::Claim => self.note(address, slot, job.price_max),
            _ => {
                self.candidates.forget(&address);
                self.drive(Kind::Job, address, slot);
            }
        }
        Ok(())
    }

    /// Wakes the driver of a session, or starts one if there is something to do.
    pub(crate) fn consider_session(
        &mut self,
        address: Pubkey,
        session: &Session,
        slot: u64,
    ) -> Result<(), JournalError> {
        if self.wake(&address, slot) {
            return Ok(());
        }
        let view = SessionView::of(session, &self.shared.node);
        let record = self.shared.journal.session(&address)?;
        let recording = Recording { every_slots: self.shared.config.now().sessions.record_slots, is_draining: false };
        match next_session_step(Some(&view), record.as_ref(), slot, recording) {
            SessionStep::Done => {}
            SessionStep::Admit | SessionStep::Accept if self.shared.leaving.is_under_way() => {
                self.passed.insert(address, slot);
            }
            _ => self.drive(Kind::Session, address, slot),
        }
        Ok(())
    }

    pub(crate) fn drive(&mut self, kind: Kind, address: Pubkey, seen_slot: u64) {
        self.drive_after(Duration::ZERO, kind, address, seen_slot, None);
    }

    fn drive_after(&mut self, pause: Duration, kind: Kind, address: Pubkey, seen_slot: u64, place: Option<Place>) {
        let (shared, cancel) = (Arc::clone(&self.shared), self.cancel.clone());
        let rest = rest(pause, cancel.clone());
        // It listens from now on: what is seen during the pause is not missed.
        let task = match kind {
            Kind::Job => {
                let driver = Driver::new(shared, address, seen_slot).in_place(place);
                self.tasks.spawn(async move {
                    rest.await;
                    driver.run(cancel).await
                })
            }
            Kind::Session => {
                let driver = SessionDriver::new(shared, address, seen_slot);
                self.tasks.spawn(async move {
                    rest.await;
                    driver.run(cancel).await
                })
            }
        };
        let works_from = Instant::now().checked_add(pause).unwrap_or_else(Instant::now);
        self.driven.insert(task.id(), Driven { kind, address, works_from });
        self.active.insert(address, seen_slot);
    }

    /// Forgets a driver that ended. If its job or session was seen later than the driver looked, another one takes over; so
    /// too, after a pause, if it died over what the journal knows: a bond may depend on it.
    pub(crate) fn ended(
        &mut self,
        done: Result<(Id, Result<u64, JournalError>), JoinError>,
    ) -> Result<(), JournalError> {
        let (id, result) = match done {
            Ok((id, result)) => (id, Ok(result)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(driven) = self.driven.remove(&id) else { return Ok(()) };
        let Driven { kind, address, .. } = driven;
        let seen = self.active.remove(&address).unwrap_or(0);
        let considered = self.considered.remove(&address);
        match result {
            Ok(looked) => {
                self.deaths.remove(&address);
                let is_newer = seen > looked?;
                match considered {
                    // It had its turn, or the node leaves: it comes again, after the others.
                    Some(Considered { candidate, recall, .. }) if recall.is_cancelled() => {
                        let rounds = candidate.rounds.saturating_add(1);
                        self.candidates.note(address, Candidate { seen_slot: seen, rounds, ..candidate });
                    }
                    _ if is_newer && !self.cancel.is_cancelled() => self.drive(kind, address, seen),
                    _ => {}
                }
            }
            Err(error) => self.replace(&driven, seen, &error)?,
        }
        self.fill();
        Ok(())
    }

    /// Puts another driver in the place of one that died.
    fn replace(&mut self, dead: &Driven, seen_slot: u64, error: &JoinError) -> Result<(), JournalError> {
        let Driven { kind, address, works_from } = *dead;
        // Of what is over already the next one sees that, and ends: a claim that was given up may have landed all the same.
        let is_known = match kind {
            Kind::Job => self.shared.journal.get(&address)?.is_some(),
            Kind::Session => self.shared.journal.session(&address)?.is_some(),
        };
        if !is_known || self.cancel.is_cancelled() {
            tracing::error!(code = "N0504", %address, "N0504 a driver died: {error}; nothing takes its place");
            self.deaths.remove(&address);
            // What a driver gives back at its end.
            self.shared.board.forget(&address);
            self.shared.reserve.release(&address);
            if kind == Kind::Session {
                self.shared.sessions.stop(&address);
            }
            return if is_known { Ok(()) } else { self.shared.gives_trial_back(&address) };
        }
        let deaths = self.deaths.entry(address).or_default();
        *deaths = if works_from.elapsed() > LONGEST_PAUSE_AFTER_DEATH { 1 } else { deaths.saturating_add(1) };
        let pause = pause_after_death(*deaths);
        tracing::error!(code = "N0504", %address, ?pause, "N0504 a driver died: {error}; another one takes its place");
        self.drive_after(pause, kind, address, seen_slot, None);
        Ok(())
    }
}

/// A driver at work, or one that is about to take over.
#[derive(Clone, Copy, Debug)]
struct Driven {
    kind: Kind,
    address: Pubkey,
    /// When its pause is over.
    works_from: Instant,
}

/// Waits so long; who drains does not wait.
async fn rest(pause: Duration, cancel: CancellationToken) {
    if !pause.is_zero() {
        cancel.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

fn pause_after_death(deaths: u32) -> Duration {
    let doubled = FIRST_PAUSE_AFTER_DEATH.saturating_mul(1 << deaths.saturating_sub(1).min(10));
    doubled.min(LONGEST_PAUSE_AFTER_DEATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_after_deaths_double_up_to_a_minute() {
        let seconds = [1, 2, 3, 6, 7, u32::MAX].map(|deaths| pause_after_death(deaths).as_secs());
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60]);
    }
}
