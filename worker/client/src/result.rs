//! Results: fetched from whoever has them, checked against what is committed.

use crate::client::Client;
use crate::error::ClientError;
use crate::work::Work;
use assay::state::Job;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, Keep};
use assay_models::manifest::{MAX_MANIFEST_BYTES, ResultManifest};
use assay_store::{ArtifactId, ArtifactUri};
use solana_sdk::pubkey::Pubkey;

/// Who may serve a job's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The store that the job names.
    Store(String),
    /// The node's own endpoint.
    Node(String),
}

impl Source {
    /// Its base URL.
    pub fn base(&self) -> &str {
        match self {
            Self::Store(base) | Self::Node(base) => base,
        }
    }
}

impl Client {
    /// Who may serve the job's result, in the order in which they are asked.
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn sources(&self, job: &Job) -> Result<Vec<Source>, ClientError> {
        let mut sources = Vec::new();
        if !job.store_uri.is_empty() {
            sources.push(Source::Store(job.store_uri.clone()));
        }
        if let Some(node) = self.chain().find_node(&job.node).await?
            && !node.endpoint.is_empty()
        {
            sources.push(Source::Node(node.endpoint));
        }
        Ok(sources)
    }

    /// The output's bytes: row-major, little endian. Their root is the committed one, whoever served them.
    ///
    /// # Errors
    /// No result yet; nobody serves it; or what is served is not what was committed.
    pub async fn result(&self, address: &Pubkey, work: &Work, job: &Job) -> Result<Vec<u8>, ClientError> {
        if job.graph_root != work.resolved.root {
            return Err(ClientError::OtherGraph {
                job: *address,
                pinned: hex::encode(job.graph_root),
                given: hex::encode(work.resolved.root),
            });
        }
        if job.output_root == [0; 32] {
            return Err(ClientError::NoResult { job: *address, state: format!("{:?}", job.state).to_lowercase() });
        }
        let mut last = ClientError::NoSource { job: *address };
        for source in self.sources(job).await? {
            match self.result_from(&source, work, job).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => {
                    tracing::warn!(job = %address, source = source.base(), %error, "result not available here");
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn result_from(&self, source: &Source, work: &Work, job: &Job) -> Result<Vec<u8>, ClientError> {
        let manifest = self.bring(source, ArtifactId(job.result_manifest), MAX_MANIFEST_BYTES).await?;
        let manifest = ResultManifest::decode(&manifest, &work.resolved)?;
        let missing = || ClientError::Outputs { outputs: 0 };
        let entry = manifest.entry(work.output_slot).ok_or_else(missing)?;
        let tensor = work.resolved.tensors.get(usize::from(work.output_slot)).ok_or_else(missing)?;
        let id: ArtifactId = entry.artifact.parse()?;
        let bytes = self.bring(source, id, tensor.bytes() as u64).await?;
        let root = Hasher::default().tensor(work.output_slot, &tensor.layout, &bytes)?.root;
        if root != job.output_root {
            return Err(ClientError::WrongResult {
                source_uri: source.base().to_owned(),
                computed: hex::encode(root),
                committed: hex::encode(job.output_root),
            });
        }
        Ok(bytes)
    }

    async fn bring(&self, source: &Source, id: ArtifactId, max_bytes: u64) -> Result<Vec<u8>, ClientError> {
        let uri = ArtifactUri::new(source.base(), id)?;
        self.fetcher.fetch(uri.as_str(), id, max_bytes, &self.store).await?;
        Ok(self.store.read(&id, max_bytes).await?.to_vec())
    }

    /// Computes the job again on `backend` and compares every boundary tensor with what is committed, bit for bit.
    ///
    /// # Errors
    /// [`ClientError::Refuted`] if the committed result is wrong.
    pub fn verify(work: &Work, job: &Job, backend: &dyn Backend) -> Result<(), ClientError> {
        let model = backend.load(work.resolved.clone(), &work.params)?;
        let run = model.run(&work.inputs, Keep::Boundary)?;
        let boundary = Hasher::default().boundary(&work.resolved, &run.tensors)?;
        if boundary.root == job.boundary_root {
            return Ok(());
        }
        Err(ClientError::Refuted { computed: hex::encode(boundary.root), committed: hex::encode(job.boundary_root) })
    }
}
