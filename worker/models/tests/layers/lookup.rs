//! Linear layers in their further forms, tables, embeddings, and what moves values.

use crate::evaluation::{evaluate, requantized, values, weights};
use crate::finish;
use assay_models::builder::{
    Activation, BuildError, Embedding, GraphBuilder, Requantization, Rows, TensorHandle, Weights,
};
use referee::graph::{Dim, Dtype};

const BATCH: usize = 2;
const TOKENS: usize = 5;
const INPUTS: usize = 12;
const OUTPUTS: usize = 7;

/// What a linear layer is, before the epilogue is finished: `(sum + bias) * multiplier` by place and output.
struct Linear {
    input: Vec<i64>,
    weights: Vec<i8>,
    bias: Vec<i32>,
    multiplier: Vec<i32>,
}

impl Linear {
    fn new() -> Self {
        Self {
            input: values(BATCH * TOKENS * INPUTS, -128, 127, 1),
            weights: weights(OUTPUTS * INPUTS, 2),
            bias: values(OUTPUTS, -9000, 9000, 3).iter().map(|value| *value as i32).collect(),
            multiplier: values(OUTPUTS, 1 << 20, 1 << 22, 4).iter().map(|value| *value as i32).collect(),
        }
    }

    fn weights(&self) -> Weights<'_> {
        Weights { outputs: OUTPUTS as u32, inputs: INPUTS as u32, values: &self.weights }
    }

    fn requantization(&self, shift: u8, output: Dtype) -> Requantization<'_> {
        Requantization { bias: &self.bias, multiplier: &self.multiplier, shift, clamp: None, output }
    }

    fn sum(&self, place: usize, output: usize) -> i64 {
        let products =
            (0..INPUTS).map(|k| self.input[place * INPUTS + k] * i64::from(self.weights[output * INPUTS + k]));
        products.sum()
    }

    /// For each place and output, what `value(place, output)` gives.
    fn each(value: impl Fn(usize, usize) -> i64) -> Vec<i64> {
        (0..BATCH * TOKENS * OUTPUTS).map(|at| value(at / OUTPUTS, at % OUTPUTS)).collect()
    }

    fn graph() -> (GraphBuilder, TensorHandle) {
        let mut graph = GraphBuilder::new();
        let batch = graph.symbol("batch", 1, 8).unwrap();
        let tokens = graph.symbol("tokens", 1, 64).unwrap();
        let input = graph.input("input", Dtype::I8, &[batch, tokens, Dim::Const(INPUTS as u32)]).unwrap();
        (graph, input)
    }
}

const SYMBOLS: [u32; 2] = [BATCH as u32, TOKENS as u32];

#[test]
fn a_transposed_linear_layer_is_the_linear_layer_transposed() {
    let layer = Linear::new();
    let (mut graph, input) = Linear::graph();
    let requantization = layer.requantization(28, Dtype::I8);
    let output = graph.linear_transposed("values", &input, &layer.weights(), &requantization).unwrap();
    assert_eq!(output.shape(), [input.shape()[0], Dim::Const(OUTPUTS as u32), input.shape()[1]]);
    let model = finish(graph, &output);
    let found = evaluate(&model, &SYMBOLS, &[&layer.input], "values");
    let mut distinct = std::collections::BTreeSet::new();
    for place in 0..BATCH * TOKENS {
        for output in 0..OUTPUTS {
            let value = requantized(layer.sum(place, output), layer.bias[output], layer.multiplier[output], 28);
            let element = (place / TOKENS * OUTPUTS + output) * TOKENS + place % TOKENS;
            assert_eq!(found[element], value.clamp(-128, 127));
            distinct.insert(value);
        }
    }
    assert!(distinct.len() > 20);
    let mut rows = GraphBuilder::new();
    let row = rows.input("input", Dtype::I8, &[Dim::Const(INPUTS as u32)]).unwrap();
    let refused = rows.linear_transposed("values", &row, &layer.weights(), &requantization);
    assert!(matches!(refused, Err(BuildError::Shape { .. })));
}

