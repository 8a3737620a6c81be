//! Replaying, comparing, and what can be proved.

use super::promise::stuck;
use super::{DriveError, Driver, Memory};
use crate::docket::Docket;
use crate::equivocation::Equivocation;
use crate::evidence::claims::JobRef;
use crate::evidence::{Comparison, Replay, ReplayError, TOO_MANY_OPERATIONS, proving};
use crate::failpoint;
use crate::journal::{Audit, FindingRecord, JournalError, PreparedProof, Record, SignedRoot, TargetRecord, Wrong};
use crate::rules::{self, Move, ProofSegment};
use assay::state::Job;
use referee::commit::sha256;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

impl Driver {
    /// Replays the job if it is selected, compares, and writes down what came of it; with a proof, if there is one.
    pub(super) async fn inspect(&mut self, docket: &Docket, mut record: Record) -> Result<(), DriveError> {
        let Some(job) = docket.job.clone() else { return Ok(()) };
        if let Some((code, reason)) = self.not_selected(&job) {
            record.audit = Audit::Left { code: code.to_owned(), reason };
            return Ok(self.save(&mut record)?);
        }
        let started = Instant::now();
        let replay = match self.replay(&job).await {
            Ok(replay) => replay,
            // Whoever called a receipt in may have said anything of its inputs; its client can put that right until the window
            // is over.
            Err(ReplayError::Refused { code, reason }) if job.is_receipt() && code != TOO_MANY_OPERATIONS => {
                return Err(DriveError::Replay(ReplayError::Passing { code, reason }));
            }
            Err(ReplayError::Refused { code, reason }) => {
                tracing::info!(job = %self.address, code, reason, "not replayed");
                record.audit = Audit::Left { code, reason };
                return Ok(self.save(&mut record)?);
            }
            Err(error) => return Err(DriveError::Replay(error)),
        };
        let reference = self.reference(&job);
        let mut comparison = self.shared.sources.compare(&replay, &reference).await.map_err(DriveError::Replay)?;
        if self.shared.config.selection.traces && matches!(comparison, Comparison::Agrees) {
            comparison = self.compare_traces(&replay, &reference).await?;
        }
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shared.meter.note_replay(matches!(comparison, Comparison::Agrees), started.elapsed());
        match &comparison {
            Comparison::Agrees => {
                tracing::info!(job = %self.address, micros, "the result is right");
                record.audit = Audit::Agreed { micros };
            }
            Comparison::Found { finding, .. } => {
                let (target, own_hash) = target_of_finding(&finding.target);
                let words = finding.to_string();
                tracing::warn!(job = %self.address, words, "the result is WRONG");
                let finding = Some(FindingRecord::of(finding));
                record.audit = Audit::Wrong(Wrong { target, own_hash, words, finding, micros });
                record.proof = self.proof_of(&job, &replay, &comparison).await?;
            }
            Comparison::Withheld { difference, withheld, .. } => {
                // Where even the boundary is withheld, every challenger names its first tensor: the way down from the
                // boundary's root will say which one it is.
                let position = difference.map_or(0, |difference| difference.position);
                let own_hash = replay.own.boundary.hashes.get(usize::from(position)).copied().unwrap_or_default();
                let words = match difference {
                    Some(difference) => format!(
                        "segment {}, op {}, tensor {}: another hash in the boundary; withheld: {withheld}",
                        difference.segment, difference.op, difference.slot
                    ),
                    None => format!("another boundary root; withheld: {withheld}"),
                };
                tracing::warn!(job = %self.address, words, "the result is WRONG and its trace is withheld");
                let target = TargetRecord::Boundary(position);
                record.audit = Audit::Wrong(Wrong { target, own_hash, words, finding: None, micros });
            }
        }
        record.note_roots(self.shared.sources.seen.take(&self.address));
        self.save(&mut record)?;
        failpoint::reach("after_audit");
        // What is watched to the end of its window takes no memory meanwhile.
        self.memory = match comparison {
            Comparison::Agrees => Memory::default(),
            comparison => Memory { comparison: Some(comparison), ..std::mem::take(&mut self.memory) },
        };
        Ok(())
    }

    /// Writes down the signed roots that were seen since the last time.
    pub(super) fn keep_roots(&self, record: &mut Record) -> Result<(), JournalError> {
        let seen = self.shared.sources.seen.take(&self.address);
        if record.note_roots(seen) { self.save(record) } else { Ok(()) }
    }

    /// Asks the node once more for the root of every segment of which it signed one.
    pub(super) async fn ask_again(&mut self, docket: &Docket, mut record: Record) -> Result<(), DriveError> {
        let Some(job) = &docket.job else { return Ok(()) };
        let reference = self.reference(job);
        let segments: BTreeSet<u16> = record.roots.iter().map(|seen| seen.segment).collect();
        for segment in segments {
            self.shared.sources.ask_again(&reference, segment).await.map_err(DriveError::Replay)?;
        }
        record.asked_again = true;
        record.note_roots(self.shared.sources.seen.take(&self.address));
        Ok(self.save(&mut record)?)
    }

