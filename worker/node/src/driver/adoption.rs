//! Receipts of sessions that were called in. Their results were computed, signed and, but for the inputs, forgotten: here they
//! are computed again and stored, so that from then on they are committed results like any other.
//!
//! Whoever called a receipt in wrote down where its inputs and its result can be found, and may have written anything. The
//! node has both itself.

use super::execution::{executed, micros};
use super::{DriveError, Driver, Shared};
use crate::defence::cost::DefenceCost;
use crate::engine::Run;
use crate::failpoint;
use crate::journal::{CalledIn, Computed, JournalError, Record, Stage};
use crate::market::{Market, Seen, Unreachable};
use crate::prepare::Prepared;
use assay::state::Job;
use assay_store::{ArtifactId, ArtifactUri};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;

/// Why it is not known what a job consists of.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HintsUnknown {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
}

impl From<HintsUnknown> for DriveError {
    fn from(error: HintsUnknown) -> Self {
        match error {
            HintsUnknown::Journal(error) => Self::Journal(error),
            HintsUnknown::Unreachable(error) => Self::Unreachable(error),
        }
    }
}

impl<M: Market> Shared<M> {
    /// The job as it is now, with what this node knows better than its account.
    pub(crate) async fn job_with_own_hints(&self, address: &Pubkey) -> Result<Seen<Job>, HintsUnknown> {
        let mut seen = self.market.job(address, 0).await?;
        let record = self.journal.get(address)?;
        if let Some(job) = &mut seen.account {
            self.correct_hints(job, record.as_ref());
        }
        Ok(seen)
    }

    /// Puts the node's own copies of inputs and result in place of what whoever called a receipt in says of them.
    pub(crate) fn correct_hints(&self, job: &mut Job, record: Option<&Record>) {
        let Some(record) = record.filter(|_| job.is_receipt()) else { return };
        if let Some(uri) = record.receipt.as_ref().and_then(|known| self.own_uri(known.inputs)) {
            job.inputs_uri = uri;
        }
        if let Stage::Committed(executed) = &record.stage {
            job.result_manifest = executed.manifest;
        }
    }

    /// Where an artifact of the node's own store is served.
    fn own_uri(&self, id: [u8; 32]) -> Option<String> {
        let base = format!("http://{}", self.config.now().listen);
        ArtifactUri::new(&base, ArtifactId(id)).ok().map(|uri| uri.as_str().to_owned())
    }
}

impl<M: Market> Driver<M> {
    /// Computes the result of a receipt again, from the inputs that the journal keeps, and stores it.
    pub(super) async fn adopt(&mut self, job: &Job) -> Result<(), DriveError> {
        tracing::warn!(job = %self.address, session = %job.session, sequence = job.job_id, "a receipt of this node was called in");
        // Many may be called in at once: they are computed one after the other, like traces.
        let _turn = self.shared.segments.turn().await;
        let mut job = job.clone();
        let kept = self.keep_inputs(&job).await?;
        if let Some(uri) = kept.and_then(|inputs| self.shared.own_uri(inputs)) {
            job.inputs_uri = uri;
        }
        // Without inputs of its own (the journal was lost) the node follows the hint, and checks what it finds.
        let prepared = self.shared.artifacts.prepare(&job).await;
        let prepared = prepared.map_err(|error| DriveError::Artifacts(error.refusal().clone()))?;
        let run = self.compute_again(&prepared).await?;
        failpoint::reach("after_adopt_run");
        let stored = self.shared.publisher.store(&self.address, &self.shared.node, &run).await?;
        failpoint::reach("after_adopt_stored");
        let result = executed(&prepared, &run, stored.manifest)?;
        if (result.boundary_root, result.output_root) != (job.boundary_root, job.output_root) {
            return Err(DriveError::Defence(
                "computed again, the receipt has another result: nothing is signed for it".to_owned(),
            ));
        }
        self.hold(&job, &stored.artifacts)?;
        let mut record = Record::new(&self.address, Stage::Committed(result), self.looked);
        record.defence = Some(DefenceCost::of(&prepared.graph, self.shared.market.most_fee_lamports()));
        record.receipt = Some(CalledIn {
            inputs: ArtifactUri::parse(&job.inputs_uri).map(|uri| *uri.id().as_bytes()).unwrap_or_default(),
        });
        record.computed = Some(Computed {
            backend: run.backend.to_owned(),
            kernel_micros: micros(run.kernel_time),
            commit_micros: micros(run.commit_time),
        });
        self.save(record)?;
        failpoint::reach("after_adopt");
        Ok(())
    }

    /// Brings the inputs that the journal keeps into the node's own store; their artifact, if they are this receipt's.
    async fn keep_inputs(&mut self, job: &Job) -> Result<Option<[u8; 32]>, DriveError> {
        let known = self.shared.journal.receipt(&job.session, job.job_id)?;
        let is_this = known.is_some_and(|known| known.inputs_root == job.inputs_root && known.symbols == job.symbols);
        if !is_this {
            tracing::error!(job = %self.address, "the journal does not know this receipt: its inputs are looked for where whoever called it in says");
            return Ok(None);
        }
        let Some(inputs) = self.shared.journal.receipt_inputs(&job.session, job.job_id)? else { return Ok(None) };
        let (id, pin) = self.shared.publisher.put(inputs.into()).await?;
        self.progress.inputs_pin = Some(pin);
        Ok(Some(*id.as_bytes()))
    }

    async fn compute_again(&self, prepared: &Prepared) -> Result<Run, DriveError> {
        let (shared, whole) = (Arc::clone(&self.shared), prepared.clone());
        tokio::task::spawn_blocking(move || shared.engine.run(&whole))
            .await
            .map_err(|error| DriveError::Engine(error.to_string()))?
            .map_err(|error| DriveError::Engine(error.to_string()))
    }
}
