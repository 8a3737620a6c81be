//! Which ops a run executes, and which tensors share a buffer: tensors whose lives do not overlap.

use crate::{Keep, KernelError};
use referee::graph::{ResolvedGraph, Slot, TensorKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Bytes beyond a tensor's end that kernels may read: unaligned words are read as two whole words.
const SLACK_BYTES: u64 = 8;
/// Buffer sizes are multiples of this.
const GRANULE_BYTES: u64 = 16;

/// Bytes of the buffer of a tensor of `bytes`.
pub(super) fn buffer_bytes(bytes: u64) -> u64 {
    (bytes + SLACK_BYTES).next_multiple_of(GRANULE_BYTES)
}

/// What one way of keeping tensors asks a run to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Ops that are executed.
    pub ops: Range<usize>,
    /// Tensors that the caller gives, in slot order.
    pub uploads: Vec<Slot>,
    /// Tensors that are returned, in slot order.
    pub kept: Vec<Slot>,
    /// Size of each buffer in bytes.
    pub buffers: Vec<u64>,
    /// The buffer of each tensor but the params.
    pub places: BTreeMap<Slot, usize>,
}

impl Plan {
    /// Plans a run of `graph` that keeps `keep`.
    ///
    /// # Errors
    /// A segment that the graph does not have.
    pub(super) fn new(graph: &ResolvedGraph, keep: Keep) -> Result<Self, KernelError> {
        let (ops, kept): (Range<usize>, BTreeSet<Slot>) = match keep {
            Keep::Boundary => (0..graph.ops.len(), graph.boundary.iter().map(|entry| entry.slot).collect()),
            Keep::Everything => (0..graph.ops.len(), graph.slots_of(TensorKind::Temp).into_iter().collect()),
            Keep::Segment(segment) => {
                let range = graph
                    .segments
                    .get(usize::from(segment))
                    .ok_or(KernelError::Segment { segment, segments: graph.segments.len() })?;
                let kept = graph.segment_slots(segment).into_iter().collect();
                (usize::from(range.first)..usize::from(range.end), kept)
            }
        };
        let lives = Lives::new(graph, ops.clone(), &kept);
        let mut plan = Self {
            ops,
            uploads: lives.uploads.clone(),
            kept: kept.into_iter().collect(),
            buffers: vec![],
            places: BTreeMap::new(),
        };
        plan.place(graph, &lives);
        Ok(plan)
    }

    /// Bytes of all buffers.
    pub(super) fn total_bytes(&self) -> u64 {
        self.buffers.iter().sum()
    }

    fn place(&mut self, graph: &ResolvedGraph, lives: &Lives) {
        let bytes = |slot: Slot| graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes() as u64);
        let mut free: Vec<usize> = Vec::new();
        for slot in &lives.uploads {
            self.assign(*slot, bytes(*slot), &mut free);
        }
        for at in self.ops.clone() {
            let Some(op) = graph.ops.get(at) else { continue };
            for slot in &op.outputs {
                self.assign(*slot, bytes(*slot), &mut free);
            }
            // Freed only now: an op never writes a buffer that it reads.
            let ended = lives.last_use.iter().filter(|(_, last)| **last == Some(at)).map(|(slot, _)| slot);
            free.extend(ended.filter_map(|slot| self.places.get(slot)).copied());
        }
    }

    /// Gives the tensor the free buffer that fits best, growing it if none is large enough, or a new one.
    fn assign(&mut self, slot: Slot, bytes: u64, free: &mut Vec<usize>) {
        let needed = buffer_bytes(bytes);
        let fits = |buffer: &usize| self.buffers[*buffer] >= needed;
        let smallest_fit = (0..free.len()).filter(|at| fits(&free[*at])).min_by_key(|at| self.buffers[free[*at]]);
        let largest = (0..free.len()).max_by_key(|at| self.buffers[free[*at]]);
        let buffer = match smallest_fit.or(largest) {
            Some(at) => free.swap_remove(at),
            None => {
                self.buffers.push(0);
                self.buffers.len() - 1
            }
        };
        self.buffers[buffer] = self.buffers[buffer].max(needed);
        self.places.insert(slot, buffer);
    }
}

/// When tensors are last needed.
struct Lives {
    uploads: Vec<Slot>,
    /// The op after which a tensor's buffer is free; `None` for those that are kept.
    last_use: BTreeMap<Slot, Option<usize>>,
}

