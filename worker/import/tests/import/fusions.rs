//! What exporters write out with many operators becomes one, and computes the same.

use crate::support::{agree, floats, ints, names, positive, with_x};
use Length::{Known, Symbol};
use assay_import::float::{Activation, Extent, FloatOp, Tensor};
use assay_import::onnx::builder::{Attribute, Length, ModelBuilder};
use assay_import::onnx::proto::data_type;
use assay_import::{ImportOptions, import_model};

const KEEP: (&str, Attribute) = ("keepdims", Attribute::Int(1));
const DROP: (&str, Attribute) = ("keepdims", Attribute::Int(0));

#[test]
fn batch_norm_goes_into_the_convolution() {
    let (mut model, x) = with_x(17, &[Symbol("batch"), Known(3), Known(8)]);
    let weight = model.constant(&floats(&[5, 3, 3], 1));
    let bias = model.constant(&floats(&[5], 2));
    let x = model.node("Conv", &[&x, &weight, &bias], &[]);
    let parameters: Vec<String> = [floats(&[5], 3), floats(&[5], 4), floats(&[5], 5), positive(&[5], 6)]
        .iter()
        .map(|tensor| model.constant(tensor))
        .collect();
    let inputs: Vec<&str> = std::iter::once(x.as_str()).chain(parameters.iter().map(String::as_str)).collect();
    let x = model.node("BatchNormalization", &inputs, &[]);
    let x = model.node("Relu", &[&x], &[]);
    model.output(&x);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 3, 8], 7)]);
    assert_eq!(names(&graph), ["Convolution", "Relu"]);
}

#[test]
fn a_convolution_over_one_of_two_axes_is_flat() {
    let (mut model, x) = with_x(17, &[Symbol("batch"), Known(8), Known(3)]);
    let three = model.integers(&[3]);
    let x = model.node("Unsqueeze", &[&x, &three], &[]);
    let x = model.node("Transpose", &[&x], &[("perm", ints(&[0, 2, 1, 3]))]);
    let weight = model.constant(&floats(&[5, 3, 3, 1], 8));
    let x = model.node("Conv", &[&x, &weight], &[]);
    let x = model.node("Squeeze", &[&x, &three], &[]);
    let bias = model.constant(&floats(&[1, 5, 1], 9));
    let x = model.node("Add", &[&x, &bias], &[]);
    model.output(&x);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 8, 3], 10)]);
    assert_eq!(names(&graph), ["Transpose", "Convolution"]);
    assert_eq!(graph.nodes[1].inputs.len(), 3, "the bias is inside");
}

/// `(x - mean) / sqrt(mean((x - mean)^2) + epsilon) * gamma + beta`.
#[test]
fn layer_norm_of_squared_differences() {
    let (mut model, x) = with_x(13, &[Symbol("batch"), Known(3), Known(8)]);
    let axes = ("axes", ints(&[-1]));
    let mean = model.node("ReduceMean", &[&x], &[axes.clone(), KEEP]);
    let centred = model.node("Sub", &[&x, &mean], &[]);
    let two = model.number(2.0);
    let squares = model.node("Pow", &[&centred, &two], &[]);
    let variance = model.node("ReduceMean", &[&squares], &[axes, KEEP]);
    let epsilon = model.number(1e-5);
    let sum = model.node("Add", &[&variance, &epsilon], &[]);
    let root = model.node("Sqrt", &[&sum], &[]);
    let y = model.node("Div", &[&centred, &root], &[]);
    let (gamma, beta) = (model.constant(&floats(&[8], 11)), model.constant(&floats(&[8], 12)));
    let y = model.node("Mul", &[&y, &gamma], &[]);
    let y = model.node("Add", &[&y, &beta], &[]);
    model.output(&y);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 3, 8], 13)]);
    assert_eq!(names(&graph), ["LayerNorm"]);
    assert_eq!(graph.nodes[0].op, FloatOp::LayerNorm { axis: 2, epsilon: 1e-5 });
}

