//! Compares a backend with the scalar reference.

use super::Vector;
use crate::{Backend, Keep, KernelError, Model, TensorSet};
use referee::graph::{CheckError, ResolvedGraph, Slot, TensorKind};
use referee::semantics::{self, RunError, Trace};
use std::sync::Arc;

/// The first element that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the vector.
    pub vector: String,
    /// What was kept in the run that differed.
    pub keep: Keep,
    /// The tensor.
    pub slot: Slot,
    /// Row-major index; the number of elements that agree if the tensor is missing or has the wrong length.
    pub element: usize,
    /// By the reference.
    pub expected: i64,
    /// By the backend; `None` if the element is missing.
    pub got: Option<i64>,
}

/// Why a backend does not conform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A value differs from the reference.
    #[error("{}: tensor {} differs at element {}: {:?} instead of {} ({:?})", .0.vector, .0.slot, .0.element, .0.got, .0.expected, .0.keep)]
    Mismatch(Mismatch),
    /// A tensor was returned that was not to be kept.
    #[error("{vector}: tensor {slot} was returned though it was not to be kept ({keep:?})")]
    Unasked {
        /// Name of the vector.
        vector: String,
        /// The tensor.
        slot: Slot,
        /// What was to be kept.
        keep: Keep,
    },
    /// The backend refused the graph or failed.
    #[error("{vector}: {error}")]
    Kernel {
        /// Name of the vector.
        vector: String,
        /// What it said.
        error: KernelError,
    },
    /// The vector's graph breaks a rule: the vector is at fault.
    #[error("{vector}: the graph is refused: {error}")]
    Graph {
        /// Name of the vector.
        vector: String,
        /// The rule.
        error: CheckError,
    },
    /// The reference cannot run the vector: the vector is at fault.
    #[error("{vector}: the reference cannot run it: {error}")]
    Reference {
        /// Name of the vector.
        vector: String,
        /// Why.
        error: RunError,
    },
}

impl VerifyError {
    /// Name of the vector.
    pub fn vector(&self) -> &str {
        match self {
            Self::Mismatch(mismatch) => &mismatch.vector,
            Self::Unasked { vector, .. }
            | Self::Kernel { vector, .. }
            | Self::Graph { vector, .. }
            | Self::Reference { vector, .. } => vector,
        }
    }
}

/// Runs each vector on the backend with every way to keep tensors and compares all that it returns.
///
/// # Errors
/// The first difference.
pub fn verify<'a>(backend: &dyn Backend, vectors: impl IntoIterator<Item = &'a Vector>) -> Result<(), VerifyError> {
    vectors.into_iter().try_for_each(|vector| verify_one(backend, vector))
}

fn verify_one(backend: &dyn Backend, vector: &Vector) -> Result<(), VerifyError> {
    let name = || vector.name.clone();
    let graph = vector.resolve().map_err(|error| VerifyError::Graph { vector: name(), error })?;
    let graph = Arc::new(graph);
    let given: Vec<&[u8]> = (0..graph.tensors.len() as Slot)
        .map(|slot| vector.inputs.get(&slot).or_else(|| vector.params.get(&slot)).map_or(&[][..], |bytes| bytes))
        .collect();
    let trace = semantics::run(&graph, &given).map_err(|error| VerifyError::Reference { vector: name(), error })?;
    let model = backend
        .load(Arc::clone(&graph), &vector.params)
        .map_err(|error| VerifyError::Kernel { vector: name(), error })?;
    let run = Run { vector, graph: &graph, trace: &trace, model: &*model };

    let temps = graph.slots_of(TensorKind::Temp);
    let boundary: Vec<Slot> = graph.boundary.iter().map(|entry| entry.slot).collect();
    run.compare(Keep::Everything, &vector.inputs, &temps)?;
    run.compare(Keep::Boundary, &vector.inputs, &boundary)?;
    let mut inputs = vector.inputs.clone();
    for segment in 0..graph.segments.len() as u16 {
        run.compare(Keep::Segment(segment), &inputs, &graph.segment_slots(segment))?;
        let crossing = graph.boundary.iter().filter(|entry| entry.segment == segment);
        inputs.extend(crossing.map(|entry| (entry.slot, trace.tensors[usize::from(entry.slot)].as_slice().into())));
    }
    Ok(())
}

struct Run<'a> {
    vector: &'a Vector,
    graph: &'a ResolvedGraph,
    trace: &'a Trace,
    model: &'a dyn Model,
}

impl Run<'_> {
    fn compare(&self, keep: Keep, inputs: &TensorSet, expected_slots: &[Slot]) -> Result<(), VerifyError> {
        let vector = || self.vector.name.clone();
        let execution =
            self.model.run(inputs, keep).map_err(|error| VerifyError::Kernel { vector: vector(), error })?;
        if let Some(slot) = execution.tensors.keys().find(|slot| !expected_slots.contains(slot)) {
            return Err(VerifyError::Unasked { vector: vector(), slot: *slot, keep });
        }
        for slot in expected_slots {
            let dtype = self.graph.tensors[usize::from(*slot)].dtype;
            let expected = &self.trace.tensors[usize::from(*slot)];
            let got = execution.tensors.get(slot).map_or(&[][..], |bytes| bytes);
            if expected == got {
                continue;
            }
            let elements = expected.len() / dtype.bytes() as usize;
            let differs = |element: &usize| dtype.read(expected, *element) != dtype.read(got, *element);
            let element = (0..elements).find(differs).unwrap_or(elements);
            return Err(VerifyError::Mismatch(Mismatch {
                vector: vector(),
                keep,
                slot: *slot,
                element,
                expected: dtype.read(expected, element).unwrap_or(0),
                got: dtype.read(got, element),
            }));
        }
        Ok(())
    }
}
