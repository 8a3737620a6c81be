//! A child of a story: started, asked for its status, killed.

use crate::binary;
use crate::clock::FakeClock;
use crate::node::Placement;
use crate::story::PATIENCE;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fs::OpenOptions;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The first of the ports that are given out. They lie below those that a system chooses by itself for whoever asks for a
/// free one, or connects: one on which nobody listens yet, or no more because its process was killed, could be chosen for
/// somebody else.
const FIRST_PORT: u32 = 20_000;
/// How many they are.
const PORTS: u32 = 12_000;
/// How many were looked at.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// How long a service may take to say how it is. One that is dead refuses at once.
const REPLY_TIME: Duration = Duration::from_secs(30);

/// A service in a data folder that can be killed and started again.
#[derive(Debug)]
pub(crate) struct Service {
    /// What it is called in messages.
    name: String,
    data: PathBuf,
    placement: Placement,
    status_url: String,
    http: reqwest::Client,
    child: Option<Child>,
    /// Variables that every start of it hears.
    environment: Vec<(String, String)>,
}

impl Service {
    /// A service that does not run yet, whose status will be at `status`.
    pub(crate) fn new(name: &str, data: PathBuf, placement: Placement, status: &str) -> Self {
        Self::answering(name, data, placement, format!("http://{status}/v1/status"))
    }

    /// A service that does not run yet, which answers at this URL when it does.
    pub(crate) fn answering(name: &str, data: PathBuf, placement: Placement, status_url: String) -> Self {
        std::fs::create_dir_all(&data).expect("a data folder");
        let http = reqwest::Client::builder().timeout(REPLY_TIME).build().expect("an HTTP client");
        Self { name: name.to_owned(), data, placement, status_url, http, child: None, environment: Vec::new() }
    }

    pub(crate) fn sees_through(&mut self, placement: Placement) {
        self.placement = placement;
    }

    /// From its next start on, it lives by this clock.
    pub(crate) fn lives_by(&mut self, clock: &FakeClock) {
        self.environment = clock.environment();
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Starts it without waiting. Of the environment it hears only what is given here.
    pub(crate) fn launch(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        let log = OpenOptions::new().create(true).append(true).open(self.data.join("log")).expect("a log file");
        let mut command = Command::new(binary::assay());
        command.args(arguments).args(self.chain_arguments()).arg("-vv").stdin(Stdio::null());
        for variable in ["ASSAY_FAULT", "ASSAY_FAILPOINT", "ASSAY_VALIDATOR_FAILPOINT"] {
            command.env_remove(variable);
        }
        command.envs(environment.iter().copied()).envs(self.environment.iter().cloned());
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.child = Some(command.spawn().expect("the process starts"));
    }

    /// Waits until it answers; where it `may_die`, until then at most.
    pub(crate) async fn answers(&mut self, may_die: bool) {
        let started = Instant::now();
        while self.status::<Value>().await.is_none() {
            assert!(started.elapsed() < PATIENCE, "{} does not answer; {}", self.name, self.log());
            if self.has_died() {
                assert!(may_die, "{} ended at its start; {}", self.name, self.log());
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn dies(&mut self) {
        self.ends().await;
    }

    /// Waits until it has ended by itself, and returns its exit status; nothing if a signal ended it, or it never ran.
    pub(crate) async fn ends(&mut self) -> Option<i32> {
        let started = Instant::now();
        while !self.has_died() {
            assert!(started.elapsed() < PATIENCE, "{} should have ended; {}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.child.take().and_then(|mut child| child.wait().ok()).and_then(|status| status.code())
    }

    /// Asks it to end, as `kill` does.
    pub(crate) fn terminate(&self) {
        if let Some(child) = &self.child {
            let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
            assert!(killed.success());
        }
    }

    /// Whether it has ended, or was never started.
    pub(crate) fn has_died(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().ok().flatten().is_some())
    }

    /// What it says of itself; nothing if it does not answer.
    pub(crate) async fn status<T: DeserializeOwned>(&self) -> Option<T> {
        self.http.get(&self.status_url).send().await.ok()?.json().await.ok()
    }

    /// Everything that it has logged.
    pub(crate) fn whole_log(&self) -> String {
        std::fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }

    pub(crate) fn log(&self) -> String {
        let text = self.whole_log();
        let lines: Vec<&str> = text.lines().collect();
        format!("the log of {} ends with:\n{}", self.name, lines[lines.len().saturating_sub(25)..].join("\n"))
    }

    pub(crate) fn chain_arguments(&self) -> [String; 6] {
        [
            "--url".to_owned(),
            self.placement.rpc_url.clone(),
            "--ws".to_owned(),
            self.placement.ws_url.clone(),
            "--data".to_owned(),
            self.data.display().to_string(),
        ]
    }

    /// Runs one command of its folder to the end and returns the JSON of the last line.
    pub(crate) fn call(&self, key: &Path, arguments: &[&str]) -> Value {
        let key = key.display().to_string();
        let (status, value, said) = self.ask(&[arguments, &["--keypair", &key]].concat());
        assert_eq!(status, Some(0), "assay {}: {said}", arguments.join(" "));
        value
    }

    /// Runs one command of its folder without a key: its exit status, the JSON of the last line, and what it said besides.
    pub(crate) fn ask(&self, arguments: &[&str]) -> (Option<i32>, Value, String) {
        let output = Command::new(binary::assay())
            .args(arguments)
            .args(self.chain_arguments())
            .args(["--output", "json"])
            .output()
            .expect("assay runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or(Value::Null);
        (output.status.code(), value, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An address that was free a moment ago, and that nobody else in this process is given.
pub(crate) fn free_address() -> String {
    // Another process that tells stories begins elsewhere.
    let begin = std::process::id().wrapping_mul(97);
    let mut candidates = (0..PORTS).map(|_| {
        let number = begin.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed));
        format!("127.0.0.1:{}", FIRST_PORT + number % PORTS)
    });
    candidates.find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}
