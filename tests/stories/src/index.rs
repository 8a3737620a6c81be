//! The index as a process that can be killed and started again.

use crate::node::Placement;
use crate::process::{Service, free_address};
use crate::story::{PATIENCE, Story};
use assay_index::shape::{JobHistory, NodeHistory, Record};
use serde::de::DeserializeOwned;
use solana_sdk::pubkey::Pubkey;
use std::time::{Duration, Instant};

/// One index, running or dead.
#[derive(Debug)]
pub struct IndexProcess {
    address: String,
    service: Service,
    http: reqwest::Client,
}

impl IndexProcess {
    /// An index that does not run yet.
    pub fn new(story: &Story, placement: Placement) -> Self {
        let address = free_address();
        let url = format!("http://{address}/v1/stats");
        let service = Service::answering("index", story.folder().join("index"), placement, url);
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("an HTTP client");
        Self { address, service, http }
    }

    /// Starts it and waits until it answers. It looks for closed accounts every second.
    pub async fn start(&mut self) {
        self.service.launch(&["index", "--listen", &self.address, "--resync-seconds", "1"], &[]);
        self.service.answers(false).await;
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.service.kill();
    }

    /// What it says at a path; nothing if it refuses.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        let answer = self.http.get(format!("http://{}{path}", self.address)).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// What it knows of a job.
    pub async fn job(&self, job: &Pubkey) -> Option<JobHistory> {
        self.get(&format!("/v1/jobs/{job}")).await
    }

    /// Waits until what it knows of a job satisfies `wanted`.
    pub async fn until(&self, job: &Pubkey, wanted: impl Fn(&JobHistory) -> bool) -> JobHistory {
        let (started, mut last) = (Instant::now(), None);
        loop {
            if let Some(history) = self.job(job).await {
                if wanted(&history) {
                    return history;
                }
                last = Some(history);
            }
            let log = || self.service.log();
            assert!(started.elapsed() < PATIENCE, "the history of {job} is not what it should be: {last:?}; {}", log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What it knows of a node.
    pub async fn node(&self, node: &Pubkey) -> Option<NodeHistory> {
        self.get(&format!("/v1/nodes/{node}")).await
    }

    /// Every record from the first to the `last`, as a follower of events gets them.
    pub async fn events(&self, last: u64) -> Vec<Record> {
        let url = format!("http://{}/v1/events?after=0", self.address);
        let mut answer = self.http.get(url).send().await.expect("events");
        let (mut text, mut records) = (String::new(), Vec::<Record>::new());
        while records.last().is_none_or(|record| record.id < last) {
            let chunk = answer.chunk().await.expect("more events").expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).expect("UTF-8 on the borders of chunks"));
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                records.extend(data.map(|data| serde_json::from_str::<Record>(data.trim()).expect("a record")));
                text = rest.to_owned();
            }
        }
        records
    }
}
