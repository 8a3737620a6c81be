//! What must hold whatever the symbols are.

use super::rules::{
    CUTS, EMPTY_GRAPH, ENCODED_SIZE, LIST_BOUND, MAP_REDUCES, OP_AXES, OP_OUTPUTS, OUTPUT_SHAPE, OUTPUTS, PRODUCER,
    PROGRAM_MISSING, PROGRAM_UNUSED, PROLOGUE, SYMBOL_BOUNDS, SYMBOL_MISSING, SYMBOL_UNUSED, TENSOR_AXES,
};
use super::{operands, programs};
use crate::graph::error::{CheckError, Site};
use crate::graph::types::{
    Dim, Graph, MAX_AXES, MAX_CUTS, MAX_OP_OUTPUTS, MAX_OPERANDS, MAX_OPS, MAX_OUTPUT_AXES, MAX_OUTPUTS, MAX_PROGRAMS,
    MAX_REDUCTION_AXES, MAX_SYMBOLS, MAX_TENSORS, MAX_TERMS, Op, OpKind, Slot, TensorKind,
};
use crate::graph::{MAX_CONSTANTS, MAX_GRAPH_BYTES, MAX_WORDS};
use alloc::format;
use alloc::vec::Vec;

pub(in crate::graph) fn structure(graph: &Graph) -> Result<(), CheckError> {
    bounds(graph)?;
    symbols(graph)?;
    tensors(graph)?;
    cuts(graph)?;
    ops(graph)?;
    outputs(graph)?;
    unused_programs(graph)?;
    let bytes = graph.encode().len();
    if bytes > MAX_GRAPH_BYTES {
        let reason = format!("{bytes} bytes, more than {MAX_GRAPH_BYTES}");
        return Err(ENCODED_SIZE.broken(Site::Graph, reason));
    }
    Ok(())
}

fn bound(site: Site, what: &str, length: usize, most: usize) -> Result<(), CheckError> {
    if length > most {
        return Err(LIST_BOUND.broken(site, format!("{length} {what}, more than {most}")));
    }
    Ok(())
}

fn bounds(graph: &Graph) -> Result<(), CheckError> {
    bound(Site::Graph, "symbols", graph.symbols.len(), MAX_SYMBOLS)?;
    bound(Site::Graph, "tensors", graph.tensors.len(), MAX_TENSORS)?;
    bound(Site::Graph, "programs", graph.programs.len(), MAX_PROGRAMS)?;
    bound(Site::Graph, "ops", graph.ops.len(), MAX_OPS)?;
    bound(Site::Graph, "cuts", graph.cuts.len(), MAX_CUTS)?;
    bound(Site::Graph, "outputs", graph.outputs.len(), MAX_OUTPUTS)?;
    for (slot, tensor) in (0..).zip(&graph.tensors) {
        bound(Site::Tensor(slot), "axes", tensor.shape.len(), MAX_AXES)?;
    }
    for (index, program) in (0..).zip(&graph.programs) {
        bound(Site::Program(index), "constants", program.constants.len(), MAX_CONSTANTS)?;
        bound(Site::Program(index), "instructions", program.code.len(), MAX_WORDS)?;
    }
    for (index, op) in (0..).zip(&graph.ops) {
        bound(Site::Op(index), "outputs", op.outputs.len(), MAX_OP_OUTPUTS)?;
        bound(Site::Op(index), "output axes", op.output_axes.len(), MAX_OUTPUT_AXES)?;
        bound(Site::Op(index), "reduction axes", op.reduction_axes.len(), MAX_REDUCTION_AXES)?;
        bound(Site::Op(index), "operands", op.operands.len(), MAX_OPERANDS)?;
        for (operand, view) in (0..).zip(&op.operands) {
            bound(Site::Operand(index, operand), "axes", view.as_shape.len(), MAX_AXES)?;
            bound(Site::Operand(index, operand), "offsets", view.offsets.len(), MAX_AXES)?;
            bound(Site::Operand(index, operand), "terms", view.terms.len(), MAX_TERMS)?;
        }
    }
    Ok(())
}

fn symbols(graph: &Graph) -> Result<(), CheckError> {
    for (index, symbol) in graph.symbols.iter().enumerate() {
        if symbol.min == 0 || symbol.min > symbol.max {
            let reason = format!("symbol {index} runs from {} to {}", symbol.min, symbol.max);
            return Err(SYMBOL_BOUNDS.broken(Site::Graph, reason));
        }
        let dims = graph.tensors.iter().flat_map(|tensor| &tensor.shape);
        let axes = graph.ops.iter().flat_map(|op| op.output_axes.iter().chain(&op.reduction_axes));
        if !dims.chain(axes).any(|dim| *dim == Dim::Symbol(index as u8)) {
            let reason = format!("symbol {index} is no axis of a tensor or an op");
            return Err(SYMBOL_UNUSED.broken(Site::Graph, reason));
        }
    }
    Ok(())
}

/// Why a dim is not the length of an axis, if it is not: it names no symbol, or is 0.
fn dim_exists(graph: &Graph, site: Site, axis: usize, dim: Dim) -> Result<bool, CheckError> {
    match dim {
        Dim::Const(length) => Ok(length > 0),
        Dim::Symbol(index) if usize::from(index) < graph.symbols.len() => Ok(true),
        Dim::Symbol(index) => {
            let reason = format!("axis {axis} names symbol {index} of {}", graph.symbols.len());
            Err(SYMBOL_MISSING.broken(site, reason))
        }
    }
}

