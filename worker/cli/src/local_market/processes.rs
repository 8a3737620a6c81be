//! Child processes that never outlive this one, with a log file each.

use crate::error::CliError;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// What was started, and the folder in which all of it lives.
#[derive(Debug)]
pub(crate) struct Processes {
    folder: PathBuf,
    keep: bool,
    children: Mutex<Vec<Process>>,
}

/// One child.
#[derive(Debug)]
struct Process {
    name: String,
    child: Child,
    /// Whether its end is part of what happens, and not an error.
    may_end: bool,
}

/// Makes a node of a development network lie. Whoever starts the market must not make all of its nodes lie by chance.
const FAULT_VARIABLE: &str = "ASSAY_FAULT";

/// Lines of each log that are shown after a failure.
const LOG_LINES: usize = 15;
/// How long a killed child may take to be gone.
const DEATH_PATIENCE: Duration = Duration::from_secs(2);
/// How often children are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

impl Processes {
    pub(crate) fn new(keep: bool) -> Result<Self, CliError> {
        let folder = std::env::temp_dir().join(format!("assay-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| CliError::file("create", &folder, &error))?;
        Ok(Self { folder, keep, children: Mutex::default() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs one `assay` command to its end and returns the JSON on its stdout.
    pub(crate) async fn call(&self, arguments: &[String]) -> Result<Value, CliError> {
        let output = self.command(arguments)?.output().await?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let reason = text.lines().last().unwrap_or("it said nothing").trim();
            return Err(CliError::new("A0303", format!("`assay {}` failed: {reason}", arguments.join(" "))));
        }
        Ok(serde_json::from_str(text.lines().last().unwrap_or("null"))?)
    }

    /// Starts a command that runs until this process ends.
    pub(crate) fn spawn(&self, name: &str, arguments: &[String]) -> Result<(), CliError> {
        self.start(name, arguments, None)
    }

    /// Starts a node that lies as `fault` says. It alone hears of the fault, and it may end when it is convicted.
    pub(crate) fn spawn_liar(&self, name: &str, arguments: &[String], fault: &str) -> Result<(), CliError> {
        self.start(name, arguments, Some(fault))
    }

    /// The system's number of a process that was started under this name, while it runs.
    pub(crate) fn id(&self, name: &str) -> Option<u32> {
        self.lock().iter().find(|process| process.name == name).and_then(|process| process.child.id())
    }

    fn start(&self, name: &str, arguments: &[String], fault: Option<&str>) -> Result<(), CliError> {
        let log = File::create(self.log(name))?;
        let mut command = self.command(arguments)?;
        if let Some(fault) = fault {
            command.env(FAULT_VARIABLE, fault);
        }
        let child = command.arg("-v").stdout(log.try_clone()?).stderr(log).spawn()?;
        self.lock().push(Process { name: name.to_owned(), child, may_end: fault.is_some() });
        Ok(())
    }

    fn command(&self, arguments: &[String]) -> Result<Command, CliError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).args(["--output", "json"]).stdin(Stdio::null()).kill_on_drop(true);
        command.env_remove(FAULT_VARIABLE);
        Ok(command)
    }

    /// Waits until `ready` gives something; an error as soon as a child has ended, or after `patience`.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        patience: Duration,
        mut ready: impl AsyncFnMut() -> Option<T>,
    ) -> Result<T, CliError> {
        let started = Instant::now();
        loop {
            if let Some(value) = ready().await {
                return Ok(value);
            }
            if let Some((name, status)) = self.ended()? {
                return Err(self.death(&name, status));
            }
            if started.elapsed() > patience {
                let seconds = patience.as_secs();
                return Err(CliError::new(
                    "A0305",
                    format!("{what} was not ready after {seconds} s; see its log below, or try on a less busy machine"),
                ));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Returns when a child has ended, which none should.
    pub(crate) async fn death_of_a_child(&self) -> CliError {
        loop {
            match self.ended() {
                Ok(None) => tokio::time::sleep(LOOK_INTERVAL * 4).await,
                Ok(Some((name, status))) => return self.death(&name, status),
                Err(error) => return error,
            }
        }
    }

    fn ended(&self) -> Result<Option<(String, ExitStatus)>, CliError> {
        for process in self.lock().iter_mut().filter(|process| !process.may_end) {
            if let Some(status) = process.child.try_wait()? {
                return Ok(Some((process.name.clone(), status)));
            }
        }
        Ok(None)
    }

    /// What a child said last usually says why: errors are one line of JSON.
    fn death(&self, name: &str, status: ExitStatus) -> CliError {
        let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let said = text.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        match said.as_ref().and_then(|value| value["error"].as_str()) {
            Some(reason) => CliError::new("A0304", format!("{name} ended ({status}): {reason}")),
            None => CliError::new("A0304", format!("{name} ended ({status}) before its work was done; see its log")),
        }
    }

    /// The last lines of every log.
    pub(crate) fn logs(&self) -> String {
        let tail = |Process { name, .. }: &Process| {
            let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("--- {name}\n{}", lines[lines.len().saturating_sub(LOG_LINES)..].join("\n"))
        };
        self.lock().iter().map(tail).collect::<Vec<_>>().join("\n")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Process>> {
        self.children.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let mut children = self.lock();
        for process in children.iter_mut() {
            let _ = process.child.start_kill();
        }
        // Whoever still writes would keep the folder from being removed.
        let started = Instant::now();
        while started.elapsed() < DEATH_PATIENCE
            && children.iter_mut().any(|process| matches!(process.child.try_wait(), Ok(None)))
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(children);
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
