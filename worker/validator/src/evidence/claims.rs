//! What the node says it computed.

use super::{ReplayError, Sources};
use assay::dispute::signature::SegmentStatement;
use assay::state::Job;
use assay_audit::{ClaimedBoundary, ClaimedSegment};
use assay_client::{ClientError, Source, Work, committed_boundary, sources};
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::manifest::{MAX_MANIFEST_BYTES, SegmentManifest};
use assay_store::{ArtifactUri, Document, StoreError};
use referee::commit::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A job with its address, and what identifies the chain that it is on.
#[derive(Clone, Debug)]
pub struct JobRef {
    /// Address of the job.
    pub address: Pubkey,
    /// Its account.
    pub account: Box<Job>,
    /// Hash of the chain's first block, as the network pins it.
    pub genesis_hash: Hash,
}

impl JobRef {
    /// What the operator signs about a segment of this job.
    pub fn statement(&self, segment: u16, root: Hash) -> SegmentStatement {
        SegmentStatement {
            genesis_hash: self.genesis_hash,
            job: self.address,
            commitment: self.account.commitment,
            segment,
            ir_version: self.account.ir_version,
            root,
        }
    }
}

/// The trace of a segment, signed by the job's operator.
#[derive(Clone, Debug)]
pub struct ServedTrace {
    /// Hashes and such of the tensors as were served.
    pub claimed: ClaimedSegment,
    /// The operator's signature over the root.
    pub signature: Signature,
}

/// Something that the node should serve and does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {reason}")]
pub struct Withheld {
    /// Stable code.
    pub code: String,
    /// What was not served, and what was said instead.
    pub reason: String,
}

impl Withheld {
    /// With a code of this crate, or of the library that could not get it.
    pub fn new(code: &str, reason: &str) -> Self {
        Self { code: code.to_owned(), reason: reason.to_owned() }
    }
}

/// How often a trace that is being computed is asked for again, unless the node says otherwise.
const ASK_AGAIN: Duration = Duration::from_millis(250);

impl Sources {
    /// Every boundary tensor as the node committed to it; what is not served is [`Withheld`].
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn committed_boundary(
        &self,
        work: &Work,
        job: &JobRef,
    ) -> Result<Result<ClaimedBoundary, Withheld>, ReplayError> {
        let sources = sources(&self.chain, &job.account).await?;
        let fetched = committed_boundary(&sources, &self.fetcher, &self.store, work, &job.address, &job.account).await;
        let tensors = match fetched {
            Ok(tensors) => tensors,
            Err(error) => return Ok(Err(withheld(&error))),
        };
        let (graph, root) = (Arc::clone(&work.resolved), job.account.boundary_root);
        super::replay::blocking(move || {
            let claimed = ClaimedBoundary::from_tensors(&graph, &Hasher::default(), tensors, &root);
            Ok(claimed.map_err(|error| Withheld::new("V0210", &error.to_string())))
        })
        .await
    }

    /// The signed trace of a segment with all of its tensors that were served; what is not served is [`Withheld`].
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn served_trace(
        &self,
        work: &Work,
        job: &JobRef,
        segment: u16,
    ) -> Result<Result<ServedTrace, Withheld>, ReplayError> {
        let mut last = Withheld::new("V0213", "the node names no endpoint");
        for source in sources(&self.chain, &job.account).await? {
            let Source::Node(base) = source else { continue };
            match self.trace_from(&base, work, job, segment).await {
                Ok(trace) => return Ok(Ok(trace)),
                Err(withheld) => last = withheld,
            }
        }
        Ok(Err(last))
    }

    async fn trace_from(&self, base: &str, work: &Work, job: &JobRef, segment: u16) -> Result<ServedTrace, Withheld> {
        let uri = segment_uri(base, job, segment);
        let body = self.ask(&uri).await?;
        let graph = &work.resolved;
        let manifest = SegmentManifest::decode(&body, graph, segment)
            .map_err(|error| Withheld::new("V0214", &format!("{uri}: {error}")))?;
        let (root, signature) = self.signed_root(&uri, job, segment, &manifest)?;
        let mut tensors = TensorSet::new();
        let mut hashes = Vec::with_capacity(manifest.tensors.len());
        let hasher = Hasher::default();
        for entry in &manifest.tensors {
            let id = entry.artifact.parse().map_err(|error| store_withheld(&error))?;
            let uri = ArtifactUri::new(base, id).map_err(|error| store_withheld(&error))?;
            let fetch = self.fetcher.fetch(uri.as_str(), id, entry.bytes, &self.store);
            fetch.await.map_err(|error| store_withheld(&error))?;
            let bytes = self.store.read(&id, entry.bytes).await.map_err(|error| store_withheld(&error))?;
            let layout = graph.tensors.get(usize::from(entry.slot)).map(|tensor| &tensor.layout);
            let layout = layout.ok_or_else(|| Withheld::new("V0214", "it names a tensor that the graph lacks"))?;
            let hash = hasher
                .tensor(entry.slot, layout, &bytes)
                .map_err(|error| Withheld::new("V0214", &error.to_string()))?;
            hashes.push(hash.hash);
            tensors.insert(entry.slot, Arc::from(bytes.to_vec()));
        }
        let claimed = ClaimedSegment::new(graph, segment, hashes, tensors, &root)
            .map_err(|error| Withheld::new("V0216", &format!("{uri}: {error}")))?;
        Ok(ServedTrace { claimed, signature })
    }

