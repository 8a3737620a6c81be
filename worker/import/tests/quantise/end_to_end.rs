//! From a file to integers: small models as exporters write them, against the original in another executor.

// What was measured is shown beside the thresholds.
#![allow(clippy::print_stdout)]

use super::proofs::prove_elements;
use Length::{Known, Symbol};
use assay_import::calibrate::{self, Reference};
use assay_import::float::Tensor;
use assay_import::onnx::builder::{Attribute, Length, ModelBuilder};
use assay_import::onnx::proto::{ModelProto, TensorProto, data_type};
use assay_import::quantise::{Built, Options, RangeMethod};
use assay_import::{ImportOptions, build, import_model, report};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
use std::sync::Arc;

/// Examples that calibrate, and held-out ones that measure.
const CALIBRATING: u64 = 24;
const MEASURED: u64 = 4;
/// What two 8-bit factors leave of a product, in decibels; see the operations' own tests.
const PRODUCT: f64 = 33.0;
/// What 16 bits leave of everything else.
const WIDE: f64 = 55.0;

/// Numbers that look random, roughly normal, within `size`.
fn numbers(count: usize, seed: u64, size: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| (0..4).map(|_| uniform()).sum::<f32>() / 4.0 * size).collect()
}

fn floats(shape: &[usize], seed: u64, size: f32) -> Tensor {
    Tensor::floats(shape, numbers(shape.iter().product(), seed, size))
}

fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// A model that is being written, with its input `x`, floats `[batch, ..]`.
struct Sketch {
    model: ModelBuilder,
    seed: u64,
}

impl Sketch {
    fn new(opset: i64) -> Self {
        Self { model: ModelBuilder::new(opset), seed: 1_000 }
    }

    fn x(&mut self, shape: &[u32]) -> String {
        let shape: Vec<Length<'_>> =
            std::iter::once(Symbol("batch")).chain(shape.iter().map(|length| Known(*length))).collect();
        self.model.input("x", data_type::FLOAT, &shape)
    }

    fn weights(&mut self, shape: &[usize], size: f32) -> String {
        self.seed += 1;
        self.model.constant(&floats(shape, self.seed, size))
    }

    fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        self.model.node(operator, inputs, attributes)
    }

    fn ends(mut self, output: &str) -> ModelProto {
        self.model.output(output);
        self.model.finish()
    }
}

/// A model of one node on `x`, with weights behind it.
fn one(
    opset: i64,
    operator: &str,
    shape: &[u32],
    weights: &[(&[usize], f32)],
    settings: &[(&str, Attribute)],
) -> ModelProto {
    let mut sketch = Sketch::new(opset);
    let x = sketch.x(shape);
    let weights: Vec<String> = weights.iter().map(|(shape, size)| sketch.weights(shape, *size)).collect();
    let inputs: Vec<&str> = std::iter::once(x.as_str()).chain(weights.iter().map(String::as_str)).collect();
    let y = sketch.node(operator, &inputs, settings);
    sketch.ends(&y)
}

/// `x` of three rows.
fn rows(shape: &'static [usize]) -> impl Fn(u64) -> Vec<Tensor> {
    move |seed| vec![floats(&[&[3], shape].concat(), seed, 6.0)]
}

/// What became of a model.
struct Measured {
    built: Built,
    /// Signal to noise of the results of floats on held-out examples, against the original.
    decibels: f64,
    /// Share of the integers among the results that are the original's.
    equal: f64,
}

