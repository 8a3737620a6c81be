//! Every conformance graph can be refereed: proofs of its elements are as short as the checks promise, and the verdict on what the
//! scalar reference computes is that there is no fault.

#[path = "../../../programs/referee/tests/common/mod.rs"]
mod common;

use assay_kernels::conformance::{Level, vectors};
use common::{Court, Draw};
use referee::proof::{MAX_PROOF_BYTES, Rejection};
use referee::semantics;

#[test]
fn elements_of_every_conformance_graph() {
    let (mut judged, mut draw) = (0, Draw::new(1));
    for vector in vectors(Level::Full).iter().filter(|vector| vector.stretch.is_none()) {
        let graph = vector.resolve().expect("vectors are checked graphs");
        let given: Vec<&[u8]> = (0..graph.tensors.len() as u16)
            .map(|slot| vector.inputs.get(&slot).or_else(|| vector.params.get(&slot)).map_or(&[][..], |bytes| bytes))
            .collect();
        let trace = semantics::run(&graph, &given).expect("vectors run").tensors;
        for (index, op) in (0..).zip(&graph.ops) {
            let court = Court::new(&vector.graph, &graph, &trace, graph.segment_of(index));
            for slot in &op.outputs {
                let last = op.output_elements() - 1;
                for element in [0, last, draw.below(u64::from(last) + 1) as u32] {
                    let proof = court.proof(*slot, element, court.source(*slot)).expect("everything is known");
                    assert!(proof.len() <= MAX_PROOF_BYTES, "{}: {} bytes", vector.name, proof.len());
                    assert_eq!(
                        court.judge(&proof),
                        Err(Rejection::NoFault),
                        "{}, tensor {slot} at {element}",
                        vector.name
                    );
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 300, "{judged}");
}
