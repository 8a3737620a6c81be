//! A whole graph by the scalar reference: slow, and right by definition.

use super::element::{EvaluateError, Fetch, evaluate};
use crate::graph::{Dtype, ResolvedGraph, ResolvedOp, Slot, TensorKind};
use alloc::vec::Vec;
use core::borrow::Borrow;
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
    let mut run = Run::new(graph, given.iter().map(|bytes| bytes.to_vec()).collect())?;
    run.advance(u64::MAX)?;
    Ok(run.into_trace())
}

/// A run in steps, for whoever shows how far it is or may want to stop it.
///
/// Its measure is the *point*: a point of the reduction axes of one output element, which is one product of a Contract
/// and one element of a Map.
#[derive(Clone, Debug)]
pub struct Run<G> {
    graph: G,
    dtypes: Vec<Dtype>,
    tensors: Vec<Vec<u8>>,
    /// The op that is being run, and the next element of its outputs.
    op: usize,
    element: u32,
    /// Values of that op's outputs so far.
    outputs: Vec<Vec<u8>>,
    points_done: u64,
    points_total: u64,
}

impl<G: Borrow<ResolvedGraph>> Run<G> {
    /// A run of the graph on `given` (bytes by slot; entries of Temps are ignored) of which nothing is done yet.
    ///
    /// # Errors
    /// An input or param of the wrong size.
    pub fn new(graph: G, given: Vec<Vec<u8>>) -> Result<Self, RunError> {
        let resolved = graph.borrow();
        let mut given = given.into_iter();
        let mut tensors: Vec<Vec<u8>> = Vec::with_capacity(resolved.tensors.len());
        for (slot, tensor) in resolved.tensors.iter().enumerate() {
            let bytes = given.next().unwrap_or_default();
            if tensor.kind == TensorKind::Temp {
                tensors.push(Vec::new());
                continue;
            }
            if bytes.len() != tensor.bytes() {
                return Err(RunError::Operand { slot: slot as Slot, expected: tensor.bytes(), given: bytes.len() });
            }
            tensors.push(bytes);
        }
        let dtypes = resolved.tensors.iter().map(|tensor| tensor.dtype).collect();
        let points_total = resolved.ops.iter().map(ResolvedOp::points).fold(0, u64::saturating_add);
        Ok(Self { graph, dtypes, tensors, op: 0, element: 0, outputs: Vec::new(), points_done: 0, points_total })
    }

    /// How many points are done.
    pub fn points_done(&self) -> u64 {
        self.points_done
    }

    /// How many points the whole run has.
    pub fn points_total(&self) -> u64 {
        self.points_total
    }

    /// Computes elements until `points` points are done or nothing is left, at least one of those left; whether all is done.
    ///
    /// # Errors
    /// An element that could not be computed; impossible for a checked graph.
    pub fn advance(&mut self, points: u64) -> Result<bool, RunError> {
        let until = self.points_done.saturating_add(points.max(1));
        while let Some(op) = self.graph.borrow().ops.get(self.op) {
            let elements = op.output_elements();
            let cost = u64::from(op.reduction_points().max(1));
            if self.outputs.is_empty() {
                let tensors = &self.graph.borrow().tensors;
                let bytes = |slot: &Slot| tensors.get(usize::from(*slot)).map_or(0, |tensor| tensor.bytes());
                self.outputs = op.outputs.iter().map(|slot| alloc::vec![0; bytes(slot)]).collect();
            }
            let affordable = until.saturating_sub(self.points_done).div_ceil(cost);
            let end = u64::from(self.element).saturating_add(affordable).min(u64::from(elements)) as u32;
            let mut operands = Tensors { tensors: &self.tensors, dtypes: &self.dtypes };
            let range = self.element..end;
            compute(self.graph.borrow(), op, range, &mut operands, &mut self.outputs).map_err(RunError::Evaluate)?;
            self.points_done = self.points_done.saturating_add(u64::from(end.saturating_sub(self.element)) * cost);
            self.element = end;
            if end < elements {
                return Ok(false);
            }
            for (slot, bytes) in op.outputs.iter().zip(core::mem::take(&mut self.outputs)) {
                if let Some(tensor) = self.tensors.get_mut(usize::from(*slot)) {
                    *tensor = bytes;
                }
            }
            (self.op, self.element) = (self.op.saturating_add(1), 0);
            if self.points_done >= until {
                break;
            }
        }
        Ok(self.op >= self.graph.borrow().ops.len())
    }

    /// The values so far, by slot: tensors of ops that are not done yet are empty.
    pub fn tensors(&self) -> &[Vec<u8>] {
        &self.tensors
    }

    /// The values so far: tensors of ops that are not done yet are empty.
    pub fn into_trace(self) -> Trace {
        Trace { tensors: self.tensors }
    }
}

/// Computes some elements of an op into `outputs`.
fn compute(
    graph: &ResolvedGraph,
    op: &ResolvedOp,
    elements: core::ops::Range<u32>,
    operands: &mut Tensors<'_>,
    outputs: &mut [Vec<u8>],
) -> Result<(), EvaluateError> {
    let mut point = alloc::vec![0u32; op.output_dims.len()];
    for element in elements {
        let mut rest = element;
        for (at, dim) in point.iter_mut().zip(&op.output_dims).rev() {
            *at = rest % dim;
            rest /= dim;
        }
        let values = evaluate(graph, op, &point, operands)?;
        for ((slot, bytes), value) in op.outputs.iter().zip(outputs.iter_mut()).zip(values) {
            let dtype = operands.dtypes.get(usize::from(*slot)).ok_or(EvaluateError::Malformed)?;
            if !dtype.write(bytes, element as usize, value) {
                return Err(EvaluateError::Malformed);
            }
        }
    }
    Ok(())
}
