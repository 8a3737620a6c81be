//! Ops that compute something else than they should.

use super::{Fault, FaultKind};
use crate::subject::Subject;
use referee::graph::{Instruction, OpKind, Program, REGISTERS, Register, ResolvedGraph, ResolvedOp, Slot, TensorKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Places of one op that are tried before the next op is: entries of a table, weights, elements.
const TRIES: u32 = 300;

/// One op that computes something else.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) index: u16,
    pub(super) op: ResolvedOp,
    pub(super) prologue: Option<Program>,
    pub(super) program: Program,
    /// What the op reads in place of a param.
    pub(super) replaced: Option<(Slot, Arc<[u8]>)>,
    /// A bit that is flipped in what the op stores: output, element, bit.
    pub(super) flipped: Option<(usize, u32, u8)>,
}

/// All ways in which a fault of execution could strike, in order; most of a graph's have an effect, but not all.
pub(super) fn candidates<'a>(subject: &'a Subject, fault: &'a Fault) -> impl Iterator<Item = Wrong> + 'a {
    let graph: &ResolvedGraph = &subject.resolved;
    let ops = graph.ops.iter().enumerate().map(|(index, op)| (index as u16, op));
    ops.filter(|(index, _)| fault.op.is_none_or(|op| op == *index)).flat_map(move |(index, op)| {
        let right = Wrong {
            index,
            op: op.clone(),
            prologue: op.prologue.and_then(|prologue| graph.programs.get(usize::from(prologue))).cloned(),
            program: graph.programs.get(usize::from(op.program)).cloned().unwrap_or_default(),
            replaced: None,
            flipped: None,
        };
        strike(subject, fault, right)
    })
}

fn strike(subject: &Subject, fault: &Fault, right: Wrong) -> Vec<Wrong> {
    match fault.kind {
        FaultKind::Element => elements(subject, fault, &right),
        FaultKind::Weight if right.op.kind == OpKind::Contract => params(subject, fault, &right, false),
        FaultKind::Table => params(subject, fault, &right, true),
        FaultKind::Rounding => rounding(&right),
        FaultKind::Swap => swap(right).into_iter().collect(),
        FaultKind::Padding => padding(&right),
        FaultKind::Tie => tie(right).into_iter().collect(),
        FaultKind::Weight | FaultKind::Boundary | FaultKind::Interior => Vec::new(),
    }
}

fn elements(subject: &Subject, fault: &Fault, right: &Wrong) -> Vec<Wrong> {
    let outputs = right.op.outputs.iter().enumerate();
    let wanted = outputs.filter(|(_, slot)| fault.tensor.is_none_or(|tensor| tensor == **slot));
    wanted
        .filter_map(|(output, slot)| {
            let tensor = subject.resolved.tensors.get(usize::from(*slot))?;
            let element = fault.element.unwrap_or(0);
            let fits = element < tensor.elements() && u32::from(fault.bit.unwrap_or(0)) < 8 * tensor.dtype.bytes();
            fits.then(|| Wrong { flipped: Some((output, element, fault.bit.unwrap_or(0))), ..right.clone() })
        })
        .collect()
}

/// Params that the op reads through an indirect view, or through its first two operands.
fn params(subject: &Subject, fault: &Fault, right: &Wrong, indirect: bool) -> Vec<Wrong> {
    let views = right.op.operands.iter().enumerate();
    let slots: BTreeSet<Slot> = views
        .filter(|(operand, view)| if indirect { view.indirect.is_some() } else { *operand < 2 })
        .map(|(_, view)| view.slot)
        .filter(|slot| fault.tensor.is_none_or(|tensor| tensor == *slot))
        .collect();
    let mut wrongs = Vec::new();
    for slot in slots {
        let Some(tensor) = subject.resolved.tensors.get(usize::from(slot)) else { continue };
        let (Some(bytes), TensorKind::Param) = (subject.params.get(&slot), tensor.kind) else { continue };
        let size = tensor.dtype.bytes();
        let bit = u32::from(fault.bit.unwrap_or(0));
        let entries = fault.element.map_or(0..tensor.elements().min(TRIES), |element| element..element + 1);
        for element in entries.filter(|element| *element < tensor.elements() && bit < 8 * size) {
            let mut replaced = bytes.to_vec();
            replaced[(element * size + bit / 8) as usize] ^= 1 << (bit % 8);
            wrongs.push(Wrong { replaced: Some((slot, replaced.into())), ..right.clone() });
        }
    }
    wrongs
}

