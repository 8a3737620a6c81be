//! Each operation by itself.

use super::checks::{built, results};
use super::sketch::{Sketch, known};
use assay_import::float::{
    Activation, Comparison, ElementType, Extent, FloatOp, OwnScale, PoolKind, ReduceKind, Tensor, ValueId, Window,
};
use assay_import::quantise::Options;

/// The least signal to noise of the first result over some examples.
fn decibels(sketch: &mut Sketch, below: i64, options: &Options) -> f64 {
    let built = built(sketch, below, options);
    let symbols: Vec<u32> = sketch.graph.symbols.iter().map(|symbol| symbol.max).collect();
    let example = sketch.example(&symbols, below);
    let (found, float) = results(sketch, &built, &example);
    let (found, float) = (found[0].as_floats().unwrap(), float[0].as_floats().unwrap());
    assert_eq!(found.len(), float.len());
    let energy: f64 = float.iter().map(|value| f64::from(*value).powi(2)).sum();
    let error: f64 = float.iter().zip(found).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    10.0 * (energy / error.max(1e-30)).log10()
}

/// A float input `[batch, ..]`, one node, and its result.
fn one(op: FloatOp, shape: &[u32], constants: &[(&[usize], f32)], output: &[u32]) -> Sketch {
    let mut sketch = Sketch::default();
    let batch = sketch.symbol("batch", 3);
    let whole = |shape: &[u32]| [vec![batch], known(shape)].concat();
    let input = sketch.input("x", &whole(shape), ElementType::Float);
    let mut inputs = vec![input];
    for (shape, size) in constants {
        inputs.push(sketch.constant(shape, *size));
    }
    let result = sketch.node(op, &inputs, &whole(output));
    sketch.output(result);
    sketch
}

/// 8 bits over a range of about 4 deviations have a step of 1/32 deviation: 40 dB for the input, as much again for the
/// weights, and so 37 for their product; 4 are left for ranges that do not fit as well.
const PRODUCT: f64 = 33.0;
/// 16 bits with headroom for half of the range once more: 80 dB and more, less what a table's arguments lose.
const WIDE: f64 = 55.0;

#[test]
fn linear() {
    let mut sketch = one(FloatOp::Linear, &[5, 64], &[(&[64, 24], 0.5), (&[24], 1.0)], &[5, 24]);
    assert!(decibels(&mut sketch, 0, &Options::default()) > PRODUCT);
}

#[test]
fn a_widened_linear_loses_its_weights_only() {
    let of = |keep: usize| {
        let mut sketch = one(FloatOp::Linear, &[5, 64], &[(&[64, 24], 0.5), (&[24], 1.0)], &[5, 24]);
        decibels(&mut sketch, 0, &Options { keep, ..Options::default() })
    };
    assert!(of(1) > of(0) + 2.0, "{} {}", of(1), of(0));
}

fn window(kernel: &[u32], stride: u32, padding: u32, dilation: u32) -> Window {
    let sides = kernel.len();
    Window {
        kernel: kernel.to_vec(),
        strides: vec![stride; sides],
        dilations: vec![dilation; sides],
        padding_before: vec![padding; sides],
        padding_after: vec![padding; sides],
    }
}

#[test]
fn convolutions_of_every_kind() {
    let convolution = |window: Window, groups| FloatOp::Convolution { window, groups };
    /// The operation, the shapes of its input, its weights and its output.
    type Case = (FloatOp, &'static [u32], &'static [usize], &'static [u32]);
    let cases: [Case; 5] = [
        (convolution(window(&[3], 1, 1, 1), 1), &[16, 20], &[8, 16, 3], &[8, 20]),
        (convolution(window(&[3, 3], 2, 1, 1), 1), &[6, 9, 8], &[10, 6, 3, 3], &[10, 5, 4]),
        (convolution(window(&[2, 2], 1, 0, 2), 1), &[6, 9, 8], &[10, 6, 2, 2], &[10, 7, 6]),
        (convolution(window(&[3, 3], 1, 1, 1), 8), &[8, 6, 5], &[8, 1, 3, 3], &[8, 6, 5]),
        (convolution(window(&[3, 3], 1, 1, 1), 2), &[8, 6, 5], &[12, 4, 3, 3], &[12, 6, 5]),
    ];
    for (op, shape, weights, output) in cases {
        let text = format!("{op:?}");
        let mut sketch = one(op, shape, &[(weights, 0.5), (&[weights[0]], 1.0)], output);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > PRODUCT, "{text}: {found}");
    }
}

