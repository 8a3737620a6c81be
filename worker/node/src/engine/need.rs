//! The memory that a run takes, from its graph before the model is loaded, and from the model's own plan afterwards.

use super::ModelKey;
use crate::schedule::memory::Claim;
use assay_kernels::Model;
use referee::graph::{ResolvedGraph, TensorKind};
use serde::{Deserialize, Serialize};

/// Where an adapter has what it computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterMemory {
    /// It is the processor.
    Processor,
    /// It shares the machine's memory, and copies what it gets and gives.
    Shared,
    /// It has its own.
    Own,
}

impl AdapterMemory {
    /// Whether what is on the adapter is in the machine's memory.
    pub fn is_in_machine(self) -> bool {
        matches!(self, Self::Processor | Self::Shared)
    }
}

/// Bytes of a loaded model, by its own plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// Its params in the form in which they are used.
    pub(super) params: u64,
    /// One run.
    pub(super) working: u64,
}

impl Planned {
    pub(super) fn of(model: &dyn Model) -> Self {
        Self { params: model.param_bytes(), working: model.working_bytes() }
    }

    pub(super) fn bytes(self) -> u64 {
        self.params.saturating_add(self.working)
    }
}

/// Bytes of the tensors of a graph, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    params: u64,
    inputs: u64,
    temporary: u64,
    boundary: u64,
}

impl Need {
    pub(super) fn of(graph: &ResolvedGraph) -> Self {
        let mut need = Self::default();
        for tensor in &graph.tensors {
            let sum = match tensor.kind {
                TensorKind::Param => &mut need.params,
                TensorKind::Input => &mut need.inputs,
                TensorKind::Temp => &mut need.temporary,
            };
            *sum = sum.saturating_add(tensor.bytes() as u64);
        }
        let bytes = |slot: u16| graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes() as u64);
        need.boundary = graph.boundary.iter().map(|entry| bytes(entry.slot)).fold(0, u64::saturating_add);
        need
    }

    /// The model before it is loaded: no tensor shares memory with another, and what is returned lies there twice.
    pub(super) fn planned(&self) -> Planned {
        let working = self.inputs.saturating_add(self.temporary).saturating_add(self.boundary);
        Planned { params: self.params, working }
    }

    /// What one job claims. `checks`: every tensor of the run is kept, to be compared with the scalar reference. `reads`: its artifacts
    /// are still to be read, and then lie there twice, as bundles and as tensors.
    pub(super) fn claim(
        &self,
        key: ModelKey,
        planned: Planned,
        memory: AdapterMemory,
        checks: bool,
        reads: bool,
    ) -> Claim<ModelKey> {
        let given = self.params.saturating_add(self.inputs);
        let given = if reads { given.saturating_mul(2) } else { given };
        let (of_adapter, of_machine) = self.checked(memory, checks);
        Claim {
            model: Some(key),
            model_bytes: planned.bytes(),
            adapter_bytes: of_adapter,
            machine_bytes: given.saturating_add(self.result()).saturating_add(of_machine),
        }
    }

    /// What a session claims for this form, at so many runs at a time, beside the tensors of its params: bytes on the adapter, and of the machine.
    pub(super) fn warm(&self, planned: Planned, memory: AdapterMemory, checks: bool, runs: u64) -> (u64, u64) {
        let (of_adapter, of_machine) = self.checked(memory, checks);
        let each = self.inputs.saturating_mul(2).saturating_add(self.result()).saturating_add(of_machine);
        let loaded = planned.params.saturating_add(planned.working.saturating_mul(runs));
        (loaded.saturating_add(of_adapter.saturating_mul(runs)), each.saturating_mul(runs))
    }

    pub(super) fn params(&self) -> u64 {
        self.params
    }

    /// The result, and what hashing it takes at most.
    fn result(&self) -> u64 {
        self.boundary.saturating_mul(2)
    }

    fn checked(&self, memory: AdapterMemory, checks: bool) -> (u64, u64) {
        match (checks, memory) {
            (false, _) => (0, 0),
            (true, AdapterMemory::Processor) => (self.temporary, 0),
            // As they are computed, as they are copied out, and as they are given back.
            (true, AdapterMemory::Shared | AdapterMemory::Own) => (self.temporary.saturating_mul(2), self.temporary),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
    use assay_models::mlp;
    use std::sync::Arc;

    /// The plan of the model is never more than what was held for it before it was loaded, but for what kernels keep for themselves.
    #[test]
    fn what_is_held_before_the_load_covers_the_tensors_and_the_plan_replaces_it() {
        let shape = mlp::Shape { inputs: 64, hidden: vec![256, 256], outputs: 16, max_batch: 32 };
        let model = mlp::model(&shape, 1).unwrap();
        let graph = Arc::new(model.resolve(&[32]).unwrap());
        let need = Need::of(&graph);
        let all: u64 = graph.tensors.iter().map(|tensor| tensor.bytes() as u64).sum();
        assert_eq!(need.params + need.inputs + need.temporary, all);
        assert!(need.boundary > 0 && need.planned().bytes() == all + need.boundary);
        let cpu = CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap();
        let loaded = cpu.load(Arc::clone(&graph), &model.params).unwrap();
        let planned = Planned::of(loaded.as_ref());
        assert!(planned.params >= need.params && planned.working > 0, "{planned:?} {need:?}");
        let kept = loaded.run(&mlp::inputs(&shape, 32, 1), Keep::Everything).unwrap().tensors;
        let kept: u64 = kept.values().map(|bytes| bytes.len() as u64).sum();
        assert_eq!(kept, need.temporary, "what a check keeps");
    }

    #[test]
    fn a_claim_is_the_model_the_artifacts_the_result_and_the_check() {
        let need = Need { params: 1_000, inputs: 10, temporary: 200, boundary: 30 };
        let key = || ([1; 32], [2; 32], vec![]);
        let of = |memory, checks, reads| {
            let claim = need.claim(key(), need.planned(), memory, checks, reads);
            (claim.model_bytes, claim.adapter_bytes, claim.machine_bytes)
        };
        assert_eq!(of(AdapterMemory::Processor, false, false), (1_240, 0, 1_070));
        assert_eq!(of(AdapterMemory::Processor, true, true), (1_240, 200, 2_080));
        assert_eq!(of(AdapterMemory::Own, true, false), (1_240, 400, 1_270));
        let planned = Planned { params: 500, working: 50 };
        assert_eq!(need.warm(planned, AdapterMemory::Own, false, 3), (650, 3 * 80));
        assert_eq!(need.warm(planned, AdapterMemory::Processor, true, 2), (600 + 400, 2 * 80));
    }
}
