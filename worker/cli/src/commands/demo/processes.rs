//! Child processes that never outlive the demo, with a log file each.

use crate::error::CliError;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// What was started, and the folder in which all of it lives.
#[derive(Debug)]
pub(in crate::commands) struct Processes {
    folder: PathBuf,
    keep: bool,
    children: Vec<(String, Child)>,
}

/// Lines of each log that are shown after a failure.
const LOG_LINES: usize = 15;

impl Processes {
    pub(in crate::commands) fn new(keep: bool) -> Result<Self, CliError> {
        let folder = std::env::temp_dir().join(format!("assay-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, keep, children: Vec::new() })
    }

    pub(in crate::commands) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs one `assay` command to its end and returns the JSON on its stdout.
    pub(in crate::commands) async fn call(&self, arguments: &[String]) -> Result<Value, CliError> {
        let output = Command::new(std::env::current_exe()?)
            .args(arguments)
            .args(["--output", "json"])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(CliError::new("A0303", format!("`assay {}` failed: {}", arguments.join(" "), reason.trim())));
        }
        Ok(serde_json::from_str(text.lines().last().unwrap_or("null"))?)
    }

    /// Starts a command that runs until the demo ends.
    pub(in crate::commands) fn spawn(&mut self, name: &str, arguments: &[String]) -> Result<(), CliError> {
        let log = File::create(self.log(name))?;
        let child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .args(["--output", "json", "-v"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        self.children.push((name.to_owned(), child));
        Ok(())
    }

    /// Waits until `ready` gives something; an error as soon as a child has ended, or after `patience`.
    pub(in crate::commands) async fn until<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut ready: impl AsyncFnMut() -> Option<T>,
    ) -> Result<T, CliError> {
        let started = Instant::now();
        loop {
            if let Some(value) = ready().await {
                return Ok(value);
            }
            for (name, child) in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    return Err(CliError::new("A0304", format!("{name} ended ({status}) while {what} was awaited")));
                }
            }
            if started.elapsed() > patience {
                return Err(CliError::new("A0305", format!("{what} was not ready after {} s", patience.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The last lines of every log.
    pub(in crate::commands) fn logs(&self) -> String {
        let tail = |(name, _): &(String, Child)| {
            let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("--- {name}\n{}", lines[lines.len().saturating_sub(LOG_LINES)..].join("\n"))
        };
        self.children.iter().map(tail).collect::<Vec<_>>().join("\n")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            let _ = child.start_kill();
        }
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
