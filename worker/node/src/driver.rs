//! Takes one job from first sight to its end. Every decision is [`next_step`]'s; this carries it out.

use crate::board::Board;
use crate::config::NodeConfig;
use crate::engine::{Engine, Run};
use crate::failpoint;
use crate::journal::{Computed, Executed, InFlight, Journal, JournalError, Outcome, Purpose, Record, Stage};
use crate::market::{Action, Fate, Market, Signed, Unreachable};
use crate::prepare::{Artifacts, Prepared};
use crate::publish::{Publisher, PublishError};
use crate::refusal::Refusal;
use crate::steps::{JobView, Step, next_step};
use assay::state::Job;
use assay_kernels::commit::Hasher;
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// What all drivers of a node share.
#[derive(Debug)]
pub struct Shared<M> {
    /// Settings.
    pub config: NodeConfig,
    /// Address of the node account.
    pub node: Pubkey,
    /// The chain.
    pub market: M,
    /// Promises.
    pub journal: Journal,
    /// Artifacts of others.
    pub artifacts: Artifacts,
    /// Results of this node.
    pub publisher: Publisher,
    /// Backends.
    pub engine: Engine,
    /// Slot and bell.
    pub board: Board,
    /// One permit for each job in work.
    pub capacity: Arc<Semaphore>,
}

/// Why a driver gave up for now; it is started again on the next change.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal failed: without it nothing may be promised.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The chain does not answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The result could not be stored or uploaded.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The run failed on every backend.
    #[error("{0}")]
    Engine(String),
}

/// Drives one job.
#[derive(Debug)]
pub struct Driver<M> {
    shared: Arc<Shared<M>>,
    address: Pubkey,
    prepared: Option<Prepared>,
    permit: Option<OwnedSemaphorePermit>,
    failures: u32,
    refused_claims: u32,
}

/// First and longest pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Refused claims after which a job is left to others.
const MOST_REFUSED_CLAIMS: u32 = 3;

impl<M: Market> Driver<M> {
    /// A driver for the job at `address`.
    pub fn new(shared: Arc<Shared<M>>, address: Pubkey) -> Self {
        Self { shared, address, prepared: None, permit: None, failures: 0, refused_claims: 0 }
    }

