//! The sums of contractions: advice that is sent beside a trace and committed to by nobody.
//!
//! A contraction stores only what its epilogue makes of the sums. Whoever checks it by random vectors needs the sums
//! themselves, and then runs the epilogue alone on them.

use super::excerpt::{Excerpt, ExcerptBuilder};
use crate::{Backend, KernelError};
use referee::graph::{
    Dtype, Instruction, OpKind, OutOfBounds, Program, ResolvedGraph, ResolvedOp, ResolvedView, Slot, Term,
};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The sums of each contraction by the index of its op: row-major over the output axes, 32 bits, little endian.
pub type Advice = BTreeMap<u16, Arc<[u8]>>;

/// Computes the sums of every contraction of a segment.
///
/// `tensors` gives params, inputs and every Temp that the segment reads or produces, by slot.
///
/// # Errors
/// The graph has no such segment; a tensor is missing or has the wrong size; the backend fails.
pub fn advice<'t>(
    backend: &dyn Backend,
    graph: &ResolvedGraph,
    segment: u16,
    tensors: impl Fn(Slot) -> Option<&'t Arc<[u8]>>,
) -> Result<Advice, KernelError> {
    let mut builder = ExcerptBuilder::new(graph);
    let mut contractions = Vec::new();
    for (index, op) in ops_of(graph, segment)? {
        if op.kind == OpKind::Contract {
            builder.sums(op);
            contractions.push((index, op.outputs[0]));
        }
    }
    let Some(excerpt) = builder.build() else { return Ok(Advice::new()) };
    let mut sums = excerpt.run(backend, tensors)?;
    contractions
        .into_iter()
        .map(|(index, slot)| Ok((index, sums.remove(&slot).ok_or(KernelError::Missing { slot })?)))
        .collect()
}

/// The ops of a segment with their indices.
fn ops_of(graph: &ResolvedGraph, segment: u16) -> Result<impl Iterator<Item = (u16, &ResolvedOp)>, KernelError> {
    let missing = KernelError::Segment { segment, segments: graph.segments.len() };
    let range = graph.segments.get(usize::from(segment)).ok_or(missing)?;
    let indices: Range<u16> = range.first..range.end;
    Ok(indices.clone().zip(graph.ops[usize::from(indices.start)..usize::from(indices.end)].iter()))
}

/// An excerpt that computes every op of a segment from the tensors that are given for its operands, and none from what
/// another computes; the contractions that `by_sums` names are computed from their sums, which are given under the names
/// that it gives, above all slots of the graph.
///
/// # Errors
/// The graph has no such segment.
pub fn epilogues(
    graph: &ResolvedGraph,
    segment: u16,
    by_sums: &BTreeMap<u16, Slot>,
) -> Result<Option<Excerpt>, KernelError> {
    let mut builder = ExcerptBuilder::new(graph);
    for (index, op) in ops_of(graph, segment)? {
        match by_sums.get(&index) {
            Some(key) if op.kind == OpKind::Contract => epilogue(&mut builder, graph, op, *key),
            _ => builder.op_alone(op),
        }
    }
    Ok(builder.build())
}

/// The epilogue of a contraction as a map over its sums.
fn epilogue(builder: &mut ExcerptBuilder<'_>, graph: &ResolvedGraph, op: &ResolvedOp, key: Slot) {
    let sums = builder.extra(key, Dtype::I32, op.output_dims.clone());
    let axes = 0..op.output_dims.len() as u8;
    let whole = ResolvedView {
        slot: sums,
        dtype: Dtype::I32,
        dims: op.output_dims.clone(),
        offsets: vec![0; op.output_dims.len()],
        terms: axes.map(|axis| Term { source_axis: axis, iteration_axis: axis, coefficient: 1 }).collect(),
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    };
    let others: Vec<ResolvedView> = op.operands.iter().skip(2).map(|view| builder.view(view)).collect();
    let operands = [whole].into_iter().chain(others).collect();
    let Program { constants, code } = graph.programs.get(usize::from(op.program)).cloned().unwrap_or_default();
    // Operand 0 is now the sums, what was operand 2 is operand 1, and so on.
    let mut moved = vec![Instruction::Load { d: 0, operand: 0 }];
    moved.extend(code.into_iter().map(|instruction| match instruction {
        Instruction::Load { d, operand } => Instruction::Load { d, operand: operand.saturating_sub(1) },
        Instruction::Gather { d, operand, a } => Instruction::Gather { d, operand: operand.saturating_sub(1), a },
        other => other,
    }));
    let map = ResolvedOp { kind: OpKind::Map, reduction_dims: Vec::new(), operands, ..op.clone() };
    builder.placed_op(map, Program { constants, code: moved }, &op.outputs);
}