/// Imports, calibrates, quantises, runs, and compares with the original; every tensor's elements are proved wrong when they are.
fn measured(model: &ModelProto, symbols: &[&str], example: impl Fn(u64) -> Vec<Tensor>, options: &Options) -> Measured {
    let symbols = symbols.iter().map(|text| text.parse().unwrap()).collect();
    let graph = import_model(model, &ImportOptions { symbols, drop_final_softmax: false });
    let graph = graph.unwrap_or_else(|error| panic!("{error}"));
    let calibration = calibrate::run(&graph, (0..CALIBRATING).map(&example), 8, &mut |_| {}).unwrap();
    let built = build(&graph, &calibration, options).unwrap_or_else(|error| panic!("{error}\n{graph}"));
    let reference = Reference::load(model).unwrap();
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let (mut energy, mut noise, mut equal, mut integers) = (0.0, 0.0, 0, 0);
    for seed in 0..MEASURED {
        let inputs = example(10_000 + seed);
        let expected = reference.run(&inputs).unwrap();
        let (symbols, given) = built.io.encode(&inputs).unwrap();
        let resolved = Arc::new(built.model.resolve(&symbols).unwrap());
        let loaded = backend.load(resolved, &built.model.params).unwrap();
        let outputs = loaded.run(&given, Keep::Everything).unwrap().tensors;
        for (found, expected) in built.io.decode(&symbols, &outputs).unwrap().iter().zip(&expected) {
            assert_eq!(found.shape, expected.shape);
            if let (Some(found), Some(expected)) = (found.as_floats(), expected.as_floats()) {
                for (found, expected) in found.iter().zip(expected) {
                    energy += f64::from(*expected).powi(2);
                    noise += f64::from(found - expected).powi(2);
                }
            } else {
                let (found, expected) = (found.as_integers().unwrap(), expected.as_integers().unwrap());
                integers += expected.len();
                equal += found.iter().zip(expected).filter(|(found, expected)| found == expected).count();
            }
        }
        if seed == 0 {
            assert!(prove_elements(&built, &symbols, &given) > 0);
        }
    }
    let decibels = 10.0 * (energy / f64::max(noise, 1e-30)).log10();
    Measured { built, decibels, equal: equal as f64 / f64::max(integers as f64, 1.0) }
}

/// The signal to noise of a model of three rows of `x`.
fn decibels(model: &ModelProto, shape: &'static [usize], options: &Options) -> f64 {
    measured(model, &["batch=1..4"], rows(shape), options).decibels
}

fn expect(what: &str, model: &ModelProto, shape: &'static [usize], least: f64) {
    let found = decibels(model, shape, &Options { logits: false, ..Options::default() });
    assert!(found > least, "{what}: {found:.1} dB, {least} are needed");
}

#[test]
fn products_of_matrices() {
    let of_three = one(17, "MatMul", &[5, 48], &[(&[48, 24], 1.0)], &[]);
    expect("MatMul", &of_three, &[5, 48], PRODUCT);
    let settings = [("transB", Attribute::Int(1)), ("alpha", Attribute::Float(0.5)), ("beta", Attribute::Float(2.0))];
    let gemm = one(17, "Gemm", &[48], &[(&[24, 48], 1.0), (&[24], 2.0)], &settings);
    expect("Gemm", &gemm, &[48], PRODUCT);
}

