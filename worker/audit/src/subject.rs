//! What is judged: a graph at symbol values, with everything that a job pins about it.

use assay_kernels::{KernelError, TensorSet};
use referee::graph::{CheckError, Graph, ResolvedGraph, Slot};
use std::sync::Arc;

/// A graph at symbol values with its params and the inputs of one job.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The graph as it is encoded; proofs open its descriptors.
    pub graph: Arc<Graph>,
    /// The graph at the job's symbol values.
    pub resolved: Arc<ResolvedGraph>,
    /// Weights and tables.
    pub params: Arc<TensorSet>,
    /// Inputs of the job.
    pub inputs: TensorSet,
}

impl Subject {
    /// Resolves the graph.
    ///
    /// # Errors
    /// The first check that the graph breaks at these symbol values.
    pub fn new(
        graph: Arc<Graph>,
        symbols: &[u32],
        params: Arc<TensorSet>,
        inputs: TensorSet,
    ) -> Result<Self, CheckError> {
        let resolved = Arc::new(graph.resolve(symbols)?);
        Ok(Self { graph, resolved, params, inputs })
    }

    /// The bytes of a param or input.
    ///
    /// # Errors
    /// [`KernelError::Missing`] for any other slot and for what was not given.
    pub fn given(&self, slot: Slot) -> Result<&Arc<[u8]>, KernelError> {
        self.params.get(&slot).or_else(|| self.inputs.get(&slot)).ok_or(KernelError::Missing { slot })
    }
}
