//! The value of one element of one op: what a dispute recomputes.

use super::contract::contract;
use super::locate::Located;
use super::machine::{Environment, execute};
use crate::graph::{
    Access, MAX_OP_OUTPUTS, MAX_OUTPUT_AXES, MAX_REDUCTION_AXES, OpKind, Program, REGISTERS, ResolvedGraph, ResolvedOp,
    Slot,
};
use alloc::vec::Vec;
use core::fmt;

/// Gives the values of tensors, one element at a time.
pub trait Fetch {
    /// The element of a tensor at a row-major index; `None` if it is not at hand.
    ///
    /// A missing element rejects a proof; it never convicts.
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64>;

    /// The bytes of `count` adjacent elements from `first` on, where they are at hand in one piece.
    ///
    /// Only a faster way to what [`fetch`](Self::fetch) gives: without it, every element is fetched.
    fn run(&self, slot: Slot, first: u32, count: u32) -> Option<&[u8]> {
        let _ = (slot, first, count);
        None
    }
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
const MAX_ITERATION_AXES: usize = MAX_OUTPUT_AXES + MAX_REDUCTION_AXES;

/// An op with the programs that it runs: all that its values depend on, besides its operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    pub(crate) op: &'a ResolvedOp,
    pub(crate) prologue: Option<&'a Program>,
    pub(crate) program: &'a Program,
}

/// A point of the iteration space, and how its operands are read.
pub(super) struct Point<'a, F> {
    pub(super) op: &'a ResolvedOp,
    pub(super) operands: Vec<Located<'a>>,
    output: [u32; MAX_OUTPUT_AXES],
    pub(super) reduction: [i64; MAX_REDUCTION_AXES],
    pub(super) fetch: &'a mut F,
}

impl<F: Fetch> Environment for Point<'_, F> {
    type Error = EvaluateError;

    #[inline]
    fn load(&mut self, operand: u8, indirect: Option<i64>) -> Result<i64, EvaluateError> {
        let located = self.operands.get(usize::from(operand)).ok_or(EvaluateError::Malformed)?;
        let view = located.view();
        if view.indirect.is_some() != indirect.is_some() {
            return Err(EvaluateError::Malformed);
        }
        match located.access(&self.reduction, indirect.unwrap_or(0)) {
            Access::Outside(value) => Ok(value),
            Access::Element(element) => {
                self.fetch.fetch(view.slot, element).ok_or(EvaluateError::Missing { slot: view.slot, element })
            }
        }
    }

    fn index(&self, axis: u8) -> u32 {
        let (axis, outputs) = (usize::from(axis), self.op.output_dims.len());
        match axis.checked_sub(outputs) {
            None => self.output.get(axis).copied().unwrap_or(0),
            Some(axis) => self.reduction.get(axis).map_or(0, |at| *at as u32),
        }
    }

    fn length(&self, axis: u8) -> u32 {
        self.op.iteration_length(axis).unwrap_or(0)
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
    let prologue = op.prologue.map(|index| program(graph, index)).transpose()?;
    let work = Work { op, prologue, program: program(graph, op.program)? };
    let mut stored = evaluate_work(work, point, fetch)?;
    for (value, slot) in stored.iter_mut().zip(&op.outputs) {
        let tensor = graph.tensors.get(usize::from(*slot)).ok_or(EvaluateError::Malformed)?;
        *value = tensor.dtype.saturate(*value);
    }
    Ok(stored)
}

/// The registers that `work` stores at `point`, not yet saturated.
pub(crate) fn evaluate_work<F: Fetch>(
    work: Work<'_>,
    point: &[u32],
    fetch: &mut F,
) -> Result<[i64; MAX_OP_OUTPUTS], EvaluateError> {
    let op = work.op;
    let in_range = point.len() == op.output_dims.len() && point.iter().zip(&op.output_dims).all(|(at, dim)| at < dim);
    let axes = op.output_dims.len() + op.reduction_dims.len();
    if !in_range || axes > MAX_ITERATION_AXES || op.reduction_dims.len() > MAX_REDUCTION_AXES {
        return Err(EvaluateError::Malformed);
    }
    let mut output = [0u32; MAX_OUTPUT_AXES];
    for (coordinate, at) in output.iter_mut().zip(point) {
        *coordinate = *at;
    }
    let operands = op.operands.iter().map(|view| Located::new(view, op, point)).collect();
    let mut at = Point { op, operands, output, reduction: [0; MAX_REDUCTION_AXES], fetch };
    let mut registers = [0i64; REGISTERS];
    reduce(work.prologue, &mut at, &mut registers)?;

    at.reduction = [0; MAX_REDUCTION_AXES];
    let mut stored = [0i64; MAX_OP_OUTPUTS];
    execute(work.program, &mut registers, &mut stored, &mut at)?;
    Ok(stored)
}

