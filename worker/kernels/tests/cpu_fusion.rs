//! A fused kernel equals its unfused ops on every tensor.

use assay_kernels::conformance::{Level, Vector, random_vector, unfuse, vectors, verify};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Isa, Keep};
use referee::graph::OpKind;
use std::sync::Arc;

/// Vectors with a contraction, whose epilogue a backend may fuse.
fn fused() -> Vec<Vector> {
    let all = vectors(Level::Full).into_iter().chain((3000..3150).map(random_vector));
    all.filter(|vector| vector.graph.ops.iter().any(|op| op.kind == OpKind::Contract)).collect()
}

#[test]
fn every_tensor_is_the_same_whether_an_epilogue_is_fused_or_not() {
    let fused = fused();
    assert!(fused.len() > 60, "{} vectors with a contraction", fused.len());
    for isa in Isa::available() {
        let backend = CpuBackend::new(CpuOptions { threads: 2, isa: Some(isa) }).unwrap();
        for vector in &fused {
            let run = |vector: &Vector| {
                let graph = Arc::new(vector.resolve().unwrap());
                let model = backend.load(graph, &vector.params).unwrap();
                model.run(&vector.inputs, Keep::Everything).unwrap().tensors
            };
            let apart = unfuse(vector);
            assert!(apart.graph.ops.len() > vector.graph.ops.len());
            let (together, apart) = (run(vector), run(&apart));
            for (slot, bytes) in &together {
                assert_eq!(Some(bytes), apart.get(slot), "{isa}: {}, tensor {slot}", vector.name);
            }
        }
    }
}

#[test]
fn unfused_graphs_conform_too() {
    let apart: Vec<Vector> = fused().iter().map(unfuse).collect();
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    if let Err(error) = verify(&backend, &apart) {
        panic!("{error}");
    }
}
