//! The views of an op.

use super::rules::{
    CONTRACT_INDIRECT, CONTRACT_OPERANDS, CONTRACT_PAD, OPERAND_MISSING, REDUCTION_OPERAND, TOPOLOGY, VIEW_AXES,
    VIEW_INDIRECT, VIEW_OFFSETS, VIEW_SHAPE, VIEW_TERMS,
};
use crate::graph::error::{CheckError, Site};
use crate::graph::types::{Dim, Dtype, Graph, Op, OpKind, OutOfBounds, View};
use alloc::format;
use alloc::vec::Vec;

/// `there` says of each tensor whether the op may read it.
pub(super) fn operands(graph: &Graph, index: u16, op: &Op, there: &[bool]) -> Result<(), CheckError> {
    for (operand, view) in (0..).zip(&op.operands) {
        source(graph, Site::Operand(index, operand), view, there)?;
        terms(index, operand, op, view)?;
        indirect(index, operand, view)?;
    }
    if op.kind == OpKind::Contract {
        contract(graph, index, op)?;
    }
    Ok(())
}

fn source(graph: &Graph, site: Site, view: &View, there: &[bool]) -> Result<(), CheckError> {
    let Some(tensor) = graph.tensors.get(usize::from(view.slot)) else {
        return Err(OPERAND_MISSING.broken(site, format!("tensor {} of {}", view.slot, graph.tensors.len())));
    };
    if !there.get(usize::from(view.slot)).copied().unwrap_or(false) {
        return Err(TOPOLOGY.broken(site, format!("no earlier op produces tensor {}", view.slot)));
    }
    if size(&view.as_shape) != size(&tensor.shape) {
        let reason = format!("{:?} seen as {:?}", tensor.shape, view.as_shape);
        return Err(VIEW_SHAPE.broken(site, reason));
    }
    if view.offsets.len() != view.as_shape.len() {
        let reason = format!("{} offsets for {} axes", view.offsets.len(), view.as_shape.len());
        return Err(VIEW_OFFSETS.broken(site, reason));
    }
    Ok(())
}

/// Product of the constants, and the symbols in order: equal for shapes that have as many elements whatever the symbols
/// are. A product that saturates belongs to a tensor that is refused for its size.
fn size(shape: &[Dim]) -> (u128, Vec<u8>) {
    let mut symbols = Vec::new();
    let mut product = 1u128;
    for dim in shape {
        match dim {
            Dim::Const(length) => product = product.saturating_mul(u128::from(*length)),
            Dim::Symbol(index) => symbols.push(*index),
        }
    }
    symbols.sort_unstable();
    (product, symbols)
}

fn terms(index: u16, operand: u8, op: &Op, view: &View) -> Result<(), CheckError> {
    let axes = op.output_axes.len() + op.reduction_axes.len();
    let mut previous = None;
    for term in &view.terms {
        let site = Site::OperandAxis(index, operand, term.source_axis);
        if usize::from(term.source_axis) >= view.as_shape.len() || usize::from(term.iteration_axis) >= axes {
            let (source, iteration) = (term.source_axis, term.iteration_axis);
            let reason = format!(
                "a term from iteration axis {iteration} of {axes} to source axis {source} of {}",
                view.as_shape.len()
            );
            return Err(VIEW_AXES.broken(site, reason));
        }
        let pair = (term.source_axis, term.iteration_axis);
        if term.coefficient == 0 || previous.is_some_and(|previous| previous >= pair) {
            let reason = format!("the term of iteration axis {} with coefficient {}", pair.1, term.coefficient);
            return Err(VIEW_TERMS.broken(site, reason));
        }
        previous = Some(pair);
    }
    Ok(())
}

fn indirect(index: u16, operand: u8, view: &View) -> Result<(), CheckError> {
    let Some(axis) = view.indirect else { return Ok(()) };
    let offset = view.offsets.get(usize::from(axis)).copied();
    let terms = view.terms.iter().filter(|term| term.source_axis == axis).count();
    match offset {
        Some(0) if terms == 0 => Ok(()),
        Some(offset) => {
            let reason = format!("offset {offset} and {terms} terms on the indirect axis");
            Err(VIEW_INDIRECT.broken(Site::OperandAxis(index, operand, axis), reason))
        }
        None => {
            let reason = format!("indirect axis {axis} of {}", view.as_shape.len());
            Err(VIEW_INDIRECT.broken(Site::OperandAxis(index, operand, axis), reason))
        }
    }
}

fn contract(graph: &Graph, index: u16, op: &Op) -> Result<(), CheckError> {
    let dtype = |view: &View| graph.tensors.get(usize::from(view.slot)).map(|tensor| tensor.dtype);
    let Some([a, b]) = op.operands.first_chunk::<2>() else {
        let reason = format!("{} operands, at least 2 are needed", op.operands.len());
        return Err(CONTRACT_OPERANDS.broken(Site::Op(index), reason));
    };
    let pair = (dtype(a), dtype(b));
    match pair {
        (Some(Dtype::I8), Some(Dtype::I8 | Dtype::U8)) | (Some(Dtype::U8), Some(Dtype::I8)) => {}
        _ => {
            let name = |dtype: Option<Dtype>| dtype.map_or("none", Dtype::name);
            let reason = format!("{} x {}", name(pair.0), name(pair.1));
            return Err(CONTRACT_OPERANDS.broken(Site::Op(index), reason));
        }
    }
    for (operand, view) in (0..).zip([a, b]) {
        let site = Site::Operand(index, operand);
        if let OutOfBounds::Pad(pad @ (i32::MIN..=-1 | 1..)) = view.out_of_bounds {
            return Err(CONTRACT_PAD.broken(site, format!("pads with {pad}")));
        }
        if let Some(axis) = view.indirect {
            return Err(CONTRACT_INDIRECT.broken(site, format!("axis {axis} is indirect")));
        }
    }
    for (operand, view) in (0..).zip(&op.operands).skip(2) {
        epilogue_operand(index, operand, op, view)?;
    }
    Ok(())
}

/// An operand of an epilogue or a Map does not move along reduction axes.
pub(super) fn epilogue_operand(index: u16, operand: u8, op: &Op, view: &View) -> Result<(), CheckError> {
    let first_reduction = op.output_axes.len();
    match view.terms.iter().find(|term| usize::from(term.iteration_axis) >= first_reduction) {
        Some(term) => {
            let reason = format!("a term from iteration axis {}, which is reduced over", term.iteration_axis);
            Err(REDUCTION_OPERAND.broken(Site::OperandAxis(index, operand, term.source_axis), reason))
        }
        None => Ok(()),
    }
}