#[test]
fn convolutions_over_one_and_two_axes_dense_grouped_and_depthwise() {
    let pads = |count: usize| ("pads", ints(&vec![1; count]));
    let cases: [(&str, &'static [usize], &[usize], Vec<(&str, Attribute)>); 4] = [
        ("one axis", &[12, 17], &[8, 12, 3], vec![pads(2), ("strides", ints(&[2]))]),
        ("two axes", &[6, 9, 8], &[10, 6, 3, 3], vec![pads(4), ("dilations", ints(&[2, 1]))]),
        ("grouped", &[8, 6, 5], &[12, 4, 3, 3], vec![pads(4), ("group", Attribute::Int(2))]),
        ("depthwise", &[8, 6, 5], &[8, 1, 3, 3], vec![pads(4), ("group", Attribute::Int(8))]),
    ];
    for (what, shape, weights, settings) in cases {
        let lengths: Vec<u32> = shape.iter().map(|length| *length as u32).collect();
        let bias = [weights[0]];
        let model = one(17, "Conv", &lengths, &[(weights, 0.6), (&bias, 1.0)], &settings);
        expect(what, &model, shape, PRODUCT);
    }
}

#[test]
fn transposed_convolutions() {
    let cases: [(&str, &'static [usize], &[usize], usize, Vec<(&str, Attribute)>); 5] = [
        ("twice as wide", &[6, 5, 4], &[6, 4, 2, 2], 4, vec![("strides", ints(&[2, 2]))]),
        (
            "padded, with one more behind",
            &[6, 5, 4],
            &[6, 4, 3, 3],
            4,
            vec![("strides", ints(&[2, 2])), ("pads", ints(&[1, 1, 1, 1])), ("output_padding", ints(&[1, 1]))],
        ),
        ("one axis, dilated", &[6, 9], &[6, 4, 3], 4, vec![("dilations", ints(&[2])), ("strides", ints(&[3]))]),
        ("a kernel shorter than the stride", &[4, 6], &[4, 3, 1], 3, vec![("strides", ints(&[2]))]),
        ("pads beyond the kernel", &[4, 6], &[4, 3, 2], 3, vec![("strides", ints(&[2])), ("pads", ints(&[2, 1]))]),
    ];
    for (what, shape, weights, outputs, settings) in cases {
        let lengths: Vec<u32> = shape.iter().map(|length| *length as u32).collect();
        let model = one(17, "ConvTranspose", &lengths, &[(weights, 0.6), (&[outputs], 1.0)], &settings);
        expect(what, &model, shape, PRODUCT);
    }
}

#[test]
fn a_batch_normalisation_goes_into_its_convolution() {
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[6, 9, 8]);
    let weight = sketch.weights(&[10, 6, 3, 3], 0.6);
    let y = sketch.node("Conv", &[&x, &weight], &[]);
    let [scale, bias, mean] = [2.0, 1.0, 1.0].map(|size| sketch.weights(&[10], size));
    let variance: Vec<f32> = (0..10).map(|channel| 0.1 + channel as f32).collect();
    let variance = sketch.model.constant(&Tensor::floats(&[10], variance));
    let y = sketch.node("BatchNormalization", &[&y, &scale, &bias, &mean, &variance], &[]);
    let y = sketch.node("Relu", &[&y], &[]);
    let model = sketch.ends(&y);
    let found = measured(&model, &["batch=1..4"], rows(&[6, 9, 8]), &Options::default());
    assert!(found.decibels > PRODUCT, "{}", found.decibels);
    let narrowing = 2;
    assert!(found.built.model.graph.ops.len() <= 1 + narrowing, "one contraction with everything in its epilogue");
}

#[test]
fn pools_and_resizes() {
    let window = |further: Vec<(&'static str, Attribute)>| {
        [vec![("kernel_shape", ints(&[2, 3])), ("strides", ints(&[2, 2]))], further].concat()
    };
    let padded = || vec![("pads", ints(&[1, 0, 1, 1]))];
    for (what, operator, settings) in [
        ("greatest", "MaxPool", window(vec![])),
        ("greatest, padded", "MaxPool", window(padded())),
        ("mean", "AveragePool", window(vec![])),
        ("mean, padded", "AveragePool", window(padded())),
        (
            "mean with its padding",
            "AveragePool",
            window([padded(), vec![("count_include_pad", Attribute::Int(1))]].concat()),
        ),
        ("global mean", "GlobalAveragePool", vec![]),
        ("global greatest", "GlobalMaxPool", vec![]),
    ] {
        expect(what, &one(17, operator, &[6, 8, 9], &[], &settings), &[6, 8, 9], WIDE);
    }
    for (coordinates, rounding) in [("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")] {
        let mut sketch = Sketch::new(13);
        let x = sketch.x(&[3, 4, 5]);
        let scales = sketch.model.constant(&Tensor::floats(&[4], vec![1.0, 1.0, 2.0, 3.0]));
        let settings = [
            ("mode", Attribute::Text("nearest")),
            ("coordinate_transformation_mode", Attribute::Text(coordinates)),
            ("nearest_mode", Attribute::Text(rounding)),
        ];
        let y = sketch.node("Resize", &[&x, "", &scales], &settings);
        expect(coordinates, &sketch.ends(&y), &[3, 4, 5], 75.0);
    }
}

#[test]
fn activations() {
    for operator in ["Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus"] {
        expect(operator, &one(17, operator, &[7, 11], &[], &[]), &[7, 11], WIDE);
    }
    expect("Gelu", &one(20, "Gelu", &[7, 11], &[], &[]), &[7, 11], WIDE);
    expect("LeakyRelu", &one(17, "LeakyRelu", &[7, 11], &[], &[("alpha", Attribute::Float(0.2))]), &[7, 11], WIDE);
    // Silu, as exporters write it.
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[7, 11]);
    let gate = sketch.node("Sigmoid", &[&x], &[]);
    let y = sketch.node("Mul", &[&x, &gate], &[]);
    expect("Silu", &sketch.ends(&y), &[7, 11], WIDE);
    // Gelu, as exporters write it.
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[7, 11]);
    let root = sketch.model.number(std::f32::consts::SQRT_2);
    let (one, half) = (sketch.model.number(1.0), sketch.model.number(0.5));
    let y = sketch.node("Div", &[&x, &root], &[]);
    let y = sketch.node("Erf", &[&y], &[]);
    let y = sketch.node("Add", &[&y, &one], &[]);
    let y = sketch.node("Mul", &[&x, &y], &[]);
    let y = sketch.node("Mul", &[&y, &half], &[]);
    expect("Gelu in five nodes", &sketch.ends(&y), &[7, 11], WIDE);
}

