//! A whole graph by the scalar reference: slow, and right by definition.

use super::element::{EvaluateError, Fetch, evaluate};
use crate::graph::{Dtype, ResolvedGraph, ResolvedOp, Slot, TensorKind};
use alloc::vec::Vec;
use core::fmt;

/// Values of all tensors by slot: row-major, little endian. Slots not yet computed are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Bytes of each tensor.
    pub tensors: Vec<Vec<u8>>,
}

/// Why a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunError {
    /// An input or param is missing or has the wrong number of bytes.
    Operand {
        /// Its slot.
        slot: Slot,
        /// Bytes that its shape asks for.
        expected: usize,
        /// Bytes given.
        given: usize,
    },
    /// An element could not be computed; impossible for a checked graph.
    Evaluate(EvaluateError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operand { slot, expected, given } => {
                write!(f, "R0003 tensor {slot} needs {expected} bytes, {given} were given")
            }
            Self::Evaluate(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RunError {}

struct Tensors<'a> {
    tensors: &'a [Vec<u8>],
    dtypes: &'a [Dtype],
}

impl Fetch for Tensors<'_> {
    #[inline]
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let slot = usize::from(slot);
        self.dtypes.get(slot)?.read(self.tensors.get(slot)?, element as usize)
    }
}

/// Runs the graph on `given` (bytes by slot; entries of Temps are ignored) and returns the values of every tensor.
///
/// # Errors
/// An input or param of the wrong size.
pub fn run(graph: &ResolvedGraph, given: &[&[u8]]) -> Result<Trace, RunError> {
    let mut tensors: Vec<Vec<u8>> = Vec::with_capacity(graph.tensors.len());
    for (slot, tensor) in graph.tensors.iter().enumerate() {
        if tensor.kind == TensorKind::Temp {
            tensors.push(Vec::new());
            continue;
        }
        let bytes = given.get(slot).copied().unwrap_or(&[]);
        if bytes.len() != tensor.bytes() {
            return Err(RunError::Operand { slot: slot as Slot, expected: tensor.bytes(), given: bytes.len() });
        }
        tensors.push(bytes.to_vec());
    }
    let dtypes: Vec<Dtype> = graph.tensors.iter().map(|tensor| tensor.dtype).collect();
    for op in &graph.ops {
        let outputs = run_op(graph, op, &tensors, &dtypes).map_err(RunError::Evaluate)?;
        for (slot, bytes) in op.outputs.iter().zip(outputs) {
            if let Some(tensor) = tensors.get_mut(usize::from(*slot)) {
                *tensor = bytes;
            }
        }
    }
    Ok(Trace { tensors })
}

fn run_op(
    graph: &ResolvedGraph,
    op: &ResolvedOp,
    tensors: &[Vec<u8>],
    dtypes: &[Dtype],
) -> Result<Vec<Vec<u8>>, EvaluateError> {
    let sizes = op.outputs.iter().map(|slot| graph.tensors.get(usize::from(*slot)).map_or(0, |tensor| tensor.bytes()));
    let mut outputs: Vec<Vec<u8>> = sizes.map(|size| alloc::vec![0; size]).collect();
    let mut point = alloc::vec![0u32; op.output_dims.len()];
    for element in 0..op.output_elements() {
        let mut rest = element;
        for (at, dim) in point.iter_mut().zip(&op.output_dims).rev() {
            *at = rest % dim;
            rest /= dim;
        }
        let values = evaluate(graph, op, &point, &mut Tensors { tensors, dtypes })?;
        for ((slot, bytes), value) in op.outputs.iter().zip(&mut outputs).zip(values) {
            let dtype = dtypes.get(usize::from(*slot)).ok_or(EvaluateError::Malformed)?;
            if !dtype.write(bytes, element as usize, value) {
                return Err(EvaluateError::Malformed);
            }
        }
    }
    Ok(outputs)
}
