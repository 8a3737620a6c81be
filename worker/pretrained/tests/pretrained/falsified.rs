//! Every layer of both networks: an element of each tensor that is falsified is found and convicts, and the honest one does not.

use crate::had::had;
use assay_audit::fault::{Drill, Fault, FaultKind};
use assay_audit::{Evidence, Subject};
use assay_kernels::commit::Hasher;
use assay_kernels::{CpuBackend, CpuOptions};
use assay_pretrained::magika::{Magika, Reading};
use assay_pretrained::minilm::MiniLm;
use assay_pretrained::network::{JobInputs, Network};
use assay_pretrained::sentences;
use referee::graph::{MAX_COMPUTE_UNITS, MAX_UPLOAD_BYTES};
use referee::proof::MAX_PROOF_BYTES;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Falsifies an element in the middle and the last one of every tensor that an op of the network gives.
fn convict_everywhere(name: &str, network: &Network, job: &JobInputs) {
    let (graph, params) = (Arc::clone(&network.graph), Arc::clone(&network.params));
    let subject = Subject::new(graph, &job.symbols, params, job.tensors.clone()).expect("the network's own sizes");
    let (backend, hasher) = (CpuBackend::new(CpuOptions::default()).expect("a CPU"), Hasher::default());
    let drill = Drill::new(&subject, &backend, &hasher).expect("an honest run");
    let graph = &subject.resolved;
    let costs = graph.costs();
    let (mut convicted, mut inside, mut most_bytes) = (0, 0, 0);
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    for (index, op) in graph.ops.iter().enumerate() {
        let cost = costs[index];
        assert!(cost.compute_units <= MAX_COMPUTE_UNITS && cost.upload_bytes <= MAX_UPLOAD_BYTES, "{name}: op {index}");
        *kinds.entry(format!("{:?}", op.kind)).or_default() += 1;
        for slot in op.outputs.iter().copied() {
            let tensor = &graph.tensors[usize::from(slot)];
            let last = tensor.elements() - 1;
            for (element, bit) in [(last / 2, 0), (last, 8 * tensor.dtype.bytes() as u8 - 1)] {
                let (tensor, element, bit) = (Some(slot), Some(element), Some(bit));
                let fault = Fault { tensor, element, bit, ..Fault::new(FaultKind::Element) };
                let proved = drill.convict(&fault).unwrap_or_else(|error| panic!("{name}, {fault}: {error}"));
                let finding = &proved.finding;
                assert_eq!((usize::from(finding.op), finding.slot), (index, slot), "{name}, {fault}");
                assert!(
                    matches!(finding.evidence, Evidence::Element { element: found, .. } if Some(found) == element),
                    "{name}, {fault}: {finding}"
                );
                assert!(proved.proof.bytes.len() <= MAX_PROOF_BYTES, "{name}, {fault}");
                most_bytes = most_bytes.max(proved.proof.bytes.len());
                convicted += 1;
                inside += usize::from(!proved.reaches_boundary);
            }
        }
    }
    let most_units = costs.iter().map(|cost| cost.compute_units).max().unwrap_or_default();
    println!(
        "{name}: {convicted} elements of {} ops ({kinds:?}) in {} segments convict, {inside} of them nowhere but in the trace of \
         their segment; proofs of up to {most_bytes} bytes, up to {most_units} compute units as modelled",
        graph.ops.len(),
        graph.segments.len()
    );
    assert!(kinds.len() >= 3, "{name} has every kind of op");
}

#[test]
fn any_layer_of_magika_convicts_when_one_element_is_falsified() {
    let Some(magika) = had("Magika", Magika::fetch) else { return };
    let network = had("Magika in integers", |cache, say| magika.network(cache, say)).expect("it is made here");
    let Reading::Ask(tokens) = magika.read_bytes(include_bytes!("falsified.rs")) else {
        panic!("the rules know no Rust");
    };
    let job = magika.job(&network, &[tokens]).expect("inputs of a job");
    convict_everywhere("Magika", &network, &job);
}

#[test]
fn any_layer_of_minilm_convicts_when_one_element_is_falsified() {
    let Some(model) = had("MiniLM", MiniLm::fetch) else { return };
    let network = had("MiniLM in integers", |cache, say| model.network(cache, say)).expect("it is made here");
    let job = model.job(&network, &sentences::held_out()[..2]).expect("inputs of a job");
    convict_everywhere("MiniLM", &network, &job);
}
