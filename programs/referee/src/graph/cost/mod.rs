//! What refereeing one element costs: the leaves that a proof opens, their bytes, and compute units by a model.
//!
//! Leaves and bytes are upper bounds, proved below and in [`region`] from the views alone: no element of the op needs
//! more, whatever its operands hold. Compute units are a model of the on-chain referee and say so.
//!
//! A proof opens, for every operand that is read, leaves in *strips* of adjacent ones, and the leaf of the claimed
//! output. A strip carries the data and the 16-byte header of each leaf, and the siblings on its way to the root of the
//! tensor's tree, 32 bytes each. The descriptors of op, program and tensors are opened apart from it.

mod compute;
mod reads;
mod region;
mod strip;

use super::bytecode::Program;
use super::resolve::{ResolvedGraph, ResolvedOp, ResolvedTensor};
use alloc::vec::Vec;
use region::{Reach, Visit};
use strip::Opening;

/// Most bytes of leaves and paths that one proof uploads.
pub const MAX_UPLOAD_BYTES: u32 = 16 * 1024;
/// Most compute units, by the model, that one element takes on-chain: well below the 1,400,000 of a transaction.
pub const MAX_COMPUTE_UNITS: u32 = 400_000;

/// The modelled cost of refereeing the dearest element of an op.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Distinct leaves opened.
    pub leaves: u32,
    /// Bytes of leaves and paths.
    pub upload_bytes: u32,
    /// Compute units.
    pub compute_units: u32,
}

impl Cost {
    /// The greater of both in every respect.
    pub fn max(self, other: Self) -> Self {
        Self {
            leaves: self.leaves.max(other.leaves),
            upload_bytes: self.upload_bytes.max(other.upload_bytes),
            compute_units: self.compute_units.max(other.compute_units),
        }
    }
}

/// The operand with the greatest upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dearest {
    pub(super) operand: u8,
    pub(super) leaves: u64,
}

impl ResolvedGraph {
    /// The cost of the dearest element of each op.
    pub fn costs(&self) -> Vec<Cost> {
        self.ops.iter().map(|op| self.cost(op)).collect()
    }

    /// The cost of the dearest element of an op of this graph.
    pub fn cost(&self, op: &ResolvedOp) -> Cost {
        self.cost_with_dearest(op).0
    }

    /// Instructions that run for one element: the prologue for every reduction point (an empty one counts as one
    /// instruction), and the program, its loops with all their turns.
    pub fn steps(&self, op: &ResolvedOp) -> u64 {
        let steps = |index: u16| self.programs.get(usize::from(index)).map_or(0, Program::steps);
        let points = u64::from(op.reduction_points());
        let prologue = op.prologue.map_or(0, |index| steps(index).max(1).saturating_mul(points));
        prologue.saturating_add(steps(op.program))
    }

    pub(super) fn cost_with_dearest(&self, op: &ResolvedOp) -> (Cost, Option<Dearest>) {
        let mut total = self.claimed_output(op);
        let mut dearest: Option<(Dearest, u64)> = None;
        for (operand, opening) in self.operand_openings(op) {
            if dearest.is_none_or(|(_, upload)| opening.upload_bytes() > upload) {
                dearest = Some((Dearest { operand, leaves: opening.leaves }, opening.upload_bytes()));
            }
            total = total.and(opening);
        }
        let fit = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let cost = Cost {
            leaves: fit(total.leaves),
            upload_bytes: fit(total.upload_bytes()),
            compute_units: fit(self.compute_units(op, &total)),
        };
        (cost, dearest.map(|(dearest, _)| dearest))
    }

    /// The leaf of the one output element that is claimed to be wrong; the dearest of the op's outputs.
    fn claimed_output(&self, op: &ResolvedOp) -> Opening {
        let tensors = op.outputs.iter().filter_map(|slot| self.tensors.get(usize::from(*slot)));
        let leaf = |tensor: &ResolvedTensor| Opening::single_leaves(&tensor.layout, 1);
        tensors.map(leaf).max_by_key(Opening::upload_bytes).unwrap_or_default()
    }

    /// For each operand, or group of operands that read one tensor side by side, the leaves behind one element.
    fn operand_openings(&self, op: &ResolvedOp) -> Vec<(u8, Opening)> {
        let reads = self.reads(op);
        let mut done = alloc::vec![false; op.operands.len()];
        let mut openings = Vec::new();
        for (operand, (view, read)) in op.operands.iter().zip(&reads).enumerate() {
            let Some(tensor) = self.tensors.get(usize::from(view.slot)) else { continue };
            if read.never() || done.get(operand).copied().unwrap_or(true) {
                continue;
            }
            let reach = |offsets: &[&[i32]]| Reach::new(op, view, offsets);
            let alone = |operand: usize| {
                let offsets = op.operands.get(operand).map_or(&[][..], |view| view.offsets.as_slice());
                let visit = reads.get(operand).map_or(Visit::Points, |read| read.visit(op));
                reach(&[offsets]).opening(&tensor.layout, visit)
            };
            // Operands that differ in their offsets alone often share leaves: count them together if that is cheaper.
            let group: Vec<usize> = (operand..op.operands.len())
                .filter(|other| {
                    op.operands.get(*other).is_some_and(|other| region::side_by_side(view, other))
                        && reads.get(*other).is_some_and(|other| !other.never() && other.visit(op) == read.visit(op))
                })
                .collect();
            let offsets: Vec<&[i32]> =
                group.iter().filter_map(|other| op.operands.get(*other)).map(|view| view.offsets.as_slice()).collect();
            let separate = group.iter().map(|other| alone(*other)).fold(Opening::default(), Opening::and);
            let opening = if view.indirect.is_none() && group.len() > 1 {
                reach(&offsets).opening(&tensor.layout, Visit::Points).cheaper(separate)
            } else {
                separate
            };
            for other in group {
                if let Some(done) = done.get_mut(other) {
                    *done = true;
                }
            }
            openings.push((operand as u8, opening.cheaper(Opening::whole(&tensor.layout))));
        }
        openings
    }
}
