//! The value of one element of one op: what a dispute recomputes.

use super::machine::{Environment, execute};
use crate::graph::{Access, MAX_OP_OUTPUTS, OpKind, Program, REGISTERS, ResolvedGraph, ResolvedOp, Slot};
use core::fmt;

/// Gives the values of tensors, one element at a time.
pub trait Fetch {
    /// The element of a tensor at a row-major index; `None` if it is not at hand.
    ///
    /// A missing element rejects a proof; it never convicts.
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64>;
}

/// Why an element could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluateError {
    /// This element of an operand is not at hand.
    Missing {
        /// The operand's tensor.
        slot: Slot,
        /// The element's row-major index.
        element: u32,
    },
    /// The op or point is not one of a checked graph.
    Malformed,
}

impl fmt::Display for EvaluateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { slot, element } => write!(f, "R0001 element {element} of tensor {slot} is missing"),
            Self::Malformed => write!(f, "R0002 the op or the point is not one of a checked graph"),
        }
    }
}

impl core::error::Error for EvaluateError {}

/// Most axes of an iteration space.
const MAX_ITERATION_AXES: usize = crate::graph::MAX_OUTPUT_AXES + crate::graph::MAX_REDUCTION_AXES;

struct Point<'a, F> {
    op: &'a ResolvedOp,
    coordinates: [u32; MAX_ITERATION_AXES],
    fetch: &'a mut F,
}

impl<F: Fetch> Environment for Point<'_, F> {
    type Error = EvaluateError;

    #[inline]
    fn load(&mut self, operand: u8, indirect: Option<i64>) -> Result<i64, EvaluateError> {
        let view = self.op.operands.get(usize::from(operand)).ok_or(EvaluateError::Malformed)?;
        if view.indirect.is_some() != indirect.is_some() {
            return Err(EvaluateError::Malformed);
        }
        match view.access(&self.coordinates, indirect.unwrap_or(0)) {
            Access::Outside(value) => Ok(value),
            Access::Element(element) => {
                self.fetch.fetch(view.slot, element).ok_or(EvaluateError::Missing { slot: view.slot, element })
            }
        }
    }

    fn index(&self, axis: u8) -> u32 {
        self.coordinates.get(usize::from(axis)).copied().unwrap_or(0)
    }

    fn length(&self, axis: u8) -> u32 {
        let (axis, outputs) = (usize::from(axis), &self.op.output_dims);
        outputs.get(axis).or_else(|| self.op.reduction_dims.get(axis.wrapping_sub(outputs.len()))).copied().unwrap_or(0)
    }

    fn malformed(&self) -> EvaluateError {
        EvaluateError::Malformed
    }
}

/// The values that `op` stores at `point` of its output axes, saturated to the dtype of each output.
///
/// # Errors
/// A missing element, or an op or point that no checked graph has.
pub fn evaluate<F: Fetch>(
    graph: &ResolvedGraph,
    op: &ResolvedOp,
    point: &[u32],
    fetch: &mut F,
) -> Result<[i64; MAX_OP_OUTPUTS], EvaluateError> {
    let in_range = point.len() == op.output_dims.len() && point.iter().zip(&op.output_dims).all(|(at, dim)| at < dim);
    let axes = op.output_dims.len() + op.reduction_dims.len();
    if !in_range || axes > MAX_ITERATION_AXES {
        return Err(EvaluateError::Malformed);
    }
    let mut coordinates = [0u32; MAX_ITERATION_AXES];
    for (coordinate, at) in coordinates.iter_mut().zip(point) {
        *coordinate = *at;
    }
    let mut at = Point { op, coordinates, fetch };
    let mut registers = [0i64; REGISTERS];
    reduce(graph, &mut at, &mut registers)?;

    at.coordinates = coordinates;
    let mut stored = [0i64; MAX_OP_OUTPUTS];
    execute(program(graph, op.program)?, &mut registers, &mut stored, &mut at)?;
    for (output, slot) in op.outputs.iter().enumerate() {
        let tensor = graph.tensors.get(usize::from(*slot)).ok_or(EvaluateError::Malformed)?;
        let value = stored.get_mut(output).ok_or(EvaluateError::Malformed)?;
        *value = tensor.dtype.saturate(*value);
    }
    Ok(stored)
}

