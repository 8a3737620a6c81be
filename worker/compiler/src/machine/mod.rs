//! From regions of nodes to the machine's program: 16 registers, 128 instructions, 32 constants.

mod allocate;
mod liveness;

use crate::nodes::{Item, NodeId, Nodes};
use allocate::Allocator;
use liveness::Lines;
use naga::Span;
use referee::graph::{Instruction, MAX_CONSTANTS, MAX_WORDS, Program};
use std::collections::HashMap;

/// A program with what its author wants to know of it.
#[derive(Clone, Debug)]
pub(crate) struct Assembled {
    pub(crate) program: Program,
    pub(crate) registers: usize,
    pub(crate) steps: u64,
}

/// Why there is no program.
#[derive(Clone, Debug)]
pub(crate) enum AssemblyError {
    /// More instructions than a program holds.
    Long(usize),
    /// More constants.
    Constants(usize),
    /// No register is left for this value, and these are alive.
    Registers { wanted: Span, alive: Vec<Span> },
}

/// Finds registers. Constants that loops use are kept in registers across them as far as there are any left.
pub(crate) fn assemble(nodes: &Nodes, items: &[Item]) -> Result<Assembled, AssemblyError> {
    let lines = Lines::new(nodes, items);
    let mut kept = worth_keeping(&lines);
    loop {
        match Allocator::new(nodes, &lines, &kept).run() {
            Ok(code) => return finish(code),
            Err(error) => {
                if kept.pop().is_none() {
                    return Err(error);
                }
            }
        }
    }
}

/// Values that are free to compute and used in loops, those first whose use is most frequent.
fn worth_keeping(lines: &Lines) -> Vec<NodeId> {
    let mut weights: HashMap<NodeId, u64> = HashMap::new();
    for (node, uses) in &lines.uses {
        let runs: u64 = uses.iter().filter(|at| lines.within[**at].is_some()).map(|at| lines.runs(*at)).sum();
        if runs > 0 {
            weights.insert(*node, runs);
        }
    }
    let mut nodes: Vec<(NodeId, u64)> = weights.into_iter().collect();
    nodes.sort_by_key(|(node, weight)| (std::cmp::Reverse(*weight), *node));
    nodes.into_iter().map(|(node, _)| node).collect()
}

fn finish(code: allocate::Code) -> Result<Assembled, AssemblyError> {
    if code.instructions.len() > MAX_WORDS {
        return Err(AssemblyError::Long(code.instructions.len()));
    }
    if code.constants.len() > MAX_CONSTANTS {
        return Err(AssemblyError::Constants(code.constants.len()));
    }
    let steps = steps(&code.instructions);
    let program = Program { constants: code.constants, code: code.instructions };
    Ok(Assembled { program, registers: code.registers, steps })
}

/// Steps of one run: every instruction once for each turn of the loops around it; `LOOP` once an entry.
fn steps(code: &[Instruction]) -> u64 {
    let (mut open, mut runs, mut steps) = (Vec::new(), 1u64, 0u64);
    for instruction in code {
        steps = steps.saturating_add(runs);
        match instruction {
            Instruction::Loop { turns } => {
                open.push(runs);
                runs = runs.saturating_mul(u64::from(*turns));
            }
            Instruction::End => runs = open.pop().unwrap_or(1),
            _ => {}
        }
    }
    steps
}