#[test]
fn normalisations_and_softmax() {
    let layer = one(17, "LayerNormalization", &[5, 24], &[(&[24], 2.0), (&[24], 1.0)], &[]);
    expect("LayerNormalization", &layer, &[5, 24], WIDE);
    let instance = one(17, "InstanceNormalization", &[4, 6, 5], &[(&[4], 2.0), (&[4], 1.0)], &[]);
    expect("InstanceNormalization", &instance, &[4, 6, 5], WIDE);
    expect("Softmax", &one(17, "Softmax", &[5, 24], &[], &[("axis", Attribute::Int(-1))]), &[5, 24], 45.0);
    // RMSNorm, as exporters write it.
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[5, 24]);
    let (two, epsilon) = (sketch.model.number(2.0), sketch.model.number(1e-5));
    let squares = sketch.node("Pow", &[&x, &two], &[]);
    let mean = sketch.node("ReduceMean", &[&squares], &[("axes", ints(&[-1]))]);
    let mean = sketch.node("Add", &[&mean, &epsilon], &[]);
    let root = sketch.node("Sqrt", &[&mean], &[]);
    let normal = sketch.node("Div", &[&x, &root], &[]);
    let gamma = sketch.weights(&[24], 2.0);
    let y = sketch.node("Mul", &[&normal, &gamma], &[]);
    expect("RMSNorm", &sketch.ends(&y), &[5, 24], WIDE);
}

/// Self-attention of two heads over `[batch, tokens, 32]`; `mask` is `[batch, tokens]`, 1 where there is text, or where there is
/// none.
fn attention(sketch: &mut Sketch, x: &str, mask: &str, marks_text: bool) -> String {
    let part = sketch.model.integers(&[0, 0, 2, 16]);
    let whole = sketch.model.integers(&[0, 0, 32]);
    let mut heads = Vec::new();
    for permutation in [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]] {
        let (weight, bias) = (sketch.weights(&[32, 32], 0.8), sketch.weights(&[32], 0.2));
        let y = sketch.node("MatMul", &[x, &weight], &[]);
        let y = sketch.node("Add", &[&y, &bias], &[]);
        let y = sketch.node("Reshape", &[&y, &part], &[]);
        heads.push(sketch.node("Transpose", &[&y], &[("perm", ints(&permutation))]));
    }
    let scores = sketch.node("MatMul", &[&heads[0], &heads[1]], &[]);
    let eighth = sketch.model.number(4.0);
    let scores = sketch.node("Div", &[&scores, &eighth], &[]);
    // (1 - mask) * -10000, as BERT has it
    let (one, far) = (sketch.model.number(1.0), sketch.model.number(-10_000.0));
    let axes = sketch.model.integers(&[1, 2]);
    let mask = sketch.node("Unsqueeze", &[mask, &axes], &[]);
    let mask = sketch.node("Cast", &[&mask], &[("to", Attribute::Int(1))]);
    let mask = if marks_text { sketch.node("Sub", &[&one, &mask], &[]) } else { mask };
    let mask = sketch.node("Mul", &[&mask, &far], &[]);
    let scores = sketch.node("Add", &[&scores, &mask], &[]);
    let shares = sketch.node("Softmax", &[&scores], &[("axis", Attribute::Int(-1))]);
    let mixed = sketch.node("MatMul", &[&shares, &heads[2]], &[]);
    let mixed = sketch.node("Transpose", &[&mixed], &[("perm", ints(&[0, 2, 1, 3]))]);
    sketch.node("Reshape", &[&mixed, &whole], &[])
}

/// Token numbers below 40 and a mask, two rows of nine of which the second is shorter.
fn texts(seed: u64, marks_text: bool) -> Vec<Tensor> {
    let ids = numbers(18, seed, 20.0).into_iter().map(|number| (number + 20.0) as i64 % 40).collect();
    let mask = (0..18).map(|at| i64::from((at < 9 + 5) == marks_text)).collect();
    vec![Tensor::integers(&[2, 9], ids), Tensor::integers(&[2, 9], mask)]
}

