//! The programs of an op, in the light of its operands, axes and outputs.

use super::operands::epilogue_operand;
use super::rules::{
    ACCESS, AXIS_INDEX, BREAK_OUTSIDE, CONSTANT, LOOP_BALANCE, LOOP_DEPTH, LOOP_KIND, LOOP_TURNS, OPERAND_INDEX,
    REGISTER, ROUND_SHIFT, STORE_IN_LOOP, STORE_IN_PROLOGUE, STORES,
};
use crate::graph::bytecode::{Instruction, MAX_LOOP_DEPTH, Program, REGISTERS};
use crate::graph::error::{CheckError, Site};
use crate::graph::types::{Graph, MAX_OP_OUTPUTS, Op, OpKind};
use alloc::format;
use alloc::vec::Vec;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Runs for each reduction point.
    Prologue,
    /// Runs once for each output point.
    Epilogue,
}

pub(super) fn programs(graph: &Graph, index: u16, op: &Op) -> Result<(), CheckError> {
    if let Some(prologue) = op.prologue {
        program(graph, index, op, prologue, Role::Prologue)?;
    }
    program(graph, index, op, op.program, Role::Epilogue)
}

fn program(graph: &Graph, index: u16, op: &Op, program: u16, role: Role) -> Result<(), CheckError> {
    let Some(body) = graph.programs.get(usize::from(program)) else { return Ok(()) };
    let mut stores = [0u32; MAX_OP_OUTPUTS];
    let mut open: Vec<Site> = Vec::new();
    for (at, instruction) in (0..).zip(&body.code) {
        let site = Site::Instruction { op: index, program, at };
        fields(body, site, instruction)?;
        context(index, op, site, instruction, role)?;
        loops(op, site, instruction, &mut open)?;
        if let Instruction::Store { output, .. } = instruction {
            match stores.get_mut(usize::from(*output)) {
                Some(count) if usize::from(*output) < op.outputs.len() => *count += 1,
                _ => {
                    let reason = format!("stores output {output} of {}", op.outputs.len());
                    return Err(STORES.broken(site, reason));
                }
            }
        }
    }
    if let Some(site) = open.first() {
        return Err(LOOP_BALANCE.broken(*site, "no END follows".into()));
    }
    if role == Role::Prologue {
        return Ok(());
    }
    match stores.iter().take(op.outputs.len()).position(|count| *count != 1) {
        Some(output) => {
            let count = stores.get(output).copied().unwrap_or(0);
            Err(STORES.broken(Site::Op(index), format!("program {program} stores output {output} {count} times")))
        }
        None => Ok(()),
    }
}

/// What an instruction says by itself.
fn fields(program: &Program, site: Site, instruction: &Instruction) -> Result<(), CheckError> {
    let mut registers = instruction.destination().into_iter().chain(instruction.sources().into_iter().flatten());
    if let Some(register) = registers.find(|register| usize::from(*register) >= REGISTERS) {
        return Err(REGISTER.broken(site, format!("register {register} of {REGISTERS}")));
    }
    match *instruction {
        Instruction::Constant { index, .. } if usize::from(index) >= program.constants.len() => {
            Err(CONSTANT.broken(site, format!("constant {index} of {}", program.constants.len())))
        }
        Instruction::RoundShift { shift: shift @ (0 | 64..), .. } => {
            Err(ROUND_SHIFT.broken(site, format!("a rounding shift by {shift}")))
        }
        Instruction::Loop { turns: 0 } => Err(LOOP_TURNS.broken(site, "a loop of 0 turns".into())),
        _ => Ok(()),
    }
}

/// What an instruction asks of the op.
fn context(index: u16, op: &Op, site: Site, instruction: &Instruction, role: Role) -> Result<(), CheckError> {
    let (outputs, axes) = (op.output_axes.len(), op.output_axes.len() + op.reduction_axes.len());
    match *instruction {
        Instruction::Load { operand, .. } | Instruction::Gather { operand, .. } => {
            let Some(view) = op.operands.get(usize::from(operand)) else {
                let reason = format!("operand {operand} of {}", op.operands.len());
                return Err(OPERAND_INDEX.broken(site, reason));
            };
            let gathers = matches!(instruction, Instruction::Gather { .. });
            if gathers != view.indirect.is_some() {
                let (name, form) = if gathers { ("LDG", "direct") } else { ("LDX", "indirect") };
                return Err(ACCESS.broken(site, format!("{name} reads operand {operand}, whose view is {form}")));
            }
            if role == Role::Epilogue { epilogue_operand(index, operand, op, view) } else { Ok(()) }
        }
        Instruction::Index { axis, .. } | Instruction::Length { axis, .. } if usize::from(axis) >= axes => {
            Err(AXIS_INDEX.broken(site, format!("axis {axis} of {axes}")))
        }
        Instruction::Index { axis, .. } if role == Role::Epilogue && usize::from(axis) >= outputs => {
            Err(AXIS_INDEX.broken(site, format!("the index of axis {axis}, which is reduced over")))
        }
        Instruction::Store { output, .. } if role == Role::Prologue => {
            Err(STORE_IN_PROLOGUE.broken(site, format!("stores output {output}")))
        }
        _ => Ok(()),
    }
}

/// Where an instruction stands among loops: `open` are those around it.
fn loops(op: &Op, site: Site, instruction: &Instruction, open: &mut Vec<Site>) -> Result<(), CheckError> {
    match instruction {
        Instruction::Loop { .. } if op.kind != OpKind::Map => {
            Err(LOOP_KIND.broken(site, format!("a loop of a {:?}", op.kind)))
        }
        Instruction::Loop { .. } if open.len() >= MAX_LOOP_DEPTH => {
            Err(LOOP_DEPTH.broken(site, format!("a loop in {} others", open.len())))
        }
        Instruction::Loop { .. } => {
            open.push(site);
            Ok(())
        }
        Instruction::End => match open.pop() {
            Some(_) => Ok(()),
            None => Err(LOOP_BALANCE.broken(site, "no LOOP is open".into())),
        },
        Instruction::BreakIfZero { .. } if open.is_empty() => Err(BREAK_OUTSIDE.broken(site, "no LOOP is open".into())),
        Instruction::Store { output, .. } if !open.is_empty() => {
            Err(STORE_IN_LOOP.broken(site, format!("stores output {output} in {} loops", open.len())))
        }
        _ => Ok(()),
    }
}
