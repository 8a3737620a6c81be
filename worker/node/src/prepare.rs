//! Everything that is checked before any bond is at risk: all artifacts are fetched, hashed, decoded and compared with
//! what the job pins. Afterwards the node can compute the job without asking anybody for anything.

use crate::refusal::Refusal;
use crate::settings::Settings;
use assay::fairness::lateness::cost_units;
use assay::market::OutputDescriptor;
use assay::state::Job;
use assay_audit::Subject;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::artifact::{bundle_bytes, decode_bundle};
use assay_store::{ArtifactUri, Fetcher, LocalStore, StoreError};
use bytes::Bytes;
use referee::graph::{Graph, IR_VERSION, MAX_GRAPH_BYTES, ResolvedGraph, TensorKind};
use std::sync::Arc;
use std::time::Duration;

/// A job that is whole: ready to be claimed and run.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The graph as the client wrote it.
    pub definition: Arc<Graph>,
    /// The checked graph at the job's symbol values.
    pub graph: Arc<ResolvedGraph>,
    /// Weights and tables.
    pub params: Arc<TensorSet>,
    /// The job's inputs.
    pub inputs: Arc<TensorSet>,
    /// Root of the params: with the graph's root and symbols the key of a loaded model.
    pub params_root: [u8; 32],
}

impl Prepared {
    /// The same in the form in which results are judged.
    pub fn subject(&self) -> Subject {
        Subject {
            graph: Arc::clone(&self.definition),
            resolved: Arc::clone(&self.graph),
            params: Arc::clone(&self.params),
            inputs: (*self.inputs).clone(),
        }
    }
}

/// Where artifacts come from and how large they may be.
#[derive(Debug)]
pub struct Artifacts {
    /// Brings artifacts in.
    pub fetcher: Fetcher,
    /// Keeps them.
    pub store: LocalStore,
    /// Bounds are among them.
    pub settings: Settings,
}

/// Why a job is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotWhole {
    /// It never will be: the job is left to others.
    Refused(Refusal),
    /// The network or the disk is in the way: it may be whole later.
    Passing(Refusal),
}

impl NotWhole {
    /// The refusal of either kind.
    pub fn refusal(&self) -> &Refusal {
        match self {
            Self::Refused(refusal) | Self::Passing(refusal) => refusal,
        }
    }
}

impl From<Refusal> for NotWhole {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Artifacts {
    /// Brings all artifacts of a job into the node's own store, within `limits.fetch_seconds` together. The graph comes
    /// first: what it declares bounds everything else, and what is beyond the limits is refused before it is fetched.
    ///
    /// # Errors
    /// The first thing that is wrong: N0201 to N0205, N0209.
    pub async fn fetch(&self, job: &Job) -> Result<(), NotWhole> {
        let seconds = self.settings.now().limits.fetch_seconds;
        match tokio::time::timeout(Duration::from_secs(seconds), self.fetch_all(job)).await {
            Ok(result) => result,
            Err(_) => Err(NotWhole::Passing(Refusal::new(
                "N0201",
                format!("the artifacts did not all arrive within {seconds} s"),
                "serve them from a faster store, or raise limits.fetch_seconds",
            ))),
        }
    }

    async fn fetch_all(&self, job: &Job) -> Result<(), NotWhole> {
        let (_, graph) = self.graph(job).await?;
        for (what, uri, kind) in
            [("params", &job.params_uri, TensorKind::Param), ("inputs", &job.inputs_uri, TensorKind::Input)]
        {
            self.bring(what, uri, self.bundle_limit(what, &graph, kind)?).await?;
        }
        Ok(())
    }

    /// Reads and checks all that a job needs, fetching only what the node's own store lacks.
    ///
    /// # Errors
    /// The first thing that is wrong: N0201 to N0205, N0209.
    pub async fn prepare(&self, job: &Job) -> Result<Prepared, NotWhole> {
        let (definition, graph) = self.graph(job).await?;
        self.whole(job, definition, graph).await
    }

    /// The same with the graph, which was checked before.
    pub(crate) async fn whole(&self, job: &Job, definition: Graph, graph: ResolvedGraph) -> Result<Prepared, NotWhole> {
        let params =
            self.read("params", &job.params_uri, self.bundle_limit("params", &graph, TensorKind::Param)?).await?;
        let inputs =
            self.read("inputs", &job.inputs_uri, self.bundle_limit("inputs", &graph, TensorKind::Input)?).await?;
        let job = job.clone();
        Ok(unblocked(move || check_tensors(&job, definition, graph, &params, &inputs)).await?)
    }

