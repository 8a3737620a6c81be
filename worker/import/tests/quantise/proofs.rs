//! Fraud proofs of built graphs: every tensor's elements convict when they are falsified, and cannot when they are not.

use assay_audit::Subject;
use assay_audit::fault::{Drill, Fault, FaultKind};
use assay_import::quantise::Built;
use assay_kernels::commit::Hasher;
use assay_kernels::{CpuBackend, CpuOptions, TensorSet};
use std::sync::Arc;

/// Falsifies two elements of every computed tensor, one after another: each is located, and its proof convicts; the same
/// proof from the honest tensors is rejected. Gives how many elements were tried.
pub(crate) fn prove_elements(built: &Built, symbols: &[u32], inputs: &TensorSet) -> usize {
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let graph = Arc::new(built.model.graph.clone());
    let subject = Subject::new(graph, symbols, Arc::new(built.model.params.clone()), inputs.clone()).unwrap();
    let hasher = Hasher::default();
    let drill = Drill::new(&subject, &backend, &hasher).unwrap();
    let mut tried = 0;
    for slot in drill.honest().keys().copied() {
        let name = &built.model.tensor_names[usize::from(slot)];
        let tensor = &subject.resolved.tensors[usize::from(slot)];
        let last = tensor.elements() - 1;
        for (element, bit) in [(last / 3, 0), (last, 8 * tensor.dtype.bytes() as u8 - 1)] {
            let fault =
                Fault { tensor: Some(slot), element: Some(element), bit: Some(bit), ..Fault::new(FaultKind::Element) };
            let proved = drill.convict(&fault).unwrap_or_else(|error| panic!("{name} {element}: {error}"));
            assert_eq!(proved.finding.slot, slot, "{name} {element}");
            tried += 1;
        }
    }
    tried
}
