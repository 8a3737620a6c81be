//! Depth `freivalds`: segments are checked from their signed traces and the node's sums, and the job is not replayed.
//!
//! The boundary is bound by the committed root, the trace by the operator's signature. The sums are bound by nothing:
//! they are checked by weights from a secret that is drawn here and goes nowhere. Whatever is suspect is replayed.

use super::claims::JobRef;
use super::replay::blocking;
use super::{Comparison, ReplayError, ServedTrace, Sources, Withheld};
use assay_audit::depth::{self, AuditError, Freivalds, Verdict};
use assay_audit::{ClaimedBoundary, Outcome, Subject};
use assay_client::{Source, Work, sources};
use assay_kernels::audit::{Advice, Coverage, Secret};
use assay_kernels::commit::Hasher;
use assay_models::manifest::AdviceManifest;
use assay_store::ArtifactUri;
use std::ops::Range;
use std::sync::Arc;

/// What checking by sums came to.
#[derive(Clone, Debug)]
pub struct BySums {
    /// [`Comparison::Agrees`] or [`Comparison::Found`].
    pub comparison: Comparison,
    /// Segments that were suspect and had to be replayed.
    pub replayed: Vec<u16>,
}

impl Sources {
    /// Checks segments of a job by the sums that its node serves; without a range every segment, until one is wrong.
    ///
    /// # Errors
    /// The node does not serve boundary, traces or sums; the range is beyond the graph; the chain does not answer. None of
    /// these says that the result is wrong.
    pub async fn check_by_sums(&self, job: &JobRef, wanted: Option<Range<u16>>) -> Result<BySums, ReplayError> {
        let work = Arc::new(Work::fetch(&job.account, &self.fetcher, &self.store, &self.limits).await?);
        let segments = u16::try_from(work.resolved.segments.len()).unwrap_or(u16::MAX);
        let wanted = wanted.unwrap_or(0..segments);
        if wanted.end > segments {
            let reason =
                format!("there is no segment {}, the graph has {segments}; segments count from 0", wanted.start);
            return Err(ReplayError::Refused { code: "A0402".to_owned(), reason });
        }
        let boundary = Arc::new(self.committed_boundary(&work, job).await?.map_err(not_served)?);
        let mut replayed = Vec::new();
        for segment in wanted {
            let trace = Arc::new(self.served_trace(&work, job, segment).await?.map_err(not_served)?);
            let advice = self.served_advice(&work, job, segment).await?.map_err(not_served)?;
            let (outcome, suspect) = self.judge_by_sums(&work, &boundary, &trace, advice).await?;
            if suspect {
                replayed.push(segment);
            }
            match outcome {
                Outcome::Agrees => {}
                Outcome::Found(finding) => {
                    let comparison = Comparison::Found { finding, boundary, trace: Some(trace), own_trace: None };
                    return Ok(BySums { comparison, replayed });
                }
                Outcome::NeedsSegment(_) | Outcome::NeedsTensor { .. } => {
                    let text = format!("segment {segment} is wrong, and the bytes that prove it were not served");
                    return Err(not_served(Withheld::new("V0211", &text)));
                }
            }
        }
        Ok(BySums { comparison: Comparison::Agrees, replayed })
    }

    /// The outcome, and whether the segment had to be replayed for it.
    async fn judge_by_sums(
        &self,
        work: &Arc<Work>,
        boundary: &Arc<ClaimedBoundary>,
        trace: &Arc<ServedTrace>,
        advice: Advice,
    ) -> Result<(Outcome, bool), ReplayError> {
        let (work, boundary, trace) = (Arc::clone(work), Arc::clone(boundary), Arc::clone(trace));
        let backend = Arc::clone(&self.backend);
        // Drawn after everything that it judges has arrived.
        let secret = Secret::new(rand::random());
        blocking(move || {
            let (hasher, segment) = (Hasher::default(), trace.claimed.segment());
            let subject = Subject {
                graph: Arc::clone(&work.graph),
                resolved: Arc::clone(&work.resolved),
                params: Arc::clone(&work.params),
                inputs: work.inputs.clone(),
            };
            let auditor = Freivalds::new(&subject, &secret, Coverage::Worthwhile)?;
            let checked = auditor.segment(backend.as_ref(), segment)?;
            if checked.check(&hasher, &boundary, &trace.claimed, &advice).map_err(failed)? == Verdict::Passes {
                return Ok((Outcome::Agrees, false));
            }
            let (graph, inputs) = (&work.resolved, &work.inputs);
            let model = backend.load(Arc::clone(graph), &work.params)?;
            let own = depth::segment(graph, &hasher, model.as_ref(), inputs, &boundary, segment).map_err(failed)?;
            Ok((own.judge(graph, &hasher, &boundary, Some(&trace.claimed)), true))
        })
        .await
    }

    /// The sums of a segment's contractions; what is not served is [`Withheld`].
    async fn served_advice(
        &self,
        work: &Work,
        job: &JobRef,
        segment: u16,
    ) -> Result<Result<Advice, Withheld>, ReplayError> {
        let mut last = "the node names no endpoint".to_owned();
        for source in sources(&self.chain, &job.account).await? {
            let Source::Node(base) = source else { continue };
            match self.advice_from(&base, work, job, segment).await {
                Ok(advice) => return Ok(Ok(advice)),
                Err(reason) => last = reason,
            }
        }
        let text = format!("the node does not serve the sums of segment {segment}: {last}; use --depth segment");
        Ok(Err(Withheld::new("V0217", &text)))
    }

    async fn advice_from(&self, base: &str, work: &Work, job: &JobRef, segment: u16) -> Result<Advice, String> {
        let uri = format!("{}/v1/segments/{}/{segment}/advice", base.trim_end_matches('/'), job.address);
        let body = self.ask(&uri).await.map_err(|error| error.to_string())?;
        let manifest =
            AdviceManifest::decode(&body, &work.resolved, segment).map_err(|error| format!("{uri}: {error}"))?;
        let mut advice = Advice::new();
        for entry in &manifest.sums {
            let id = entry.artifact.parse().map_err(|error: assay_store::StoreError| error.to_string())?;
            let uri = ArtifactUri::new(base, id).map_err(|error| error.to_string())?;
            let fetch = self.fetcher.fetch(uri.as_str(), id, entry.bytes, &self.store);
            fetch.await.map_err(|error| error.to_string())?;
            let bytes = self.store.read(&id, entry.bytes).await.map_err(|error| error.to_string())?;
            advice.insert(entry.op, Arc::from(bytes.to_vec()));
        }
        Ok(advice)
    }
}

fn not_served(withheld: Withheld) -> ReplayError {
    ReplayError::Refused { code: withheld.code, reason: withheld.reason }
}

fn failed(error: AuditError) -> ReplayError {
    ReplayError::split(&error.to_string(), false)
}