    /// Runs until the job is over for this node, or `cancel` is called while nothing is promised.
    ///
    /// # Errors
    /// The journal failed. Everything else is tried again.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), JournalError> {
        loop {
            match self.step(&cancel).await {
                Ok(true) => self.failures = 0,
                Ok(false) => return Ok(()),
                Err(DriveError::Journal(error)) => return Err(error),
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    let pause = (FIRST_PAUSE * 2u32.saturating_pow(self.failures.min(10))).min(LONGEST_PAUSE);
                    tracing::warn!(job = %self.address, %error, ?pause, "step failed; it will be tried again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Carries out one step. `false`: nothing more to do.
    async fn step(&mut self, cancel: &CancellationToken) -> Result<bool, DriveError> {
        let job = self.shared.market.job(&self.address).await?;
        let record = self.shared.journal.get(&self.address)?;
        let view = job.as_ref().map(|job| JobView::of(job, &self.shared.node));
        let slot = self.shared.board.slot();
        let step = next_step(view.as_ref(), record.as_ref(), slot);
        tracing::debug!(job = %self.address, slot, ?step, "next step");
        let promised = record.as_ref().is_some_and(|record| record.in_flight.is_some())
            || view.is_some_and(|view| view.ours);
        if cancel.is_cancelled() && !promised {
            return Ok(false);
        }
        // Only a closed account has no job, and what is left to do then needs none.
        match (step, job) {
            (Step::Done, _) => return Ok(false),
            (Step::Resolve(_), job) => self.resolve(job.as_ref()).await?,
            (Step::Finish(outcome), _) => self.finish(outcome)?,
            (Step::Wait(until), _) => {
                if cancel.is_cancelled() {
                    // The result is committed and stored; whoever starts next finalises it.
                    return Ok(false);
                }
                self.wait_for(until).await;
            }
            (Step::Admit, Some(job)) => self.admit(&job, cancel).await?,
            (Step::Claim, Some(job)) => self.claim(&job, cancel).await?,
            (Step::Execute, Some(job)) => self.execute(&job).await?,
            (Step::Commit(executed), Some(job)) => {
                let action = Action::Commit {
                    boundary_root: executed.boundary_root,
                    output_root: executed.output_root,
                    output_path: executed.output_path,
                    manifest: executed.manifest,
                };
                self.promise(&job, &action).await?;
            }
            (Step::Finalise, Some(job)) => self.promise(&job, &Action::Finalise).await?,
            (Step::Withdraw(amount), Some(job)) => {
                if !self.shared.config.withdraw_payments {
                    self.finish(Outcome::Paid { amount })?;
                } else {
                    self.promise(&job, &Action::Withdraw).await?;
                }
            }
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    async fn wait_for(&self, slot: u64) {
        while self.shared.board.slot() < slot {
            let before = self.shared.board.slot();
            self.shared.board.change().await;
            if self.shared.board.slot() == before {
                return;
            }
        }
    }

    /// Checks price, deadline and stake, waits for a free place, then brings and checks the artifacts.
    async fn admit(&mut self, job: &Job, cancel: &CancellationToken) -> Result<(), DriveError> {
        if let Some(refusal) = self.refuse_terms(job) {
            return self.skip(refusal);
        }
        if self.permit.is_none() {
            tokio::select! {
                permit = Arc::clone(&self.shared.capacity).acquire_owned() => self.permit = permit.ok(),
                () = cancel.cancelled() => {}
                () = self.shared.board.change() => {}
            }
            // The job may have changed while this one waited: look again.
            return Ok(());
        }
        match self.shared.artifacts.prepare(job).await {
            Ok(prepared) => {
                let (shared, whole) = (Arc::clone(&self.shared), prepared.clone());
                let loaded = tokio::task::spawn_blocking(move || shared.engine.load(&whole)).await;
                match loaded {
                    Ok(Ok(())) => {
                        self.prepared = Some(prepared);
                        self.write(Stage::Admitted)?;
                        Ok(())
                    }
                    Ok(Err(error)) => {
                        self.skip(Refusal::new("N0210", error.to_string(), "post a smaller graph, or use another node"))
                    }
                    Err(error) => self.skip(Refusal::new("N0210", error.to_string(), "report this graph")),
                }
            }
            Err(refusal) => self.skip(refusal),
        }
    }

    fn refuse_terms(&self, job: &Job) -> Option<Refusal> {
        let config = &self.shared.config;
        let mint = job.payment_mint.to_string();
        if !config.accepted_mints.is_empty() && !config.accepted_mints.contains(&mint) {
            return Some(Refusal::new("N0212", format!("the job pays in {mint}"), "add it to accepted_mints to take such jobs"));
        }
        if job.price_max < config.price_floor {
            return Some(Refusal::new(
                "N0206",
                format!("the price ends at {}, the floor is {}", job.price_max, config.price_floor),
                "raise the maximum price of the job, or lower price_floor",
            ));
        }
        if job.run_slots < config.limits.margin_slots {
            return Some(Refusal::new(
                "N0207",
                format!("the job allows {} slots to run, the margin alone is {}", job.run_slots, config.limits.margin_slots),
                "give the job more run slots",
            ));
        }
        None
    }

    /// Waits until the ramp reaches the floor, checks the stake, then claims.
    async fn claim(&mut self, job: &Job, cancel: &CancellationToken) -> Result<(), DriveError> {
        if self.permit.is_none() {
            // After a restart an admitted job has lost its place and its artifacts in memory.
            return self.admit(job, cancel).await;
        }
        let now = self.shared.board.slot();
        let price = job.price_at(assay::units::Slot(now)).map_or(job.price_max, |price| price.0);
        if price < self.shared.config.price_floor {
            self.shared.board.change().await;
            return Ok(());
        }
        let Some(node) = self.shared.market.node().await? else {
            return self.skip(Refusal::new("N0208", "the node is not registered", "run `assay node init`"));
        };
        if node.stake < job.bond.max(job.minimum_stake) {
            return self.skip(Refusal::new(
                "N0208",
                format!("the bond is {}, the least stake {}, this node's {}", job.bond, job.minimum_stake, node.stake),
                "stake more with `assay node stake`",
            ));
        }
        if node.stake.saturating_sub(node.locked) < job.bond {
            // Bonds of other jobs come back; until then the place is theirs to use.
            self.permit = None;
            self.shared.board.change().await;
            return Ok(());
        }
        self.promise(job, &Action::Claim).await
    }

    /// Computes the result, stores and uploads it, and notes its roots.
    async fn execute(&mut self, job: &Job) -> Result<(), DriveError> {
        failpoint::reach("after_claim_landed");
        if self.permit.is_none() {
            self.permit = Arc::clone(&self.shared.capacity).acquire_owned().await.ok();
        }
        let prepared = match self.prepared.take() {
            Some(prepared) => prepared,
            // The artifacts were fetched before the claim: this reads them from the node's own store.
            None => self.shared.artifacts.prepare(job).await.map_err(|refusal| DriveError::Engine(refusal.to_string()))?,
        };
        let (shared, whole) = (Arc::clone(&self.shared), prepared.clone());
        let run = tokio::task::spawn_blocking(move || shared.engine.run(&whole))
            .await
            .map_err(|error| DriveError::Engine(error.to_string()))?;
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                self.prepared = Some(prepared);
                return Err(DriveError::Engine(error.to_string()));
            }
        };
        failpoint::reach("after_run");
        let manifest = self.shared.publisher.publish(&self.address, &self.shared.node, job, &run).await?;
        let mut record = self.record()?;
        record.stage = Stage::Executed(executed(&prepared, &run, manifest)?);
        record.price = Some(job.price);
        record.computed = Some(Computed {
            backend: run.backend.to_owned(),
            kernel_micros: run.kernel_time.as_micros() as u64,
            commit_micros: run.commit_time.as_micros() as u64,
        });
        self.save(record)?;
        failpoint::reach("after_execute");
        Ok(())
    }

    /// Writes the signed transaction to the journal, sends it, and notes its fate.
    async fn promise(&mut self, job: &Job, action: &Action) -> Result<(), DriveError> {
        let signed = match self.shared.market.sign(&self.address, job, action).await? {
            Signed::Ready(signed) => signed,
            Signed::Refused { code, reason } => return self.refused(action.purpose(), &code, &reason).await,
        };
        let mut record = self.record()?;
        record.in_flight = Some(signed.clone());
        self.save(record)?;
        failpoint::reach(signed_point(action.purpose()));
        self.settle_fate(&signed, Some(job)).await
    }

    async fn resolve(&mut self, job: Option<&Job>) -> Result<(), DriveError> {
        match self.record()?.in_flight {
            Some(in_flight) => self.settle_fate(&in_flight, job).await,
            None => Ok(()),
        }
    }

    async fn settle_fate(&mut self, transaction: &InFlight, job: Option<&Job>) -> Result<(), DriveError> {
        let fate = self.shared.market.submit(transaction).await?;
        tracing::info!(job = %self.address, purpose = ?transaction.purpose, ?fate, "transaction");
        let mut record = self.record()?;
        record.in_flight = None;
        match &fate {
            Fate::Landed { slot } => {
                record.last_slot = *slot;
                record.stage = landed(transaction.purpose, &record.stage, job);
            }
            // The chain decides again: the next step is taken from its state.
            Fate::Failed { .. } | Fate::Expired => {}
        }
        self.save(record)?;
        match fate {
            Fate::Landed { .. } => {
                failpoint::reach(landed_point(transaction.purpose));
                if transaction.purpose == Purpose::Commit {
                    self.permit = None;
                }
                Ok(())
            }
            Fate::Failed { code, reason } => self.refused(transaction.purpose, &code, &reason).await,
            Fate::Expired => Ok(()),
        }
    }

    /// After a refusal the chain's state decides again. A claim that is refused time after time is given up.
    async fn refused(&mut self, purpose: Purpose, code: &str, reason: &str) -> Result<(), DriveError> {
        tracing::info!(job = %self.address, ?purpose, code, reason, "refused");
        if purpose == Purpose::Claim {
            self.refused_claims = self.refused_claims.saturating_add(1);
            if self.refused_claims >= MOST_REFUSED_CLAIMS {
                return self.finish(Outcome::Lost { reason: format!("the claim was refused: {code} {reason}") });
            }
        }
        tokio::time::sleep(FIRST_PAUSE).await;
        Ok(())
    }

    fn skip(&mut self, refusal: Refusal) -> Result<(), DriveError> {
        tracing::info!(job = %self.address, code = refusal.code, reason = refusal.reason, "job skipped");
        self.finish(Outcome::Skipped(refusal))
    }

    fn finish(&mut self, outcome: Outcome) -> Result<(), DriveError> {
        tracing::info!(job = %self.address, ?outcome, "job over");
        self.permit = None;
        self.write(Stage::Finished(outcome))
    }

    fn record(&self) -> Result<Record, JournalError> {
        let slot = self.shared.board.slot();
        Ok(self.shared.journal.get(&self.address)?.unwrap_or_else(|| Record::new(&self.address, Stage::Admitted, slot)))
    }

    fn write(&self, stage: Stage) -> Result<(), DriveError> {
        let mut record = self.record()?;
        record.stage = stage;
        self.save(record)
    }

    fn save(&self, mut record: Record) -> Result<(), DriveError> {
        record.last_slot = record.last_slot.max(self.shared.board.slot());
        Ok(self.shared.journal.put(&self.address, &record)?)
    }
}

/// The stage after a transaction landed.
fn landed(purpose: Purpose, stage: &Stage, job: Option<&Job>) -> Stage {
    match (purpose, stage) {
        (Purpose::Claim, _) => Stage::Claimed,
        (Purpose::Commit, Stage::Executed(executed)) => Stage::Committed(executed.clone()),
        (Purpose::Finalise, Stage::Committed(executed)) => Stage::Settled(executed.clone()),
        (Purpose::Withdraw, _) => {
            Stage::Finished(Outcome::Paid { amount: job.map_or(0, |job| job.credits.node) })
        }
        (_, stage) => stage.clone(),
    }
}

fn executed(prepared: &Prepared, run: &Run, manifest: [u8; 32]) -> Result<Executed, DriveError> {
    let missing = || DriveError::Engine("the run gave no output".to_owned());
    let slot = *prepared.graph.outputs.first().ok_or_else(missing)?;
    let position = prepared.graph.boundary_position(slot).ok_or_else(missing)?;
    let tensor = prepared.graph.tensors.get(usize::from(slot)).ok_or_else(missing)?;
    let bytes = run.tensors.get(&slot).ok_or_else(missing)?;
    let hashed = Hasher::default().tensor(slot, &tensor.layout, bytes);
    let output_root = hashed.map_err(|error| DriveError::Engine(error.to_string()))?.root;
    Ok(Executed {
        manifest,
        boundary_root: run.boundary.root,
        output_root,
        output_path: run.boundary.path(position).ok_or_else(missing)?,
    })
}

fn signed_point(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Claim => "after_claim_signed",
        Purpose::Commit => "after_commit_signed",
        Purpose::Finalise => "after_finalise_signed",
        Purpose::Withdraw => "after_withdraw_signed",
    }
}

fn landed_point(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Claim => "claim_landed",
        Purpose::Commit => "after_commit_landed",
        Purpose::Finalise => "after_finalise_landed",
        Purpose::Withdraw => "after_withdraw_landed",
    }
}
