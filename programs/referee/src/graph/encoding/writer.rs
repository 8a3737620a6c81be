//! Descriptors as bytes.

use super::instruction::word_of;
use crate::graph::bytecode::Program;
use crate::graph::types::{Dim, Graph, IR_VERSION, Op, OutOfBounds, Tensor, View};
use alloc::vec::Vec;

/// Marks a direct view and an op without prologue.
pub(super) const NONE_U8: u8 = 0xff;
pub(super) const NONE_U16: u16 = 0xffff;

pub(super) const DIM_CONST: u8 = 0;
pub(super) const DIM_SYMBOL: u8 = 1;
pub(super) const CLAMP: u8 = 0;
pub(super) const PAD: u8 = 1;

/// A count that does not fit its field is written as the field's greatest value, which is beyond every bound.
fn count_u8(bytes: &mut Vec<u8>, count: usize) {
    bytes.push(u8::try_from(count).unwrap_or(u8::MAX));
}

fn count_u16(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
}

fn list_u16(bytes: &mut Vec<u8>, values: &[u16]) {
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
}

fn dims(bytes: &mut Vec<u8>, dims: &[Dim]) {
    count_u8(bytes, dims.len());
    for dim in dims {
        match dim {
            Dim::Const(value) => {
                bytes.push(DIM_CONST);
                bytes.extend_from_slice(&value.to_le_bytes());
            }
            Dim::Symbol(index) => bytes.extend_from_slice(&[DIM_SYMBOL, *index]),
        }
    }
}

pub(in crate::graph) fn header_bytes(graph: &Graph) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&IR_VERSION.to_le_bytes());
    count_u8(&mut bytes, graph.symbols.len());
    for symbol in &graph.symbols {
        bytes.extend_from_slice(&symbol.min.to_le_bytes());
        bytes.extend_from_slice(&symbol.max.to_le_bytes());
    }
    count_u16(&mut bytes, graph.tensors.len());
    count_u16(&mut bytes, graph.programs.len());
    count_u16(&mut bytes, graph.ops.len());
    count_u16(&mut bytes, graph.cuts.len());
    list_u16(&mut bytes, &graph.cuts);
    count_u8(&mut bytes, graph.outputs.len());
    list_u16(&mut bytes, &graph.outputs);
    bytes
}

pub(in crate::graph) fn tensor_bytes(tensor: &Tensor) -> Vec<u8> {
    let mut bytes = alloc::vec![tensor.dtype as u8, tensor.kind as u8];
    dims(&mut bytes, &tensor.shape);
    bytes
}

pub(in crate::graph) fn program_bytes(program: &Program) -> Vec<u8> {
    let mut bytes = Vec::new();
    count_u8(&mut bytes, program.constants.len());
    for constant in &program.constants {
        bytes.extend_from_slice(&constant.to_le_bytes());
    }
    count_u8(&mut bytes, program.code.len());
    for instruction in &program.code {
        bytes.extend_from_slice(&word_of(*instruction).to_le_bytes());
    }
    bytes
}

pub(in crate::graph) fn op_bytes(op: &Op) -> Vec<u8> {
    let mut bytes = alloc::vec![op.kind as u8];
    count_u8(&mut bytes, op.outputs.len());
    list_u16(&mut bytes, &op.outputs);
    dims(&mut bytes, &op.output_axes);
    dims(&mut bytes, &op.reduction_axes);
    count_u8(&mut bytes, op.operands.len());
    for operand in &op.operands {
        view(&mut bytes, operand);
    }
    bytes.extend_from_slice(&op.prologue.map_or(NONE_U16, |index| index.min(NONE_U16 - 1)).to_le_bytes());
    bytes.extend_from_slice(&op.program.to_le_bytes());
    bytes
}

fn view(bytes: &mut Vec<u8>, view: &View) {
    bytes.extend_from_slice(&view.slot.to_le_bytes());
    dims(bytes, &view.as_shape);
    count_u8(bytes, view.offsets.len());
    for offset in &view.offsets {
        bytes.extend_from_slice(&offset.to_le_bytes());
    }
    count_u8(bytes, view.terms.len());
    for term in &view.terms {
        bytes.extend_from_slice(&[term.source_axis, term.iteration_axis]);
        bytes.extend_from_slice(&term.coefficient.to_le_bytes());
    }
    match view.out_of_bounds {
        OutOfBounds::Clamp => bytes.push(CLAMP),
        OutOfBounds::Pad(value) => {
            bytes.push(PAD);
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    bytes.push(view.indirect.map_or(NONE_U8, |axis| axis.min(NONE_U8 - 1)));
}
