//! A run against the scalar reference.

use super::EngineError;
use crate::prepare::Prepared;
use assay_kernels::TensorSet;
use referee::graph::{ResolvedGraph, Slot};
use referee::semantics::{Fetch, evaluate_output};
use std::collections::HashSet;

/// Elements of each tensor that a self-check recomputes.
const SAMPLES: u32 = 8;

/// All tensors of a run, for the scalar reference.
struct Values<'a> {
    graph: &'a ResolvedGraph,
    sets: [&'a TensorSet; 3],
}

impl Fetch for Values<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let dtype = self.graph.tensors.get(usize::from(slot))?.dtype;
        let bytes = self.sets.iter().find_map(|set| set.get(&slot))?;
        dtype.read(bytes, element as usize)
    }
}

/// Recomputes first, last and evenly spread elements of every tensor that an op produced.
pub(super) fn compare_samples(backend: &'static str, job: &Prepared, computed: &TensorSet) -> Result<(), EngineError> {
    let mut values = Values { graph: &job.graph, sets: [computed, &job.params, &job.inputs] };
    for (&slot, bytes) in computed {
        let Some(tensor) = job.graph.tensors.get(usize::from(slot)) else { continue };
        let last = tensor.elements().saturating_sub(1);
        let elements: HashSet<u32> =
            (0..SAMPLES).map(|sample| (u64::from(last) * u64::from(sample) / u64::from(SAMPLES - 1)) as u32).collect();
        for element in elements {
            let reference = evaluate_output(&job.graph, slot, element, &mut values)
                .map_err(|error| EngineError::Commit(error.to_string()))?;
            let got = tensor.dtype.read(bytes, element as usize);
            if got != Some(reference) {
                let computed = got.unwrap_or_default();
                return Err(EngineError::Differs { backend, slot, element, computed, reference });
            }
        }
    }
    Ok(())
}