#[test]
fn activations() {
    let all = [
        Activation::Relu,
        Activation::GeluErf,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::HardSwish,
        Activation::Clip { low: -1.0, high: 1.5 },
        Activation::Exp,
    ];
    for activation in all {
        let mut sketch = one(FloatOp::Activation(activation), &[7, 11], &[], &[7, 11]);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "{activation:?}: {found}");
    }
}

#[test]
fn activations_behind_products() {
    for activation in [Activation::Relu, Activation::GeluErf, Activation::Silu] {
        let mut sketch = Sketch::default();
        let shape = known(&[6, 32]);
        let input = sketch.input("x", &shape, ElementType::Float);
        let constants = [([32, 48], 0.5), ([48, 16], 0.5)].map(|(shape, size)| sketch.constant(&shape, size));
        let hidden = sketch.node(FloatOp::Linear, &[input, constants[0]], &known(&[6, 48]));
        let active = sketch.node(FloatOp::Activation(activation), &[hidden], &known(&[6, 48]));
        let result = sketch.node(FloatOp::Linear, &[active, constants[1]], &known(&[6, 16]));
        sketch.output(result);
        let found = decibels(&mut sketch, 0, &Options::default());
        // two products, one after the other
        assert!(found > PRODUCT - 4.0, "{activation:?}: {found}");
    }
}

#[test]
fn norms_over_every_axis() {
    for axis in [1usize, 2] {
        let length = [12usize, 20][axis - 1];
        let layer = FloatOp::LayerNorm { axis, epsilon: 1e-5 };
        let mut sketch = one(layer, &[12, 20], &[(&[length], 2.0), (&[length], 1.0)], &[12, 20]);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "layer norm over axis {axis}: {found}");
        let root = FloatOp::RmsNorm { axis, epsilon: 1e-5 };
        let mut sketch = one(root, &[12, 20], &[(&[length], 2.0)], &[12, 20]);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "root mean square norm over axis {axis}: {found}");
        let mut sketch = one(FloatOp::L2Normalise { axis, epsilon: 1e-12 }, &[12, 20], &[], &[12, 20]);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "unit length over axis {axis}: {found}");
    }
}

#[test]
fn softmax_over_every_axis() {
    for axis in [1, 2] {
        let mut sketch = one(FloatOp::Softmax { axis, mask_axes: None }, &[12, 20], &[], &[12, 20]);
        let found = decibels(&mut sketch, 0, &Options { logits: false, ..Options::default() });
        // an argument is right to 1/256: 48 dB
        assert!(found > 45.0, "{found}");
    }
}

#[test]
fn reductions_over_every_axis() {
    for kind in [ReduceKind::Mean, ReduceKind::Sum, ReduceKind::Max, ReduceKind::Min] {
        for (axes, output) in [(vec![1], vec![20u32]), (vec![2], vec![12]), (vec![1, 2], vec![])] {
            let op = FloatOp::Reduce { kind, axes: axes.clone(), keep_axes: false, mask_axes: None };
            let mut sketch = one(op, &[12, 20], &[], &output);
            let found = decibels(&mut sketch, 0, &Options::default());
            assert!(found > WIDE - 10.0, "{kind:?} over {axes:?}: {found}");
        }
    }
}

#[test]
fn pools() {
    for kind in [PoolKind::Max, PoolKind::Mean] {
        let op = FloatOp::Pool { kind, window: window(&[2, 2], 2, 0, 1) };
        let mut sketch = one(op, &[6, 8, 10], &[], &[6, 4, 5]);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "{kind:?}: {found}");
    }
    for kind in [PoolKind::Max, PoolKind::Mean] {
        let op = FloatOp::Pool { kind, window: window(&[3], 2, 1, 1) };
        let mut sketch = one(op, &[6, 9], &[], &[6, 5]);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "{kind:?}, padded: {found}");
    }
}

