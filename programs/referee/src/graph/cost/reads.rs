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
    /// `LDG`s of the op's program, each as often as loops run it.
    program_gathers: u64,
}

impl Reads {
    /// Whether no program reads the operand.
    pub(in crate::graph) fn never(&self) -> bool {
        !self.at_every_point && !self.once && self.prologue_gathers == 0 && self.program_gathers == 0
    }

    /// Which elements one output element needs of the operand.
    pub(super) fn visit(&self, op: &ResolvedOp) -> Visit {
        let prologue_gathers = self.prologue_gathers.saturating_mul(u64::from(op.reduction_points()));
        match prologue_gathers.saturating_add(self.program_gathers) {
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
            let Some(program) = self.programs.get(usize::from(*index)) else { continue };
            for (instruction, runs) in program.code.iter().zip(program.runs()) {
                match *instruction {
                    Instruction::Load { operand, .. } => {
                        if let Some(reads) = reads.get_mut(usize::from(operand)) {
                            *(if prologue { &mut reads.at_every_point } else { &mut reads.once }) = true;
                        }
                    }
                    Instruction::Gather { operand, .. } => {
                        if let Some(reads) = reads.get_mut(usize::from(operand)) {
                            let gathers =
                                if prologue { &mut reads.prologue_gathers } else { &mut reads.program_gathers };
                            *gathers = gathers.saturating_add(runs);
                        }
                    }
                    _ => {}
                }
            }
        }
        reads
    }
}
