//! Python beside the market: pip, which fetches packages, and an environment with the official packages, whose answers are the
//! yardstick. Nothing of it takes part in a job.

use crate::cache::{Cache, Staging};
use crate::error::PretrainedError;
use crate::packages::Package;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names another Python than `python3`.
const VARIABLE: &str = "ASSAY_PYTHON";

/// What the environment holds beside the pinned packages' own needs.
const PEERS: &[&str] = &["onnxruntime", "onnx"];

/// How much of what a failed program said goes into an error.
const LAST_LINES: usize = 3;

/// The program that runs Python.
pub(crate) fn name() -> String {
    std::env::var(VARIABLE).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| "python3".to_owned())
}

/// The machine's own Python.
pub(crate) fn system() -> Command {
    Command::new(name())
}

/// Runs a program to its end. The inner error is what it said last.
pub(crate) fn run(command: &mut Command) -> Result<Result<Vec<u8>, String>, PretrainedError> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| PretrainedError::Python {
        program: command.get_program().to_string_lossy().into_owned(),
        reason: error.to_string(),
    })?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join(" / ");
    Ok(Err(if last.is_empty() { output.status.to_string() } else { last }))
}

/// A Python environment with Magika's official package and ONNX Runtime.
#[derive(Clone, Debug)]
pub struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// The environment of the cache, made if it is not there: about a minute and 250 MB.
    ///
    /// # Errors
    /// `W0104` where Python lacks venv or pip, `W0105` where packages are out of reach.
    pub fn ready(cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Self, PretrainedError> {
        let folder = cache.peers();
        let peers = Self { folder: folder.clone() };
        if peers.stamp().is_file() {
            return Ok(peers);
        }
        let wheel = Package::named("magika")?.wheel(cache, say)?;
        say("making a Python environment with magika and onnxruntime (about a minute, 250 MB)");
        // An environment knows its own path, so that it is made where it stays; a stamp says when it is whole, and a lock keeps a
        // second process from clearing what the first one fills.
        let _lock = peers.lock()?;
        if peers.stamp().is_file() {
            return Ok(peers);
        }
        let mut venv = system();
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        if let Err(reason) = run(&mut venv)? {
            return Err(PretrainedError::Python { program: format!("{} -m venv", name()), reason });
        }
        let mut pip = peers.command();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2"]);
        pip.arg(&wheel).args(PEERS);
        if let Err(reason) = run(&mut pip)? {
            let package = PEERS.join(" and ");
            return Err(PretrainedError::Fetch { package, reason, folder: cache.packages() });
        }
        std::fs::write(peers.stamp(), "").map_err(|error| PretrainedError::file("write", &peers.stamp(), error))?;
        Ok(peers)
    }

    fn lock(&self) -> Result<File, PretrainedError> {
        let path = self.folder.with_extension("lock");
        let unlocked = |error| PretrainedError::file("lock", &path, error);
        std::fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(unlocked)?;
        let file = File::create(&path).map_err(unlocked)?;
        file.lock().map_err(unlocked)?;
        Ok(file)
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("complete")
    }

    /// The environment's Python.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join("bin/python"));
        command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    /// The folder of the environment.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a script prints, given a text on its standard input.
    ///
    /// # Errors
    /// `W0109` with what it said last.
    pub fn ask(&self, script: &'static str, source: &str, input: &str) -> Result<Vec<u8>, PretrainedError> {
        let staging = Staging::beside(&self.folder)?;
        let path = staging.path().join("input");
        std::fs::write(&path, input).map_err(|error| PretrainedError::file("write", &path, error))?;
        let mut command = self.command();
        command.arg("-c").arg(source).arg(&path);
        run(&mut command)?.map_err(|reason| PretrainedError::Peer { script, reason, folder: self.folder.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_said_last_is_its_error() {
        let mut fails = Command::new("sh");
        fails.args(["-c", "echo one >&2; echo; echo two >&2; echo three >&2; echo four >&2; exit 3"]);
        assert_eq!(run(&mut fails).unwrap().unwrap_err(), "two / three / four");
        assert!(run(&mut Command::new("false")).unwrap().unwrap_err().contains("exit status"));
        let missing = run(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert!(missing.to_string().starts_with("W0104") && missing.is_unavailable(), "{missing}");
    }
}
