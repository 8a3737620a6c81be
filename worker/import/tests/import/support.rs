//! Running a small model three ways.

use assay_import::calibrate::{Reference, difference};
use assay_import::float::{FloatGraph, Tensor, execute};
use assay_import::onnx::ModelProto;
use assay_import::onnx::builder::{Attribute, Length, ModelBuilder};
use assay_import::onnx::proto::data_type;
use assay_import::{ImportOptions, SymbolBounds, import_model, import_unsimplified};

/// Numbers that look random and are always the same, between -2 and 2.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 22) as f32 - 2.0
        })
        .collect()
}

pub(crate) fn floats(shape: &[usize], seed: u64) -> Tensor {
    Tensor::floats(shape, numbers(shape.iter().product(), seed))
}

/// Numbers above 0.
pub(crate) fn positive(shape: &[usize], seed: u64) -> Tensor {
    Tensor::floats(shape, numbers(shape.iter().product(), seed).into_iter().map(|value| value.abs() + 0.1).collect())
}

pub(crate) fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// A model with one input of floats, `x`.
pub(crate) fn with_x(opset: i64, shape: &[Length<'_>]) -> (ModelBuilder, String) {
    let mut model = ModelBuilder::new(opset);
    let x = model.input("x", data_type::FLOAT, shape);
    (model, x)
}

pub(crate) fn bounds(texts: &[&str]) -> Vec<SymbolBounds> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Imports a model, runs it in `rten`, translated only, and simplified, on the same inputs, and compares all three.
pub(crate) fn agree(model: &ModelProto, symbols: &[&str], inputs: &[Tensor]) -> FloatGraph {
    let symbols = bounds(symbols);
    let plain = import_unsimplified(model, &symbols).unwrap();
    let options = ImportOptions { symbols, drop_final_softmax: false };
    let simple = import_model(model, &options).unwrap();
    let expected = Reference::load(model).unwrap().run(inputs).unwrap();
    for (label, graph) in [("translated", &plain), ("simplified", &simple)] {
        let found = execute(graph, inputs, &mut |_, _| {}).unwrap_or_else(|error| panic!("{label}: {error}\n{graph}"));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            same(label, graph, found, expected);
        }
    }
    simple
}

/// Asserts that two tensors are the same up to rounding of floats.
pub(crate) fn same(label: &str, graph: &FloatGraph, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.shape, expected.shape, "{label}\n{graph}");
    match difference(found, expected) {
        Some((gap, most)) => assert!(gap <= 2e-5 * (1.0 + most), "{label}: {gap} of {most}\n{graph}"),
        None => assert_eq!(found, expected, "{label}\n{graph}"),
    }
}

/// The names of a graph's operations, in order.
pub(crate) fn names(graph: &FloatGraph) -> Vec<&'static str> {
    graph.nodes.iter().map(|node| node.op.name()).collect()
}
