//! Fraud proofs of built graphs: every tensor's elements convict when they are falsified, and cannot when they are not.

use assay_audit::depth::segment;
use assay_audit::fault::{Fault, FaultKind, apply};
use assay_audit::{ClaimedBoundary, ClaimedSegment, ProofError, Prover, Subject};
use assay_import::quantise::Built;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, TensorSet};
use std::sync::Arc;

/// Falsifies two elements of every computed tensor, one after another: each is located, and its proof convicts; the same
/// proof from the honest tensors is rejected. Gives how many elements were tried.
pub(crate) fn prove_elements(built: &Built, symbols: &[u32], inputs: &TensorSet) -> usize {
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let graph = Arc::new(built.model.graph.clone());
    let subject = Subject::new(graph, symbols, Arc::new(built.model.params.clone()), inputs.clone()).unwrap();
    let hasher = Hasher::default();
    let graph = &subject.resolved;
    let model = backend.load(Arc::clone(graph), &subject.params).unwrap();
    let honest = model.run(inputs, Keep::Everything).unwrap().tensors;
    let prover = Prover::new(&subject, &hasher).unwrap();
    let boundary = |tensors: &TensorSet| {
        let root = hasher.boundary(graph, tensors).unwrap().root;
        ClaimedBoundary::from_tensors(graph, &hasher, tensors.clone(), &root).unwrap()
    };
    let trace = |index: u16, tensors: &TensorSet| {
        let root = hasher.segment_root(graph, index, tensors).unwrap();
        ClaimedSegment::from_tensors(graph, &hasher, index, tensors.clone(), &root).unwrap()
    };
    let mut tried = 0;
    for slot in honest.keys().copied() {
        let name = &built.model.tensor_names[usize::from(slot)];
        let tensor = &graph.tensors[usize::from(slot)];
        let last = tensor.elements() - 1;
        for (element, bit) in [(last / 3, 0), (last, 8 * tensor.dtype.bytes() as u8 - 1)] {
            let fault =
                Fault { tensor: Some(slot), element: Some(element), bit: Some(bit), ..Fault::new(FaultKind::Element) };
            let faulty = apply(&subject, &backend, &honest, &fault).unwrap();
            let claimed = boundary(&faulty.committed);
            let index = graph.segment_of(faulty.op);
            let audit = segment(graph, &hasher, &*model, inputs, &claimed, index).unwrap();
            let outcome = audit.judge(graph, &hasher, &claimed, Some(&trace(index, &faulty.inside)));
            let finding = outcome.finding().unwrap_or_else(|| panic!("{name} {element}: {outcome:?}"));
            assert_eq!((finding.slot, finding.op), (slot, faulty.op), "{name} {element}");
            let proof = prover.prove(finding, &claimed, Some(&trace(index, &faulty.inside)), &honest);
            proof.unwrap_or_else(|error| panic!("{name} {element}: {error}"));
            let refused = prover.prove(finding, &boundary(&honest), Some(&trace(index, &honest)), &honest);
            assert!(matches!(refused, Err(ProofError::Rejected(_))), "{name} {element}: {refused:?}");
            tried += 1;
        }
    }
    tried
}