    /// Writes down that two roots of one segment were signed. The challenge names the own root of that segment, as those of
    /// all who replayed it do.
    pub(super) async fn accuse(
        &mut self,
        docket: &Docket,
        mut record: Record,
        equivocation: &Equivocation,
    ) -> Result<(), DriveError> {
        let (Some(job), Audit::Agreed { micros }) = (&docket.job, &record.audit) else { return Ok(()) };
        let (micros, segment, words) = (*micros, equivocation.segment, equivocation.to_string());
        let replay = self.replay(job).await.map_err(DriveError::Replay)?;
        let own = self.shared.sources.own_trace(&replay, segment).await.map_err(DriveError::Replay)?;
        tracing::warn!(job = %self.address, words, "the node signed TWO ROOTS of one segment");
        let (target, own_hash) = (TargetRecord::Segment(segment), own.trace.root);
        record.audit = Audit::Wrong(Wrong { target, own_hash, words, finding: None, micros });
        Ok(self.save(&mut record)?)
    }

    /// Compares the traces that the node signs. One that it does not serve proves nothing: the result is right, and a busy node may refuse.
    async fn compare_traces(&self, replay: &Arc<Replay>, reference: &JobRef) -> Result<Comparison, DriveError> {
        let segments = u16::try_from(replay.work.resolved.segments.len()).unwrap_or(u16::MAX);
        for segment in 0..segments {
            let compared = self.shared.sources.compare_segment(replay, reference, segment).await;
            if let found @ Comparison::Found { .. } = compared.map_err(DriveError::Replay)? {
                return Ok(found);
            }
        }
        Ok(Comparison::Agrees)
    }

    /// After the reveal, without a proof at hand: asks the node once more, then goes on with forced openings.
    pub(super) async fn prepare(&mut self, docket: &Docket, mut record: Record) -> Result<(), DriveError> {
        let Some(job) = docket.job.clone() else { return Ok(()) };
        let replay = self.replay(&job).await.map_err(DriveError::Replay)?;
        let stale = !matches!(self.memory.comparison, Some(Comparison::Found { .. }));
        if stale {
            let reference = self.reference(&job);
            let comparison = self.shared.sources.compare(&replay, &reference).await.map_err(DriveError::Replay)?;
            self.memory.comparison = Some(comparison);
        }
        let Some(comparison) = self.memory.comparison.take() else { return Ok(()) };
        if let Some(proof) = self.proof_of(&job, &replay, &comparison).await? {
            record.proof = Some(proof);
            if let (Audit::Wrong(wrong), Comparison::Found { finding, .. }) = (&mut record.audit, &comparison) {
                wrong.finding = Some(FindingRecord::of(finding));
            }
            self.memory.comparison = Some(comparison);
            return Ok(self.save(&mut record)?);
        }
        let next = self.next_demand(docket, &replay, &comparison).await;
        self.memory.comparison = Some(comparison);
        match next? {
            proving::Next::Proof { proof, segment, finding } => {
                if let Audit::Wrong(wrong) = &mut record.audit {
                    wrong.finding = Some(FindingRecord::of(&finding));
                }
                record.proof = Some(self.keep_proof(&job, proof, segment, finding.to_string()).await?);
                Ok(self.save(&mut record)?)
            }
            proving::Next::Demand { wanted, witness: None } => self.make(docket, record, &wanted).await,
            proving::Next::Demand { mut wanted, witness: Some(slot) } => {
                let bytes = proving::witness(&replay, slot).map_err(|error| stuck(&error.to_string()))?;
                let Some(dispute) = &record.dispute else { return Ok(()) };
                let buffer = assay::address::buffer(&self.shared.terms.me, dispute.buffer);
                if docket.buffers.get(&buffer).is_none_or(|view| view.bytes != bytes) {
                    return self.upload(docket, record, &bytes).await;
                }
                match &mut wanted {
                    Move::DemandRoot { witness, .. } => *witness = Some(buffer),
                    Move::DemandOpening { binding, .. } => binding.witness = Some(buffer),
                    _ => {}
                }
                self.make(docket, record, &wanted).await
            }
            proving::Next::Replay(difference) => {
                Err(stuck(&format!("V0222 the own trace of segment {} is missing", difference.segment)))
            }
            proving::Next::Nothing { reason } => Err(stuck(&format!("V0220 {reason}"))),
        }
    }

    /// The next opening to force, with the own trace of the segment in question.
    async fn next_demand(
        &mut self,
        docket: &Docket,
        replay: &Arc<Replay>,
        comparison: &Comparison,
    ) -> Result<proving::Next, DriveError> {
        let me = self.shared.terms.me;
        let rejected = |error: assay_audit::ProofError| stuck(&error.to_string());
        let next = proving::next_demand(docket, &me, replay, comparison, self.memory.own_trace.as_ref());
        let difference = match next.map_err(rejected)? {
            proving::Next::Replay(difference) => difference,
            next => return Ok(next),
        };
        let own = self.shared.sources.own_trace(replay, difference.segment).await.map_err(DriveError::Replay)?;
        self.memory.own_trace = Some(own);
        proving::next_demand(docket, &me, replay, comparison, self.memory.own_trace.as_ref()).map_err(rejected)
    }