/// The point of `dims` at a row-major index; `None` if there is no such point.
pub(crate) fn point_at(dims: &[u32], element: u32) -> Option<[u32; MAX_OUTPUT_AXES]> {
    let mut point = [0u32; MAX_OUTPUT_AXES];
    let mut rest = element;
    for (at, dim) in point.get_mut(..dims.len())?.iter_mut().zip(dims).rev() {
        *at = rest % (*dim).max(1);
        rest /= (*dim).max(1);
    }
    (rest == 0).then_some(point)
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
    let point = point_at(&op.output_dims, element).ok_or(EvaluateError::Malformed)?;
    let point = point.get(..op.output_dims.len()).ok_or(EvaluateError::Malformed)?;
    evaluate(graph, op, point, fetch)?.get(usize::from(output)).copied().ok_or(EvaluateError::Malformed)
}

fn program(graph: &ResolvedGraph, index: u16) -> Result<&Program, EvaluateError> {
    graph.programs.get(usize::from(index)).ok_or(EvaluateError::Malformed)
}

/// Runs the reduction of the op at the point and leaves the epilogue's presets in the registers.
fn reduce<F: Fetch>(
    prologue: Option<&Program>,
    at: &mut Point<'_, F>,
    registers: &mut [i64; REGISTERS],
) -> Result<(), EvaluateError> {
    let op = at.op;
    match op.kind {
        OpKind::Map => {}
        OpKind::Contract => {
            registers[0] = i64::from(contract(at)?);
        }
        OpKind::Sum | OpKind::SumPair => {
            let prologue = prologue.ok_or(EvaluateError::Malformed)?;
            let mut sums = [0i64; 2];
            for _ in 0..op.reduction_points() {
                let lanes = run_prologue(prologue, at)?;
                sums = [sums[0].wrapping_add(lanes[0]), sums[1].wrapping_add(lanes[1])];
                at.advance(op.reduction_dims.len());
            }
            registers[0] = sums[0];
            if op.kind == OpKind::SumPair {
                registers[1] = sums[1];
            }
        }
        OpKind::ArgMax | OpKind::ArgMin => {
            let prologue = prologue.ok_or(EvaluateError::Malformed)?;
            let least = op.kind == OpKind::ArgMin;
            let mut best: Option<(u32, i64)> = None;
            for index in 0..op.reduction_points() {
                let value = run_prologue(prologue, at)?[0];
                if best.is_none_or(|(_, best)| if least { value < best } else { value > best }) {
                    best = Some((index, value));
                }
                at.advance(op.reduction_dims.len());
            }
            let (index, value) = best.ok_or(EvaluateError::Malformed)?;
            registers[0] = i64::from(index);
            registers[1] = value;
        }
    }
    Ok(())
}

#[inline]
fn run_prologue<F: Fetch>(prologue: &Program, at: &mut Point<'_, F>) -> Result<[i64; 2], EvaluateError> {
    let mut registers = [0i64; REGISTERS];
    execute(prologue, &mut registers, &mut [0; MAX_OP_OUTPUTS], at)?;
    Ok([registers[0], registers[1]])
}

impl<F> Point<'_, F> {
    /// Moves to the next point of the first `axes` reduction axes, row-major; after the last comes the first again.
    #[inline]
    pub(super) fn advance(&mut self, axes: usize) {
        let dims = &self.op.reduction_dims;
        for axis in (0..axes).rev() {
            let Some((at, dim)) = self.reduction.get_mut(axis).zip(dims.get(axis)) else { return };
            *at = at.wrapping_add(1);
            if *at < i64::from(*dim) {
                return;
            }
            *at = 0;
        }
    }
}
