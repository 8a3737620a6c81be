//! A machine's clock that can be set while processes live by it: Debian's libfaketime between them and the system.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Which clocks jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faked {
    /// The calendar's alone, as when somebody sets it, or a time server does.
    Calendar,
    /// The one that timers run by as well, as when a machine was asleep. It cannot go back.
    Timers,
}

/// A clock for some processes.
#[derive(Debug)]
pub struct FakeClock {
    library: PathBuf,
    setting: PathBuf,
    faked: Faked,
}

impl FakeClock {
    /// A clock that is right at first; its setting is a file in `folder`. Nothing, and said so, where libfaketime is not installed.
    pub fn in_folder(folder: &Path, faked: Faked) -> Option<Self> {
        let Some(library) = library() else {
            let _ = writeln!(
                std::io::stderr(),
                "NOT TESTED: clocks that jump, because Debian's libfaketime is not installed"
            );
            return None;
        };
        let clock = Self { library, setting: folder.join("clock"), faked };
        clock.set("+0");
        Some(clock)
    }

    /// Sets how far it is from the right time: `+1d`, `-2h`, `+0`.
    pub fn set(&self, offset: &str) {
        // In one step, so that nobody reads half of it.
        let fresh = self.setting.with_extension("fresh");
        fs::write(&fresh, offset).and_then(|()| fs::rename(&fresh, &self.setting)).expect("the clock's file");
    }

    /// What a process that lives by it has to hear.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.setting.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // The times of files are what they are.
            ("NO_FAKE_STAT", "1".to_owned()),
        ];
        if self.faked == Faked::Calendar {
            variables.push(("DONT_FAKE_MONOTONIC", "1".to_owned()));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Where Debian puts the library for processes with several threads, on whatever processor.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    folders.flatten().map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.is_file())
}