    /// The replay of this job, made once in the life of a driver.
    async fn replay(&mut self, job: &Job) -> Result<Arc<Replay>, ReplayError> {
        if let Some(replay) = &self.memory.replayed {
            return Ok(Arc::clone(replay));
        }
        let _place = Arc::clone(&self.shared.replays).acquire_owned().await;
        let replay = self.shared.sources.replay(job, self.shared.config.selection.max_operations).await?;
        let replay = Arc::new(replay);
        self.memory.replayed = Some(Arc::clone(&replay));
        Ok(replay)
    }

    /// The proof of what was found, judged here as the program will judge it; `None` if nothing was found.
    async fn proof_of(
        &mut self,
        job: &Job,
        replay: &Arc<Replay>,
        comparison: &Comparison,
    ) -> Result<Option<PreparedProof>, DriveError> {
        let Comparison::Found { finding, boundary, trace, own_trace } = comparison else { return Ok(None) };
        let proof = proving::build(replay, boundary, own_trace.as_deref(), trace.as_deref(), finding)
            .map_err(|error| stuck(&error.to_string()))?
            .bytes;
        let segment = match (finding.needs_segment_root, trace) {
            (true, Some(trace)) => Some(SignedRoot {
                segment: trace.claimed.segment(),
                root: *trace.claimed.root(),
                signature: Some(trace.signature.to_string()),
            }),
            _ => None,
        };
        self.keep_proof(job, proof, segment, finding.to_string()).await.map(Some)
    }

    async fn keep_proof(
        &mut self,
        job: &Job,
        proof: Vec<u8>,
        segment: Option<SignedRoot>,
        words: String,
    ) -> Result<PreparedProof, DriveError> {
        let pinned =
            segment.as_ref().map(|signed| ProofSegment { segment: signed.segment, root: signed.root, claim: None });
        let finding = rules::judged(job, &proof, pinned.as_ref()).map_err(|broken| stuck(&broken.to_string()))?;
        let artifact = self.store_proof(&proof).await?;
        tracing::info!(job = %self.address, bytes = proof.len(), ?finding.fault, "a proof that convicts is ready");
        let prepared = PreparedProof {
            artifact,
            bytes: u32::try_from(proof.len()).unwrap_or(u32::MAX),
            segment: segment.filter(|_| finding.uses_segment),
            words,
        };
        self.memory.proof = Some(proof);
        Ok(prepared)
    }

    fn reference(&self, job: &Job) -> JobRef {
        JobRef { address: self.address, account: Box::new(job.clone()), genesis_hash: self.shared.genesis_hash }
    }

    /// Why a job is left to others, if it is.
    fn not_selected(&self, job: &Job) -> Option<(&'static str, String)> {
        let selection = &self.shared.config.selection;
        if !self.shared.config.mode.audits() {
            return Some(("V0205", "the mode is watch: nothing is replayed".to_owned()));
        }
        if !selection.graphs.is_empty() && !selection.graphs.contains(&hex::encode(job.graph_root)) {
            return Some(("V0206", "its graph is not in selection.graphs".to_owned()));
        }
        if !is_selected(&self.shared.selection_secret, &self.address.to_bytes(), selection.rate_bps) {
            return Some(("V0207", format!("not among the {} of 10,000 that are replayed", selection.rate_bps)));
        }
        None
    }
}

/// Whether a job is among the share that is replayed. Without the secret nobody can tell.
fn is_selected(secret: &[u8; 32], job: &[u8; 32], rate_bps: u16) -> bool {
    let [first, second, ..] = sha256(&[b"assay/selection/1", secret, job]);
    let [third, fourth, ..] = sha256(&[b"assay/selection/2", secret, job]);
    u32::from_le_bytes([first, second, third, fourth]) % 10_000 < u32::from(rate_bps)
}

/// What a challenge of this finding names, and the own hash there.
pub(crate) fn target_of_finding(target: &assay_audit::Target) -> (TargetRecord, [u8; 32]) {
    match target {
        assay_audit::Target::Boundary { position, own } => (TargetRecord::Boundary(*position), *own),
        assay_audit::Target::Segment { segment, own } => (TargetRecord::Segment(*segment), *own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_and_depends_on_the_secret() {
        let share = |secret: u8, rate| {
            (0u32..2_000)
                .filter(|job| {
                    let mut address = [0; 32];
                    address[..4].copy_from_slice(&job.to_le_bytes());
                    is_selected(&[secret; 32], &address, rate)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!((share(1, 0).len(), share(1, 10_000).len()), (0, 2_000));
        let quarter = share(1, 2_500).len();
        assert!((400..600).contains(&quarter), "{quarter}");
        assert_ne!(share(1, 2_500), share(2, 2_500));
    }
}
