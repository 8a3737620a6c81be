//! Graphs of several layers, as real models have them.

use super::checks::{built, results};
use super::operations::attention;
use super::sketch::{Sketch, known};
use assay_import::float::{Activation, ElementType, Extent, FloatOp, ReduceKind, Tensor, Window};
use assay_import::quantise::{Options, QuantiseError, build};
use assay_import::report;

/// An encoder layer with embedding before it and masked pooling behind it.
fn encoder() -> Sketch {
    let mut sketch = Sketch::default();
    let batch = sketch.symbol("batch", 2);
    let tokens = sketch.symbol("tokens", 10);
    let shape = [batch, tokens, Extent::Known(32)];
    let ids = sketch.input("ids", &[batch, tokens], ElementType::Integer);
    let mask = sketch.input("mask", &[batch, tokens], ElementType::Boolean);
    let table = sketch.constant(&[64, 32], 1.0);
    let positions = sketch.constant(&[10, 32], 0.3);
    let embedded = sketch.node(FloatOp::Embedding, &[ids, table], &shape);
    let placed = sketch.node(FloatOp::Position, &[positions], &shape[1..]);
    let sum = sketch.node(FloatOp::Add, &[embedded, placed], &shape);
    let norm = |sketch: &mut Sketch, x| {
        let (gamma, beta) = (sketch.constant(&[32], 1.5), sketch.constant(&[32], 0.3));
        sketch.node(FloatOp::LayerNorm { axis: 2, epsilon: 1e-12 }, &[x, gamma, beta], &shape)
    };
    let x = norm(&mut sketch, sum);
    let mixed = attention(&mut sketch, x, Some(mask), &shape);
    let (weights, bias) = (sketch.constant(&[32, 32], 0.5), sketch.constant(&[32], 0.2));
    let projected = sketch.node(FloatOp::Linear, &[mixed, weights, bias], &shape);
    let sum = sketch.node(FloatOp::Add, &[projected, x], &shape);
    let x = norm(&mut sketch, sum);
    let (weights, bias) = (sketch.constant(&[32, 96], 0.5), sketch.constant(&[96], 0.2));
    let wide = [batch, tokens, Extent::Known(96)];
    let hidden = sketch.node(FloatOp::Linear, &[x, weights, bias], &wide);
    let active = sketch.node(FloatOp::Activation(Activation::GeluErf), &[hidden], &wide);
    let (weights, bias) = (sketch.constant(&[96, 32], 0.5), sketch.constant(&[32], 0.2));
    let narrow = sketch.node(FloatOp::Linear, &[active, weights, bias], &shape);
    let sum = sketch.node(FloatOp::Add, &[narrow, x], &shape);
    let x = norm(&mut sketch, sum);
    let pool = FloatOp::Reduce { kind: ReduceKind::Mean, axes: vec![1], keep_axes: false, mask_axes: Some(vec![0, 1]) };
    let pooled = sketch.node(pool, &[x, mask], &[batch, Extent::Known(32)]);
    let unit = sketch.node(FloatOp::L2Normalise { axis: 1, epsilon: 1e-12 }, &[pooled], &[batch, Extent::Known(32)]);
    sketch.output(unit);
    sketch
}

#[test]
fn an_encoder_keeps_its_direction() {
    let mut sketch = encoder();
    let built = built(&mut sketch, 64, &Options::default());
    let example = sketch.example(&[2, 7], 64);
    let (found, float) = results(&sketch, &built, &example);
    for (found, float) in found[0].as_floats().unwrap().chunks(32).zip(float[0].as_floats().unwrap().chunks(32)) {
        let dot: f32 = found.iter().zip(float).map(|(a, b)| a * b).sum();
        let length: f32 = found.iter().map(|a| a * a).sum::<f32>().sqrt();
        assert!(dot / length > 0.995, "{}", dot / length);
    }
    let page = report::html(&built.report, "<encoder>");
    assert!(page.contains("&lt;encoder&gt;") && page.matches("<svg").count() >= 2, "plots are inline, names escaped");
    assert!(!page.contains("http://www") || page.contains("xmlns"), "nothing is fetched");
    assert_eq!(built.report.products.len(), 6);
    assert!(built.report.values.iter().all(|value| value.signal_to_noise_db > 15.0), "{}", built.report);
}