/// Sums over another axis than the last, the mean of squares less the square of the mean, shapes put back by reshaping.
#[test]
fn layer_norm_of_sums_over_an_outer_axis() {
    let (mut model, x) = with_x(15, &[Symbol("batch"), Known(8), Known(3)]);
    let axis = model.integers(&[1]);
    let share = model.number(0.125);
    let sum = model.node("ReduceSum", &[&x, &axis], &[DROP]);
    let squares = model.node("Mul", &[&x, &x], &[]);
    let squares = model.node("ReduceSum", &[&squares, &axis], &[DROP]);
    let (mean, squares) = (model.node("Mul", &[&sum, &share], &[]), model.node("Mul", &[&squares, &share], &[]));
    let squared = model.node("Mul", &[&mean, &mean], &[]);
    let variance = model.node("Sub", &[&squares, &squared], &[]);
    let zero = model.number(0.0);
    let variance = model.node("Max", &[&zero, &variance], &[]);
    let shape = model.integers(&[-1, 1, 3]);
    let variance = model.node("Reshape", &[&variance, &shape], &[]);
    let epsilon = model.number(1e-3);
    let inner = model.node("Add", &[&variance, &epsilon], &[]);
    let root = model.node("Sqrt", &[&inner], &[]);
    let inverse = model.node("Reciprocal", &[&root], &[]);
    let gamma = model.constant(&floats(&[1, 8, 1], 14));
    let factor = model.node("Mul", &[&inverse, &gamma], &[]);
    let mean = model.node("Reshape", &[&mean, &shape], &[]);
    let centred = model.node("Sub", &[&x, &mean], &[]);
    let y = model.node("Mul", &[&centred, &factor], &[]);
    let beta = model.constant(&floats(&[1, 8, 1], 15));
    let y = model.node("Add", &[&y, &beta], &[]);
    model.output(&y);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 8, 3], 16)]);
    assert_eq!(names(&graph), ["LayerNorm"]);
    assert_eq!(graph.nodes[0].op, FloatOp::LayerNorm { axis: 1, epsilon: 1e-3 });
}

/// `x * g + (beta - mean * g)` with `g = gamma / sqrt(variance + epsilon)`.
#[test]
fn layer_norm_as_one_product_and_one_sum() {
    let (mut model, x) = with_x(13, &[Symbol("batch"), Known(8)]);
    let axes = ("axes", ints(&[1]));
    let mean = model.node("ReduceMean", &[&x], &[axes.clone(), KEEP]);
    let centred = model.node("Sub", &[&x, &mean], &[]);
    let squares = model.node("Mul", &[&centred, &centred], &[]);
    let variance = model.node("ReduceMean", &[&squares], &[axes, KEEP]);
    let epsilon = model.number(1e-3);
    let inner = model.node("Add", &[&variance, &epsilon], &[]);
    let root = model.node("Sqrt", &[&inner], &[]);
    let inverse = model.node("Reciprocal", &[&root], &[]);
    let (gamma, beta) = (model.constant(&floats(&[8], 17)), model.constant(&floats(&[8], 18)));
    let factor = model.node("Mul", &[&inverse, &gamma], &[]);
    let product = model.node("Mul", &[&x, &factor], &[]);
    let shift = model.node("Mul", &[&mean, &factor], &[]);
    let rest = model.node("Sub", &[&beta, &shift], &[]);
    let y = model.node("Add", &[&product, &rest], &[]);
    model.output(&y);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 8], 19)]);
    assert_eq!(names(&graph), ["LayerNorm"]);
}