#[test]
fn choices_by_every_comparison_and_by_masks() {
    for comparison in
        [Comparison::Equal, Comparison::Less, Comparison::LessOrEqual, Comparison::Greater, Comparison::GreaterOrEqual]
    {
        let mut sketch = Sketch::default();
        let shape = [sketch.symbol("batch", 3), Extent::Known(12), Extent::Known(20)];
        let x = sketch.input("x", &shape, ElementType::Float);
        let mask = sketch.input("mask", &[shape[0], Extent::Known(1), shape[2]], ElementType::Boolean);
        let (bound, other) = (sketch.constant(&[12, 1], 1.0), sketch.constant(&[20], 2.0));
        let compared = sketch.node(FloatOp::Compare(comparison), &[x, bound], &shape);
        let both = sketch.node(FloatOp::Min, &[compared, mask], &shape);
        for condition in [compared, both] {
            sketch.graph.values[condition.index()].element_type = ElementType::Boolean;
        }
        let result = sketch.node(FloatOp::Where, &[both, x, other], &shape);
        sketch.output(result);
        // Where x lies within a step of the bound, the other one may be chosen.
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > 40.0, "{comparison:?}: {found}");
    }
}

#[test]
fn sums_and_products_broadcast() {
    for op in [FloatOp::Add, FloatOp::Sub, FloatOp::Mul, FloatOp::Min, FloatOp::Max] {
        let mut sketch = one(op.clone(), &[12, 20], &[(&[12, 1], 2.0)], &[12, 20]);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "{op:?} with a constant: {found}");
        let mut sketch = Sketch::default();
        let a = sketch.input("a", &known(&[12, 20]), ElementType::Float);
        let b = sketch.input("b", &known(&[3, 12, 20]), ElementType::Float);
        let result = sketch.node(op.clone(), &[a, b], &known(&[3, 12, 20]));
        sketch.output(result);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > WIDE, "{op:?} of two values: {found}");
    }
}

#[test]
fn what_only_moves_keeps_its_integers() {
    let slice = FloatOp::Slice { starts: vec![0, 2, 18], steps: vec![1, 3, -2] };
    let pad = FloatOp::Pad { before: vec![0, 1, 2], after: vec![0, 1, 0], value: 0.5 };
    let permutation = vec![0, 2, 1];
    let cases: [(FloatOp, &[u32]); 4] = [
        (slice, &[3, 9]),
        (pad, &[14, 22]),
        (FloatOp::Transpose { permutation }, &[20, 12]),
        (FloatOp::Reshape, &[60, 4]),
    ];
    for (op, output) in cases {
        let text = format!("{op:?}");
        let mut sketch = one(op.clone(), &[12, 20], &[], output);
        if let FloatOp::Transpose { .. } | FloatOp::Reshape = op {
            // a result is computed by an op: something has to be
            let moved = sketch.graph.outputs[0];
            let shape = sketch.graph.value(moved).shape.clone();
            let result = sketch.node(FloatOp::Activation(Activation::Relu), &[moved], &shape);
            sketch.graph.outputs = vec![result];
        }
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > 75.0, "{text}: {found}");
    }
    let mut sketch = Sketch::default();
    let a = sketch.input("a", &known(&[2, 12, 20]), ElementType::Float);
    let b = sketch.input("b", &known(&[2, 5, 20]), ElementType::Float);
    let result = sketch.node(FloatOp::Concat { axis: 1 }, &[a, b], &known(&[2, 17, 20]));
    sketch.output(result);
    assert!(decibels(&mut sketch, 0, &Options::default()) > 75.0);
}

#[test]
fn products_of_two_computed_matrices() {
    for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut sketch = Sketch::default();
        let a = sketch.input("a", &known(if transpose_a { &[2, 16, 6] } else { &[2, 6, 16] }), ElementType::Float);
        let b = sketch.input("b", &known(if transpose_b { &[2, 10, 16] } else { &[2, 16, 10] }), ElementType::Float);
        let op = FloatOp::MatMul { transpose_a, transpose_b, scale: 0.25 };
        let result = sketch.node(op, &[a, b], &known(&[2, 6, 10]));
        sketch.output(result);
        let found = decibels(&mut sketch, 0, &Options::default());
        assert!(found > PRODUCT, "{transpose_a} {transpose_b}: {found}");
    }
}