    /// The job's graph, checked alone.
    pub(crate) async fn graph(&self, job: &Job) -> Result<(Graph, ResolvedGraph), NotWhole> {
        if job.ir_version != IR_VERSION {
            return Err(NotWhole::Refused(Refusal::new(
                "N0209",
                format!("the job wants IR version {}, this node has {IR_VERSION}", job.ir_version),
                "update the node, or export the graph again",
            )));
        }
        let most = self.settings.now().limits.max_artifact_bytes.min(MAX_GRAPH_BYTES as u64);
        let bytes = self.read("graph", &job.graph_uri, most).await?;
        let (job, memory) = (job.clone(), self.settings.now().limits.max_memory_bytes);
        Ok(unblocked(move || check_graph(&job, &bytes, memory)).await?)
    }

    /// Bytes of a bundle as the graph declares them, if they are within the limit.
    pub(crate) fn bundle_limit(&self, what: &str, graph: &ResolvedGraph, kind: TensorKind) -> Result<u64, Refusal> {
        let (bytes, most) = (bundle_bytes(graph, kind), self.settings.now().limits.max_artifact_bytes);
        if bytes <= most {
            return Ok(bytes);
        }
        Err(Refusal::new(
            "N0201",
            format!("{what}: the graph declares {bytes} bytes, the limit is {most}"),
            "raise limits.max_artifact_bytes if the disk has room",
        ))
    }

    /// An artifact, from the node's own store or fetched into it.
    pub(crate) async fn read(&self, what: &str, uri: &str, max_bytes: u64) -> Result<Bytes, NotWhole> {
        let id = ArtifactUri::parse(uri).map_err(|error| unfetched(what, &error))?.id();
        match self.store.read(&id, max_bytes).await {
            Ok(bytes) => Ok(bytes),
            Err(StoreError::NotFound { .. } | StoreError::Corrupt { .. }) => {
                self.bring(what, uri, max_bytes).await?;
                self.store.read(&id, max_bytes).await.map_err(|error| unfetched(what, &error))
            }
            Err(error) => Err(unfetched(what, &error)),
        }
    }

    async fn bring(&self, what: &str, uri: &str, max_bytes: u64) -> Result<(), NotWhole> {
        let id = ArtifactUri::parse(uri).map_err(|error| unfetched(what, &error))?.id();
        self.fetcher.fetch(uri, id, max_bytes, &self.store).await.map_err(|error| unfetched(what, &error))?;
        Ok(())
    }
}

/// Only what the client got wrong is final; trouble of the network or of this machine passes.
fn unfetched(what: &str, error: &StoreError) -> NotWhole {
    let refusal =
        Refusal::new("N0201", format!("{what}: {error}"), "the client must serve its artifacts until the job ends");
    if error.is_transient() || matches!(error, StoreError::Io { .. } | StoreError::Corrupt { .. }) {
        NotWhole::Passing(refusal)
    } else {
        NotWhole::Refused(refusal)
    }
}

/// Decoding and hashing gigabytes would stall every other job on the asynchronous threads.
pub(crate) async fn unblocked<T: Send + 'static>(
    check: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(check).await.unwrap_or_else(|error| {
        Err(Refusal::new("N0202", format!("the check of the artifacts failed: {error}"), "report this graph"))
    })
}

pub(crate) fn malformed(reason: String) -> Refusal {
    Refusal::new("N0202", reason, "export the graph again and check it with `assay model check`")
}

/// Decodes and resolves the graph and compares it with the job, allocating no more than the limits allow.
fn check_graph(job: &Job, bytes: &[u8], max_memory_bytes: u64) -> Result<(Graph, ResolvedGraph), Refusal> {
    let definition = Graph::decode(bytes).map_err(|error| malformed(error.to_string()))?;
    let graph = resolved(&definition, &job.symbols, max_memory_bytes)?;
    pinned("graph", &graph.root, &job.graph_root)?;
    output_descriptor(&graph, job)?;
    check_cost(job, &graph)?;
    Ok((definition, graph))
}

