//! A node as a process that can be killed and started again.

use crate::binary;
use crate::story::Story;
use assay_node::config::NodeConfig;
use assay_node::journal::Record;
use assay_node::status::Status;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Through which endpoint a node sees the chain.
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
    placement: Placement,
    data: PathBuf,
    status_url: String,
    http: reqwest::Client,
    child: Option<Child>,
}

/// How long a start, or a change that was announced, may take.
const PATIENCE: Duration = Duration::from_secs(90);

impl NodeProcess {
    /// Registers and stakes a node for the story, accepting only its mint. It does not run yet.
    pub fn register(story: &Story, name: &str, placement: Placement, change: impl FnOnce(&mut NodeConfig)) -> Self {
        let data = story.folder().join(name);
        std::fs::create_dir_all(&data).expect("a folder for the node");
        let key = story.new_owner(name);
        let mut node = Self {
            address: Pubkey::default(),
            placement,
            status_url: String::new(),
            http: reqwest::Client::builder().timeout(Duration::from_secs(2)).build().expect("an HTTP client"),
            data,
            child: None,
        };
        let (listen, status) = (free_address(), free_address());
        let init = ["--listen", &listen, "--status-listen", &status, "--allow-private", "--backend", "cpu"];
        let registered = node.call(&key, "init", &init);
        let address = registered["node"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        node.call(&key, "stake", &[&Story::STAKE.to_string()]);
        let path = node.data.join("node.toml");
        let mut config = NodeConfig::from_file(&path).expect("the settings that init wrote");
        config.accepted_mints = vec![story.payment_mint().to_string()];
        change(&mut config);
        let text = config.to_toml().expect("settings are TOML");
        std::fs::write(&path, text).expect("settings can be written");
        node.address = address;
        node.status_url = format!("http://{status}/v1/status");
        node
    }

    /// Starts the node and waits until it answers; `failpoint` makes it die at that place.
    pub async fn start(&mut self, failpoint: Option<&str>) {
        self.launch(failpoint);
        let started = Instant::now();
        while self.status().await.is_none() {
            assert!(started.elapsed() < PATIENCE, "the node does not answer; {}", self.log());
            if self.has_died() {
                // With a failpoint it may have got there before it was asked.
                assert!(failpoint.is_some(), "the node ended at its start; {}", self.log());
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Starts the node without waiting.
    pub fn launch(&mut self, failpoint: Option<&str>) {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.data.join("log")).expect("a log file");
        let mut command = Command::new(binary::assay());
        command.args(["node", "run", "-vv"]).args(self.chain_arguments()).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        match failpoint {
            Some(place) => command.env("ASSAY_FAILPOINT", place),
            None => command.env_remove("ASSAY_FAILPOINT"),
        };
        self.child = Some(command.spawn().expect("the node starts"));
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Waits until it has died by itself.
    pub async fn dies(&mut self) {
        let started = Instant::now();
        while !self.has_died() {
            assert!(started.elapsed() < PATIENCE, "the node should have died at its failpoint; {}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.child = None;
    }

    fn has_died(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().ok().flatten().is_some())
    }

    /// What it says of itself; nothing if it does not answer.
    pub async fn status(&self) -> Option<Status> {
        self.http.get(&self.status_url).send().await.ok()?.json().await.ok()
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
            assert!(
                started.elapsed() < PATIENCE,
                "the node's record of {job} did not become what it should; {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until it has no job in work.
    pub async fn until_idle(&self) {
        let started = Instant::now();
        while self.status().await.is_none_or(|status| status.totals.open > 0) {
            assert!(started.elapsed() < PATIENCE, "the node does not come to rest; {}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.data.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        format!("its log ends with:\n{}", lines[lines.len().saturating_sub(25)..].join("\n"))
    }

    fn chain_arguments(&self) -> [String; 6] {
        [
            "--url".to_owned(),
            self.placement.rpc_url.clone(),
            "--ws".to_owned(),
            self.placement.ws_url.clone(),
            "--data".to_owned(),
            self.data.display().to_string(),
        ]
    }

    fn call(&self, key: &std::path::Path, command: &str, rest: &[&str]) -> Value {
        let output = Command::new(binary::assay())
            .args(["node", command])
            .args(self.chain_arguments())
            .arg("--keypair")
            .arg(key)
            .args(rest)
            .args(["--output", "json"])
            .output()
            .expect("assay runs");
        assert!(output.status.success(), "assay node {command}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        serde_json::from_str(text.lines().last().unwrap_or_default()).expect("JSON on the last line")
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_address() -> String {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").to_string()
}
