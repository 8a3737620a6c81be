//! Results: fetched from whoever has them, checked against what is committed.

use crate::client::Client;
use crate::error::ClientError;
use crate::shelf::Shelf;
use crate::work::Work;
use assay::state::Job;
use assay_chain::Chain;
use assay_kernels::Backend;
use assay_kernels::commit::Hasher;
use assay_models::manifest::{MAX_MANIFEST_BYTES, ResultManifest};
use assay_store::{ArtifactId, ArtifactUri, Fetcher};
use solana_sdk::pubkey::Pubkey;

/// Who may serve a job's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The store that the job names.
    Store(String),
    /// The node's own endpoint.
    Node(String),
    /// Where the node keeps its results once more.
    Mirror(String),
}

impl Source {
    /// Its base URL.
    pub fn base(&self) -> &str {
        match self {
            Self::Store(base) | Self::Node(base) | Self::Mirror(base) => base,
        }
    }
}

impl Client {
    /// Who may serve the job's result, in the order in which they are asked.
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn sources(&self, job: &Job) -> Result<Vec<Source>, ClientError> {
        Ok(crate::fetch::sources(self.chain(), job).await?)
    }

    /// The output's bytes: row-major, little endian. Their root is the committed one, whoever served them.
    ///
    /// # Errors
    /// No result yet; nobody serves it; or what is served is not what was committed.
    pub async fn result(&self, address: &Pubkey, work: &Work, job: &Job) -> Result<Vec<u8>, ClientError> {
        result(self.chain(), &self.fetcher, &self.store, address, work, job).await
    }

    /// Computes the job again on `backend` and compares every boundary tensor with what is committed, bit for bit.
    ///
    /// # Errors
    /// [`ClientError::OtherWork`] if `work` is not the job's; [`ClientError::Refuted`] if the committed result is wrong.
    pub fn verify(work: &Work, job: &Job, backend: &dyn Backend) -> Result<(), ClientError> {
        work.check_is_of(job)?;
        let computed = work.boundary_root(backend)?;
        if computed == job.boundary_root {
            return Ok(());
        }
        Err(ClientError::Refuted { computed: hex::encode(computed), committed: hex::encode(job.boundary_root) })
    }
}

/// As [`Client::result`], for whoever has no key: the output's bytes, fetched through `store`. Where the node keeps its results once
/// more, if that is [remembered](crate::mirror), is asked last.
///
/// # Errors
/// As there.
pub async fn result(
    chain: &Chain,
    fetcher: &Fetcher,
    store: &impl Shelf,
    address: &Pubkey,
    work: &Work,
    job: &Job,
) -> Result<Vec<u8>, ClientError> {
    work.check_is_of(job)?;
    if job.output_root == [0; 32] {
        return Err(ClientError::NoResult { job: *address, state: format!("{:?}", job.state).to_lowercase() });
    }
    let mut last = ClientError::NoSource { job: *address };
    let mut sources = crate::fetch::sources(chain, job).await?;
    sources.extend(store.remembered_mirror(&job.node).map(Source::Mirror));
    for source in sources {
        match result_from(fetcher, store, &source, work, job).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) => {
                tracing::warn!(job = %address, source = source.base(), %error, "result not available here");
                last = error;
            }
        }
    }
    Err(last)
}