/// The graph at these values of its symbols, if all of its tensors together are within the limit.
pub(crate) fn resolved(
    definition: &Graph,
    symbols: &[u32; 4],
    max_memory_bytes: u64,
) -> Result<ResolvedGraph, Refusal> {
    let (used, unused) = symbols.split_at(definition.symbols.len().min(symbols.len()));
    if unused.iter().any(|value| *value != 0) {
        let count = definition.symbols.len();
        return Err(malformed(format!("values are given to more than the graph's {count} symbols")));
    }
    let graph = definition.resolve(used).map_err(|error| malformed(error.to_string()))?;
    let needed = graph.tensors.iter().map(|tensor| tensor.bytes() as u64).fold(0, u64::saturating_add);
    if needed > max_memory_bytes {
        return Err(Refusal::new(
            "N0205",
            format!("all tensors together take {needed} bytes, the limit is {max_memory_bytes}"),
            "raise limits.max_memory_bytes if the machine has it",
        ));
    }
    Ok(graph)
}

fn check_tensors(
    job: &Job,
    definition: Graph,
    graph: ResolvedGraph,
    params: &[u8],
    inputs: &[u8],
) -> Result<Prepared, Refusal> {
    let params = decode_bundle(params, &graph, TensorKind::Param).map_err(|e| malformed(format!("params: {e}")))?;
    let inputs = decode_bundle(inputs, &graph, TensorKind::Input).map_err(|e| malformed(format!("inputs: {e}")))?;
    let hasher = Hasher::default();
    let params_root = hasher.params_root(&graph, &params).map_err(|error| malformed(error.to_string()))?;
    pinned("params", &params_root, &job.params_root)?;
    let inputs_root = hasher.inputs_root(&graph, &inputs).map_err(|error| malformed(error.to_string()))?;
    pinned("inputs", &inputs_root, &job.inputs_root)?;
    Ok(Prepared {
        definition: Arc::new(definition),
        graph: Arc::new(graph),
        params: Arc::new(params),
        inputs: Arc::new(inputs),
        params_root,
    })
}

pub(crate) fn pinned(what: &str, computed: &[u8; 32], pinned: &[u8; 32]) -> Result<(), Refusal> {
    if computed == pinned {
        return Ok(());
    }
    Err(Refusal::new(
        "N0203",
        format!("the {what} root is {}, pinned is {}", hex::encode(computed), hex::encode(pinned)),
        "the client posted a root of other bytes; nothing can be committed that would settle",
    ))
}

/// The output that the job will be paid for must be the one that the graph defines.
fn output_descriptor(graph: &ResolvedGraph, job: &Job) -> Result<(), Refusal> {
    let expected = output_of(graph)?;
    if expected == job.output {
        return Ok(());
    }
    Err(wrong_output(format!("the output descriptor is {:?}, the graph gives {expected:?}", job.output)))
}

/// A job that says it costs less than it does makes an honest result late.
fn check_cost(job: &Job, graph: &ResolvedGraph) -> Result<(), Refusal> {
    let cost = cost_units(graph);
    if job.cost_units == 0 || job.cost_units >= cost {
        return Ok(());
    }
    let reason = format!("the job says that it costs {} units, the graph costs {cost}", job.cost_units);
    Err(Refusal::new("N0232", reason, "post the job again with this project's client"))
}

/// The descriptor of a graph's only output.
pub(crate) fn output_of(graph: &ResolvedGraph) -> Result<OutputDescriptor, Refusal> {
    let [slot] = graph.outputs[..] else {
        return Err(wrong_output(format!(
            "the graph has {} outputs, a job takes graphs with one",
            graph.outputs.len()
        )));
    };
    let (Some(tensor), Some(position)) = (graph.tensors.get(usize::from(slot)), graph.boundary_position(slot)) else {
        return Err(wrong_output(format!("the output, tensor {slot}, is not in the boundary")));
    };
    let layout = &tensor.layout;
    Ok(OutputDescriptor {
        uid: layout.uid,
        leaves: layout.leaves(),
        depth: layout.depth(),
        boundary_position: position,
        boundary_count: graph.boundary.len() as u16,
    })
}

fn wrong_output(reason: String) -> Refusal {
    Refusal::new("N0204", reason, "post the job again with this project's client")
}