    /// Asks the node for the signed root of a segment once more, and keeps what it signs; nothing is fetched but the manifest.
    ///
    /// # Errors
    /// The chain does not answer. What the node does not serve proves nothing and is no error.
    pub async fn ask_again(&self, job: &JobRef, segment: u16) -> Result<(), ReplayError> {
        for source in sources(&self.chain, &job.account).await? {
            let Source::Node(base) = source else { continue };
            let uri = segment_uri(&base, job, segment);
            let asked = match self.ask(&uri).await {
                Ok(body) => serde_json::from_slice::<SegmentManifest>(&body)
                    .map_err(|error| Withheld::new("V0214", &format!("{uri}: {error}")))
                    .and_then(|manifest| self.signed_root(&uri, job, segment, &manifest)),
                Err(withheld) => Err(withheld),
            };
            if let Err(withheld) = asked {
                tracing::debug!(job = %job.address, segment, %withheld, "asked again, it is not served");
            }
        }
        Ok(())
    }

    /// The root that a manifest names, and the operator's signature over it, which is kept: whatever else is wrong with the
    /// trace, the operator signed this.
    fn signed_root(
        &self,
        uri: &str,
        job: &JobRef,
        segment: u16,
        manifest: &SegmentManifest,
    ) -> Result<(Hash, Signature), Withheld> {
        let root = manifest.root_hash().map_err(|error| Withheld::new("V0214", &error.to_string()))?;
        let signature: Signature = manifest
            .signature
            .parse()
            .map_err(|_| Withheld::new("V0215", &format!("{uri}: the signature is not base58 of 64 bytes")))?;
        let message = job.statement(segment, root).message();
        if !signature.verify(job.account.operator.as_ref(), &message) {
            return Err(Withheld::new("V0215", &format!("{uri}: the signature is not the operator's over this root")));
        }
        self.seen.note(job, segment, root, &signature);
        Ok((root, signature))
    }

    /// Asks for a document until it is there, the answer is final, or the patience with the node is at its end.
    pub(super) async fn ask(&self, uri: &str) -> Result<Vec<u8>, Withheld> {
        let started = Instant::now();
        loop {
            let left = self.trace_limit.saturating_sub(started.elapsed());
            let answer = self.fetcher.document(uri, MAX_MANIFEST_BYTES, left.max(Duration::from_millis(100))).await;
            let (pause, said) = match answer {
                Ok(document) if document.is_ok() => return Ok(document.body),
                Ok(document) if is_passing(document.status) => {
                    (document.retry_after.unwrap_or(ASK_AGAIN), words(&document))
                }
                Ok(document) => return Err(Withheld::new("V0213", &format!("{uri}: {}", words(&document)))),
                Err(error) if error.is_transient() => (ASK_AGAIN, error.to_string()),
                Err(error) => return Err(store_withheld(&error)),
            };
            if started.elapsed() + pause >= self.trace_limit {
                let seconds = self.trace_limit.as_secs();
                return Err(Withheld::new("V0213", &format!("{uri} was not served within {seconds} s: {said}")));
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Where a node serves the signed trace of a segment.
fn segment_uri(base: &str, job: &JobRef, segment: u16) -> String {
    format!("{}/v1/segments/{}/{segment}", base.trim_end_matches('/'), job.address)
}

/// Being computed, too many requests, queue full.
fn is_passing(status: u16) -> bool {
    matches!(status, 202 | 429 | 503)
}

/// What a server said, cut to a line.
fn words(document: &Document) -> String {
    let text = String::from_utf8_lossy(&document.body);
    let text: String = text.chars().filter(|character| !character.is_control()).take(200).collect();
    format!("status {} {text}", document.status)
}

fn withheld(error: &ClientError) -> Withheld {
    let text = error.to_string();
    let (code, reason) = text.split_once(' ').unwrap_or(("V0210", &text));
    Withheld::new(code.trim_end_matches(':'), reason)
}

fn store_withheld(error: &StoreError) -> Withheld {
    Withheld::new(error.code(), &error.to_string())
}
