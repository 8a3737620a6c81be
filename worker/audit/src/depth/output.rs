//! Depth `output`: the whole job is replayed and its boundary compared.

use crate::locate::{BoundaryDifference, locate_boundary};
use assay_kernels::commit::{Boundary, Hasher};
use assay_kernels::{Keep, KernelError, Model, TensorSet};
use referee::commit::Hash;
use referee::graph::ResolvedGraph;

/// What replaying a job gave.
#[derive(Clone, Debug)]
pub struct OutputAudit {
    /// The auditor's own boundary tensors.
    pub tensors: TensorSet,
    /// Their hashes and root.
    pub boundary: Boundary,
}

/// Replays a job on a loaded model.
///
/// # Errors
/// Inputs that are missing or have the wrong size; a device that fails.
pub fn output(
    graph: &ResolvedGraph,
    hasher: &Hasher,
    model: &dyn Model,
    inputs: &TensorSet,
) -> Result<OutputAudit, KernelError> {
    let tensors = model.run(inputs, Keep::Boundary)?.tensors;
    let boundary = hasher.boundary(graph, &tensors)?;
    Ok(OutputAudit { tensors, boundary })
}

impl OutputAudit {
    /// Whether the result that was committed to under this root is right.
    pub fn agrees(&self, committed_root: &Hash) -> bool {
        self.boundary.root == *committed_root
    }

    /// The first boundary tensor that is wrong, by the hashes behind the committed root.
    pub fn first_difference(&self, graph: &ResolvedGraph, claimed: &[Hash]) -> Option<BoundaryDifference> {
        locate_boundary(graph, &self.boundary.hashes, claimed)
    }
}