/// The value of one element of one tensor: `element` is its row-major index.
///
/// # Errors
/// As [`evaluate`]; a tensor that no op produces is malformed.
pub fn evaluate_output<F: Fetch>(
    graph: &ResolvedGraph,
    slot: Slot,
    element: u32,
    fetch: &mut F,
) -> Result<i64, EvaluateError> {
    let tensor = graph.tensors.get(usize::from(slot)).ok_or(EvaluateError::Malformed)?;
    let (op, output) = tensor.producer.ok_or(EvaluateError::Malformed)?;
    let op = graph.ops.get(usize::from(op)).ok_or(EvaluateError::Malformed)?;
    let mut point = [0u32; crate::graph::MAX_AXES];
    let point = point.get_mut(..op.output_dims.len()).ok_or(EvaluateError::Malformed)?;
    let mut rest = element;
    for (at, dim) in point.iter_mut().zip(&op.output_dims).rev() {
        *at = rest % (*dim).max(1);
        rest /= (*dim).max(1);
    }
    if rest != 0 {
        return Err(EvaluateError::Malformed);
    }
    evaluate(graph, op, point, fetch)?.get(usize::from(output)).copied().ok_or(EvaluateError::Malformed)
}

fn program(graph: &ResolvedGraph, index: u16) -> Result<&Program, EvaluateError> {
    graph.programs.get(usize::from(index)).ok_or(EvaluateError::Malformed)
}

/// Runs the reduction of the op at the point and leaves the epilogue's presets in the registers.
fn reduce<F: Fetch>(
    graph: &ResolvedGraph,
    at: &mut Point<'_, F>,
    registers: &mut [i64; REGISTERS],
) -> Result<(), EvaluateError> {
    let op = at.op;
    let prologue = op.prologue.map(|index| program(graph, index)).transpose()?;
    match op.kind {
        OpKind::Map => {}
        OpKind::Contract => {
            let mut sum = 0i32;
            for_each_reduction(at, |at, _| {
                let product = (at.load(0, None)? as i32).wrapping_mul(at.load(1, None)? as i32);
                sum = sum.wrapping_add(product);
                Ok(())
            })?;
            registers[0] = i64::from(sum);
        }
        OpKind::Sum | OpKind::SumPair => {
            let prologue = prologue.ok_or(EvaluateError::Malformed)?;
            let mut sums = [0i64; 2];
            for_each_reduction(at, |at, _| {
                let lanes = run_prologue(prologue, at)?;
                sums = [sums[0].wrapping_add(lanes[0]), sums[1].wrapping_add(lanes[1])];
                Ok(())
            })?;
            registers[0] = sums[0];
            if op.kind == OpKind::SumPair {
                registers[1] = sums[1];
            }
        }
        OpKind::ArgMax | OpKind::ArgMin => {
            let prologue = prologue.ok_or(EvaluateError::Malformed)?;
            let mut best: Option<(u32, i64)> = None;
            for_each_reduction(at, |at, index| {
                let value = run_prologue(prologue, at)?[0];
                let better = best.is_none_or(|(_, best)| match op.kind {
                    OpKind::ArgMin => value < best,
                    _ => value > best,
                });
                if better {
                    best = Some((index, value));
                }
                Ok(())
            })?;
            let (index, value) = best.ok_or(EvaluateError::Malformed)?;
            registers[0] = i64::from(index);
            registers[1] = value;
        }
    }
    Ok(())
}

fn run_prologue<F: Fetch>(prologue: &Program, at: &mut Point<'_, F>) -> Result<[i64; 2], EvaluateError> {
    let mut registers = [0i64; REGISTERS];
    execute(prologue, &mut registers, &mut [0; MAX_OP_OUTPUTS], at)?;
    Ok([registers[0], registers[1]])
}

/// Visits the points of the reduction axes row-major, with their running index.
fn for_each_reduction<'a, F: Fetch>(
    at: &mut Point<'a, F>,
    mut visit: impl FnMut(&mut Point<'a, F>, u32) -> Result<(), EvaluateError>,
) -> Result<(), EvaluateError> {
    let op = at.op;
    let first = op.output_dims.len();
    for index in 0..op.reduction_points() {
        let mut rest = index;
        let coordinates = at.coordinates.get_mut(first..).unwrap_or_default();
        for (coordinate, dim) in coordinates.iter_mut().zip(&op.reduction_dims).rev() {
            *coordinate = rest % dim;
            rest /= dim;
        }
        visit(at, index)?;
    }
    Ok(())
}
