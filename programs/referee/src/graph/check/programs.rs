//! The programs of an op, in the light of its operands, axes and outputs.

use super::operands::epilogue_operand;
use super::rules::{ACCESS, AXIS_INDEX, CONSTANT, OPERAND_INDEX, REGISTER, ROUND_SHIFT, STORE_IN_PROLOGUE, STORES};
use crate::graph::bytecode::{Instruction, Program, REGISTERS, Register};
use crate::graph::error::{CheckError, Site};
use crate::graph::types::{Graph, MAX_OP_OUTPUTS, Op};
use alloc::format;

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
    for (at, instruction) in (0..).zip(&body.code) {
        let site = Site::Instruction { op: index, program, at };
        fields(body, site, instruction)?;
        context(index, op, site, instruction, role)?;
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
    if let Some(register) = registers(instruction).into_iter().find(|register| usize::from(*register) >= REGISTERS) {
        return Err(REGISTER.broken(site, format!("register {register} of {REGISTERS}")));
    }
    match *instruction {
        Instruction::Constant { index, .. } if usize::from(index) >= program.constants.len() => {
            Err(CONSTANT.broken(site, format!("constant {index} of {}", program.constants.len())))
        }
        Instruction::RoundShift { shift: shift @ (0 | 64..), .. } => {
            Err(ROUND_SHIFT.broken(site, format!("a rounding shift by {shift}")))
        }
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

/// All registers that an instruction names; unused places repeat one of them.
fn registers(instruction: &Instruction) -> [Register; 4] {
    use Instruction as I;
    match *instruction {
        I::Constant { d, .. } | I::Load { d, .. } | I::Index { d, .. } | I::Length { d, .. } => [d; 4],
        I::Gather { d, a, .. } | I::RoundShift { d, a, .. } | I::SquareRoot { d, a } | I::LeadingZeros { d, a } => {
            [d, a, a, a]
        }
        I::Add { d, a, b }
        | I::Sub { d, a, b }
        | I::Mul { d, a, b }
        | I::And { d, a, b }
        | I::Or { d, a, b }
        | I::Xor { d, a, b }
        | I::ShiftLeft { d, a, b }
        | I::ShiftRight { d, a, b }
        | I::ShiftArithmetic { d, a, b }
        | I::Min { d, a, b }
        | I::Max { d, a, b }
        | I::Less { d, a, b }
        | I::LessUnsigned { d, a, b }
        | I::Equal { d, a, b }
        | I::DivideUnsigned { d, a, b } => [d, a, b, b],
        I::Select { d, c, a, b } => [d, c, a, b],
        I::Store { a, .. } => [a; 4],
    }
}