/// One block of an encoder.
fn encoder(marks_text: bool) -> ModelProto {
    let mut sketch = Sketch::new(17);
    let shape = [Symbol("batch"), Symbol("tokens")];
    let ids = sketch.model.input("ids", data_type::INT64, &shape);
    let mask = sketch.model.input("mask", data_type::INT64, &shape);
    let (table, places) = (sketch.weights(&[40, 32], 3.0), sketch.weights(&[16, 32], 1.0));
    let embedded = sketch.node("Gather", &[&table, &ids], &[]);
    // the first rows of a table, as many as there are tokens
    let lengths = sketch.node("Shape", &[&ids], &[]);
    let (zero, one, two) = (sketch.model.integers(&[0]), sketch.model.integers(&[1]), sketch.model.integers(&[2]));
    let tokens = sketch.node("Slice", &[&lengths, &one, &two, &zero], &[]);
    let places = sketch.node("Slice", &[&places, &zero, &tokens, &zero], &[]);
    let x = sketch.node("Add", &[&embedded, &places], &[]);
    let mixed = attention(&mut sketch, &x, &mask, marks_text);
    let sum = sketch.node("Add", &[&mixed, &x], &[]);
    let (gamma, beta) = (sketch.weights(&[32], 2.0), sketch.weights(&[32], 0.5));
    let y = sketch.node("LayerNormalization", &[&sum, &gamma, &beta], &[]);
    sketch.ends(&y)
}

#[test]
fn look_ups_positions_attention_with_heads_and_a_mask_and_residual_sums() {
    for marks_text in [true, false] {
        let example = |seed| texts(seed, marks_text);
        let symbols = ["batch=1..2", "tokens=1..9"];
        let found = measured(&encoder(marks_text), &symbols, example, &Options::default());
        assert!(found.decibels > 30.0, "{marks_text}: {}", found.decibels);
        let attends = found.built.report.decisions.iter().any(|decision| decision.contains("attention of 2 heads"));
        assert!(attends, "{}", found.built.report);
    }
}

#[test]
fn movements() {
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[6, 8]);
    let shape = sketch.model.integers(&[0, 3, 16]);
    let y = sketch.node("Reshape", &[&x, &shape], &[]);
    let y = sketch.node("Transpose", &[&y], &[("perm", ints(&[0, 2, 1]))]);
    let (starts, ends, axes) = (sketch.model.integers(&[14]), sketch.model.integers(&[1]), sketch.model.integers(&[1]));
    let back = sketch.model.integers(&[-3]);
    let part = sketch.node("Slice", &[&y, &starts, &ends, &axes, &back], &[]);
    let pads = sketch.model.integers(&[0, 1, 0, 0, 2, 1]);
    let value = sketch.model.number(0.5);
    let padded = sketch.node("Pad", &[&part, &pads, &value], &[]);
    let active = sketch.node("Relu", &[&padded], &[]);
    let constant = sketch.model.constant(&floats(&[1, 8, 2], 5, 4.0));
    let batch = sketch.model.integers(&[3, 8, 2]);
    let constant = sketch.node("Expand", &[&constant, &batch], &[]);
    let joined = sketch.node("Concat", &[&active, &padded, &constant], &[("axis", Attribute::Int(2))]);
    let model = sketch.ends(&joined);
    // a constant has no symbol's length
    let found = measured(&model, &["batch=3"], rows(&[6, 8]), &Options::default());
    assert!(found.decibels > WIDE, "{}", found.decibels);
}

#[test]
fn the_greatest_and_the_places_of_the_greatest() {
    let greatest = one(13, "ArgMax", &[12, 20], &[], &[("axis", Attribute::Int(2)), ("keepdims", Attribute::Int(0))]);
    let found = measured(&greatest, &["batch=1..4"], rows(&[12, 20]), &Options::default());
    assert!(found.equal >= 0.98, "{}", found.equal);
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[40]);
    let k = sketch.model.integers(&[3]);
    let outputs = sketch.model.nodes("TopK", &[&x, &k], &[], 2);
    outputs.iter().for_each(|output| sketch.model.output(output));
    let found = measured(&sketch.model.finish(), &["batch=1..4"], rows(&[40]), &Options::default());
    assert!(found.equal >= 0.95 && found.decibels > WIDE, "{} {}", found.equal, found.decibels);
}

