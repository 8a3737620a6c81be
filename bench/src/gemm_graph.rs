//! A graph of one product of matrices.

use assay_kernels::TensorSet;
use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, ResolvedGraph, Slot, Tensor, TensorKind, Term,
    View,
};

/// The graph with its values. The sums are an inner tensor of 32 bits; the output is one of them, so that a run
/// allocates nothing that the product alone would not.
pub(crate) struct GemmGraph {
    pub(crate) graph: ResolvedGraph,
    pub(crate) inputs: TensorSet,
    pub(crate) params: TensorSet,
}

/// Slot of the sums.
pub(crate) const SUMS: Slot = 2;

/// `[size, size] x [size, size]` of i8, the right side a param.
pub(crate) fn square(size: u32, left: &[u8], right: &[u8]) -> Result<GemmGraph, Box<dyn std::error::Error>> {
    product([size; 3], left, right)
}

/// `[rows, depth] x [columns, depth]` of i8, the right side a param.
pub(crate) fn product(
    [rows, columns, depth]: [u32; 3],
    left: &[u8],
    right: &[u8],
) -> Result<GemmGraph, Box<dyn std::error::Error>> {
    let shape = |rows: u32, columns: u32| vec![Dim::Const(rows), Dim::Const(columns)];
    let shapes = [shape(rows, depth), shape(columns, depth), shape(rows, columns)];
    let tensor = |dtype, kind, shape: &[Dim]| Tensor { dtype, kind, shape: shape.to_vec() };
    let view = |slot: Slot, terms: &[(u8, u8)]| View {
        slot,
        as_shape: shapes[usize::from(slot)].clone(),
        offsets: vec![0, 0],
        terms: terms
            .iter()
            .map(|(source_axis, iteration_axis)| Term {
                source_axis: *source_axis,
                iteration_axis: *iteration_axis,
                coefficient: 1,
            })
            .collect(),
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    };
    let program = |code| Program { constants: Vec::new(), code };
    let graph = Graph {
        symbols: Vec::new(),
        tensors: vec![
            tensor(Dtype::I8, TensorKind::Input, &shapes[0]),
            tensor(Dtype::I8, TensorKind::Param, &shapes[1]),
            tensor(Dtype::I32, TensorKind::Temp, &shapes[2]),
            tensor(Dtype::I32, TensorKind::Temp, &[Dim::Const(1)]),
        ],
        programs: vec![
            program(vec![Instruction::Store { output: 0, a: 0 }]),
            program(vec![Instruction::Load { d: 0, operand: 0 }, Instruction::Store { output: 0, a: 0 }]),
        ],
        ops: vec![
            Op {
                kind: OpKind::Contract,
                outputs: vec![SUMS],
                output_axes: shapes[2].clone(),
                reduction_axes: vec![Dim::Const(depth)],
                operands: vec![view(0, &[(0, 0), (1, 2)]), view(1, &[(0, 1), (1, 2)])],
                prologue: None,
                program: 0,
            },
            Op {
                kind: OpKind::Map,
                outputs: vec![3],
                output_axes: vec![Dim::Const(1)],
                reduction_axes: Vec::new(),
                operands: vec![view(SUMS, &[])],
                prologue: None,
                program: 1,
            },
        ],
        cuts: Vec::new(),
        outputs: vec![3],
    };
    let graph = graph.resolve(&[])?;
    Ok(GemmGraph { graph, inputs: TensorSet::from([(0, left.into())]), params: TensorSet::from([(1, right.into())]) })
}
