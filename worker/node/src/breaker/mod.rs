//! The node's own circuit breaker: what stops it from claiming before it has lost more than a few bonds, and lets it go on by rules
//! that are written down. It stops new promises alone, jobs and sessions; those that were made are kept.
//!
//! | module | trips | resumes |
//! |---|---|---|
//! | `failures` | so many promises in a row failed | after a pause, when a trial is kept; each failed trial doubles the pause |
//! | `mismatch` | a backend differed from the scalar reference | after a restart, or when the backends pass their self-test again |
//! | `slowdown` | so many runs in a row were slow | after cooling, when a run is fast again; each slow trial doubles the pause |
//! | `balance` | the operator key holds few lamports | when it holds a quarter more than the bound |
//! | `disagreement` | RPC endpoints contradict each other for a while | when two agree for as long |
//!
//! All of them are pure, as are `cause`, `latch` (pauses and trials), `report` (for people) and `machine` (all causes together):
//! slots and times come in. `runs` counts what runs at a time, `gate` is where drivers and requests tell the breaker what happened and ask
//! whether they may claim, `watch` looks at endpoints and backends from time to time.

mod balance;
mod cause;
mod disagreement;
mod failures;
mod gate;
mod latch;
mod machine;
mod mismatch;
mod report;
mod runs;
mod slowdown;
mod watch;

pub use cause::Cause;
pub use machine::Machine;
pub use report::{CauseReport, Phase, Report};
pub use runs::AtWork;

pub(crate) use gate::Stopped;
pub(crate) use watch::watch_breaker;

use crate::config::BreakerSettings;
use crate::journal::{Journal, JournalError};
use runs::Runs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch as bell;

/// The breaker of a running node. What changes is in the journal before anybody acts on it.
#[derive(Debug)]
pub struct Breaker {
    machine: Mutex<Machine>,
    /// Rings whenever some cause stands otherwise than before.
    changed: bell::Sender<()>,
    runs: Runs,
    /// Backends are being tested again.
    is_testing: AtomicBool,
    born: Instant,
}

impl Breaker {
    /// The breaker that the journal knows.
    ///
    /// # Errors
    /// The journal failed, or what it says of the breaker is unreadable.
    pub fn of(journal: &Journal) -> Result<Self, JournalError> {
        Ok(Self {
            machine: Mutex::new(journal.breaker()?),
            changed: bell::Sender::new(()),
            runs: Runs::default(),
            is_testing: AtomicBool::new(false),
            born: Instant::now(),
        })
    }

    /// How every cause stands at `slot`.
    pub fn report(&self, slot: u64, settings: &BreakerSettings) -> Report {
        let is_testing = self.is_testing.load(Ordering::Acquire);
        Report { is_testing, ..self.machine().report(slot, settings) }
    }

    /// Counts a run that begins, until what it gives is dropped.
    pub fn run_begins(&self) -> AtWork {
        self.runs.begin()
    }

    /// Changes the machine, writes down what a restart has to find, and tells people what opened or closed.
    fn change<T>(
        &self,
        journal: &Journal,
        slot: u64,
        settings: &BreakerSettings,
        act: impl FnOnce(&mut Machine) -> T,
    ) -> Result<T, JournalError> {
        let mut machine = self.machine();
        let mut after = machine.clone();
        let done = act(&mut after);
        if after == *machine {
            return Ok(done);
        }
        // What is not written is not known after a restart, and would not be true until then either.
        journal.put_breaker(&after)?;
        let (was, is) = (machine.report(slot, settings), after.report(slot, settings));
        *machine = after;
        drop(machine);
        if was != is {
            tell(&was, &is);
            self.changed.send_replace(());
        }
        Ok(done)
    }

    fn uptime(&self) -> Duration {
        self.born.elapsed()
    }

    /// It is replaced whole: a panic leaves it as it was.
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line in the log for each cause that opened, opened again, or closed.
fn tell(was: &Report, is: &Report) {
    for (before, after) in was.causes.iter().zip(&is.causes) {
        let (code, cause) = (after.code.as_str(), after.cause.name());
        let words = |text: &Option<String>| text.clone().unwrap_or_default();
        if after.trips > before.trips && after.phase != Phase::Closed {
            let (reason, resumes) = (words(&after.reason), words(&after.resumes));
            tracing::error!(
                code,
                cause,
                reason,
                resumes,
                "the breaker opened: nothing new is claimed, promises are kept"
            );
        } else if before.phase != Phase::Closed && after.phase == Phase::Closed {
            tracing::warn!(code, cause, "the breaker closed: this cause stands against no claim any more");
        } else if let Some(trial) = after.trial.as_ref().filter(|trial| before.trial.as_ref() != Some(trial)) {
            tracing::warn!(code, cause, %trial, "the breaker is half open: this claim is a trial");
        }
    }
}
