//! Handles of tensors.

use referee::graph::{Dim, Dtype, Slot};

/// A tensor of the graph being built. Cheap to clone; valid in the builder that made it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorHandle {
    pub(super) slot: Slot,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<Dim>,
}

impl TensorHandle {
    /// Its slot in the graph.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Its element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its axes, outermost first.
    pub fn shape(&self) -> &[Dim] {
        &self.shape
    }

    /// The same elements, row-major, as a tensor of another shape: what reads it sees that shape. The product of the
    /// constants and the symbols must be those of the tensor; a graph in which they are not is refused.
    pub fn viewed(&self, shape: &[Dim]) -> Self {
        Self { shape: shape.to_vec(), ..self.clone() }
    }
}
