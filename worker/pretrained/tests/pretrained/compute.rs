//! Networks in integers, run as a node runs them.

use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, Model};
use assay_pretrained::network::{JobInputs, Network};
use std::collections::HashMap;
use std::sync::Arc;

/// A backend with the network loaded for each size of a job.
pub(crate) struct Computer<'a> {
    network: &'a Network,
    backend: CpuBackend,
    loaded: HashMap<Vec<u32>, Box<dyn Model>>,
}

impl<'a> Computer<'a> {
    pub(crate) fn new(network: &'a Network) -> Self {
        let backend = CpuBackend::new(CpuOptions::default()).expect("a CPU");
        Self { network, backend, loaded: HashMap::new() }
    }

    /// The bytes of a job's output.
    pub(crate) fn output(&mut self, job: &JobInputs) -> Vec<u8> {
        let resolved = self.network.graph.resolve(&job.symbols).expect("sizes within bounds");
        let output = resolved.outputs[0];
        let model = self
            .loaded
            .entry(job.symbols.clone())
            .or_insert_with(|| self.backend.load(Arc::new(resolved), &self.network.params).expect("the network loads"));
        model.run(&job.tensors, Keep::Boundary).expect("the network runs").tensors[&output].to_vec()
    }
}
