//! The verdict on one element.

use super::descriptors::Descriptors;
use super::lists;
use super::reader::Reader;
use super::strips::Strips;
use super::{Fault, Finding, Pinned, Rejection, Source};
use crate::graph::{Dtype, MAX_STEPS, OpKind, Program, ResolvedOp, resolve_op};
use crate::semantics::{EvaluateError, Work, evaluate_work, point_at};

/// Most products of a Contract of a checked graph.
const MAX_PRODUCTS: u32 = 131_071;

pub(super) fn judge(mut reader: Reader<'_>, pinned: &Pinned) -> Result<Finding, Rejection> {
    let descriptors = Descriptors::read(&mut reader, &pinned.graph_root, pinned.ir_version, &pinned.symbols)?;
    let index = reader.u16()?;
    let output = reader.u8()?;
    let element = reader.u32()?;
    let source = lists::source_of(reader.u8()?)?;
    let members = lists::read(&mut reader, &descriptors, pinned)?;
    let mut strips = Strips::read(&mut reader, &members)?;
    reader.finish()?;

    let op = descriptors.op(index)?;
    let slot = op.outputs.get(usize::from(output)).copied().ok_or(Rejection::WrongOutput)?;
    let claim = descriptors.tensor(slot)?;
    if claim.placement.producer() != Some((index, output)) || !matches!(source, Source::Boundary | Source::Segment) {
        return Err(Rejection::WrongOutput);
    }
    if element >= claim.layout.elements() {
        return Err(Rejection::ElementRange);
    }
    let claimed = strips.element_of(source, slot, element).ok_or(Rejection::ClaimMissing)?;

    let prologue = op.prologue.map(|index| descriptors.program(index)).transpose()?;
    let program = descriptors.program(op.program)?;
    let op = resolve_op(op, descriptors.symbols(), |slot| descriptors.dtype(slot).unwrap_or(Dtype::I8));
    if op.output_elements() != claim.layout.elements() || !within_bounds(&op, prologue.as_ref()) {
        return Err(Rejection::Malformed);
    }
    let point = point_at(&op.output_dims, element).ok_or(Rejection::Malformed)?;
    let point = point.get(..op.output_dims.len()).ok_or(Rejection::Malformed)?;
    let work = Work { op: &op, prologue: prologue.as_ref(), program: &program };
    let stored = evaluate_work(work, point, &mut strips).map_err(|error| match error {
        EvaluateError::Missing { .. } => Rejection::OperandMissing,
        EvaluateError::Malformed => Rejection::Malformed,
    })?;
    let computed = stored.get(usize::from(output)).copied().ok_or(Rejection::WrongOutput)?;
    let computed = claim.layout.dtype.saturate(computed);
    if computed == claimed {
        return Err(Rejection::NoFault);
    }
    let uses_segment = members.iter().any(|member| member.source == Source::Segment);
    Ok(Finding { fault: Fault::Element { op: index, slot, element, claimed, computed }, uses_segment })
}

/// Whether the op takes no more steps than the checks allow: nobody is to wait for an op that no checked graph has.
fn within_bounds(op: &ResolvedOp, prologue: Option<&Program>) -> bool {
    let points = op.reduction_points();
    match (op.kind, prologue) {
        (OpKind::Map, _) => true,
        (OpKind::Contract, _) => points <= MAX_PRODUCTS,
        (_, Some(prologue)) => points.saturating_mul(prologue.code.len().max(1) as u32) <= MAX_STEPS,
        (_, None) => false,
    }
}
