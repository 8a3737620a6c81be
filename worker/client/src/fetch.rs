//! A job's work and its result from what the job itself names: for whoever has nothing of it yet, such as a validator.
//!
//! Everything is bounded before it is fetched and checked against what the job pins after.

use crate::error::ClientError;
use crate::result::Source;
use crate::shelf::Shelf;
use crate::work::Work;
use assay::state::Job;
use assay_chain::{Chain, ChainError};
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::artifact::{bundle_bytes, decode_bundle};
use assay_models::manifest::{MAX_MANIFEST_BYTES, ResultManifest};
use assay_store::{ArtifactId, ArtifactUri, Fetcher};
use referee::graph::{Graph, IR_VERSION, MAX_GRAPH_BYTES, ResolvedGraph, TensorKind};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a node has to compute the result of a receipt again that was called in.
const RECEIPT_PATIENCE: Duration = Duration::from_secs(20);
/// Within which it has to say whether it has.
const REPLY_TIME: Duration = Duration::from_secs(5);
/// Most bytes of that.
const MAX_REPLY_BYTES: u64 = 4 << 10;

/// How much of this machine a job of somebody else's may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Most bytes of one artifact.
    pub max_artifact_bytes: u64,
    /// Most bytes of all tensors of the graph together.
    pub max_memory_bytes: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { max_artifact_bytes: 1 << 30, max_memory_bytes: 4 << 30 }
    }
}

/// Who may serve the job's result, in the order in which they are to be asked.
///
/// # Errors
/// The chain does not answer.
pub async fn sources(chain: &Chain, job: &Job) -> Result<Vec<Source>, ChainError> {
    let mut sources = Vec::new();
    if !job.store_uri.is_empty() {
        sources.push(Source::Store(job.store_uri.clone()));
    }
    if let Some(node) = chain.find_node(&job.node).await?
        && !node.endpoint.is_empty()
    {
        sources.push(Source::Node(node.endpoint));
    }
    Ok(sources)
}

impl Work {
    /// Brings graph, params and inputs of a job into `store` and checks them against everything that the job pins.
    ///
    /// # Errors
    /// An artifact that cannot be fetched, is beyond the limits, or is not what the job pins.
    pub async fn fetch(
        job: &Job,
        fetcher: &Fetcher,
        store: &impl Shelf,
        limits: &FetchLimits,
    ) -> Result<Self, ClientError> {
        if job.ir_version != IR_VERSION {
            return Err(ClientError::IrVersion { pinned: job.ir_version, known: IR_VERSION });
        }
        let most = limits.max_artifact_bytes.min(MAX_GRAPH_BYTES as u64);
        let graph = store.bring(fetcher, &job.graph_uri, most).await?;
        let (graph, resolved, symbols) = decode_graph(&graph, job)?;
        let needed = resolved.tensors.iter().map(|tensor| tensor.bytes() as u64).fold(0, u64::saturating_add);
        within("all tensors together", needed, limits.max_memory_bytes)?;
        let bundle = async |what, uri: &str, kind| {
            let bytes = bundle_bytes(&resolved, kind);
            within(what, bytes, limits.max_artifact_bytes)?;
            Ok::<_, ClientError>(decode_bundle(&store.bring(fetcher, uri, bytes).await?, &resolved, kind)?)
        };
        let params = bundle("params", &job.params_uri, TensorKind::Param).await?;
        let inputs = bundle("inputs", &job.inputs_uri, TensorKind::Input).await?;
        // Hashing gigabytes would stall the asynchronous threads.
        let job = job.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let work = Self::new(Arc::new(graph), Arc::new(params), inputs, &symbols)?;
            work.check_is_of(&job)?;
            Ok(work)
        });
        checked.await.unwrap_or_else(|error| Err(ClientError::Malformed { reason: error.to_string() }))
    }
}

/// Every boundary tensor that a result was committed with, from the first of `sources` that serves them whole. They are
/// the committed ones: their root is the job's, whoever served them.
///
/// A receipt that was called in names no manifest of its result, for nobody but its node can know it: the node is asked, and has a
/// few seconds to compute the result again.
///
/// # Errors
/// Nobody serves them, or what is served is not what was committed; the last source's error.
pub async fn committed_boundary(
    sources: &[Source],
    fetcher: &Fetcher,
    store: &impl Shelf,
    work: &Work,
    address: &Pubkey,
    job: &Job,
) -> Result<TensorSet, ClientError> {
    let mut last = ClientError::NoServer;
    for source in sources {
        match boundary_from(source, fetcher, store, work, (address, job)).await {
            Ok(tensors) => return Ok(tensors),
            Err(error) => {
                tracing::debug!(source = source.base(), %error, "the boundary is not available here");
                last = error;
            }
        }
    }
    Err(last)
}

