//! What processes and their folders take, looked at again and again.

use super::trend::{Sample, Trend};
use crate::error::CliError;
use crate::local_market::Processes;
use assay_telemetry::machine::{Usage, usage_of};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Looks in the whole time, if they are not closer together than a second.
const LOOKS: u32 = 240;

/// Between two looks.
pub(super) fn interval(length: Duration) -> Duration {
    (length / LOOKS).max(Duration::from_secs(1))
}

/// All services that are watched.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) services: Vec<Service>,
    /// Until the last look.
    pub(super) length: Duration,
}

/// One service: its process and its data folder.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    process: u32,
    folder: PathBuf,
    memory: Vec<Sample>,
    open_files: Vec<Sample>,
    pub(super) journal_bytes: u64,
    pub(super) artifact_bytes: u64,
}

impl Watched {
    /// Services by the names under which their processes were started.
    pub(super) fn of(processes: &Processes, names: &[&str]) -> Result<Self, CliError> {
        let service = |name: &&str| {
            let missing = || CliError::new("A0306", format!("there is no process {name}"));
            Ok(Service {
                name: (*name).to_owned(),
                process: processes.id(name).ok_or_else(missing)?,
                folder: processes.folder().join(name),
                memory: Vec::new(),
                open_files: Vec::new(),
                journal_bytes: 0,
                artifact_bytes: 0,
            })
        };
        let services = names.iter().map(service).collect::<Result<_, CliError>>()?;
        Ok(Self { services, length: Duration::ZERO })
    }

    /// The same with one more look, so long after the beginning. Reads files: not on an async thread.
    pub(super) fn after_another_look(mut self, at: Duration) -> Self {
        for service in &mut self.services {
            let Usage { memory_bytes, open_files } = usage_of(service.process);
            service.memory.extend(memory_bytes.map(|value| Sample { at, value }));
            service.open_files.extend(open_files.map(|value| Sample { at, value }));
            service.journal_bytes = bytes_of(&service.folder.join("journal.redb"));
            service.artifact_bytes = bytes_of(&service.folder.join("artifacts"));
        }
        self.length = at;
        self
    }
}

impl Service {
    /// Bytes of memory.
    pub(super) fn memory(&self) -> Trend {
        Trend::of(&self.memory)
    }

    /// Open files; nothing at all where the system does not say.
    pub(super) fn open_files(&self) -> Trend {
        Trend::of(&self.open_files)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "looks": self.memory.len(),
            "memory_bytes": self.memory(),
            "open_files": self.open_files(),
            "journal_bytes": self.journal_bytes,
            "artifact_bytes": self.artifact_bytes,
        })
    }
}

/// Bytes of a file, or of all files below a folder; what is not there has none.
fn bytes_of(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return metadata.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| bytes_of(&entry.path())).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_bytes_of_all_that_is_below_it() {
        let folder = std::env::temp_dir().join(format!("assay-soak-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("one"), [0; 10]).unwrap();
        fs::write(folder.join("a/b/two"), [0; 7]).unwrap();
        assert_eq!((bytes_of(&folder), bytes_of(&folder.join("one")), bytes_of(&folder.join("none"))), (17, 10, 0));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn looks_are_never_closer_than_a_second() {
        assert_eq!(interval(Duration::from_secs(60)), Duration::from_secs(1));
        assert_eq!(interval(Duration::from_secs(3_600)), Duration::from_secs(15));
    }
}
