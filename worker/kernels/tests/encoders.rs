//! The layers that real models are made of: every backend equals the scalar reference on every tensor.

mod wgpu_adapter;

use assay_kernels::conformance::{Vector, verify};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Isa, WgpuOptions};
use assay_models::encoder::{Shape, inputs, model};
use std::sync::Arc;
use wgpu_adapter::{open, paired};

/// Encoders at sizes that no vector register divides, at the least size of each symbol, and at one that does.
fn encoders() -> Vec<Vector> {
    let even = Shape { layers: 1, hidden: 64, heads: 2, inner: 128, vocabulary: 50, max_tokens: 64, max_batch: 2 };
    let wide = Shape { layers: 1, hidden: 300, heads: 4, inner: 515, vocabulary: 30, max_tokens: 130, max_batch: 2 };
    let cases = [(Shape::tiny(), 1, 1), (Shape::tiny(), 3, 37), (Shape::tiny(), 4, 6), (even, 2, 64), (wide, 1, 130)];
    let vector = |(shape, batch, tokens): (Shape, u32, u32)| {
        let model = model(&shape, 7).unwrap();
        Vector {
            name: format!("encoder of {} channels, {batch} texts of {tokens}", shape.hidden),
            graph: model.graph,
            symbols: vec![batch, tokens],
            stretch: None,
            inputs: inputs(&shape, batch, tokens, 8),
            params: model.params,
        }
    };
    cases.into_iter().map(vector).collect()
}

fn check(backend: &dyn Backend, vectors: &[Vector]) {
    if let Err(error) = verify(backend, vectors) {
        panic!("{}: {error}", backend.description());
    }
}

#[test]
fn encoders_on_every_instruction_set() {
    let vectors = encoders();
    for isa in Isa::available() {
        for threads in [1, 3] {
            check(&CpuBackend::new(CpuOptions { threads, isa: Some(isa) }).unwrap(), &vectors);
        }
    }
}

#[test]
fn weights_that_are_packed_are_not_kept_twice() {
    let Some(vector) = encoders().into_iter().nth(3) else { panic!("an even encoder") };
    for isa in Isa::available() {
        let backend = CpuBackend::new(CpuOptions { threads: 1, isa: Some(isa) }).unwrap();
        let model = backend.load(Arc::new(vector.resolve().unwrap()), &vector.params).unwrap();
        let given: u64 = vector.params.values().map(|bytes| bytes.len() as u64).sum();
        // without byte products, bytes are packed as 16 bits; with both forms it would be three times the weights
        let most = if isa == Isa::Avx512Vnni || isa == Isa::NeonDot { 13 } else { 22 };
        assert!(10 * model.param_bytes() <= most * given, "{isa}: {} of {given}", model.param_bytes());
    }
}

/// What a run keeps is far less than the scores of an attention.
#[test]
fn what_lies_between_the_ops_of_an_attention_is_not_kept_whole() {
    let shape = Shape { layers: 1, hidden: 64, heads: 8, inner: 64, vocabulary: 20, max_tokens: 256, max_batch: 1 };
    let model = model(&shape, 7).unwrap();
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let graph = Arc::new(model.graph.resolve(&[1, 256]).unwrap());
    let scores = 2 * 8 * 256 * 256;
    let loaded = backend.load(graph, &model.params).unwrap();
    assert!(loaded.working_bytes() < scores, "{} beside {scores}", loaded.working_bytes());
}

#[test]
fn encoders_on_an_adapter() {
    for options in [WgpuOptions::default(), paired()] {
        let Some(backend) = open(options) else { return };
        check(&backend, &encoders()[1..3]);
    }
}