#[test]
fn choices_by_masks_and_by_comparisons() {
    // A mask that is given keeps what it marks; elsewhere stands a constant.
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[9, 8]);
    let mask = sketch.model.input("mask", data_type::BOOL, &[Symbol("batch"), Known(9), Known(1)]);
    let filler = sketch.model.number(-2.5);
    let y = sketch.node("Where", &[&mask, &x, &filler], &[]);
    let given = |seed: u64| {
        let kept = numbers(27, seed + 77, 1.0).into_iter().map(|number| i64::from(number > -0.1)).collect();
        vec![floats(&[3, 9, 8], seed, 6.0), Tensor::integers(&[3, 9, 1], kept)]
    };
    let found = measured(&sketch.ends(&y), &["batch=1..4"], given, &Options::default());
    assert!(found.decibels > WIDE, "{}", found.decibels);
    // Numbers that say what counts, together with a mask; what does not count is as little as can be.
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[9, 8]);
    let ids = sketch.model.input("ids", data_type::INT64, &[Symbol("batch"), Known(9), Known(1)]);
    let (seven, zero) = (sketch.model.integers(&[7]), sketch.model.number(0.0));
    let below = sketch.node("Less", &[&ids, &seven], &[]);
    let above = sketch.node("Greater", &[&x, &zero], &[]);
    let both = sketch.node("And", &[&below, &above], &[]);
    let half = sketch.model.number(0.5);
    let other = sketch.node("Mul", &[&x, &half], &[]);
    let y = sketch.node("Where", &[&both, &x, &other], &[]);
    let given = |seed: u64| {
        let ids = numbers(27, seed + 99, 7.0).into_iter().map(|number| (number + 7.0) as i64).collect();
        vec![floats(&[3, 9, 8], seed, 6.0), Tensor::integers(&[3, 9, 1], ids)]
    };
    let found = measured(&sketch.ends(&y), &["batch=1..4"], given, &Options::default());
    assert!(found.decibels > WIDE, "{}", found.decibels);
}

/// A constant of 8 bits.
fn bytes(name: &str, shape: &[i64], data_type: i32, data: Vec<u8>) -> TensorProto {
    TensorProto { dims: shape.to_vec(), data_type, name: name.to_owned(), raw_data: Some(data), ..Default::default() }
}

/// A model that was quantised by its source: 8 bits in, weights of 8 bits, and a step of its own for each output.
#[test]
fn what_was_quantised_by_its_source_keeps_its_scales() {
    let mut sketch = Sketch::new(13);
    let x = sketch.x(&[32]);
    let scale = sketch.model.number(0.0625);
    let zero = sketch.model.raw_constant(bytes("zero", &[], data_type::INT8, vec![0]));
    let x = sketch.node("QuantizeLinear", &[&x, &scale, &zero], &[]);
    let x = sketch.node("DequantizeLinear", &[&x, &scale, &zero], &[]);
    let data: Vec<u8> = (0..32 * 6u32).map(|at| (at * 89 % 251) as u8).collect();
    let weight = sketch.model.raw_constant(bytes("weight", &[32, 6], data_type::INT8, data.clone()));
    let scales = sketch.model.constant(&Tensor::floats(&[6], vec![0.125, 0.02, 0.5, 0.25, 0.03, 0.07]));
    let zeros = sketch.model.raw_constant(bytes("zeros", &[6], data_type::INT8, vec![0; 6]));
    let weight = sketch.node("DequantizeLinear", &[&weight, &scales, &zeros], &[("axis", Attribute::Int(1))]);
    let y = sketch.node("MatMul", &[&x, &weight], &[]);
    let model = sketch.ends(&y);
    let found = measured(&model, &["batch=1..4"], rows(&[32]), &Options::default());
    // The integers are the source's, so that only the 16 bits of the result round.
    assert!(found.decibels > 75.0, "{}", found.decibels);
    let is_weight = |slot: &u16| found.built.model.tensor_names[usize::from(*slot)].ends_with(".weights");
    let weights = found.built.model.params.iter().find(|(slot, _)| is_weight(slot)).unwrap().1;
    let transposed: Vec<u8> = (0..6 * 32).map(|at| data[at % 32 * 6 + at / 32]).collect();
    assert_eq!(weights[..], transposed[..], "byte for byte");
}

