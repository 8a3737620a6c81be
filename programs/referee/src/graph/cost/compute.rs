//! Compute units of the on-chain referee, by a model of it.
//!
//! The constants are rounded up from what the compiled referee was measured to take; a test runs it over random graphs
//! and holds the model above every measurement.

use super::super::bytecode::Instruction;
use super::super::resolve::{ResolvedGraph, ResolvedOp};
use super::super::types::{OpKind, OutOfBounds, TensorKind};
use super::super::view::ResolvedView;
use super::strip::Opening;
use crate::commit::depth_for;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Reading a proof: its header, the claim, the verdict.
const BASE: u64 = 6_000;
/// Opening a descriptor, but for its path.
const DESCRIPTOR: u64 = 900;
/// A tensor: its shape and layout, its uid and hash, its place in a list.
const TENSOR: u64 = 2_500;
/// A view: reading it, and locating it at the point of the element.
const VIEW: u64 = 1_600;
/// A term of a view.
const TERM: u64 = 110;
/// Reading an instruction or a constant.
const WORD: u64 = 80;
/// A leaf but for its data and its path: the hash of its header, and its share of a strip.
const LEAF: u64 = 450;
/// One step up a path.
const NODE: u64 = 235;
/// A byte of a leaf takes half a unit.
const BYTES_PER_UNIT: u64 = 2;
/// One product of two runs of adjacent elements.
const PRODUCT: u64 = 7;
/// One product of two runs of which one is reversed or stands still.
const EVEN_PRODUCT: u64 = 40;
/// Finding the two runs along the innermost reduction axis.
const RUN: u64 = 800;
/// One product of any other Contract, but for the reading of its operands.
const LONE_PRODUCT: u64 = 40;
/// One reduction point, but for its instructions.
const POINT: u64 = 135;
/// One instruction.
const INSTRUCTION: u64 = 33;
/// What a rounding shift adds, which shifts twice, and the beginning and end of a loop.
const ROUND_SHIFT: u64 = 10;
const LOOP: u64 = 8;
/// What a square root adds, and the counting of leading zeros: the chain's machine has neither.
const SQUARE_ROOT: u64 = 400;
const LEADING_ZEROS: u64 = 60;
/// What reading an element adds: its index, and finding it in a strip.
const ACCESS: u64 = 105;
/// What reading an element in a loop adds: it may lie in another strip than the one before, which is then searched for.
const SCATTERED: u64 = 200;
/// A coordinate that must be clamped or padded at every point.
const LOOSE_AXIS: u64 = 42;

/// How the products of a Contract are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Both operands run along adjacent elements.
    Adjacent,
    /// They run along the same elements, but one backwards or on the spot.
    Even,
    /// One by one.
    Lone,
}

impl ResolvedGraph {
    /// Compute units of refereeing the dearest element of an op whose leaves are `opened`.
    pub(super) fn compute_units(&self, op: &ResolvedOp, opened: &Opening) -> u64 {
        let hashing = opened.leaves * (LEAF + NODE) + opened.data_bytes / BYTES_PER_UNIT + opened.siblings * NODE;
        BASE.saturating_add(self.opening(op)).saturating_add(hashing).saturating_add(self.running(op))
    }

    /// Opening the op, its programs and its tensors.
    fn opening(&self, op: &ResolvedOp) -> u64 {
        let reads = self.reads(op);
        let read = op.operands.iter().zip(&reads).filter(|(_, reads)| !reads.never()).map(|(view, _)| view.slot);
        let tensors: BTreeSet<u16> = read.chain(op.outputs.iter().copied().take(1)).collect();
        let programs: BTreeSet<u16> = op.prologue.into_iter().chain([op.program]).collect();
        let all = 1 + self.tensors.len() + self.programs.len() + self.ops.len();
        let opened = 2 + programs.len() + tensors.len();
        let path = u64::from(depth_for(all as u32)) * opened as u64;
        let nodes = path.min(all as u64) + tensors.iter().map(|slot| self.list_path(*slot)).sum::<u64>();
        let words: usize = programs
            .iter()
            .filter_map(|index| self.programs.get(usize::from(*index)))
            .map(|program| program.code.len() + program.constants.len())
            .sum();
        let terms: usize = op.operands.iter().map(|view| view.terms.len()).sum();
        opened as u64 * DESCRIPTOR
            + nodes * NODE
            + tensors.len() as u64 * TENSOR
            + op.operands.len() as u64 * VIEW
            + terms as u64 * TERM
            + words as u64 * WORD
    }

    /// The longest path from a tensor to a root that it is read under.
    fn list_path(&self, slot: u16) -> u64 {
        let Some(tensor) = self.tensors.get(usize::from(slot)) else { return 0 };
        let in_list = depth_for(u32::from(tensor.placement.count));
        let in_boundary = match tensor.kind {
            TensorKind::Temp => depth_for(self.boundary.len() as u32),
            TensorKind::Input | TensorKind::Param => 0,
        };
        u64::from(in_list.max(in_boundary))
    }

