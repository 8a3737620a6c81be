//! Random graphs, values and runs, each from a seed: what fails can be repeated by its number.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test file includes it and uses a part")]

mod court;
mod draw;
mod random;
mod reader;
mod second;

pub use court::Court;
pub use draw::Draw;
pub use random::{OpSketch, random_graph, random_program};
pub use reader::random_reader;
pub use second::{Second, second};

use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, Tensor, TensorKind, Term, View,
};
use referee::graph::{ResolvedGraph, Slot};
use referee::semantics::{Trace, run};

/// Values of every input and param by slot; Temps are empty.
pub fn random_values(draw: &mut Draw, graph: &ResolvedGraph) -> Vec<Vec<u8>> {
    let value = |draw: &mut Draw, tensor: &referee::graph::ResolvedTensor| {
        let mut bytes = vec![0; tensor.bytes()];
        for element in 0..tensor.elements() as usize {
            let (low, high) = tensor.dtype.range();
            let value = match draw.below(4) {
                0 => [low, high, 0, 1][draw.below(4) as usize],
                _ => low + (draw.next() % (high - low + 1) as u64) as i64,
            };
            assert!(tensor.dtype.write(&mut bytes, element, value));
        }
        bytes
    };
    graph.tensors.iter().map(|t| if t.kind == TensorKind::Temp { Vec::new() } else { value(draw, t) }).collect()
}

/// All tensors of a run.
pub fn run_graph(graph: &ResolvedGraph, values: &[Vec<u8>]) -> Trace {
    let given: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    run(graph, &given).expect("a checked graph with all its operands runs")
}

/// Little-endian bytes of values.
pub fn bytes_of(dtype: Dtype, values: &[i64]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * dtype.bytes() as usize];
    for (index, value) in values.iter().enumerate() {
        assert!(dtype.write(&mut bytes, index, *value));
    }
    bytes
}

/// The values in little-endian bytes.
pub fn values_of(dtype: Dtype, bytes: &[u8]) -> Vec<i64> {
    (0..bytes.len() / dtype.bytes() as usize).map(|index| dtype.read(bytes, index).unwrap()).collect()
}

/// Constant dims.
pub fn dims(lengths: &[u32]) -> Vec<Dim> {
    lengths.iter().map(|length| Dim::Const(*length)).collect()
}

/// A tensor with constant dims.
pub fn tensor(dtype: Dtype, kind: TensorKind, lengths: &[u32]) -> Tensor {
    Tensor { dtype, kind, shape: dims(lengths) }
}

/// A view that moves each axis of the shape by one iteration axis; `None` stays at 0.
pub fn along(slot: Slot, lengths: &[u32], iteration: &[Option<u8>]) -> View {
    let terms = (0..).zip(iteration).filter_map(|(source_axis, iteration_axis)| {
        Some(Term { source_axis, iteration_axis: (*iteration_axis)?, coefficient: 1 })
    });
    View {
        slot,
        as_shape: dims(lengths),
        offsets: vec![0; lengths.len()],
        terms: terms.collect(),
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    }
}

/// A one-axis table that a register indexes.
pub fn table(slot: Slot, length: u32) -> View {
    View { indirect: Some(0), ..along(slot, &[length], &[None]) }
}

/// A graph of one op whose first outputs are its results; tensors are the operands first, then the outputs.
pub fn single(kind: OpKind, tensors: Vec<Tensor>, outputs: &[Dtype], axes: &[u32], reduce: &[u32]) -> Graph {
    let operands: Vec<View> = Vec::new();
    let first = tensors.len() as Slot;
    let slots: Vec<Slot> = (0..outputs.len() as Slot).map(|index| first + index).collect();
    let mut tensors = tensors;
    tensors.extend(outputs.iter().map(|dtype| tensor(*dtype, TensorKind::Temp, axes)));
    let stores: Vec<Instruction> = (0..outputs.len() as u8).map(|output| Instruction::Store { output, a: 0 }).collect();
    let mut programs = vec![Program { constants: vec![], code: stores }];
    let prologue = kind.has_prologue().then(|| {
        programs.push(Program { constants: vec![], code: vec![Instruction::Load { d: 0, operand: 0 }] });
        1
    });
    let op = Op {
        kind,
        outputs: slots.clone(),
        output_axes: dims(axes),
        reduction_axes: dims(reduce),
        operands,
        prologue,
        program: 0,
    };
    Graph { symbols: vec![], tensors, programs, ops: vec![op], cuts: vec![], outputs: slots }
}

/// `[m, k] x [n, k]` of i8 with a bias, requantised to i8: inputs 0, weights 1, scales 2 (bias and multiplier), output 3.
pub fn linear(m: u32, n: u32, k: u32) -> Graph {
    use Instruction as I;
    let tensors = vec![
        tensor(Dtype::I8, TensorKind::Input, &[m, k]),
        tensor(Dtype::I8, TensorKind::Param, &[n, k]),
        tensor(Dtype::I32, TensorKind::Param, &[n, 2]),
    ];
    let mut graph = single(OpKind::Contract, tensors, &[Dtype::I8], &[m, n], &[k]);
    let mut multiplier = along(2, &[n, 2], &[Some(1), None]);
    multiplier.offsets[1] = 1;
    graph.ops[0].operands = vec![
        along(0, &[m, k], &[Some(0), Some(2)]),
        along(1, &[n, k], &[Some(1), Some(2)]),
        along(2, &[n, 2], &[Some(1), None]),
        multiplier,
    ];
    graph.programs[0] = Program {
        constants: vec![-127, 127],
        code: vec![
            I::Load { d: 1, operand: 2 },
            I::Add { d: 0, a: 0, b: 1 },
            I::Load { d: 2, operand: 3 },
            I::Mul { d: 0, a: 0, b: 2 },
            I::RoundShift { d: 0, a: 0, shift: 33 },
            I::Constant { d: 3, index: 0 },
            I::Max { d: 0, a: 0, b: 3 },
            I::Constant { d: 3, index: 1 },
            I::Min { d: 0, a: 0, b: 3 },
            I::Store { output: 0, a: 0 },
        ],
    };
    graph
}
