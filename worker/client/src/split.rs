//! Split jobs: one piece of work, cut by [`assay_models::cut`](mod@assay_models::cut) into many jobs that several nodes
//! compute, collected, tried again where a job failed, put together, and accounted for.

use crate::client::{Client, Ended};
use crate::error::ClientError;
use crate::terms::Terms;
use crate::work::Work;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_kernels::TensorSet;
use assay_models::cut::Part;
use assay_store::LocalStore;
use futures_util::{StreamExt, stream};
use referee::graph::Graph;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Parts as the work of jobs.
///
/// # Errors
/// As [`Work::new`].
pub fn works(graph: &Arc<Graph>, params: &Arc<TensorSet>, parts: &[Part]) -> Result<Vec<Work>, ClientError> {
    let work = |part: &Part| Work::new(Arc::clone(graph), Arc::clone(params), part.inputs.clone(), &part.symbols);
    parts.iter().map(work).collect()
}

/// How a map goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapOptions {
    /// Jobs that one part may cost at most. A node that missed or was convicted may be the first to take the next one, too:
    /// the chain has no list of the unwanted; but a dead one takes none, and each conviction costs it stake.
    pub attempts: u32,
    /// Jobs that are open at once.
    pub at_once: usize,
}

impl Default for MapOptions {
    fn default() -> Self {
        Self { attempts: 3, at_once: 16 }
    }
}

/// One job for a part.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its address, if it was posted.
    pub job: Option<Pubkey>,
    /// Its node, if one claimed it.
    pub node: Option<Pubkey>,
    /// Its last state, if that was seen.
    pub state: Option<JobState>,
    /// Base units of the payment mint that the node was credited and the protocol with it.
    pub paid: u64,
    /// Base units of the payment mint that came back.
    pub refund: u64,
    /// Base units of the stake mint that a missed claim cost its node.
    pub charge: u64,
    /// Whether nothing of it is left on-chain.
    pub closed: bool,
    /// Why there is no result.
    pub failure: Option<String>,
}

/// What became of a part.
#[derive(Clone, Debug)]
pub struct PartReport {
    /// Its jobs, in order.
    pub attempts: Vec<Attempt>,
    /// Bytes of its output, whose root is the committed one.
    pub output: Option<Arc<[u8]>>,
}

/// What became of all parts, in their order.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// One report a part.
    pub parts: Vec<PartReport>,
    /// Time from the first post to the last report.
    pub elapsed: Duration,
}

/// What a map tells as it goes.
#[derive(Clone, Debug)]
pub enum MapEvent {
    /// A job is on-chain.
    Posted {
        /// Index of the part.
        part: usize,
        /// Its address.
        job: Pubkey,
        /// 1 for the first job of the part.
        attempt: u32,
    },
    /// A part has its output.
    Done {
        /// Index of the part.
        part: usize,
    },
    /// A job of a part failed.
    Failed {
        /// Index of the part.
        part: usize,
        /// Why, in a sentence with a code where there is one.
        why: String,
        /// Whether another job follows.
        again: bool,
    },
}

impl Mapped {
    /// All outputs one after the other; none as long as a part has none.
    pub fn output(&self) -> Option<Vec<u8>> {
        let parts: Option<Vec<&[u8]>> = self.parts.iter().map(|part| part.output.as_deref()).collect();
        parts.map(|parts| parts.concat())
    }

    /// Parts without an output.
    pub fn missing(&self) -> Vec<usize> {
        (0..self.parts.len()).filter(|part| self.parts[*part].output.is_none()).collect()
    }

    fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.parts.iter().flat_map(|part| &part.attempts)
    }

    /// Jobs that were posted.
    pub fn jobs(&self) -> usize {
        self.attempts().filter(|attempt| attempt.job.is_some()).count()
    }

    /// Jobs beyond the first of each part.
    pub fn retried(&self) -> usize {
        self.parts.iter().map(|part| part.attempts.len().saturating_sub(1)).sum()
    }

    /// Base units of the payment mint that jobs cost.
    pub fn paid(&self) -> u64 {
        self.attempts().map(|attempt| attempt.paid).sum()
    }

    /// Base units of the payment mint that came back.
    pub fn refunded(&self) -> u64 {
        self.attempts().map(|attempt| attempt.refund).sum()
    }

    /// Base units of the stake mint that nodes paid for claims that they missed.
    pub fn charged(&self) -> u64 {
        self.attempts().map(|attempt| attempt.charge).sum()
    }
}