impl Lives {
    fn new(graph: &ResolvedGraph, ops: Range<usize>, kept: &BTreeSet<Slot>) -> Self {
        let is_param =
            |slot: Slot| graph.tensors.get(usize::from(slot)).is_some_and(|tensor| tensor.kind == TensorKind::Param);
        let mut produced = BTreeSet::new();
        let mut uploads = BTreeSet::new();
        let mut last_use = BTreeMap::new();
        for at in ops {
            let Some(op) = graph.ops.get(at) else { continue };
            for slot in op.operands.iter().map(|view| view.slot).filter(|slot| !is_param(*slot)) {
                if !produced.contains(&slot) {
                    uploads.insert(slot);
                }
                last_use.insert(slot, Some(at));
            }
            for slot in &op.outputs {
                produced.insert(*slot);
                last_use.insert(*slot, Some(at));
            }
        }
        kept.iter().for_each(|slot| {
            last_use.insert(*slot, None);
        });
        Self { uploads: uploads.into_iter().collect(), last_use }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Level, random_vector, vectors};

    /// Simulates a plan with tags for contents: every op must find its operands where it left them.
    fn check(graph: &ResolvedGraph, keep: Keep) {
        let plan = Plan::new(graph, keep).unwrap();
        let mut holds: Vec<Option<Slot>> = vec![None; plan.buffers.len()];
        for slot in &plan.uploads {
            assert_eq!(holds[plan.places[slot]].replace(*slot), None, "two uploads share a buffer");
        }
        for op in &graph.ops[plan.ops.clone()] {
            let reads: Vec<usize> = op
                .operands
                .iter()
                .filter(|view| graph.tensors[usize::from(view.slot)].kind != TensorKind::Param)
                .map(|view| {
                    let place = plan.places[&view.slot];
                    assert_eq!(holds[place], Some(view.slot), "an operand was overwritten");
                    place
                })
                .collect();
            let mut writes = BTreeSet::new();
            for slot in &op.outputs {
                let place = plan.places[slot];
                assert!(!reads.contains(&place), "an op writes a buffer that it reads");
                assert!(writes.insert(place), "two outputs share a buffer");
                assert!(plan.buffers[place] >= buffer_bytes(graph.tensors[usize::from(*slot)].bytes() as u64));
                holds[place] = Some(*slot);
            }
        }
        for slot in &plan.kept {
            assert_eq!(holds[plan.places[slot]], Some(*slot), "a kept tensor was overwritten");
        }
    }

    #[test]
    fn every_op_finds_its_operands_and_kept_tensors_survive() {
        for vector in vectors(Level::Full).into_iter().chain((100..200).map(random_vector)) {
            let graph = vector.resolve().unwrap();
            check(&graph, Keep::Boundary);
            check(&graph, Keep::Everything);
            (0..graph.segments.len() as u16).for_each(|segment| check(&graph, Keep::Segment(segment)));
        }
    }

    #[test]
    fn a_chain_needs_two_buffers_however_long_it_is() {
        use referee::graph::{Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, Tensor, Term, View};
        let tensor = |kind| Tensor { dtype: Dtype::I8, kind, shape: vec![Dim::Const(100)] };
        let op = |index: u16| Op {
            kind: OpKind::Map,
            outputs: vec![index + 1],
            output_axes: vec![Dim::Const(100)],
            reduction_axes: vec![],
            operands: vec![View {
                slot: index,
                as_shape: vec![Dim::Const(100)],
                offsets: vec![0],
                terms: vec![Term { source_axis: 0, iteration_axis: 0, coefficient: 1 }],
                out_of_bounds: OutOfBounds::Clamp,
                indirect: None,
            }],
            prologue: None,
            program: 0,
        };
        let load_store = vec![Instruction::Load { d: 0, operand: 0 }, Instruction::Store { output: 0, a: 0 }];
        let graph = Graph {
            symbols: vec![],
            tensors: [TensorKind::Input].into_iter().chain([TensorKind::Temp; 9]).map(tensor).collect(),
            programs: vec![Program { constants: vec![], code: load_store }],
            ops: (0..9).map(op).collect(),
            cuts: vec![],
            outputs: vec![9],
        };
        let graph = graph.resolve(&[]).unwrap();
        assert_eq!(Plan::new(&graph, Keep::Boundary).unwrap().buffers, [112, 112]);
        assert_eq!(Plan::new(&graph, Keep::Everything).unwrap().buffers.len(), 9);
    }
}