fn tensors(graph: &Graph) -> Result<(), CheckError> {
    for (slot, tensor) in (0..).zip(&graph.tensors) {
        let site = Site::Tensor(slot);
        if tensor.shape.is_empty() {
            return Err(TENSOR_AXES.broken(site, "no axes, at least 1 is needed".into()));
        }
        for (axis, dim) in tensor.shape.iter().enumerate() {
            if !dim_exists(graph, site, axis, *dim)? {
                return Err(TENSOR_AXES.broken(site, format!("axis {axis} has length 0")));
            }
        }
    }
    Ok(())
}

fn cuts(graph: &Graph) -> Result<(), CheckError> {
    if graph.ops.is_empty() || graph.outputs.is_empty() {
        let reason = format!("{} ops and {} outputs", graph.ops.len(), graph.outputs.len());
        return Err(EMPTY_GRAPH.broken(Site::Graph, reason));
    }
    let mut previous = 0;
    for cut in &graph.cuts {
        if *cut <= previous || usize::from(*cut) >= graph.ops.len() {
            let reason = format!("cut {cut} follows {previous} in a graph of {} ops", graph.ops.len());
            return Err(CUTS.broken(Site::Graph, reason));
        }
        previous = *cut;
    }
    Ok(())
}

fn ops(graph: &Graph) -> Result<(), CheckError> {
    // A tensor is there for an op if it is not a Temp or an earlier op produced it.
    let mut there: Vec<bool> = graph.tensors.iter().map(|tensor| tensor.kind != TensorKind::Temp).collect();
    for (index, op) in (0..).zip(&graph.ops) {
        axes(graph, index, op)?;
        operands::operands(graph, index, op, &there)?;
        for slot in &op.outputs {
            produce(graph, index, op, *slot, &mut there)?;
        }
        for program in op.prologue.iter().chain([&op.program]) {
            if usize::from(*program) >= graph.programs.len() {
                let reason = format!("program {program} of {}", graph.programs.len());
                return Err(PROGRAM_MISSING.broken(Site::Op(index), reason));
            }
        }
        if op.kind.has_prologue() != op.prologue.is_some() {
            let has = if op.prologue.is_some() { "has a" } else { "has no" };
            return Err(PROLOGUE.broken(Site::Op(index), format!("{:?} {has} prologue", op.kind)));
        }
        programs::programs(graph, index, op)?;
    }
    match there.iter().position(|there| !there) {
        Some(slot) => Err(PRODUCER.broken(Site::Tensor(slot as Slot), "no op produces this Temp".into())),
        None => Ok(()),
    }
}

fn axes(graph: &Graph, index: u16, op: &Op) -> Result<(), CheckError> {
    let site = Site::Op(index);
    if op.output_axes.is_empty() {
        return Err(OP_AXES.broken(site, "no output axes".into()));
    }
    for (axis, dim) in op.output_axes.iter().chain(&op.reduction_axes).enumerate() {
        if !dim_exists(graph, site, axis, *dim)? {
            return Err(OP_AXES.broken(site, format!("axis {axis} has length 0")));
        }
    }
    if op.kind == OpKind::Map && !op.reduction_axes.is_empty() {
        return Err(MAP_REDUCES.broken(site, format!("{} reduction axes", op.reduction_axes.len())));
    }
    let (operands, outputs) = (op.operands.len(), op.outputs.len());
    if outputs == 0 || operands + outputs > MAX_OPERANDS + 1 {
        return Err(OP_OUTPUTS.broken(site, format!("{operands} operands and {outputs} outputs")));
    }
    Ok(())
}

fn produce(graph: &Graph, index: u16, op: &Op, slot: Slot, there: &mut [bool]) -> Result<(), CheckError> {
    let Some((tensor, there)) = graph.tensors.get(usize::from(slot)).zip(there.get_mut(usize::from(slot))) else {
        let reason = format!("output {slot} of {} tensors", graph.tensors.len());
        return Err(PRODUCER.broken(Site::Op(index), reason));
    };
    if tensor.kind != TensorKind::Temp {
        return Err(PRODUCER.broken(Site::Op(index), format!("output {slot} is of kind {:?}", tensor.kind)));
    }
    if core::mem::replace(there, true) {
        return Err(PRODUCER.broken(Site::Op(index), format!("tensor {slot} is produced a second time")));
    }
    if tensor.shape != op.output_axes {
        let reason = format!("shape {:?}, but the axes of op {index} are {:?}", tensor.shape, op.output_axes);
        return Err(OUTPUT_SHAPE.broken(Site::Tensor(slot), reason));
    }
    Ok(())
}

fn outputs(graph: &Graph) -> Result<(), CheckError> {
    for (index, slot) in graph.outputs.iter().enumerate() {
        let kind = graph.tensors.get(usize::from(*slot)).map(|tensor| tensor.kind);
        if kind != Some(TensorKind::Temp) {
            let reason = match kind {
                Some(kind) => format!("output {index} is tensor {slot} of kind {kind:?}"),
                None => format!("output {index} is tensor {slot} of {}", graph.tensors.len()),
            };
            return Err(OUTPUTS.broken(Site::Graph, reason));
        }
        if graph.outputs.iter().take(index).any(|earlier| earlier == slot) {
            return Err(OUTPUTS.broken(Site::Graph, format!("tensor {slot} is named twice")));
        }
    }
    Ok(())
}

fn unused_programs(graph: &Graph) -> Result<(), CheckError> {
    let mut used = alloc::vec![false; graph.programs.len()];
    for index in graph.ops.iter().flat_map(|op| op.prologue.iter().chain([&op.program])) {
        if let Some(used) = used.get_mut(usize::from(*index)) {
            *used = true;
        }
    }
    match used.iter().position(|used| !used) {
        Some(index) => Err(PROGRAM_UNUSED.broken(Site::Program(index as u16), "no op names it".into())),
        None => Ok(()),
    }
}
