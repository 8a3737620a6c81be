//! What is timed while the validator works.

use assay_telemetry::live::Timings;
use assay_telemetry::machine::{self, Machine};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The instruments of one validator.
#[derive(Debug)]
pub struct Meter {
    /// Times of replays that came to a verdict.
    pub replays: Timings,
    born: Instant,
    data_folder: PathBuf,
}

impl Meter {
    /// Instruments of a validator whose journal and artifacts are in this folder.
    pub fn new(data_folder: impl Into<PathBuf>) -> Self {
        Self { replays: Timings::default(), born: Instant::now(), data_folder: data_folder.into() }
    }

    /// Notes how long a replay took, and whether the result was right.
    pub fn note_replay(&self, is_right: bool, time: Duration) {
        self.replays.note(&[("verdict", if is_right { "right" } else { "wrong" })], time);
    }

    /// Since when the process works.
    pub fn uptime(&self) -> Duration {
        self.born.elapsed()
    }

    /// Memory and disk; it reads files: not on an async thread.
    pub fn machine(&self) -> Machine {
        machine::look(&self.data_folder)
    }
}