#[test]
fn a_difference_from_another_mean_is_no_layer_norm() {
    let (mut model, x) = with_x(13, &[Known(4), Known(4)]);
    let mean = model.node("ReduceMean", &[&x], &[("axes", ints(&[0])), KEEP]);
    let centred = model.node("Sub", &[&x, &mean], &[]);
    let squares = model.node("Mul", &[&centred, &centred], &[]);
    let variance = model.node("ReduceMean", &[&squares], &[("axes", ints(&[1])), KEEP]);
    let epsilon = model.number(1e-3);
    let inner = model.node("Add", &[&variance, &epsilon], &[]);
    let root = model.node("Sqrt", &[&inner], &[]);
    let y = model.node("Div", &[&centred, &root], &[]);
    model.output(&y);
    let graph = agree(&model.finish(), &[], &[floats(&[4, 4], 20)]);
    assert!(!names(&graph).contains(&"LayerNorm"), "{graph}");
}

#[test]
fn rms_norm() {
    for with_div in [false, true] {
        let (mut model, x) = with_x(13, &[Symbol("batch"), Known(8)]);
        let two = model.number(2.0);
        let squares = model.node("Pow", &[&x, &two], &[]);
        let mean = model.node("ReduceMean", &[&squares], &[("axes", ints(&[-1])), KEEP]);
        let epsilon = model.number(1e-3);
        let inner = model.node("Add", &[&mean, &epsilon], &[]);
        let root = model.node("Sqrt", &[&inner], &[]);
        let y = if with_div {
            model.node("Div", &[&x, &root], &[])
        } else {
            let inverse = model.node("Reciprocal", &[&root], &[]);
            model.node("Mul", &[&x, &inverse], &[])
        };
        let gamma = model.constant(&floats(&[8], 21));
        let y = model.node("Mul", &[&gamma, &y], &[]);
        model.output(&y);
        let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 8], 22)]);
        assert_eq!(names(&graph), ["RmsNorm"]);
    }
}

fn activation_of(build: impl Fn(&mut ModelBuilder, &str) -> String) -> Vec<FloatOp> {
    let (mut model, x) = with_x(17, &[Symbol("batch"), Known(8)]);
    let y = build(&mut model, &x);
    model.output(&y);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[3, 8], 23)]);
    graph.nodes.into_iter().map(|node| node.op).collect()
}

#[test]
fn activations_that_are_written_out() {
    let erf = activation_of(|model, x| {
        let (root, one, half) = (model.number(std::f32::consts::SQRT_2), model.number(1.0), model.number(0.5));
        let scaled = model.node("Div", &[x, &root], &[]);
        let curve = model.node("Erf", &[&scaled], &[]);
        let curve = model.node("Add", &[&curve, &one], &[]);
        let product = model.node("Mul", &[x, &curve], &[]);
        model.node("Mul", &[&product, &half], &[])
    });
    assert_eq!(erf, [FloatOp::Activation(Activation::GeluErf)]);
    let tanh = activation_of(|model, x| {
        let [cubic, factor, one, half] = [0.044_715, 0.797_884_6, 1.0, 0.5].map(|value| model.number(value));
        let cube = model.node("Mul", &[&cubic, x], &[]);
        let cube = model.node("Mul", &[x, &cube], &[]);
        let cube = model.node("Mul", &[x, &cube], &[]);
        let sum = model.node("Add", &[x, &cube], &[]);
        let inner = model.node("Mul", &[&factor, &sum], &[]);
        let curve = model.node("Tanh", &[&inner], &[]);
        let curve = model.node("Add", &[&one, &curve], &[]);
        let curve = model.node("Mul", &[&half, &curve], &[]);
        model.node("Mul", &[x, &curve], &[])
    });
    assert_eq!(tanh, [FloatOp::Activation(Activation::GeluTanh)]);
    let silu = activation_of(|model, x| {
        let sigmoid = model.node("Sigmoid", &[x], &[]);
        model.node("Mul", &[x, &sigmoid], &[])
    });
    assert_eq!(silu, [FloatOp::Activation(Activation::Silu)]);
    let swish = activation_of(|model, x| {
        let [three, zero, six] = [3.0, 0.0, 6.0].map(|value| model.number(value));
        let sum = model.node("Add", &[x, &three], &[]);
        let clipped = model.node("Clip", &[&sum, &zero, &six], &[]);
        let product = model.node("Mul", &[x, &clipped], &[]);
        model.node("Div", &[&product, &six], &[])
    });
    assert_eq!(swish, [FloatOp::Activation(Activation::HardSwish)]);
    let sigmoid = activation_of(|model, x| {
        let one = model.number(1.0);
        let negated = model.node("Neg", &[x], &[]);
        let power = model.node("Exp", &[&negated], &[]);
        let sum = model.node("Add", &[&one, &power], &[]);
        model.node("Div", &[&one, &sum], &[])
    });
    assert_eq!(sigmoid, [FloatOp::Activation(Activation::Sigmoid)]);
}

