//! What is to be computed, with everything that a job pins about it.

use crate::error::ClientError;
use assay::market::OutputDescriptor;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::artifact::encode_bundle;
use assay_store::{ArtifactUri, LocalStore};
use referee::graph::{Graph, ResolvedGraph, Slot};
use std::sync::Arc;

/// A graph at symbol values, with params and inputs.
#[derive(Clone, Debug)]
pub struct Work {
    /// The graph as it is encoded.
    pub graph: Arc<Graph>,
    /// The graph at the symbol values.
    pub resolved: Arc<ResolvedGraph>,
    /// Weights and tables.
    pub params: Arc<TensorSet>,
    /// Inputs of this job.
    pub inputs: TensorSet,
    /// Root of the params.
    pub params_root: [u8; 32],
    /// Root of the inputs.
    pub inputs_root: [u8; 32],
    /// Slot of the one output.
    pub output_slot: Slot,
    /// Where the output lies in what a node commits to.
    pub output: OutputDescriptor,
}

/// Where nodes fetch a job's artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactUris {
    /// The encoded graph.
    pub graph: String,
    /// The params bundle.
    pub params: String,
    /// The inputs bundle.
    pub inputs: String,
}

impl Work {
    /// Checks that everything fits and computes the roots. Nothing is sent anywhere.
    ///
    /// # Errors
    /// A graph that breaks a check, has not exactly one output, or whose tensors are missing or of the wrong size.
    pub fn new(
        graph: Arc<Graph>,
        params: Arc<TensorSet>,
        inputs: TensorSet,
        symbols: &[u32],
    ) -> Result<Self, ClientError> {
        if symbols.len() > 4 {
            return Err(ClientError::Symbols { given: symbols.len() });
        }
        let resolved = graph.resolve(symbols)?;
        let [output_slot] = resolved.outputs[..] else {
            return Err(ClientError::Outputs { outputs: resolved.outputs.len() });
        };
        let hasher = Hasher::default();
        let params_root = hasher.params_root(&resolved, &params)?;
        let inputs_root = hasher.inputs_root(&resolved, &inputs)?;
        let layout = resolved.tensors.get(usize::from(output_slot)).map(|tensor| &tensor.layout);
        let output = OutputDescriptor {
            uid: layout.map_or([0; 8], |layout| layout.uid),
            leaves: layout.map_or(0, |layout| layout.leaves()),
            depth: layout.map_or(0, |layout| layout.depth()),
            boundary_position: resolved.boundary_position(output_slot).unwrap_or(0),
            boundary_count: resolved.boundary.len() as u16,
        };
        let resolved = Arc::new(resolved);
        Ok(Self { graph, resolved, params, inputs, params_root, inputs_root, output_slot, output })
    }

    /// Symbol values in the form that a job holds.
    pub fn symbols(&self) -> [u32; 4] {
        let mut symbols = [0; 4];
        symbols.iter_mut().zip(&self.resolved.symbols).for_each(|(target, value)| *target = *value);
        symbols
    }

    /// Puts graph, params and inputs into `store`, which is served at `base`.
    ///
    /// # Errors
    /// The store fails, or the addresses are too long for a job.
    pub async fn store(&self, store: &LocalStore, base: &str) -> Result<ArtifactUris, ClientError> {
        let graph = store.put_bytes(self.graph.encode()).await?;
        let params = store.put_bytes(encode_bundle(&self.params)).await?;
        let inputs = store.put_bytes(encode_bundle(&self.inputs)).await?;
        Ok(ArtifactUris {
            graph: ArtifactUri::new(base, graph)?.as_str().to_owned(),
            params: ArtifactUri::new(base, params)?.as_str().to_owned(),
            inputs: ArtifactUri::new(base, inputs)?.as_str().to_owned(),
        })
    }
}