async fn boundary_from(
    source: &Source,
    fetcher: &Fetcher,
    store: &impl Shelf,
    work: &Work,
    (address, job): (&Pubkey, &Job),
) -> Result<TensorSet, ClientError> {
    let from = async |id: ArtifactId, max_bytes| {
        store.bring(fetcher, ArtifactUri::new(source.base(), id)?.as_str(), max_bytes).await
    };
    let manifest = match (job.is_receipt(), source) {
        (true, Source::Node(base)) => manifest_of_receipt(base, fetcher, address).await?,
        _ => ArtifactId(job.result_manifest),
    };
    let manifest = from(manifest, MAX_MANIFEST_BYTES).await?;
    let manifest = ResultManifest::decode(&manifest, &work.resolved)?;
    let mut tensors = TensorSet::new();
    for entry in &manifest.boundary {
        // The manifest was compared with the graph: sizes are the graph's.
        let bytes = from(entry.artifact.parse()?, entry.bytes).await?;
        tensors.insert(entry.slot, Arc::from(bytes));
    }
    let (resolved, committed, base) = (work.resolved.clone(), job.boundary_root, source.base().to_owned());
    let checked = tokio::task::spawn_blocking(move || {
        let computed = Hasher::default().boundary(&resolved, &tensors)?.root;
        if computed == committed {
            return Ok(tensors);
        }
        Err(ClientError::WrongBoundary {
            source_uri: base,
            computed: hex::encode(computed),
            committed: hex::encode(committed),
        })
    });
    checked.await.unwrap_or_else(|error| Err(ClientError::Malformed { reason: error.to_string() }))
}

