//! Everything that is checked before any bond is at risk: all artifacts are fetched, hashed, decoded and compared with
//! what the job pins. Afterwards the node can compute the job without asking anybody for anything.

use crate::config::Limits;
use crate::refusal::Refusal;
use assay::state::Job;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::artifact::decode_bundle;
use assay_store::{ArtifactUri, Fetcher, LocalStore};
use referee::graph::{Graph, IR_VERSION, MAX_GRAPH_BYTES, ResolvedGraph, TensorKind};
use std::sync::Arc;

/// A job that is whole: ready to be claimed and run.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The checked graph at the job's symbol values.
    pub graph: Arc<ResolvedGraph>,
    /// Weights and tables.
    pub params: Arc<TensorSet>,
    /// The job's inputs.
    pub inputs: Arc<TensorSet>,
    /// Root of the params: with the graph's root and symbols the key of a loaded model.
    pub params_root: [u8; 32],
}

/// Where artifacts come from and how large they may be.
#[derive(Debug)]
pub struct Artifacts {
    /// Brings artifacts in.
    pub fetcher: Fetcher,
    /// Keeps them.
    pub store: LocalStore,
    /// Bounds.
    pub limits: Limits,
}

impl Artifacts {
    /// Fetches and checks all that a job needs.
    ///
    /// # Errors
    /// The first thing that is wrong: N0201 to N0205, N0209.
    pub async fn prepare(&self, job: &Job) -> Result<Prepared, Refusal> {
        if job.ir_version != IR_VERSION {
            return Err(Refusal::new(
                "N0209",
                format!("the job wants IR version {}, this node has {IR_VERSION}", job.ir_version),
                "update the node, or export the graph again",
            ));
        }
        let max_graph = self.limits.max_artifact_bytes.min(MAX_GRAPH_BYTES as u64);
        let graph_bytes = self.bring("graph", &job.graph_uri, max_graph).await?;
        let params_bytes = self.bring("params", &job.params_uri, self.limits.max_artifact_bytes).await?;
        let inputs_bytes = self.bring("inputs", &job.inputs_uri, self.limits.max_artifact_bytes).await?;
        let (job, limit) = (job.clone(), self.limits.max_memory_bytes);
        // Decoding and hashing gigabytes would stall every other job on the async threads.
        let check = move || check(&job, &graph_bytes, &params_bytes, &inputs_bytes, limit);
        tokio::task::spawn_blocking(check).await.unwrap_or_else(|error| {
            Err(Refusal::new("N0202", format!("the check of the artifacts failed: {error}"), "report this graph"))
        })
    }

    async fn bring(&self, what: &str, uri: &str, max_bytes: u64) -> Result<Vec<u8>, Refusal> {
        let refuse = |error: assay_store::StoreError| {
            Refusal::new("N0201", format!("{what}: {error}"), "the client must serve its artifacts until the job ends")
        };
        let id = ArtifactUri::parse(uri).map_err(refuse)?.id();
        self.fetcher.fetch(uri, id, max_bytes, &self.store).await.map_err(refuse)?;
        Ok(self.store.read(&id, max_bytes).await.map_err(refuse)?.to_vec())
    }
}

/// The part without IO: decodes, resolves and compares with the job.
fn check(
    job: &Job,
    graph_bytes: &[u8],
    params_bytes: &[u8],
    inputs_bytes: &[u8],
    max_memory_bytes: u64,
) -> Result<Prepared, Refusal> {
    let malformed = |reason: String| Refusal::new("N0202", reason, "export the graph again and check it with `assay model check`");
    let graph = Graph::decode(graph_bytes).map_err(|error| malformed(error.to_string()))?;
    let (used, unused) = job.symbols.split_at(graph.symbols.len().min(job.symbols.len()));
    if unused.iter().any(|value| *value != 0) {
        return Err(malformed(format!("the job gives values to more than the graph's {} symbols", graph.symbols.len())));
    }
    let graph = graph.resolve(used).map_err(|error| malformed(error.to_string()))?;
    pinned("graph", &graph.root, &job.graph_root)?;

    let needed: u64 = graph.tensors.iter().map(|tensor| tensor.bytes() as u64).sum();
    if needed > max_memory_bytes {
        return Err(Refusal::new(
            "N0205",
            format!("all tensors together take {needed} bytes, the limit is {max_memory_bytes}"),
            "raise limits.max_memory_bytes if the machine has it",
        ));
    }
    let params = decode_bundle(params_bytes, &graph, TensorKind::Param).map_err(|e| malformed(format!("params: {e}")))?;
    let inputs = decode_bundle(inputs_bytes, &graph, TensorKind::Input).map_err(|e| malformed(format!("inputs: {e}")))?;
    let hasher = Hasher::default();
    let params_root = hasher.params_root(&graph, &params).map_err(|error| malformed(error.to_string()))?;
    pinned("params", &params_root, &job.params_root)?;
    let inputs_root = hasher.inputs_root(&graph, &inputs).map_err(|error| malformed(error.to_string()))?;
    pinned("inputs", &inputs_root, &job.inputs_root)?;
    output_descriptor(&graph, job)?;
    Ok(Prepared { graph: Arc::new(graph), params: Arc::new(params), inputs: Arc::new(inputs), params_root })
}

fn pinned(what: &str, computed: &[u8; 32], pinned: &[u8; 32]) -> Result<(), Refusal> {
    if computed == pinned {
        return Ok(());
    }
    Err(Refusal::new(
        "N0203",
        format!("the {what} root is {}, the job pins {}", hex::encode(computed), hex::encode(pinned)),
        "the client posted a root of other bytes; nothing can be committed that would settle",
    ))
}

/// The output that the job will be paid for must be the one that the graph defines.
fn output_descriptor(graph: &ResolvedGraph, job: &Job) -> Result<(), Refusal> {
    let refuse = |reason: String| Refusal::new("N0204", reason, "post the job again with this project's client");
    let [slot] = graph.outputs[..] else {
        return Err(refuse(format!("the graph has {} outputs, a job takes graphs with one", graph.outputs.len())));
    };
    let (Some(tensor), Some(position)) = (graph.tensors.get(usize::from(slot)), graph.boundary_position(slot)) else {
        return Err(refuse(format!("the output, tensor {slot}, is not in the boundary")));
    };
    let layout = &tensor.layout;
    let expected = (layout.uid, layout.leaves(), layout.depth(), position, graph.boundary.len() as u16);
    let output = &job.output;
    let given = (output.uid, output.leaves, output.depth, output.boundary_position, output.boundary_count);
    if expected == given {
        return Ok(());
    }
    Err(refuse(format!("the output descriptor is {given:?}, the graph gives {expected:?}")))
}