/// Fetches the manifest and the output, and compares the output with the committed root.
async fn result_from(
    fetcher: &Fetcher,
    store: &impl Shelf,
    source: &Source,
    work: &Work,
    job: &Job,
) -> Result<Vec<u8>, ClientError> {
    let bring = async |id: ArtifactId, max_bytes: u64| {
        store.bring(fetcher, ArtifactUri::new(source.base(), id)?.as_str(), max_bytes).await
    };
    let manifest = bring(ArtifactId(job.result_manifest), MAX_MANIFEST_BYTES).await?;
    let manifest = ResultManifest::decode(&manifest, &work.resolved)?;
    let missing = || ClientError::Outputs { outputs: 0 };
    let entry = manifest.entry(work.output_slot).ok_or_else(missing)?;
    let tensor = work.resolved.tensors.get(usize::from(work.output_slot)).ok_or_else(missing)?;
    let bytes = bring(entry.artifact.parse()?, tensor.bytes() as u64).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::tests::{job, work};
    use assay_kernels::{CpuBackend, CpuOptions, Keep};
    use assay_models::manifest::{MANIFEST_VERSION, ManifestEntry};
    use assay_store::{FetchOptions, LocalStore, ServerOptions};
    use tokio_util::sync::CancellationToken;

    /// A job with an honest result in a store that is served.
    struct Scene {
        work: Work,
        job: Job,
        served: LocalStore,
        source: Source,
        fetcher: Fetcher,
        store: LocalStore,
        stop: CancellationToken,
        _folders: [tempfile::TempDir; 2],
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            self.stop.cancel();
        }
    }

    fn cpu() -> CpuBackend {
        CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap()
    }

    impl Scene {
        async fn new() -> Self {
            let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let [served, store] = [0, 1].map(|at: usize| LocalStore::open(folders[at].path()).unwrap());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let source = Source::Node(format!("http://{}", listener.local_addr().unwrap()));
            let stop = CancellationToken::new();
            tokio::spawn(assay_store::serve(served.clone(), listener, ServerOptions::default(), stop.clone()));
            let options = FetchOptions { allow_private: true, max_attempts: 1, ..FetchOptions::default() };
            let fetcher = Fetcher::new(options).unwrap();
            let work = work(3);
            let job = job(&work);
            let mut scene = Self { work, job, served, source, fetcher, store, stop, _folders: folders };
            let output = scene.honest_output();
            scene.commit_to(&output);
            scene.publish(|_| output.clone()).await;
            scene
        }

        fn tensors(&self) -> assay_kernels::TensorSet {
            let model = cpu().load(self.work.resolved.clone(), &self.work.params).unwrap();
            model.run(&self.work.inputs, Keep::Boundary).unwrap().tensors
        }

        fn honest_output(&self) -> Vec<u8> {
            self.tensors()[&self.work.output_slot].to_vec()
        }

        fn commit_to(&mut self, output: &[u8]) {
            let hasher = Hasher::default();
            self.job.boundary_root = hasher.boundary(&self.work.resolved, &self.tensors()).unwrap().root;
            let layout = &self.work.resolved.tensors[usize::from(self.work.output_slot)].layout;
            self.job.output_root = hasher.tensor(self.work.output_slot, layout, output).unwrap().root;
        }

        /// Stores the boundary tensors and a manifest; `output` may replace the bytes of the output.
        async fn publish(&mut self, output: impl Fn(&[u8]) -> Vec<u8>) {
            let tensors = self.tensors();
            let mut boundary = Vec::new();
            for entry in &self.work.resolved.boundary {
                let honest = tensors[&entry.slot].to_vec();
                let bytes = if entry.slot == self.work.output_slot { output(&honest) } else { honest };
                let length = bytes.len() as u64;
                let id = self.served.put_bytes(bytes).await.unwrap();
                boundary.push(ManifestEntry { slot: entry.slot, artifact: id.to_string(), bytes: length });
            }
            let manifest =
                ResultManifest { version: MANIFEST_VERSION, job: "job".into(), node: "node".into(), boundary };
            self.job.result_manifest = self.served.put_bytes(manifest.encode().unwrap()).await.unwrap().0;
        }

        async fn result(&self) -> Result<Vec<u8>, ClientError> {
            result_from(&self.fetcher, &self.store, &self.source, &self.work, &self.job).await
        }

        async fn code(&self) -> String {
            self.result().await.unwrap_err().to_string()[..5].to_owned()
        }
    }

    #[tokio::test]
    async fn the_committed_bytes_are_given() {
        let scene = Scene::new().await;
        assert_eq!(scene.result().await.unwrap(), scene.honest_output());
        Client::verify(&scene.work, &scene.job, &cpu()).unwrap();
    }

    #[tokio::test]
    async fn other_bytes_than_those_committed_are_refused() {
        let mut scene = Scene::new().await;
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[0] ^= 1;
            bytes
        };
        scene.publish(flip).await;
        assert_eq!(scene.code().await, "J0105");
    }

    #[tokio::test]
    async fn manifests_of_other_graphs_missing_ones_and_nonsense_are_refused() {
        let mut scene = Scene::new().await;
        scene.publish(|bytes| bytes[1..].to_vec()).await;
        assert_eq!(scene.code().await, "M0402");
        scene.job.result_manifest = scene.served.put_bytes("{}").await.unwrap().0;
        assert_eq!(scene.code().await, "M0401");
        scene.job.result_manifest = [1; 32];
        assert_eq!(scene.code().await, "S0302");
    }

    #[tokio::test]
    async fn a_wrong_commitment_is_refuted_by_a_replay_of_the_right_work_only() {
        let mut scene = Scene::new().await;
        scene.job.boundary_root[0] ^= 1;
        let code = |job: &Job| Client::verify(&scene.work, job, &cpu()).unwrap_err().to_string()[..5].to_owned();
        assert_eq!(code(&scene.job), "J0109");
        let other = Job { inputs_root: [0; 32], ..scene.job.clone() };
        assert_eq!(code(&other), "J0107", "other inputs refute nothing");
    }
}