#[test]
fn a_linear_layer_looks_up_its_activation_finer_than_8_bits() {
    let layer = Linear::new();
    let (mut graph, input) = Linear::graph();
    // GELU of steps of 1/64 from -6 to 6, in steps of 1/20
    let gelu = |step: i64| {
        let x = step as f64 / 64.0;
        let tanh = (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh();
        (0.5 * x * (1.0 + tanh) * 20.0).round() as i64
    };
    let table: Vec<i64> = (-384..=384).map(gelu).collect();
    let activation = Activation { table: &table, first: -384 };
    let requantization = layer.requantization(27, Dtype::I8);
    let output = graph.linear_activated("grown", &input, &layer.weights(), &requantization, &activation).unwrap();
    let model = finish(graph, &output);
    let expected = Linear::each(|place, output| {
        let value = requantized(layer.sum(place, output), layer.bias[output], layer.multiplier[output], 27);
        gelu(value.clamp(-384, 384))
    });
    assert_eq!(evaluate(&model, &SYMBOLS, &[&layer.input], "grown"), expected);
    assert!(expected.contains(&120) && expected.iter().collect::<std::collections::BTreeSet<_>>().len() > 15);
}

#[test]
fn a_linear_layer_adds_a_residual_and_rounds_once() {
    let layer = Linear::new();
    let (mut graph, input) = Linear::graph();
    let [batch, tokens, _] = *input.shape() else { panic!("the input has three axes") };
    let residual = graph.input("residual", Dtype::I16, &[batch, tokens, Dim::Const(OUTPUTS as u32)]).unwrap();
    let requantization = layer.requantization(24, Dtype::I16);
    let output =
        graph.linear_residual("sum", &input, &layer.weights(), &requantization, &residual, 11_000_000).unwrap();
    let other = graph.clone().linear_residual("other", &input, &layer.weights(), &requantization, &input, 1);
    assert!(matches!(other, Err(BuildError::Shape { .. })));
    let model = finish(graph, &output);
    let before = values(BATCH * TOKENS * OUTPUTS, -32_768, 32_767, 9);
    let expected = Linear::each(|place, output| {
        let sum = (layer.sum(place, output) + i64::from(layer.bias[output])) * i64::from(layer.multiplier[output]);
        let total = sum + before[place * OUTPUTS + output] * 11_000_000;
        Dtype::I16.saturate((total + (1 << 23)) >> 24)
    });
    assert_eq!(evaluate(&model, &SYMBOLS, &[&layer.input, &before], "sum"), expected);
}

#[test]
fn tables_clamp_what_lies_outside_them() {
    let mut graph = GraphBuilder::new();
    let input = graph.input("input", Dtype::I16, &[Dim::Const(6)]).unwrap();
    let table: Vec<i64> = (0..1000).map(|entry| entry / 5 - 100).collect();
    let output = graph.table("table", &input, Dtype::I8, &Activation { table: &table, first: -500 }).unwrap();
    let same = graph.table("same", &output, Dtype::I16, &Activation { table: &[7, 8], first: 0 }).unwrap();
    graph.output(&same);
    for table in [&[][..], &[0; 65_537]] {
        let refused = graph.clone().table("other", &input, Dtype::I8, &Activation { table, first: 0 });
        assert!(matches!(refused, Err(BuildError::Quantisation { .. })));
    }
    let model = finish(graph, &output);
    let given = [-32_768, -500, -1, 0, 499, 32_767];
    assert_eq!(evaluate(&model, &[], &[&given], "table"), [-100, -100, -1, 0, 99, 99]);
    assert_eq!(evaluate(&model, &[], &[&given], "same"), [7, 7, 7, 7, 8, 8]);
}

#[test]
fn embeddings_are_sums_of_rows() {
    let (vocabulary, channels) = (50usize, 6usize);
    let words: Vec<i64> = values(vocabulary * channels, -128, 127, 1);
    let positions: Vec<i64> = values(TOKENS * channels, -30_000, 30_000, 2);
    let kinds: Vec<i64> = values(2 * channels, -128, 127, 3);
    // beyond the table counts as its last row, below as its first
    let mut ids = values(BATCH * TOKENS, 0, vocabulary as i64 - 1, 4);
    (ids[0], ids[1]) = (1000, -3);
    for transposed in [false, true] {
        let mut graph = GraphBuilder::new();
        let batch = graph.symbol("batch", 1, 8).unwrap();
        let tokens = graph.symbol("tokens", 1, TOKENS as u32).unwrap();
        let numbers = graph.input("ids", Dtype::I32, &[batch, tokens]).unwrap();
        let word = graph.param("word", Dtype::I8, &[vocabulary as u32, channels as u32], &words).unwrap();
        let position = graph.param("position", Dtype::I16, &[TOKENS as u32, channels as u32], &positions).unwrap();
        let kind = graph.param("kind", Dtype::I8, &[2, channels as u32], &kinds).unwrap();
        let terms = [
            Embedding { table: &word, rows: Rows::Ids(&numbers), multiplier: 700 },
            Embedding { table: &position, rows: Rows::Position, multiplier: -3 },
            Embedding { table: &kind, rows: Rows::Fixed(1), multiplier: 900 },
        ];
        let refused = |places: &[Dim], terms: &[Embedding<'_>]| {
            graph.clone().embedding("other", places, terms, 6, false, Dtype::I16).unwrap_err()
        };
        assert!(matches!(refused(&[], &terms), BuildError::Shape { .. }));
        assert!(matches!(refused(&[batch, tokens], &[]), BuildError::Shape { .. }));
        assert!(matches!(refused(&[tokens, batch], &terms), BuildError::Shape { .. }));
        let far = Embedding { rows: Rows::Fixed(2), ..terms[2] };
        assert!(matches!(refused(&[batch, tokens], &[far]), BuildError::Shape { .. }));
        let short = Embedding { rows: Rows::Position, ..terms[2] };
        assert!(matches!(refused(&[batch, tokens], &[short]), BuildError::Shape { .. }));

        let output = graph.embedding("sum", &[batch, tokens], &terms, 6, transposed, Dtype::I16).unwrap();
        let model = finish(graph, &output);
        let found = evaluate(&model, &SYMBOLS, &[&ids], "sum");
        for (place, id) in ids.iter().enumerate() {
            let row = (*id).clamp(0, vocabulary as i64 - 1) as usize;
            for channel in 0..channels {
                let total = words[row * channels + channel] * 700 - positions[place % TOKENS * channels + channel] * 3
                    + kinds[channels + channel] * 900;
                let element = if transposed {
                    (place / TOKENS * channels + channel) * TOKENS + place % TOKENS
                } else {
                    place * channels + channel
                };
                assert_eq!(found[element], (total + 32) >> 6);
            }
        }
    }
}

#[test]
fn averages_leave_masked_tokens_out() {
    let channels = 3usize;
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, 8).unwrap();
    let tokens = graph.symbol("tokens", 1, 512).unwrap();
    let input = graph.input("input", Dtype::I16, &[batch, Dim::Const(3), tokens]).unwrap();
    let mask = graph.input("mask", Dtype::I8, &[batch, tokens]).unwrap();
    let masked = graph.mean_pool_masked("masked", &input, Some(&mask), 4, Dtype::I32).unwrap();
    let whole = graph.mean_pool_masked("whole", &input, None, 0, Dtype::I16).unwrap();
    assert!(matches!(
        graph.clone().mean_pool_masked("other", &input, Some(&input), 0, Dtype::I16),
        Err(BuildError::Shape { .. })
    ));
    assert!(matches!(
        graph.clone().mean_pool_masked("other", &mask, None, 0, Dtype::I16),
        Err(BuildError::Shape { .. })
    ));
    assert!(matches!(
        graph.clone().mean_pool_masked("other", &input, None, 17, Dtype::I16),
        Err(BuildError::Quantisation { .. })
    ));
    graph.output(&whole);
    let model = finish(graph, &masked);
    let (batch, tokens) = (3usize, 9usize);
    let mut given = values(batch * channels * tokens, -32_768, 32_767, 5);
    given[..tokens].fill(-32_768);
    let mut present = values(batch * tokens, -1, 1, 6);
    present[2 * tokens..].fill(0);
    let symbols = [batch as u32, tokens as u32];
    // floor(sum * 2^bits / count + 1/2)
    let average = |sum: i64, count: i64, bits: u32| {
        if count == 0 { 0 } else { ((sum << (bits + 1)) + count).div_euclid(2 * count) }
    };
    let mut expected = [Vec::new(), Vec::new()];
    for (row, values) in given.chunks_exact(tokens).enumerate() {
        let mask = &present[row / channels * tokens..][..tokens];
        let sum = values.iter().zip(mask).filter(|(_, mask)| **mask != 0).map(|(value, _)| value).sum();
        let count = mask.iter().filter(|mask| **mask != 0).count() as i64;
        expected[0].push(average(sum, count, 4));
        expected[1].push(average(values.iter().sum(), tokens as i64, 0));
    }
    assert_eq!(evaluate(&model, &symbols, &[&given, &present], "masked"), expected[0]);
    assert_eq!(evaluate(&model, &symbols, &[&given, &present], "whole"), expected[1]);
    assert_eq!((expected[0][0], expected[0][6]), (-32_768 << 4, 0));
}