#[test]
fn the_index_of_the_greatest_is_exact() {
    let mut sketch = one(FloatOp::ArgMax { axis: 1, keep_axis: false }, &[12, 20], &[], &[20]);
    let built = built(&mut sketch, 0, &Options::default());
    let example = sketch.example(&[3], 0);
    let (found, float) = results(&sketch, &built, &example);
    let (found, float) = (found[0].as_integers().unwrap(), float[0].as_integers().unwrap());
    let same = found.iter().zip(float).filter(|(a, b)| a == b).count();
    assert!(same * 100 >= found.len() * 98, "{same} of {}", found.len());
}

#[test]
fn quotients_have_both_signs() {
    let mut sketch = Sketch::default();
    let a = sketch.input("a", &known(&[12, 20]), ElementType::Float);
    let b = sketch.input("b", &known(&[12, 20]), ElementType::Float);
    // divisors keep away from 0: 16 bits of them have no more than 16 bits of a quotient
    let sign = sketch.node(FloatOp::Activation(Activation::Sign), &[b], &known(&[12, 20]));
    let away = sketch.node(FloatOp::Add, &[b, sign], &known(&[12, 20]));
    let result = sketch.node(FloatOp::Div, &[a, away], &known(&[12, 20]));
    sketch.output(result);
    let found = decibels(&mut sketch, 0, &Options::default());
    // where b lies within a step of 0, its sign may be the other one: at most one of 240 elements
    assert!(found > 20.0, "{found}");
}

#[test]
fn the_greatest_elements_and_their_places() {
    for k in [1u32, 3, 8] {
        let mut sketch = Sketch::default();
        let batch = sketch.symbol("batch", 3);
        let x = sketch.input("x", &[batch, Extent::Known(40)], ElementType::Float);
        let shape = [batch, Extent::Known(k)];
        let values = sketch.node(FloatOp::TopK { axis: 1, k }, &[x], &shape);
        let indices = sketch.graph.add_computed("indices", &shape, ElementType::Integer);
        sketch.graph.nodes[0].outputs.push(indices);
        sketch.output(values);
        sketch.output(indices);
        let built = built(&mut sketch, 0, &Options::default());
        let example = sketch.example(&[3], 0);
        let (found, float) = results(&sketch, &built, &example);
        let step = 9.0 / 32_767.0;
        for (found, float) in found[0].as_floats().unwrap().iter().zip(float[0].as_floats().unwrap()) {
            assert!((found - float).abs() <= step, "{k}: {found} {float}");
        }
        assert_eq!(found[1], float[1], "{k}");
    }
}

#[test]
fn embeddings_and_positions() {
    for (rows, bound) in [(300usize, 75.0), (40_000, 38.0)] {
        let mut sketch = Sketch::default();
        let batch = sketch.symbol("batch", 3);
        let tokens = sketch.symbol("tokens", 9);
        let ids = sketch.input("ids", &[batch, tokens], ElementType::Integer);
        let table = sketch.constant(&[rows, 24], 1.0);
        let positions = sketch.constant(&[16, 24], 0.3);
        let embedded = sketch.node(FloatOp::Embedding, &[ids, table], &[batch, tokens, Extent::Known(24)]);
        let placed = sketch.node(FloatOp::Position, &[positions], &[tokens, Extent::Known(24)]);
        let sum = sketch.node(FloatOp::Add, &[embedded, placed], &[batch, tokens, Extent::Known(24)]);
        sketch.output(sum);
        let found = decibels(&mut sketch, rows as i64, &Options::default());
        // small tables have 16 bits, large ones 8 with a step for each row
        assert!(found > bound, "{rows} rows: {found}");
    }
}