#[test]
fn a_function_without_a_name_stays_as_it_is() {
    let ops = activation_of(|model, x| {
        let (one, third) = (model.number(1.0), model.number(0.3));
        let curve = model.node("Tanh", &[x], &[]);
        let curve = model.node("Add", &[&curve, &one], &[]);
        let product = model.node("Mul", &[x, &curve], &[]);
        model.node("Mul", &[&product, &third], &[])
    });
    assert!(ops.len() > 1, "{ops:?}");
}

#[test]
fn softmax_that_is_written_out() {
    for with_maximum in [false, true] {
        let (mut model, x) = with_x(13, &[Symbol("batch"), Known(5)]);
        let axes = model.integers(&[1]);
        let mut inner = x.clone();
        if with_maximum {
            let low = model.number(f32::NEG_INFINITY);
            let most = model.node("ReduceMax", &[&x], &[("axes", ints(&[1])), DROP]);
            let most = model.node("Max", &[&low, &most], &[]);
            let shape = model.integers(&[-1, 1]);
            let most = model.node("Reshape", &[&most, &shape], &[]);
            inner = model.node("Sub", &[&x, &most], &[]);
        }
        let powers = model.node("Exp", &[&inner], &[]);
        let sum = model.node("ReduceSum", &[&powers, &axes], &[KEEP]);
        let y = model.node("Div", &[&powers, &sum], &[]);
        model.output(&y);
        let model = model.finish();
        let graph = agree(&model, &["batch=1..4"], &[floats(&[2, 5], 24)]);
        assert_eq!(names(&graph), ["Softmax"]);
        let symbols = crate::support::bounds(&["batch=1..4"]);
        let logits = import_model(&model, &ImportOptions { symbols, drop_final_softmax: true }).unwrap();
        assert_eq!((logits.nodes.len(), logits.outputs == logits.inputs), (0, true));
    }
}

#[test]
fn products_with_one_hot_rows_are_look_ups() {
    let mut model = ModelBuilder::new(15);
    let ids = model.input("ids", data_type::INT32, &[Symbol("batch"), Known(6)]);
    let shape = model.integers(&[-1, 6, 1]);
    let column = model.node("Reshape", &[&ids, &shape], &[]);
    let steps = model.raw_constant(assay_import::onnx::proto::TensorProto {
        dims: vec![1, 1, 7],
        data_type: data_type::INT32,
        name: String::from("steps"),
        int32_data: (0..7).collect(),
        ..Default::default()
    });
    let hot = model.node("Equal", &[&column, &steps], &[]);
    let hot = model.node("Cast", &[&hot], &[("to", Attribute::Int(1))]);
    let table = model.constant(&floats(&[7, 4], 25));
    let rows = model.node("MatMul", &[&hot, &table], &[]);
    let bias = model.constant(&floats(&[1, 1, 4], 26));
    let rows = model.node("Add", &[&rows, &bias], &[]);
    let rows = model.node("Relu", &[&rows], &[]);
    model.output(&rows);
    let ids = Tensor::integers(&[2, 6], vec![0, 1, 2, 3, 4, 5, 6, 6, 3, 0, 1, 2]);
    let graph = agree(&model.finish(), &["batch=1..4"], &[ids]);
    assert_eq!(names(&graph), ["Embedding"], "bias and activation are in the table");
}