#[test]
fn values_are_joined_cut_and_turned() {
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, 8).unwrap();
    let shape = |width: u32| [batch, Dim::Const(width), Dim::Const(2)];
    let (first, second) =
        (graph.input("first", Dtype::I8, &shape(1)).unwrap(), graph.input("second", Dtype::I8, &shape(3)).unwrap());
    let wide = graph.input("wide", Dtype::I16, &shape(1)).unwrap();
    let joined = graph.concatenate("joined", &[&first, &second, &first], 1).unwrap();
    assert_eq!(joined.shape(), shape(5));
    let cut = graph.slice("cut", &joined, 1, 1, 2).unwrap();
    let turned = graph.transpose("turned", &cut, &[1, 2, 0]).unwrap();
    assert_eq!(turned.shape(), [Dim::Const(2), Dim::Const(2), batch]);
    graph.output(&joined);
    let mut other = graph.clone();
    for refused in [
        other.concatenate("a", &[], 1),
        other.concatenate("b", &[&first; 7], 1),
        other.concatenate("c", &[&first, &wide], 1),
        other.concatenate("d", &[&first, &second], 2),
        other.concatenate("e", &[&first, &second], 0),
        other.concatenate("f", &[&first, &second], 3),
        other.slice("g", &joined, 1, 4, 2),
        other.slice("h", &joined, 1, 4, 0),
        other.slice("i", &joined, 0, 0, 1),
        other.transpose("j", &cut, &[0, 1]),
        other.transpose("k", &cut, &[0, 1, 1]),
        other.transpose("l", &cut, &[0, 1, 3]),
        other.transpose("m", &cut, &[0, 1, 2, 0]),
    ] {
        assert!(matches!(refused, Err(BuildError::Shape { .. })), "{refused:?}");
    }
    let model = finish(graph, &turned);
    let given = [&[1, -2, 3, -4][..], &[11, 12, 13, 14, 15, 16, 21, 22, 23, 24, 25, 26], &[0; 4]];
    let joined = [1, -2, 11, 12, 13, 14, 15, 16, 1, -2, 3, -4, 21, 22, 23, 24, 25, 26, 3, -4];
    assert_eq!(evaluate(&model, &[2], &given, "joined"), joined);
    assert_eq!(evaluate(&model, &[2], &given, "turned"), [11, 21, 12, 22, 13, 23, 14, 24]);
}
