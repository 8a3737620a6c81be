//! Where a graph is cut into segments.

use super::graph_builder::GraphBuilder;
use referee::graph::{Dim, MAX_CUTS, Op, OpKind, Slot};
use std::collections::BTreeSet;

impl GraphBuilder {
    /// Starts a new segment at the next op; nothing happens before the first op or at the end of the graph.
    pub fn cut(&mut self) {
        self.cut_before(self.ops.len());
    }

    fn cut_before(&mut self, op: usize) {
        if op > 0 && self.cuts.len() < MAX_CUTS {
            self.cuts.insert(op as u16);
        }
    }

    /// Cuts the graph wherever a segment has done enough work for what the cut adds to the commitment.
    ///
    /// A cut costs the hashing of the tensors that cross it, once each; a segment is what a dispute replays. Work is
    /// counted in multiply-adds and executed instructions, with every symbol at its greatest value. A segment ends
    /// after the op at which `work >= minimum_work_per_byte * bytes`, `bytes` being those of the segment's tensors
    /// that a later op reads. With kernels of 100 G multiply-adds a second and hashing at 1 GB/s, 5,000 keeps the
    /// boundary within 2 % of job time.
    pub fn cut_by_cost(&mut self, minimum_work_per_byte: u64) {
        self.drop_end_cuts();
        let last_reader = self.last_readers();
        let mut first = 0;
        let mut work = 0u64;
        for end in 1..self.ops.len() {
            if self.cuts.contains(&(end as u16 - 1)) {
                (first, work) = (end - 1, 0);
            }
            work = work.saturating_add(self.work(&self.ops[end - 1]));
            let crossing = (first..end).flat_map(|op| self.ops[op].outputs.iter()).filter(|slot| {
                let slot = usize::from(**slot);
                last_reader[slot].is_some_and(|reader| reader >= end)
            });
            let bytes = crossing.map(|slot| self.bytes(*slot)).fold(0u64, u64::saturating_add);
            if work >= minimum_work_per_byte.saturating_mul(bytes.max(1)) {
                self.cut_before(end);
            }
        }
    }

    /// Index of the last op that reads each tensor.
    fn last_readers(&self) -> Vec<Option<usize>> {
        let mut last = vec![None; self.tensors.len()];
        for (index, op) in self.ops.iter().enumerate() {
            let slots: BTreeSet<Slot> = op.operands.iter().map(|view| view.slot).collect();
            for slot in slots {
                last[usize::from(slot)] = Some(index);
            }
        }
        last
    }

    fn work(&self, op: &Op) -> u64 {
        let points = self.greatest(&op.output_axes);
        let reduction = self.greatest(&op.reduction_axes);
        let words =
            |program: u16| self.programs.get(usize::from(program)).map_or(0, |program| program.code.len() as u64);
        let inner = match op.kind {
            OpKind::Contract => 1,
            _ => op.prologue.map_or(0, words),
        };
        points.saturating_mul(reduction.saturating_mul(inner).saturating_add(words(op.program)))
    }

    fn bytes(&self, slot: Slot) -> u64 {
        let tensor = &self.tensors[usize::from(slot)];
        self.greatest(&tensor.shape).saturating_mul(u64::from(tensor.dtype.bytes()))
    }

    /// Product of the axes with every symbol at its greatest value.
    pub(super) fn greatest(&self, axes: &[Dim]) -> u64 {
        let length = |dim: &Dim| match dim {
            Dim::Const(length) => u64::from(*length),
            Dim::Symbol(index) => self.symbols.get(usize::from(*index)).map_or(1, |symbol| u64::from(symbol.max)),
        };
        axes.iter().map(length).fold(1, u64::saturating_mul)
    }

    /// A cut after the last op would start an empty segment.
    pub(super) fn drop_end_cuts(&mut self) {
        let ops = self.ops.len();
        self.cuts.retain(|cut| usize::from(*cut) < ops);
    }
}
