//! What building ends in.

use crate::TensorSet;
use referee::graph::{CheckError, Graph, Report, ResolvedGraph, Slot};

/// A checked graph with the values of its params, and the names that its author gave.
///
/// Names are for people: neither the graph's bytes nor its root hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The graph.
    pub graph: Graph,
    /// Values of every param by slot.
    pub params: TensorSet,
    /// Lints, and what refereeing an element of each op costs.
    pub report: Report,
    /// Name of each tensor by slot.
    pub tensor_names: Vec<String>,
    /// Name of each op by index.
    pub op_names: Vec<String>,
    /// Name of each symbol by index.
    pub symbol_names: Vec<String>,
}

impl Model {
    /// The slot of a tensor.
    pub fn slot(&self, name: &str) -> Option<Slot> {
        self.tensor_names.iter().position(|known| known == name).and_then(|slot| Slot::try_from(slot).ok())
    }

    /// The graph at fixed symbol values.
    ///
    /// # Errors
    /// A symbol value out of its bounds, or a rule that holds at the corners of the bounds but not here.
    pub fn resolve(&self, symbols: &[u32]) -> Result<ResolvedGraph, CheckError> {
        self.graph.resolve(symbols)
    }
}
