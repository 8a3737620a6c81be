//! The same graph with every contraction and reduction apart from its epilogue.

use super::Vector;
use referee::graph::OutOfBounds;
use referee::graph::{Dtype, Graph, Instruction, Op, OpKind, Program, Register, Slot, Tensor, TensorKind, Term, View};

/// Splits each contraction into one that stores its raw sums and a map that runs the epilogue on them. All tensors of
/// the given graph keep their slots and, whatever a backend fuses, their values; the sums come after them.
pub fn unfuse(vector: &Vector) -> Vector {
    let mut graph = vector.graph.clone();
    graph.ops.clear();
    graph.cuts.clear();
    graph.programs.clear();
    for (index, op) in vector.graph.ops.iter().enumerate() {
        if vector.graph.cuts.contains(&(index as u16)) {
            graph.cuts.push(graph.ops.len() as u16);
        }
        if op.kind == OpKind::Contract {
            split(&vector.graph, op, &mut graph);
        } else {
            let prologue = op.prologue.map(|program| copy_program(&vector.graph, program, &mut graph));
            let program = copy_program(&vector.graph, op.program, &mut graph);
            graph.ops.push(Op { prologue, program, ..op.clone() });
        }
    }
    Vector { name: format!("{}, unfused", vector.name), graph, ..vector.clone() }
}

fn copy_program(from: &Graph, index: u16, to: &mut Graph) -> u16 {
    let program = from.programs.get(usize::from(index)).cloned().unwrap_or_default();
    push_program(to, program)
}

fn push_program(graph: &mut Graph, program: Program) -> u16 {
    graph.programs.push(program);
    (graph.programs.len() - 1) as u16
}

fn split(from: &Graph, op: &Op, to: &mut Graph) {
    let sums = to.tensors.len() as Slot;
    to.tensors.push(Tensor { dtype: Dtype::I32, kind: TensorKind::Temp, shape: op.output_axes.clone() });
    let store = push_program(to, Program { constants: Vec::new(), code: vec![Instruction::Store { output: 0, a: 0 }] });
    to.ops.push(Op {
        outputs: vec![sums],
        operands: op.operands.iter().take(2).cloned().collect(),
        program: store,
        ..op.clone()
    });

    let Program { constants, code } = from.programs.get(usize::from(op.program)).cloned().unwrap_or_default();
    // operand 0 is now the sums, operand 2 is now operand 1, and so on
    let mut moved = vec![Instruction::Load { d: 0 as Register, operand: 0 }];
    moved.extend(code.into_iter().map(|instruction| match instruction {
        Instruction::Load { d, operand } => Instruction::Load { d, operand: operand - 1 },
        Instruction::Gather { d, operand, a } => Instruction::Gather { d, operand: operand - 1, a },
        other => other,
    }));
    let program = push_program(to, Program { constants, code: moved });
    let axes = 0..op.output_axes.len() as u8;
    let terms = axes.map(|axis| Term { source_axis: axis, iteration_axis: axis, coefficient: 1 }).collect();
    let sums = View {
        slot: sums,
        as_shape: op.output_axes.clone(),
        offsets: vec![0; op.output_axes.len()],
        terms,
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    };
    to.ops.push(Op {
        kind: OpKind::Map,
        reduction_axes: Vec::new(),
        operands: [sums].into_iter().chain(op.operands.iter().skip(2).cloned()).collect(),
        prologue: None,
        program,
        ..op.clone()
    });
}