/// The manifest that a node made of the result of a receipt, once it has made one.
async fn manifest_of_receipt(base: &str, fetcher: &Fetcher, address: &Pubkey) -> Result<ArtifactId, ClientError> {
    #[derive(serde::Deserialize)]
    struct Reply {
        manifest: String,
    }
    let uri = format!("{}/v1/results/{address}", base.trim_end_matches('/'));
    let begun = Instant::now();
    loop {
        let reply = fetcher.document(&uri, MAX_REPLY_BYTES, REPLY_TIME).await?;
        if reply.is_ok() {
            let reply: Reply = serde_json::from_slice(&reply.body)
                .map_err(|error| ClientError::Malformed { reason: format!("{uri}: {error}") })?;
            return Ok(reply.manifest.parse()?);
        }
        if begun.elapsed() >= RECEIPT_PATIENCE {
            return Err(ClientError::NoServer);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn within(what: &'static str, bytes: u64, limit: u64) -> Result<(), ClientError> {
    if bytes <= limit { Ok(()) } else { Err(ClientError::TooLarge { what, bytes, limit }) }
}

fn decode_graph(bytes: &[u8], job: &Job) -> Result<(Graph, ResolvedGraph, Vec<u32>), ClientError> {
    let graph = Graph::decode(bytes).map_err(|error| ClientError::Malformed { reason: error.to_string() })?;
    let (symbols, unused) = job.symbols.split_at(graph.symbols.len().min(job.symbols.len()));
    if unused.iter().any(|value| *value != 0) {
        let reason = format!("the job gives values to more than the graph's {} symbols", graph.symbols.len());
        return Err(ClientError::Malformed { reason });
    }
    let resolved = graph.resolve(symbols)?;
    let symbols = symbols.to_vec();
    Ok((graph, resolved, symbols))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::tests::{job, work};
    use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
    use assay_models::manifest::{MANIFEST_VERSION, ManifestEntry};
    use assay_store::{FetchOptions, LocalStore, ServerOptions};
    use tokio_util::sync::CancellationToken;

    /// A job whose artifacts and honest result lie in a store that is served.
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

    impl Scene {
        async fn new() -> Self {
            let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let [served, store] = [0, 1].map(|at: usize| LocalStore::open(folders[at].path()).unwrap());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let stop = CancellationToken::new();
            tokio::spawn(assay_store::serve(served.clone(), listener, ServerOptions::default(), stop.clone()));
            let options = FetchOptions { allow_private: true, max_attempts: 1, ..FetchOptions::default() };
            let fetcher = Fetcher::new(options).unwrap();
            let work = work(3);
            let uris = work.store(&served, &base).await.unwrap();
            let (graph_uri, params_uri, inputs_uri) = (uris.graph, uris.params, uris.inputs);
            let job = Job { ir_version: IR_VERSION, graph_uri, params_uri, inputs_uri, ..job(&work) };
            let source = Source::Node(base);
            Self { work, job, served, source, fetcher, store, stop, _folders: folders }
        }

        /// Commits to the honest result and serves it, with the bytes of one tensor changed by `change`.
        async fn publish(&mut self, change: impl Fn(&mut Vec<u8>)) {
            let cpu = CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap();
            let model = cpu.load(self.work.resolved.clone(), &self.work.params).unwrap();
            let tensors = model.run(&self.work.inputs, Keep::Boundary).unwrap().tensors;
            self.job.boundary_root = Hasher::default().boundary(&self.work.resolved, &tensors).unwrap().root;
            let mut boundary = Vec::new();
            for entry in &self.work.resolved.boundary {
                let mut bytes = tensors[&entry.slot].to_vec();
                if entry.slot == self.work.output_slot {
                    change(&mut bytes);
                }
                let length = bytes.len() as u64;
                let id = self.served.put_bytes(bytes).await.unwrap();
                boundary.push(ManifestEntry { slot: entry.slot, artifact: id.to_string(), bytes: length });
            }
            let manifest =
                ResultManifest { version: MANIFEST_VERSION, job: "job".into(), node: "node".into(), boundary };
            self.job.result_manifest = self.served.put_bytes(manifest.encode().unwrap()).await.unwrap().0;
        }

        async fn fetch(&self, limits: FetchLimits) -> Result<Work, ClientError> {
            Work::fetch(&self.job, &self.fetcher, &self.store, &limits).await
        }

        async fn boundary(&self) -> Result<TensorSet, ClientError> {
            let sources = [Source::Store("http://127.0.0.1:9".into()), self.source.clone()];
            let address = Pubkey::default();
            committed_boundary(&sources, &self.fetcher, &self.store, &self.work, &address, &self.job).await
        }
    }

    fn code<T>(result: Result<T, ClientError>) -> String {
        result.map(|_| ()).unwrap_err().to_string()[..5].to_owned()
    }

    #[tokio::test]
    async fn a_strangers_job_is_fetched_whole() {
        let scene = Scene::new().await;
        let fetched = scene.fetch(FetchLimits::default()).await.unwrap();
        assert_eq!((fetched.params_root, fetched.inputs_root), (scene.work.params_root, scene.work.inputs_root));
        assert_eq!(fetched.inputs, scene.work.inputs);
    }

    #[tokio::test]
    async fn what_is_beyond_the_limits_or_not_what_is_pinned_is_refused() {
        let mut scene = Scene::new().await;
        let tight = FetchLimits { max_memory_bytes: 100, ..FetchLimits::default() };
        assert_eq!(code(scene.fetch(tight).await), "J0114");
        let narrow = FetchLimits { max_artifact_bytes: 1_000, ..FetchLimits::default() };
        assert_eq!(code(scene.fetch(narrow).await), "J0114", "declared by the graph, refused before it is fetched");
        let inputs = std::mem::take(&mut scene.job.inputs_root);
        assert_eq!(code(scene.fetch(FetchLimits::default()).await), "J0107");
        scene.job.inputs_root = inputs;
        scene.job.symbols[3] = 1;
        assert_eq!(code(scene.fetch(FetchLimits::default()).await), "J0116");
        scene.job.symbols[3] = 0;
        scene.job.ir_version += 1;
        assert_eq!(code(scene.fetch(FetchLimits::default()).await), "J0113");
    }

    #[tokio::test]
    async fn the_committed_boundary_is_found_with_the_second_source_and_others_are_refused() {
        let mut scene = Scene::new().await;
        scene.publish(|_| {}).await;
        let tensors = scene.boundary().await.unwrap();
        assert_eq!(tensors.len(), scene.work.resolved.boundary.len());
        scene.publish(|bytes| bytes[0] ^= 1).await;
        assert_eq!(code(scene.boundary().await), "J0115", "served, but not what was committed");
        let nobody = Pubkey::default();
        let found = committed_boundary(&[], &scene.fetcher, &scene.store, &scene.work, &nobody, &scene.job);
        assert_eq!(code(found.await), "J0117");
    }
}