/// One head of attention over `x [batch, tokens, 8]` with a mask of integers.
fn attention(mask: impl Fn(&mut ModelBuilder, &str, &str) -> String) -> Vec<FloatOp> {
    let (mut model, x) = with_x(17, &[Symbol("batch"), Symbol("tokens"), Known(8)]);
    let given = model.input("mask", data_type::INT64, &[Symbol("batch"), Symbol("tokens")]);
    let shape = model.integers(&[0, 0, 2, 4]);
    let split = model.node("Reshape", &[&x, &shape], &[]);
    let rows = model.node("Transpose", &[&split], &[("perm", ints(&[0, 2, 1, 3]))]);
    let columns = model.node("Transpose", &[&split], &[("perm", ints(&[0, 2, 3, 1]))]);
    let scores = model.node("MatMul", &[&rows, &columns], &[]);
    let root = model.number(2.0);
    let scores = model.node("Div", &[&scores, &root], &[]);
    let scores = mask(&mut model, &scores, &given);
    let shares = model.node("Softmax", &[&scores], &[("axis", Attribute::Int(-1))]);
    let mixed = model.node("MatMul", &[&shares, &rows], &[]);
    model.output(&mixed);
    let mask = Tensor::integers(&[2, 5], vec![1, 1, 1, 0, 0, 1, 1, 1, 1, 1]);
    let graph = agree(&model.finish(), &["batch=1..4", "tokens=1..16"], &[floats(&[2, 5, 8], 27), mask]);
    graph.nodes.into_iter().map(|node| node.op).collect()
}

#[test]
fn masks_of_attention() {
    let wanted = |ops: &[FloatOp]| {
        let product = FloatOp::MatMul { transpose_a: false, transpose_b: true, scale: 0.5 };
        ops.contains(&product) && ops.contains(&FloatOp::Softmax { axis: 3, mask_axes: Some(vec![0, 3]) })
    };
    let added = attention(|model, scores, mask| {
        let axes = model.integers(&[1, 2]);
        let mask = model.node("Unsqueeze", &[mask, &axes], &[]);
        let mask = model.node("Cast", &[&mask], &[("to", Attribute::Int(1))]);
        let (one, low) = (model.number(1.0), model.number(-10_000.0));
        let inverted = model.node("Sub", &[&one, &mask], &[]);
        let bias = model.node("Mul", &[&inverted, &low], &[]);
        model.node("Add", &[scores, &bias], &[])
    });
    assert!(wanted(&added) && added.len() == 6, "{added:?}");
    let chosen = attention(|model, scores, mask| {
        let axes = model.integers(&[1, 2]);
        let mask = model.node("Unsqueeze", &[mask, &axes], &[]);
        let mask = model.node("Cast", &[&mask], &[("to", Attribute::Int(i64::from(data_type::BOOL)))]);
        let low = model.number(-1e9);
        model.node("Where", &[&mask, scores, &low], &[])
    });
    assert!(wanted(&chosen) && chosen.len() == 6, "{chosen:?}");
}

#[test]
fn an_inverted_mask_is_not_taken_for_the_mask() {
    let (mut model, x) = with_x(17, &[Known(2), Known(5)]);
    let mask = model.input("mask", data_type::INT64, &[Known(2), Known(5)]);
    let mask = model.node("Cast", &[&mask], &[("to", Attribute::Int(1))]);
    let low = model.number(-10_000.0);
    let bias = model.node("Mul", &[&mask, &low], &[]);
    let scores = model.node("Add", &[&x, &bias], &[]);
    let y = model.node("Softmax", &[&scores], &[]);
    model.output(&y);
    let mask = Tensor::integers(&[2, 5], vec![1, 0, 0, 1, 0, 0, 0, 0, 1, 1]);
    let graph = agree(&model.finish(), &[], &[floats(&[2, 5], 28), mask]);
    assert_eq!(names(&graph), ["Compare", "Softmax"], "what counts is where the mask is 0");
    assert_eq!(graph.nodes[1].inputs[1], graph.nodes[0].outputs[0]);
}