/// Self-attention of two heads over `[batch, tokens, 32]` with a mask.
pub(crate) fn attention(sketch: &mut Sketch, x: ValueId, mask: Option<ValueId>, shape: &[Extent]) -> ValueId {
    let (batch, tokens) = (shape[0], shape[1]);
    let parted = [batch, tokens, Extent::Known(2), Extent::Known(16)];
    let by_head = [batch, Extent::Known(2), tokens, Extent::Known(16)];
    let heads = [0; 3].map(|_| {
        let (weights, bias) = (sketch.constant(&[32, 32], 0.6), sketch.constant(&[32], 0.2));
        let whole = sketch.node(FloatOp::Linear, &[x, weights, bias], shape);
        let part = sketch.node(FloatOp::Reshape, &[whole], &parted);
        sketch.node(FloatOp::Transpose { permutation: vec![0, 2, 1, 3] }, &[part], &by_head)
    });
    let square = [batch, Extent::Known(2), tokens, tokens];
    let product = FloatOp::MatMul { transpose_a: false, transpose_b: true, scale: 0.25 };
    let scores = sketch.node(product, &heads[..2], &square);
    let mask_axes = mask.map(|_| vec![0, 3]);
    let inputs: Vec<ValueId> = [scores].into_iter().chain(mask).collect();
    let weights = sketch.node(FloatOp::Softmax { axis: 3, mask_axes }, &inputs, &square);
    let product = FloatOp::MatMul { transpose_a: false, transpose_b: false, scale: 1.0 };
    let mixed = sketch.node(product, &[weights, heads[2]], &by_head);
    let joined = sketch.node(FloatOp::Transpose { permutation: vec![0, 2, 1, 3] }, &[mixed], &parted);
    sketch.node(FloatOp::Reshape, &[joined], shape)
}

#[test]
fn masked_and_unmasked_attention() {
    for masked in [false, true] {
        let mut sketch = Sketch::default();
        let batch = sketch.symbol("batch", 2);
        let tokens = sketch.symbol("tokens", 12);
        let shape = [batch, tokens, Extent::Known(32)];
        let x = sketch.input("x", &shape, ElementType::Float);
        let mask = masked.then(|| sketch.input("mask", &[batch, tokens], ElementType::Boolean));
        let mixed = attention(&mut sketch, x, mask, &shape);
        let (weights, bias) = (sketch.constant(&[32, 20], 0.5), sketch.constant(&[20], 0.2));
        let result = sketch.node(FloatOp::Linear, &[mixed, weights, bias], &[batch, tokens, Extent::Known(20)]);
        sketch.output(result);
        let found = decibels(&mut sketch, 2, &Options::default());
        // scores of two 8-bit factors, weights of 8 bits, and a product behind: four errors of 8 bits
        assert!(found > PRODUCT - 8.0, "masked {masked}: {found}");
    }
}

#[test]
fn a_quantised_source_keeps_its_own_integers() {
    let mut sketch = Sketch::default();
    let shape = known(&[6, 16]);
    let input = sketch.input("x", &shape, ElementType::Float);
    let own = |step: f32| OwnScale { scales: vec![step], zero_points: vec![0], axis: None, low: -128, high: 127 };
    let rounded = sketch.node(FloatOp::Requantise(own(0.0625)), &[input], &shape);
    sketch.graph.values[rounded.index()].own_scale = Some(own(0.0625));
    let integers: Vec<i64> = (0..16 * 8).map(|at| (at * 37 % 101) - 50).collect();
    let weights = integers.iter().map(|weight| *weight as f32 * 0.03125).collect();
    let weights = sketch.graph.add_constant("weights", Tensor::floats(&[16, 8], weights));
    sketch.graph.values[weights.index()].own_scale = Some(own(0.03125));
    let result = sketch.node(FloatOp::Linear, &[rounded, weights], &known(&[6, 8]));
    sketch.output(result);
    let options = Options { bias_correction: false, ..Options::default() };
    let built = built(&mut sketch, 0, &options);
    let slot = built.model.slot("linear1.out.weights").unwrap();
    let stored: Vec<i64> = built.model.params[&slot].iter().map(|byte| i64::from(*byte as i8)).collect();
    let transposed: Vec<i64> = (0..8 * 16).map(|at| integers[at % 16 * 8 + at / 16]).collect();
    assert_eq!(stored, transposed, "the weights are the source's integers");
    // inputs are the source's integers too: only what rounds the result to 16 bits, and an exact half of a step, differ
    let example = sketch.example(&[], 0);
    let (found, float) = results(&sketch, &built, &example);
    let pairs = found[0].as_floats().unwrap().iter().zip(float[0].as_floats().unwrap());
    let step = 0.0625 * 0.03125 * 50.0;
    assert!(pairs.clone().all(|(found, float)| (found - float).abs() <= step), "{:?}", pairs.collect::<Vec<_>>());
}
