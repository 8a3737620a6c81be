//! A validator as a process that can be killed and started again.

use crate::clock::FakeClock;
use crate::node::Placement;
use crate::process::{Service, free_address};
use crate::story::{PATIENCE, Story};
use assay_chain::read_keypair;
use assay_client::Work;
use assay_validator::config::ValidatorConfig;
use assay_validator::status::Status;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One validator: a key with lamports and stake tokens, running or dead.
#[derive(Debug)]
pub struct ValidatorProcess {
    /// The key that challenges.
    pub key: Pubkey,
    /// Where it is.
    pub keypair: PathBuf,
    mode: &'static str,
    service: Service,
}

impl ValidatorProcess {
    /// A validator of the story that does not run yet and replays jobs of the graph of `work` alone. `mode` is `watch`, `audit` or
    /// `defend`.
    pub fn new(story: &Story, name: &str, placement: Placement, mode: &'static str, work: &Work) -> Self {
        let keypair = story.new_owner(name);
        let key = read_keypair(&keypair).expect("its keypair").pubkey();
        let status = free_address();
        let service = Service::new(name, story.folder().join(name), placement, &status);
        let mut config = ValidatorConfig { allow_private_addresses: true, ..ValidatorConfig::default() };
        // So that commands of its folder find it.
        config.status_listen = status.parse().expect("an address");
        config.selection.graphs = vec![hex::encode(work.resolved.root)];
        config.selection.traces = true;
        let text = config.to_toml().expect("settings are TOML");
        std::fs::write(service.data().join("validator.toml"), text).expect("settings can be written");
        Self { key, keypair, mode, service }
    }

    /// Starts it and waits until it answers; `failpoint` makes it die at that place.
    pub async fn start(&mut self, failpoint: Option<&str>) {
        let keypair = self.keypair.display().to_string();
        let arguments = ["validator", "run", "--mode", self.mode];
        let environment: Vec<_> = failpoint.map(|place| ("ASSAY_VALIDATOR_FAILPOINT", place)).into_iter().collect();
        self.service.launch(&[&arguments[..], &["--keypair", &keypair]].concat(), &environment);
        self.service.answers(failpoint.is_some()).await;
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.service.kill();
    }

    /// Waits until it has died by itself, at its failpoint.
    pub async fn dies(&mut self) {
        self.service.dies().await;
    }

    /// Its record of a job.
    pub async fn record(&self, job: &Pubkey) -> Option<Value> {
        let (status, job) = (self.service.status::<Value>().await?, job.to_string());
        status["jobs"].as_array()?.iter().find(|record| record["job"] == job.as_str()).cloned()
    }

    /// Waits until its record of a job satisfies `wanted`.
    pub async fn until(&self, job: &Pubkey, wanted: impl Fn(&Value) -> bool) -> Value {
        let (started, mut last) = (Instant::now(), Value::Null);
        loop {
            if let Some(record) = self.record(job).await {
                if wanted(&record) {
                    return record;
                }
                last = record;
            }
            let log = || self.service.log();
            assert!(
                started.elapsed() < PATIENCE,
                "the validator's record of {job} did not become what it should: {last}; {}",
                log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until it has nothing left to do for a job.
    pub async fn is_through_with(&self, job: &Pubkey) -> Value {
        self.until(job, |record| !record["ending"].is_null()).await
    }

    /// Waits until it has ended by itself, and returns its exit status.
    pub async fn ends(&mut self) -> Option<i32> {
        self.service.ends().await
    }

    /// Asks it to end, as `kill` does.
    pub fn terminate(&self) {
        self.service.terminate();
    }

    /// Runs one command of its folder: its exit status, the JSON of the last line, and what it said besides.
    pub fn ask(&self, arguments: &[&str]) -> (Option<i32>, Value, String) {
        self.service.ask(arguments)
    }

    /// Whether it is dead: killed, ended by itself, or never started.
    pub fn is_dead(&mut self) -> bool {
        self.service.has_died()
    }

    /// Where its files are.
    pub fn data(&self) -> &Path {
        self.service.data()
    }

    /// What it says of itself; nothing if it does not answer.
    pub async fn status(&self) -> Option<Status> {
        self.service.status().await
    }

    /// What `assay validator status` says of it.
    pub fn told(&self) -> Value {
        let (status, value, said) = self.service.ask(&["validator", "status"]);
        assert_eq!(status, Some(0), "{said}");
        value
    }

    /// `assay validator check` with its folder, in which it must not be running: the exit status, and the verdict.
    pub fn check(&self, job: &Pubkey, depth: &str) -> (i32, Value) {
        let (status, value, said) = self.service.ask(&["validator", "check", &job.to_string(), "--depth", depth]);
        (status.unwrap_or_else(|| panic!("{depth}: {said}")), value)
    }

    /// From its next start on, it lives by this clock.
    pub fn lives_by(&mut self, clock: &FakeClock) {
        self.service.lives_by(clock);
    }

    /// Everything that it has logged.
    pub fn whole_log(&self) -> String {
        self.service.whole_log()
    }

    /// The end of its log, for messages.
    pub fn log(&self) -> String {
        self.service.log()
    }
}