#[test]
fn pooling_with_a_mask_and_length_one() {
    let (mut model, x) = with_x(13, &[Symbol("batch"), Symbol("tokens"), Known(8)]);
    let mask = model.input("mask", data_type::INT64, &[Symbol("batch"), Symbol("tokens")]);
    let (last, first) = (model.integers(&[-1]), model.integers(&[1]));
    let spread = model.node("Unsqueeze", &[&mask, &last], &[]);
    let shape = model.node("Shape", &[&x], &[]);
    let spread = model.node("Expand", &[&spread, &shape], &[]);
    let spread = model.node("Cast", &[&spread], &[("to", Attribute::Int(1))]);
    let counted = model.node("Mul", &[&x, &spread], &[]);
    let sum = model.node("ReduceSum", &[&counted, &first], &[DROP]);
    let count = model.node("ReduceSum", &[&spread, &first], &[DROP]);
    let least = model.number(1e-9);
    let count = model.node("Clip", &[&count, &least], &[]);
    let mean = model.node("Div", &[&sum, &count], &[]);
    let norm = model.node("ReduceL2", &[&mean], &[("axes", ints(&[1])), KEEP]);
    let least = model.number(1e-12);
    let norm = model.node("Clip", &[&norm, &least], &[]);
    let y = model.node("Div", &[&mean, &norm], &[]);
    model.output(&y);
    let mask = Tensor::integers(&[2, 5], vec![1, 1, 1, 0, 0, 1, 1, 1, 1, 1]);
    let graph = agree(&model.finish(), &["batch=1..4", "tokens=1..16"], &[floats(&[2, 5, 8], 28), mask]);
    assert_eq!(names(&graph), ["ReduceMean", "L2Normalise"]);
    let FloatOp::Reduce { mask_axes, .. } = &graph.nodes[0].op else { panic!("{graph}") };
    assert_eq!(mask_axes.as_deref(), Some(&[0, 1][..]));
}

#[test]
fn the_first_rows_of_a_table_are_positions() {
    let mut model = ModelBuilder::new(17);
    let ids = model.input("ids", data_type::INT64, &[Symbol("batch"), Symbol("tokens")]);
    let table = model.constant(&floats(&[9, 4], 29));
    let words = model.node("Gather", &[&table, &ids], &[]);
    let shape = model.node("Shape", &[&ids], &[]);
    let (zero, one) = (model.integers(&[0]), model.integers(&[1]));
    let tokens = model.node("Gather", &[&shape, &one], &[]);
    let steps = model.constant(&Tensor::integers(&[1, 16], (0..16).collect()));
    let steps = model.node("Slice", &[&steps, &zero, &tokens, &one], &[]);
    let places = model.constant(&floats(&[16, 4], 30));
    let places = model.node("Gather", &[&places, &steps], &[]);
    let sum = model.node("Add", &[&words, &places], &[]);
    model.output(&sum);
    let ids = Tensor::integers(&[2, 5], vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
    let graph = agree(&model.finish(), &["batch=1..4", "tokens=1..16"], &[ids]);
    assert!(names(&graph).contains(&"Position"), "{graph}");
    assert_eq!(names(&graph).iter().filter(|name| **name == "Embedding").count(), 1, "{graph}");
    let sum = graph.value(graph.outputs[0]);
    assert_eq!(sum.shape, [Extent::Symbol(0), Extent::Symbol(1), Extent::Known(4)]);
}