/// Bytes embedded, four of them a position, normalised over positions, convolved, and the greatest over positions.
fn byte_classifier() -> Sketch {
    let mut sketch = Sketch::default();
    let batch = sketch.symbol("batch", 2);
    let whole = |lengths: &[u32]| [vec![batch], known(lengths)].concat();
    let bytes = sketch.input("bytes", &whole(&[256]), ElementType::Integer);
    let table = sketch.constant(&[257, 8], 1.0);
    let embedded = sketch.node(FloatOp::Embedding, &[bytes, table], &whole(&[256, 8]));
    let grouped = sketch.node(FloatOp::Reshape, &[embedded], &whole(&[64, 32]));
    let (gamma, beta) = (sketch.constant(&[64], 1.5), sketch.constant(&[64], 0.3));
    let normal = sketch.node(FloatOp::LayerNorm { axis: 1, epsilon: 1e-6 }, &[grouped, gamma, beta], &whole(&[64, 32]));
    let channels = sketch.node(FloatOp::Transpose { permutation: vec![0, 2, 1] }, &[normal], &whole(&[32, 64]));
    let (weights, bias) = (sketch.constant(&[24, 32, 5], 0.3), sketch.constant(&[24], 0.2));
    let window = Window {
        kernel: vec![5],
        strides: vec![1],
        dilations: vec![1],
        padding_before: vec![0],
        padding_after: vec![0],
    };
    let convolution = FloatOp::Convolution { window, groups: 1 };
    let features = sketch.node(convolution, &[channels, weights, bias], &whole(&[24, 60]));
    let active = sketch.node(FloatOp::Activation(Activation::GeluTanh), &[features], &whole(&[24, 60]));
    let pool = FloatOp::Reduce { kind: ReduceKind::Max, axes: vec![2], keep_axes: false, mask_axes: None };
    let pooled = sketch.node(pool, &[active], &whole(&[24]));
    let (gamma, beta) = (sketch.constant(&[24], 1.5), sketch.constant(&[24], 0.3));
    let normal = sketch.node(FloatOp::LayerNorm { axis: 1, epsilon: 1e-6 }, &[pooled, gamma, beta], &whole(&[24]));
    let (weights, bias) = (sketch.constant(&[24, 10], 0.8), sketch.constant(&[10], 0.2));
    let logits = sketch.node(FloatOp::Linear, &[normal, weights, bias], &whole(&[10]));
    let softmax = sketch.node(FloatOp::Softmax { axis: 1, mask_axes: None }, &[logits], &whole(&[10]));
    sketch.output(softmax);
    sketch
}

#[test]
fn a_byte_classifier_gives_its_logits() {
    let mut sketch = byte_classifier();
    let built = built(&mut sketch, 257, &Options::default());
    assert!(built.report.decisions.iter().any(|decision| decision.contains("left out")), "{}", built.report);
    assert!(built.report.outputs[0].mean_cosine > 0.99, "{}", built.report);
    assert!(built.report.decisions.iter().any(|decision| decision.contains("places innermost")), "{}", built.report);
    assert!(!built.report.decisions.iter().any(|decision| decision.contains("a copy")), "{}", built.report);
    assert_eq!(built.io.outputs[0].shape.len(), 2);
    // the convolution's elements are proved from the window's rows, the pool's from one row
    assert!(built.report.greatest_proof_bytes < 8_192, "{}", built.report);
}

#[test]
fn what_has_no_integer_form_is_refused_by_node() {
    let mut sketch = Sketch::default();
    let x = sketch.input("x", &known(&[2, 4]), ElementType::Float);
    let mask = sketch.input("mask", &known(&[2, 4]), ElementType::Boolean);
    let result = sketch.node(FloatOp::Softmax { axis: 1, mask_axes: Some(vec![0, 1]) }, &[x, mask], &known(&[2, 4]));
    sketch.output(result);
    let examples = vec![sketch.example(&[], 0)];
    let calibration = sketch.calibrate(examples);
    let error = build(&sketch.graph, &calibration, &Options::default()).unwrap_err();
    assert!(matches!(&error, QuantiseError::Unsupported { node, .. } if node == "softmax0"), "{error}");
    assert!(error.to_string().starts_with("I0301: node \"softmax0\" (Softmax)"), "{error}");
}

#[test]
fn values_that_calibration_did_not_see_are_refused_by_name() {
    let mut sketch = Sketch::default();
    let a = sketch.input("a", &known(&[2, 4]), ElementType::Float);
    let result = sketch.node(FloatOp::Activation(Activation::Relu), &[a], &known(&[2, 4]));
    sketch.output(result);
    let examples = vec![vec![Tensor::floats(&[2, 4], vec![f32::NAN; 8])]];
    let calibration = sketch.calibrate(examples);
    let error = build(&sketch.graph, &calibration, &Options::default()).unwrap_err();
    assert_eq!(error.code(), "I0302", "{error}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let sketch = byte_classifier();
    for options in
        [Options { smoothing: Some(1.5), ..Options::default() }, Options { compared_examples: 0, ..Options::default() }]
    {
        let error = build(&sketch.graph, &sketch.calibrate(Vec::new()), &options).unwrap_err();
        assert_eq!(error.code(), "I0308", "{error}");
    }
}