/// `floor((a - 1 + 2^(s-1)) / 2^s)` differs from the right rounding at exact halves alone.
fn rounding(right: &Wrong) -> Vec<Wrong> {
    let Some(free) = free_register(&right.program) else { return Vec::new() };
    let rounds = right.program.code.iter().enumerate().filter_map(|(at, instruction)| match instruction {
        Instruction::RoundShift { d, a, shift } => Some((at, *d, *a, *shift)),
        _ => None,
    });
    rounds
        .map(|(at, d, a, shift)| {
            let mut program = right.program.clone();
            program.constants.push(1);
            let index = (program.constants.len() - 1) as u8;
            let less = [
                Instruction::Constant { d: free, index },
                Instruction::Sub { d: free, a, b: free },
                Instruction::RoundShift { d, a: free, shift },
            ];
            program.code.splice(at..=at, less);
            Wrong { program, ..right.clone() }
        })
        .collect()
}

/// The first two operands that a program loads, each in place of the other.
fn swap(right: Wrong) -> Option<Wrong> {
    let exchanged = |program: &Program| {
        let mut loaded: Vec<u8> = Vec::new();
        for instruction in &program.code {
            if let Instruction::Load { operand, .. } = instruction
                && !loaded.contains(operand)
            {
                loaded.push(*operand);
            }
        }
        let [one, other, ..] = loaded[..] else { return None };
        let mut program = program.clone();
        for instruction in &mut program.code {
            if let Instruction::Load { operand, .. } = instruction {
                *operand = match *operand {
                    operand if operand == one => other,
                    operand if operand == other => one,
                    operand => operand,
                };
            }
        }
        Some(program)
    };
    if let Some(program) = exchanged(&right.program) {
        return Some(Wrong { program, ..right });
    }
    let prologue = exchanged(right.prologue.as_ref()?)?;
    Some(Wrong { prologue: Some(prologue), ..right })
}

/// Each view, one further on an axis that follows the point.
fn padding(right: &Wrong) -> Vec<Wrong> {
    let views = right.op.operands.iter().enumerate();
    views
        .flat_map(|(operand, view)| view.terms.iter().map(move |term| (operand, usize::from(term.source_axis))))
        .filter_map(|(operand, axis)| {
            let mut wrong = right.clone();
            let offset = wrong.op.operands.get_mut(operand)?.offsets.get_mut(axis)?;
            *offset = offset.checked_add(1)?;
            Some(wrong)
        })
        .collect()
}

/// The reduction, walked from its end: of equal values the last is met first.
fn tie(mut right: Wrong) -> Option<Wrong> {
    if !matches!(right.op.kind, OpKind::ArgMax | OpKind::ArgMin) {
        return None;
    }
    let first = right.op.output_dims.len();
    let asks_where_it_is = |instruction: &Instruction| matches!(instruction, Instruction::Index { axis, .. } if usize::from(*axis) >= first);
    if right.prologue.as_ref()?.code.iter().any(asks_where_it_is) {
        return None;
    }
    let free = free_register(&right.program)?;
    for view in &mut right.op.operands {
        for term in view.terms.iter_mut().filter(|term| usize::from(term.iteration_axis) >= first) {
            let length = *right.op.reduction_dims.get(usize::from(term.iteration_axis) - first)?;
            let reach = term.coefficient.checked_mul(i32::try_from(length).ok()?.checked_sub(1)?)?;
            let offset = view.offsets.get_mut(usize::from(term.source_axis))?;
            *offset = offset.checked_add(reach)?;
            term.coefficient = term.coefficient.checked_neg()?;
        }
    }
    let points = right.op.reduction_points();
    right.program.constants.push(i64::from(points) - 1);
    let index = (right.program.constants.len() - 1) as u8;
    let turned = [Instruction::Constant { d: free, index }, Instruction::Sub { d: 0, a: free, b: 0 }];
    right.program.code.splice(0..0, turned);
    Some(right)
}

/// A register that the program neither reads nor writes, and no op presets.
fn free_register(program: &Program) -> Option<Register> {
    let registers = |instruction: &Instruction| {
        instruction.destination().into_iter().chain(instruction.sources().into_iter().flatten()).collect::<Vec<_>>()
    };
    let used: BTreeSet<Register> = program.code.iter().flat_map(registers).chain([0, 1]).collect();
    (0..REGISTERS as Register).find(|register| !used.contains(register))
}
