//! How often an op's programs read each operand.

use super::region::Visit;
use crate::graph::bytecode::Instruction;
use crate::graph::resolve::{ResolvedGraph, ResolvedOp};
use crate::graph::types::OpKind;
use alloc::vec::Vec;

/// Reads of one operand by the instructions of an op.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::graph) struct Reads {
    /// Read directly at every reduction point.
    at_every_point: bool,
    /// Read directly once.
    once: bool,
    /// `LDG`s of the prologue.
    prologue_gathers: u64,
    /// `LDG`s of the op's program.
    program_gathers: u64,
}

impl Reads {
    /// Whether no program reads the operand.
    pub(in crate::graph) fn never(&self) -> bool {
        !self.at_every_point && !self.once && self.prologue_gathers == 0 && self.program_gathers == 0
    }

    /// Which elements one output element needs of the operand.
    pub(super) fn visit(&self, op: &ResolvedOp) -> Visit {
        match self.prologue_gathers * u64::from(op.reduction_points()) + self.program_gathers {
            0 => Visit::Points,
            gathers => Visit::Gathers(gathers),
        }
    }
}

impl ResolvedGraph {
    /// Reads of each operand of the op.
    pub(in crate::graph) fn reads(&self, op: &ResolvedOp) -> Vec<Reads> {
        let mut reads = alloc::vec![Reads::default(); op.operands.len()];
        if op.kind == OpKind::Contract {
            reads.iter_mut().take(2).for_each(|reads| reads.at_every_point = true);
        }
        for (index, prologue) in op.prologue.iter().map(|index| (index, true)).chain([(&op.program, false)]) {
            for instruction in self.code(*index) {
                match *instruction {
                    Instruction::Load { operand, .. } => {
                        if let Some(reads) = reads.get_mut(usize::from(operand)) {
                            *(if prologue { &mut reads.at_every_point } else { &mut reads.once }) = true;
                        }
                    }
                    Instruction::Gather { operand, .. } => {
                        if let Some(reads) = reads.get_mut(usize::from(operand)) {
                            *(if prologue { &mut reads.prologue_gathers } else { &mut reads.program_gathers }) += 1;
                        }
                    }
                    _ => {}
                }
            }
        }
        reads
    }

    fn code(&self, program: u16) -> &[Instruction] {
        self.programs.get(usize::from(program)).map_or(&[], |program| program.code.as_slice())
    }
}
