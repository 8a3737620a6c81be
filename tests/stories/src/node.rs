//! A node as a process that can be killed and started again, and that may lie.

use crate::clock::FakeClock;
use crate::process::{Service, free_address};
use crate::story::{PATIENCE, Story};
use assay_node::config::NodeConfig;
use assay_node::journal::Record;
use assay_node::status::Status;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a node says last that could not start because its endpoint does not answer, before it looked at itself or while
/// it did.
const UNREACHABLE: [&str; 2] = ["error: C0110", "not all is well: N0905"];

/// Through which endpoint a process sees the chain.
#[derive(Clone, Debug)]
pub struct Placement {
    /// JSON-RPC.
    pub rpc_url: String,
    /// Websocket.
    pub ws_url: String,
}

/// One node: registered, staked, and running or dead.
#[derive(Debug)]
pub struct NodeProcess {
    /// Address of the node account.
    pub address: Pubkey,
    service: Service,
    fault: Option<String>,
    variables: Vec<(&'static str, String)>,
}

impl NodeProcess {
    /// Registers and stakes a node for the story, accepting only its mint. It does not run yet.
    pub fn register(story: &Story, name: &str, placement: Placement, change: impl FnOnce(&mut NodeConfig)) -> Self {
        let key = story.new_owner(name);
        let (listen, status) = (free_address(), free_address());
        let service = Service::new(name, story.folder().join(name), placement, &status);
        let options = ["--listen", &listen, "--status-listen", &status, "--allow-private", "--backend", "cpu"];
        let registered = service.call(&key, &[&["node", "init"], &options[..]].concat());
        let address = registered["node"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        service.call(&key, &["node", "stake", &Story::STAKE.to_string()]);
        let path = service.data().join("node.toml");
        let mut config = NodeConfig::from_file(&path).expect("the settings that init wrote");
        config.accepted_mints = vec![story.payment_mint().to_string()];
        change(&mut config);
        let text = config.to_toml().expect("settings are TOML");
        std::fs::write(&path, text).expect("settings can be written");
        Self { address, service, fault: None, variables: Vec::new() }
    }

    /// From its next start on, it lies like this.
    pub fn lies(mut self, fault: &str) -> Self {
        self.fault = Some(fault.to_owned());
        self
    }

    /// From its next start on, these variables are in its environment.
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// From its next start on, it sees the chain through these endpoints.
    pub fn sees_through(&mut self, placement: Placement) {
        self.service.sees_through(placement);
    }

    /// Starts the node and waits until it answers; `failpoint` makes it die at that place.
    pub async fn start(&mut self, failpoint: Option<&str>) {
        self.launch(failpoint);
        // With a failpoint it may have got there before it was asked.
        self.service.answers(failpoint.is_some()).await;
    }

    /// Starts the node without waiting.
    pub fn launch(&mut self, failpoint: Option<&str>) {
        let place = failpoint.map(|place| ("ASSAY_FAILPOINT", place));
        let fault = self.fault.as_deref().map(|fault| ("ASSAY_FAULT", fault));
        let given = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let environment: Vec<_> = place.into_iter().chain(fault).chain(given).collect();
        self.service.launch(&["node", "run"], &environment);
    }

    /// Starts the node as a service manager does, and waits until it answers: again, as long as its endpoint fails so often
    /// in a row that it cannot start.
    ///
    /// # Panics
    /// It ends for another reason.
    pub async fn start_in_the_end(&mut self) {
        let started = Instant::now();
        self.launch(None);
        while self.status().await.is_none() {
            assert!(started.elapsed() < PATIENCE, "the node does not answer; {}", self.log());
            if self.is_dead() {
                assert!(self.was_unreachable(), "it ended by itself: {}", self.log());
                self.launch(None);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether it ended because its endpoint failed so often in a row that it could not start.
    pub fn was_unreachable(&self) -> bool {
        let log = self.log();
        UNREACHABLE.iter().any(|words| log.contains(words))
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.service.kill();
    }

    /// Waits until it has ended by itself: at its failpoint, or because it was convicted.
    pub async fn dies(&mut self) {
        self.service.dies().await;
    }

    /// Whether it is dead: killed, ended by itself, or never started.
    pub fn is_dead(&mut self) -> bool {
        self.service.has_died()
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        self.service.name()
    }

    /// Where its files are.
    pub fn data(&self) -> &Path {
        self.service.data()
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

    /// What it says of itself; nothing if it does not answer.
    pub async fn status(&self) -> Option<Status> {
        self.service.status().await
    }

    /// Waits until its record of a job satisfies `wanted`.
    pub async fn until(&self, job: &Pubkey, wanted: impl Fn(&Record) -> bool) -> Record {
        let (started, job) = (Instant::now(), job.to_string());
        loop {
            if let Some(status) = self.status().await
                && let Some(record) = status.jobs.into_iter().find(|record| record.job == job)
                && wanted(&record)
            {
                return record;
            }
            let log = || self.service.log();
            assert!(
                started.elapsed() < PATIENCE,
                "the node's record of {job} did not become what it should; {}",
                log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until it has no job in work.
    pub async fn until_idle(&self) {
        let started = Instant::now();
        while self.status().await.is_none_or(|status| status.totals.open > 0) {
            assert!(started.elapsed() < PATIENCE, "the node does not come to rest; {}", self.service.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
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