    fn running(&self, op: &ResolvedOp) -> u64 {
        let points = u64::from(op.reduction_points());
        let contracted = if op.kind == OpKind::Contract { contracted(op, points) } else { 0 };
        let prologue = op.prologue.map_or(0, |index| points.saturating_mul(POINT + self.once(op, index)));
        contracted.saturating_add(prologue).saturating_add(self.once(op, op.program))
    }

    /// One run of a program, with every turn of its loops.
    fn once(&self, op: &ResolvedOp, program: u16) -> u64 {
        let Some(program) = self.programs.get(usize::from(program)) else { return 0 };
        let units = |(instruction, runs): (&Instruction, u64)| match instruction {
            Instruction::Load { operand, .. } | Instruction::Gather { operand, .. } => {
                let found = if runs > 1 { SCATTERED } else { 0 };
                INSTRUCTION + found + op.operands.get(usize::from(*operand)).map_or(0, |view| access(op, view))
            }
            Instruction::RoundShift { .. } => INSTRUCTION + ROUND_SHIFT,
            Instruction::Loop { .. } => INSTRUCTION + LOOP,
            Instruction::SquareRoot { .. } => INSTRUCTION + SQUARE_ROOT,
            Instruction::LeadingZeros { .. } => INSTRUCTION + LEADING_ZEROS,
            _ => INSTRUCTION,
        };
        // A loop that BRZ leaves early takes less: what is skipped is only looked through for its END.
        program
            .code
            .iter()
            .zip(program.runs())
            .fold(0, |sum, (instruction, runs)| sum.saturating_add(runs.saturating_mul(units((instruction, runs)))))
    }
}

fn access(op: &ResolvedOp, view: &ResolvedView) -> u64 {
    ACCESS + LOOSE_AXIS * loose_axes(op, view).len() as u64
}

/// Axes on which some point leaves the shape, or which a register indexes.
fn loose_axes(op: &ResolvedOp, view: &ResolvedView) -> Vec<usize> {
    let leaves = |axis: &usize| {
        let (low, high) = view.coordinate_range(*axis, op);
        view.indirect == Some(*axis as u8) || low < 0 || high >= view.dims.get(*axis).map_or(0, |dim| i128::from(*dim))
    };
    (0..view.dims.len()).filter(leaves).collect()
}

fn contracted(op: &ResolvedOp, points: u64) -> u64 {
    let (inner, length) = innermost(op);
    let reading = op.operands.iter().take(2).map(|view| reading(op, view, inner));
    let sides = || op.operands.iter().take(2);
    let runs = points / length.max(1);
    let product =
        match reading.fold(Reading::Adjacent, |all, one| if all == Reading::Adjacent { one } else { all.or(one) }) {
            Reading::Adjacent => PRODUCT,
            Reading::Even => EVEN_PRODUCT,
            Reading::Lone => LONE_PRODUCT + sides().map(|view| access(op, view)).sum::<u64>(),
        };
    let loose: u64 = sides().map(|view| loose_axes(op, view).len() as u64 * LOOSE_AXIS).sum();
    points.saturating_mul(product).saturating_add(runs.saturating_mul(RUN + loose))
}

impl Reading {
    fn or(self, other: Self) -> Self {
        if self == Self::Lone || other == Self::Lone { Self::Lone } else { Self::Even }
    }
}

/// The innermost reduction axis longer than 1, among the iteration axes, and its length.
fn innermost(op: &ResolvedOp) -> (usize, u64) {
    let found = op.reduction_dims.iter().enumerate().rev().find(|(_, dim)| **dim > 1);
    let (axis, length) = found.map_or((0, 1), |(axis, dim)| (axis, u64::from(*dim)));
    (op.output_dims.len() + axis, length)
}

/// How an operand of a Contract is read along an iteration axis, whatever the point is.
fn reading(op: &ResolvedOp, view: &ResolvedView, inner: usize) -> Reading {
    let stride = |source: usize| view.dims.iter().skip(source + 1).fold(1i128, |stride, dim| stride * i128::from(*dim));
    let moving = |axis: usize| {
        let terms = view.terms.iter().filter(|term| usize::from(term.source_axis) == axis);
        terms
            .filter(|term| usize::from(term.iteration_axis) == inner)
            .map(|term| i128::from(term.coefficient))
            .sum::<i128>()
    };
    // Of the axes that leave the shape, none moves along the run, or by single steps with zeros around.
    let cut = |axis: &usize| match moving(*axis) {
        0 => true,
        1 => view.out_of_bounds == OutOfBounds::Pad(0),
        _ => false,
    };
    if view.indirect.is_some() || !loose_axes(op, view).iter().all(cut) {
        return Reading::Lone;
    }
    let step: i128 = (0..view.dims.len()).map(|axis| moving(axis) * stride(axis)).sum();
    match step {
        1 => Reading::Adjacent,
        -1 | 0 => Reading::Even,
        _ => Reading::Lone,
    }
}
