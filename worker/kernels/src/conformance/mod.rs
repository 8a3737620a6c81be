//! Conformance vectors: small graphs that together use every op kind, element type, form of view, instruction and
//! extreme value, with inputs and params. Expected values are never stored: the scalar reference gives them.
//!
//! [`verify`] compares a backend with the reference on every tensor. Backends on devices that can be wrong run
//! [`Level::SelfTest`] when they open; tests run [`Level::Full`] and any number of [`random_vector`]s.

mod contract;
mod convolution;
mod fused;
mod instructions;
mod looping;
mod map;
mod random;
mod reduce;
mod requantise;
mod sketch;
mod unfuse;
mod values;
mod verify;

pub use random::random_vector;
pub use unfuse::unfuse;
pub use verify::{Mismatch, VerifyError, verify};

use crate::TensorSet;
use referee::commit::TensorLayout;
use referee::graph::{CheckError, Graph, ResolvedGraph, Slot};

/// How much is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A few graphs that touch everything that devices have been seen to get wrong; quick enough for start-up.
    SelfTest,
    /// Everything.
    Full,
}

/// A length that stands for a greater one in a graph, so that kernels are tested beyond what a referee may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Every dim of this length ...
    pub from: u32,
    /// ... gets this one.
    pub to: u32,
}

/// One graph with its inputs and params.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Unique among the vectors of a level.
    pub name: String,
    /// The graph.
    pub graph: Graph,
    /// Values of its symbols.
    pub symbols: Vec<u32>,
    /// Applied after the graph's checks: the bound of a reduction is far beyond what one proof may carry.
    pub stretch: Option<Stretch>,
    /// Values of its inputs, at the stretched size.
    pub inputs: TensorSet,
    /// Values of its params, at the stretched size.
    pub params: TensorSet,
}

impl Vector {
    /// The graph at its symbols, checked, then stretched.
    ///
    /// # Errors
    /// As [`Graph::resolve`].
    pub fn resolve(&self) -> Result<ResolvedGraph, CheckError> {
        let mut graph = self.graph.resolve(&self.symbols)?;
        if let Some(Stretch { from, to }) = self.stretch {
            let lengthen = |dims: &mut Vec<u32>| dims.iter_mut().filter(|dim| **dim == from).for_each(|dim| *dim = to);
            for (slot, tensor) in graph.tensors.iter_mut().enumerate() {
                lengthen(&mut tensor.dims);
                tensor.layout = TensorLayout::new(slot as Slot, tensor.dtype, tensor.kind, &tensor.dims);
            }
            for op in &mut graph.ops {
                lengthen(&mut op.output_dims);
                lengthen(&mut op.reduction_dims);
                op.operands.iter_mut().for_each(|view| lengthen(&mut view.dims));
            }
        }
        Ok(graph)
    }
}

/// The vectors of a level, always the same.
pub fn vectors(level: Level) -> Vec<Vector> {
    match level {
        Level::SelfTest => {
            let mut vectors = contract::self_test();
            vectors.extend(convolution::self_test());
            vectors.extend(instructions::self_test());
            vectors.extend(requantise::self_test());
            vectors.extend(map::self_test());
            vectors.extend(looping::self_test());
            vectors.extend(reduce::self_test());
            vectors
        }
        Level::Full => {
            let mut vectors = vectors(Level::SelfTest);
            vectors.extend(contract::full());
            vectors.extend(convolution::full());
            vectors.extend(fused::full());
            vectors.extend(instructions::full());
            vectors.extend(requantise::full());
            vectors.extend(map::full());
            vectors.extend(looping::full());
            vectors.extend(reduce::full());
            vectors.extend((0..24).map(random_vector));
            vectors
        }
    }
}