/// Two layers; the inputs have a long tail, which differs between the methods.
fn two_layers() -> ModelProto {
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[32]);
    let (first, bias, second) =
        (sketch.weights(&[32, 48], 1.0), sketch.weights(&[48], 1.0), sketch.weights(&[48, 16], 1.0));
    let y = sketch.node("MatMul", &[&x, &first], &[]);
    let y = sketch.node("Add", &[&y, &bias], &[]);
    let y = sketch.node("Relu", &[&y], &[]);
    let y = sketch.node("MatMul", &[&y, &second], &[]);
    sketch.ends(&y)
}

fn with_a_tail(seed: u64) -> Vec<Tensor> {
    let mut values = numbers(3 * 32, seed, 3.0);
    values[(seed % 96) as usize] *= 8.0;
    vec![Tensor::floats(&[3, 32], values)]
}

#[test]
fn ranges_by_every_method() {
    let model = two_layers();
    let mut found = Vec::new();
    for range in [RangeMethod::Best, RangeMethod::MinMax, RangeMethod::Percentile(2_000), RangeMethod::MeanSquaredError]
    {
        // One step for all channels, so that the range alone decides.
        let options = Options { range, smoothing: Some(0.0), ..Options::default() };
        let measured = measured(&model, &["batch=1..4"], with_a_tail, &options);
        assert!(measured.decibels > 15.0, "{range:?}: {}", measured.decibels);
        found.push((range, measured.decibels));
    }
    println!("{found:.1?}");
    assert!(found.windows(2).any(|pair| (pair[0].1 - pair[1].1).abs() > 0.1), "the methods differ: {found:?}");
}

/// Mean of the differences between a model's results and the original's over many held-out examples, for each output, at most.
fn greatest_mean_error(model: &ModelProto, example: impl Fn(u64) -> Vec<Tensor>, options: &Options) -> f64 {
    let graph =
        import_model(model, &ImportOptions { symbols: vec!["batch=1..4".parse().unwrap()], drop_final_softmax: false });
    let graph = graph.unwrap();
    let calibration = calibrate::run(&graph, (0..CALIBRATING).map(&example), 24, &mut |_| {}).unwrap();
    let built = build(&graph, &calibration, options).unwrap();
    let reference = Reference::load(model).unwrap();
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let (mut sums, mut count) = (Vec::new(), 0.0);
    for seed in 0..60 {
        let inputs = example(20_000 + seed);
        let (symbols, given) = built.io.encode(&inputs).unwrap();
        let loaded = backend.load(Arc::new(built.model.resolve(&symbols).unwrap()), &built.model.params).unwrap();
        let found = built.io.decode(&symbols, &loaded.run(&given, Keep::Boundary).unwrap().tensors).unwrap().remove(0);
        let expected = reference.run(&inputs).unwrap().remove(0);
        let width = *expected.shape.last().unwrap();
        sums.resize(width, 0.0);
        for (at, (found, expected)) in found.as_floats().unwrap().iter().zip(expected.as_floats().unwrap()).enumerate()
        {
            sums[at % width] += f64::from(found - expected);
        }
        count += (expected.elements() / width) as f64;
    }
    sums.iter().map(|sum| (sum / count).abs()).fold(0.0, f64::max)
}

#[test]
fn a_mean_error_is_taken_out_of_the_bias() {
    // All inputs are far from 0, so that what rounding a weight adds always has one sign.
    let far = |seed: u64| vec![Tensor::floats(&[3, 32], numbers(96, seed, 0.5).iter().map(|x| x + 4.0).collect())];
    let model = one(17, "MatMul", &[32], &[(&[32, 16], 1.0)], &[]);
    let of = |bias_correction| greatest_mean_error(&model, far, &Options { bias_correction, ..Options::default() });
    let (with, without) = (of(true), of(false));
    println!("greatest mean error of an output: {with:.5} with the correction, {without:.5} without");
    assert!(with * 4.0 < without, "{with} {without}");
}

