//! What a graph may do but should not.

use super::Lint;
use super::rules::{LINT_SIZE, LINT_STRIDED, LINT_UNREAD, LINT_UNREAD_OPERAND, LINT_WRAP, Rule};
use crate::graph::error::Site;
use crate::graph::interval::Wrap;
use crate::graph::resolve::{ResolvedGraph, ResolvedOp};
use crate::graph::types::{OpKind, Slot};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a tensor that common adapters still bind in one piece.
const MAX_BOUND_BYTES: usize = 128 << 20;

/// Adds the lints of a graph; one that is there already at the same place is left out.
pub(super) fn collect(graph: &ResolvedGraph, lints: &mut Vec<Lint>) {
    let mut seen: BTreeSet<(&'static str, Site)> = lints.iter().map(|lint| (lint.code, lint.site)).collect();
    let mut add = |rule: &Rule, site: Site, reason: String| {
        if seen.insert((rule.code, site)) {
            lints.push(Lint { code: rule.code, site, reason, fix: rule.fix });
        }
    };
    let mut read: BTreeSet<Slot> = graph.outputs.iter().copied().collect();
    for (index, op) in (0..).zip(&graph.ops) {
        read.extend(op.operands.iter().map(|view| view.slot));
        strided(index, op, &mut add);
        wraps(graph, index, op, &mut add);
        unread(graph, index, op, &mut add);
    }
    for (slot, tensor) in (0..).zip(&graph.tensors) {
        if tensor.bytes() > MAX_BOUND_BYTES {
            add(&LINT_SIZE, Site::Tensor(slot), format!("{} bytes, more than {MAX_BOUND_BYTES}", tensor.bytes()));
        }
        if !read.contains(&slot) {
            add(&LINT_UNREAD, Site::Tensor(slot), "no op reads it and it is no output".into());
        }
    }
}

fn strided(index: u16, op: &ResolvedOp, add: &mut impl FnMut(&Rule, Site, String)) {
    for (operand, view) in (0..).zip(&op.operands) {
        if let Some((axis, step)) = view.strided_axis(op) {
            let reason = format!("along reduction axis {axis} it moves by {step} elements");
            add(&LINT_STRIDED, Site::Operand(index, operand), reason);
        }
    }
}

fn wraps(graph: &ResolvedGraph, index: u16, op: &ResolvedOp, add: &mut impl FnMut(&Rule, Site, String)) {
    for wrap in graph.intervals(op).wraps {
        let instruction = |program: u16, at: u16| Site::Instruction { op: index, program, at };
        match wrap {
            Wrap::Prologue(at) => {
                add(&LINT_WRAP, instruction(op.prologue.unwrap_or(0), at), "the value may leave 64 bits".into());
            }
            Wrap::Epilogue(at) => {
                add(&LINT_WRAP, instruction(op.program, at), "the value may leave 64 bits".into());
            }
            Wrap::Sum(lane) => add(&LINT_WRAP, Site::Op(index), format!("the sum of lane {lane} may leave 64 bits")),
        }
    }
}

fn unread(graph: &ResolvedGraph, index: u16, op: &ResolvedOp, add: &mut impl FnMut(&Rule, Site, String)) {
    let reads = graph.reads(op);
    for operand in 0..op.operands.len() {
        let contracted = op.kind == OpKind::Contract && operand < 2;
        if !contracted && reads.get(operand).is_none_or(|reads| reads.never()) {
            add(&LINT_UNREAD_OPERAND, Site::Operand(index, operand as u8), "no program of the op reads it".into());
        }
    }
}