/// Computes all `works` as jobs on the same terms.
///
/// Every part is posted, waited for, fetched, checked against its committed root, and reclaimed; what is missed, expires, is
/// convicted or cannot be fetched is posted again, up to [`MapOptions::attempts`] times. The escrow of all open jobs is the
/// client's to have: at most [`MapOptions::at_once`] times the maximum price. No part's failure stops another.
pub async fn map(
    client: &Client,
    store: &LocalStore,
    base: &str,
    works: &[Work],
    terms: &Terms,
    options: MapOptions,
    observe: impl Fn(MapEvent) + Send + Sync,
) -> Mapped {
    let started = Instant::now();
    let observe: &(dyn Fn(MapEvent) + Send + Sync) = &observe;
    let jobs = works.iter().enumerate().map(|(part, work)| OnePart { client, store, base, terms, observe, part, work });
    // In order, whoever ends first.
    let parts = stream::iter(jobs)
        .map(|one| async move { one.run(options.attempts).await })
        .buffered(options.at_once.max(1))
        .collect()
        .await;
    Mapped { parts, elapsed: started.elapsed() }
}

/// One part on its way.
struct OnePart<'a> {
    client: &'a Client,
    store: &'a LocalStore,
    base: &'a str,
    terms: &'a Terms,
    observe: &'a (dyn Fn(MapEvent) + Send + Sync),
    part: usize,
    work: &'a Work,
}

impl OnePart<'_> {
    async fn run(&self, attempts: u32) -> PartReport {
        let mut report = PartReport { attempts: Vec::new(), output: None };
        for number in 1..=attempts.max(1) {
            let (attempt, output) = self.attempt(number).await;
            let failure = attempt.failure.clone();
            report.attempts.push(attempt);
            if output.is_some() {
                report.output = output;
                (self.observe)(MapEvent::Done { part: self.part });
                break;
            }
            let why = failure.unwrap_or_else(|| "it has no output".to_owned());
            (self.observe)(MapEvent::Failed { part: self.part, why, again: number < attempts });
        }
        report
    }

    /// One job from its post to its closing.
    async fn attempt(&self, number: u32) -> (Attempt, Option<Arc<[u8]>>) {
        let mut attempt =
            Attempt { job: None, node: None, state: None, paid: 0, refund: 0, charge: 0, closed: false, failure: None };
        let outcome = self.job(number, &mut attempt).await;
        if let Some(job) = attempt.job
            && attempt.state.is_some_and(JobState::is_end)
        {
            match self.client.reclaim(&job).await {
                Ok(reclaimed) => {
                    attempt.refund = reclaimed.refund;
                    attempt.charge = reclaimed.charge;
                    attempt.closed = reclaimed.closed;
                }
                // Closed by somebody else, or still held by a node's credit: nothing is lost, it stays reclaimable.
                Err(error) => tracing::info!(%job, %error, "not reclaimed"),
            }
        }
        match outcome {
            Ok(output) => (attempt, Some(output)),
            Err(error) => {
                attempt.failure = Some(error.to_string());
                (attempt, None)
            }
        }
    }

    async fn job(&self, number: u32, attempt: &mut Attempt) -> Result<Arc<[u8]>, ClientError> {
        let artifacts = self.work.store(self.store, self.base).await?;
        let posted = self.client.post(self.work, &artifacts, self.terms).await?;
        attempt.job = Some(posted.address);
        (self.observe)(MapEvent::Posted { part: self.part, job: posted.address, attempt: number });
        let (committed, seen) = watch::channel(None);
        let waiting = async {
            let ended = self
                .client
                .wait(&posted.address, |progress| {
                    if progress.job.state.can_be_challenged() && committed.borrow().is_none() {
                        committed.send_replace(Some(progress.job.clone()));
                    }
                })
                .await;
            drop(committed);
            ended
        };
        let (ended, fetched) = tokio::join!(waiting, self.fetch(&posted.address, seen));
        let Ended { job, .. } = ended?;
        attempt.state = Some(job.state);
        attempt.node = (job.claimed_slot != 0).then_some(job.node);
        if job.state != JobState::Settled {
            return Err(ClientError::NoResult {
                job: posted.address,
                state: format!("{:?}", job.state).to_lowercase(),
            });
        }
        attempt.paid = job.price;
        let output = match fetched {
            Some(output) => output,
            None => Arc::from(self.client.result(&posted.address, self.work, &job).await?),
        };
        Ok(output)
    }

    /// The output as soon as there is one: its node may be gone when the window is over.
    async fn fetch(&self, address: &Pubkey, mut seen: watch::Receiver<Option<Job>>) -> Option<Arc<[u8]>> {
        let job = seen.wait_for(Option::is_some).await.ok()?.clone()?;
        loop {
            match self.client.result(address, self.work, &job).await {
                Ok(output) => return Some(Arc::from(output)),
                Err(error) => tracing::debug!(job = %address, %error, "the output cannot be fetched yet"),
            }
            tokio::select! {
                // The job has ended: who waits for it tries for the last time.
                _ = seen.changed() => return None,
                () = tokio::time::sleep(FETCH_INTERVAL) => {}
            }
        }
    }
}

/// How long a client waits before it asks for an output again.
const FETCH_INTERVAL: Duration = Duration::from_secs(1);
