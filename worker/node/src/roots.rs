//! What is signed of a run.

use crate::engine::Run;
use crate::prepare::Prepared;
use assay_kernels::commit::Hasher;
use std::sync::Arc;

/// What a run says of its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roots {
    /// Root of the boundary list.
    pub(crate) boundary_root: [u8; 32],
    /// Root of the output tensor.
    pub(crate) output_root: [u8; 32],
    /// Path of the output in the boundary tree.
    pub(crate) output_path: Vec<[u8; 32]>,
    /// The output tensor.
    pub(crate) output: Arc<[u8]>,
}

/// The roots of a run and its output.
pub(crate) fn roots_of(prepared: &Prepared, run: &Run) -> Result<Roots, String> {
    let missing = || "the run gave no output".to_owned();
    let slot = *prepared.graph.outputs.first().ok_or_else(missing)?;
    let position = prepared.graph.boundary_position(slot).ok_or_else(missing)?;
    let tensor = prepared.graph.tensors.get(usize::from(slot)).ok_or_else(missing)?;
    let output = Arc::clone(run.tensors.get(&slot).ok_or_else(missing)?);
    let hashed = Hasher::default().tensor(slot, &tensor.layout, &output).map_err(|error| error.to_string())?;
    Ok(Roots {
        boundary_root: run.boundary.root,
        output_root: hashed.root,
        output_path: run.boundary.path(position).ok_or_else(missing)?,
        output,
    })
}