#[test]
fn smoothing_saves_what_a_channel_that_stands_out_would_cost() {
    // Two of 32 channels are fifty times the others, and their weights as much less.
    let outlier = |channel: usize| if channel % 16 == 3 { 50.0 } else { 1.0f32 };
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[32]);
    let weights =
        numbers(32 * 24, 11, 1.0).into_iter().enumerate().map(|(at, value)| value / outlier(at / 24)).collect();
    let weights = sketch.model.constant(&Tensor::floats(&[32, 24], weights));
    let y = sketch.node("MatMul", &[&x, &weights], &[]);
    let model = sketch.ends(&y);
    let example = |seed: u64| {
        let values =
            numbers(96, seed, 3.0).into_iter().enumerate().map(|(at, value)| value * outlier(at % 32)).collect();
        vec![Tensor::floats(&[3, 32], values)]
    };
    let of =
        |smoothing| measured(&model, &["batch=1..4"], example, &Options { smoothing, ..Options::default() }).decibels;
    let (none, best) = (of(Some(0.0)), of(None));
    println!("{none:.1} dB with one step for all channels, {best:.1} dB smoothed");
    assert!(best > none + 15.0, "{best} {none}");
}

#[test]
fn a_page_shows_what_was_lost_with_plots() {
    let found = measured(&two_layers(), &["batch=1..4"], with_a_tail, &Options::default());
    let page = report::html(&found.built.report, "two layers");
    assert!(page.contains("two layers") && page.matches("<svg").count() >= 2, "plots are inline");
    for product in &found.built.report.products {
        assert!(page.contains(&product.name), "{}", product.name);
    }
}

/// A block of a mobile network whose channels differ by a hundred times where its depthwise filters read them.
fn mobile_block(gain: impl Fn(usize) -> f32) -> ModelProto {
    const CHANNELS: usize = 16;
    let mut sketch = Sketch::new(17);
    let x = sketch.x(&[4, 8, 8]);
    let scaled = |values: Vec<f32>, by: &dyn Fn(usize) -> f32| {
        let each = values.len() / CHANNELS;
        values.into_iter().enumerate().map(|(at, value)| value * by(at / each)).collect::<Vec<f32>>()
    };
    let first = scaled(numbers(CHANNELS * 4 * 9, 7, 1.0), &gain);
    let bias = scaled(numbers(CHANNELS, 8, 1.0), &gain);
    let filters = scaled(numbers(CHANNELS * 9, 9, 1.0), &|channel| 1.0 / gain(channel));
    let first = sketch.model.constant(&Tensor::floats(&[CHANNELS, 4, 3, 3], first));
    let bias = sketch.model.constant(&Tensor::floats(&[CHANNELS], bias));
    let filters = sketch.model.constant(&Tensor::floats(&[CHANNELS, 1, 3, 3], filters));
    let last = sketch.weights(&[8, CHANNELS, 1, 1], 1.0);
    let pads = || ("pads", ints(&[1; 4]));
    let y = sketch.node("Conv", &[&x, &first, &bias], &[pads()]);
    let y = sketch.node("Relu", &[&y], &[]);
    let y = sketch.node("Conv", &[&y, &filters], &[pads(), ("group", Attribute::Int(CHANNELS as i64))]);
    let y = sketch.node("Relu", &[&y], &[]);
    let y = sketch.node("Conv", &[&y, &last], &[]);
    sketch.ends(&y)
}

/// Cross-layer equalisation gives the channels between two layers one range by factors that the weights of both take. Steps of
/// each channel's own do the same to the integers, and there is nothing left for it to win.
#[test]
fn channels_of_filters_that_differ_in_range_cost_nothing() {
    const SHAPE: &[usize] = &[4, 8, 8];
    let gain = |channel: usize| 100f32.powf(channel as f32 / 15.0);
    let (skewed, equalised) = (mobile_block(gain), mobile_block(|_| 1.0));
    let one_step = Options { smoothing: Some(0.0), ..Options::default() };
    let without = decibels(&skewed, SHAPE, &one_step);
    let with = decibels(&skewed, SHAPE, &Options::default());
    let after_equalising = decibels(&equalised, SHAPE, &Options::default());
    println!(
        "one step {without:.1} dB, steps of the channels {with:.1} dB, equalised beforehand {after_equalising:.1} dB"
    );
    assert!(with > without + 6.0, "{with} {without}");
    assert!((with - after_equalising).abs() < 1.0, "{with} {after_equalising}");
}
