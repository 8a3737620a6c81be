//! Which tensors share memory: two whose lifetimes do not overlap may lie in one buffer.

use referee::graph::{ResolvedGraph, Slot, TensorKind};

/// The buffers of a run that keeps the boundary alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BufferPlan {
    /// Bytes of each buffer.
    pub(crate) sizes: Vec<usize>,
    /// Buffer of each tensor by slot; none for what is given or kept.
    pub(crate) assigned: Vec<Option<usize>>,
}

impl BufferPlan {
    /// Assigns buffers to all Temps outside the boundary that units write. A unit is what reads and writes these tensors
    /// at one time; units run in order.
    pub(crate) fn new(graph: &ResolvedGraph, units: &[(Vec<Slot>, Vec<Slot>)]) -> Self {
        let needs_buffer = |slot: Slot| {
            let tensor = graph.tensors.get(usize::from(slot));
            tensor.is_some_and(|tensor| tensor.kind == TensorKind::Temp) && graph.boundary_position(slot).is_none()
        };
        let mut last_use = vec![0usize; graph.tensors.len()];
        for (index, (reads, writes)) in units.iter().enumerate() {
            writes.iter().chain(reads).for_each(|slot| last_use[usize::from(*slot)] = index);
        }
        let mut plan = Self { sizes: Vec::new(), assigned: vec![None; graph.tensors.len()] };
        let mut free: Vec<usize> = Vec::new();
        for (index, (reads, writes)) in units.iter().enumerate() {
            for slot in writes.iter().copied().filter(|slot| needs_buffer(*slot)) {
                let bytes = graph.tensors[usize::from(slot)].bytes();
                let buffer = plan.take(&mut free, bytes);
                plan.assigned[usize::from(slot)] = Some(buffer);
            }
            let mut ended: Vec<Slot> = writes.iter().chain(reads).copied().collect();
            ended.sort_unstable();
            ended.dedup();
            let ended = ended.into_iter().filter(|slot| last_use[usize::from(*slot)] == index);
            free.extend(ended.filter_map(|slot| plan.assigned[usize::from(slot)]));
        }
        plan
    }

    /// The smallest free buffer that fits, else the greatest free one, grown, else a new one.
    fn take(&mut self, free: &mut Vec<usize>, bytes: usize) -> usize {
        let fitting =
            (0..free.len()).filter(|at| self.sizes[free[*at]] >= bytes).min_by_key(|at| self.sizes[free[*at]]);
        let at = fitting.or_else(|| (0..free.len()).max_by_key(|at| self.sizes[free[*at]]));
        match at {
            Some(at) => {
                let buffer = free.swap_remove(at);
                self.sizes[buffer] = self.sizes[buffer].max(bytes);
                buffer
            }
            None => {
                self.sizes.push(bytes);
                self.sizes.len() - 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::random_vector;

    #[test]
    fn no_two_tensors_that_live_at_once_share_a_buffer_and_each_fits() {
        let mut shared = 0;
        for seed in 0..300 {
            let graph = random_vector(seed).resolve().unwrap();
            let units: Vec<_> = graph
                .ops
                .iter()
                .map(|op| (op.operands.iter().map(|view| view.slot).collect(), op.outputs.clone()))
                .collect();
            let plan = BufferPlan::new(&graph, &units);
            let mut owner: Vec<Option<Slot>> = vec![None; plan.sizes.len()];
            for op in &graph.ops {
                let written = op.outputs.iter().filter_map(|slot| Some((*slot, plan.assigned[usize::from(*slot)]?)));
                for (slot, buffer) in written {
                    assert!(graph.tensors[usize::from(slot)].bytes() <= plan.sizes[buffer]);
                    shared += usize::from(owner[buffer].is_some());
                    owner[buffer] = Some(slot);
                }
                // what the op reads must still be there, its outputs must lie apart from it and from each other
                let slots = op.operands.iter().map(|view| view.slot).chain(op.outputs.iter().copied());
                for slot in slots {
                    if let Some(buffer) = plan.assigned[usize::from(slot)] {
                        assert_eq!(owner[buffer], Some(slot), "seed {seed}");
                    }
                }
            }
            let kept = graph.boundary.iter().all(|entry| plan.assigned[usize::from(entry.slot)].is_none());
            assert!(kept, "boundary tensors are returned, not kept in buffers");
        }
        assert!(shared > 50, "memory is used again {shared} times");
    }
}
