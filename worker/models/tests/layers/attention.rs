//! Attention against softmax in floating point.

use crate::evaluation::{evaluate, values};
use crate::finish;
use assay_models::builder::{Attention, BuildError, GraphBuilder, Model};
use referee::graph::{Dim, Dtype};

const HEADS: usize = 3;
const WIDTH: usize = 8;
const CHANNELS: usize = HEADS * WIDTH;
/// Real scores of one step: a 64th.
const STEP: f64 = 1.0 / 64.0;
/// Real scores of one unit of a product of query and key.
const UNIT: f64 = 0.0004;
const SCORE_SHIFT: u8 = 20;
const SHIFT: u8 = 36;

/// `round(255 * exp(-step * i))` down to 0, ascending.
fn exponents() -> Vec<u8> {
    let falling = (0..).map(|i| (255.0 * (-STEP * f64::from(i)).exp()).round() as u8);
    let mut table: Vec<u8> = falling.take_while(|entry| *entry > 0).collect();
    table.push(0);
    table.reverse();
    table
}

fn model(tokens: (u32, u32), masked: bool) -> Model {
    let exponents = exponents();
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, 4).unwrap();
    let tokens = graph.symbol("tokens", tokens.0, tokens.1).unwrap();
    let channels = Dim::Const(CHANNELS as u32);
    let query = graph.input("query", Dtype::I8, &[batch, tokens, channels]).unwrap();
    let key = graph.input("key", Dtype::I8, &[batch, tokens, channels]).unwrap();
    let values = graph.input("values", Dtype::I8, &[batch, channels, tokens]).unwrap();
    let mask = masked.then(|| graph.input("mask", Dtype::U8, &[batch, tokens]).unwrap());
    let output = graph
        .attention(
            "attention",
            &Attention {
                heads: HEADS as u32,
                query: &query,
                key: &key,
                values: &values,
                mask: mask.as_ref(),
                score_multiplier: (UNIT / STEP * f64::from(1 << SCORE_SHIFT)).round() as i32,
                score_shift: SCORE_SHIFT,
                exponents: &exponents,
                numerator: 1 << SHIFT,
                shift: SHIFT,
            },
        )
        .unwrap();
    assert_eq!(output.shape(), [batch, tokens, Dim::Const(HEADS as u32), Dim::Const(WIDTH as u32)]);
    finish(graph, &output)
}

/// What attention is, in floating point: `[batch, tokens, channels]`.
fn softmax(batch: usize, tokens: usize, [query, key, values]: [&[i64]; 3], mask: &[i64]) -> Vec<f64> {
    let mut out = Vec::new();
    for (b, q) in (0..batch).flat_map(|b| (0..tokens).map(move |q| (b, q))) {
        for head in 0..HEADS {
            let score = |k: usize| -> f64 {
                let at = |tensor: &[i64], token: usize, w: usize| {
                    tensor[(b * tokens + token) * CHANNELS + head * WIDTH + w] as f64
                };
                (0..WIDTH).map(|w| at(query, q, w) * at(key, k, w)).sum::<f64>() * UNIT
            };
            let weight: Vec<f64> =
                (0..tokens).map(|k| if mask[b * tokens + k] == 0 { 0.0 } else { score(k).exp() }).collect();
            let total: f64 = weight.iter().sum();
            for w in 0..WIDTH {
                let value = |k: usize| values[(b * CHANNELS + head * WIDTH + w) * tokens + k] as f64;
                let sum: f64 = (0..tokens).map(|k| weight[k] * value(k)).sum();
                out.push(if total == 0.0 { 0.0 } else { sum / total });
            }
        }
    }
    out
}

#[test]
fn attention_is_softmax_within_the_error_of_its_table() {
    for (batch, tokens, masked) in [(1, 1, false), (2, 7, true), (2, 33, false), (3, 50, true)] {
        let elements = batch * tokens * CHANNELS;
        let given = [1, 2, 3].map(|seed| values(elements, -128, 127, seed + tokens as u64));
        // the first token of each text counts, so that no row is without keys
        let mut mask = if masked { values(batch * tokens, 0, 1, 4) } else { vec![1; batch * tokens] };
        mask.iter_mut().step_by(tokens).for_each(|first| *first = 2);
        let mut inputs: Vec<&[i64]> = given.iter().map(Vec::as_slice).collect();
        if masked {
            inputs.push(&mask);
        }
        let found = evaluate(&model((1, 64), masked), &[batch as u32, tokens as u32], &inputs, "attention");
        let expected = softmax(batch, tokens, [&given[0], &given[1], &given[2]], &mask);
        assert_eq!(found.len(), expected.len());
        // A score is off by half a step, the greatest one too: a weight by a factor of exp(STEP). An entry is off by half of
        // 1/255 of the greatest weight, which is at least 1/tokens of the sum. Values are up to 128; the result is rounded.
        let bound = 128.0 * 2.0 * ((STEP.exp() - 1.0) + 0.5 / 255.0 * tokens as f64).min(1.0) + 0.51;
        let mut squares = 0.0;
        for (found, expected) in found.iter().zip(&expected) {
            let error = *found as f64 - expected;
            assert!(error.abs() <= bound, "{found} for {expected}, bound {bound}");
            squares += error * error;
        }
        // errors of entries are of both signs, so that far less remains of them: rounding alone is 0.29
        let deviation = (squares / expected.len() as f64).sqrt();
        assert!(deviation < 0.8, "{tokens} tokens: {deviation}");
    }
}

#[test]
fn what_masked_keys_hold_changes_nothing() {
    let (batch, tokens) = (1, 12);
    let model = model((1, 64), true);
    let given = [5, 6, 7].map(|seed| values(batch * tokens * CHANNELS, -128, 127, seed));
    let mask: Vec<i64> = (0..tokens).map(|token| i64::from(token < 5)).collect();
    let symbols = [batch as u32, tokens as u32];
    let before = evaluate(&model, &symbols, &[&given[0], &given[1], &given[2], &mask], "attention");
    let [query, mut key, mut held] = given;
    for token in 5..tokens {
        key[token * CHANNELS..][..CHANNELS].fill(127);
        (0..CHANNELS).for_each(|channel| held[channel * tokens + token] = -128);
    }
    let after = evaluate(&model, &symbols, &[&query, &key, &held, &mask], "attention");
    assert_eq!(before, after);
    assert!(before.iter().any(|value| *value != before[0]));
    let nothing = vec![0; tokens];
    let none = evaluate(&model, &symbols, &[&query, &key, &held, &nothing], "attention");
    assert!(none.iter().all(|value| *value == 0), "rows without keys are 0");
}

#[test]
fn attention_of_mini_lm_is_refereeable_up_to_512_tokens() {
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, 16).unwrap();
    let tokens = graph.symbol("tokens", 1, 512).unwrap();
    let channels = Dim::Const(384);
    let query = graph.input("query", Dtype::I8, &[batch, tokens, channels]).unwrap();
    let values = graph.input("values", Dtype::I8, &[batch, channels, tokens]).unwrap();
    let mask = graph.input("mask", Dtype::U8, &[batch, tokens]).unwrap();
    let table = exponents();
    let attention = Attention {
        heads: 12,
        query: &query,
        key: &query,
        values: &values,
        mask: Some(&mask),
        score_multiplier: 1,
        score_shift: 8,
        exponents: &table,
        numerator: 1 << 38,
        shift: 38,
    };
    let output = graph.attention("attention", &attention).unwrap();
    let wrong = |attention: Attention<'_>| graph.clone().attention("other", &attention).unwrap_err();
    assert!(matches!(wrong(Attention { heads: 7, ..attention }), BuildError::Shape { .. }));
    assert!(matches!(wrong(Attention { values: &query, ..attention }), BuildError::Shape { .. }));
    assert!(matches!(wrong(Attention { mask: Some(&query), ..attention }), BuildError::Shape { .. }));
    assert!(matches!(wrong(Attention { query: &mask, ..attention }), BuildError::Shape { .. }));
    assert!(matches!(wrong(Attention { exponents: &[], ..attention }), BuildError::Quantisation { .. }));
    assert!(matches!(wrong(Attention { exponents: &[3, 0], ..attention }), BuildError::Quantisation { .. }));
    assert!(matches!(wrong(Attention { numerator: 1 << 39, ..attention }), BuildError::Quantisation { .. }));
    assert!(matches!(wrong(Attention { numerator: -1, ..attention }), BuildError::Quantisation { .. }));
    assert!(matches!(wrong(Attention { shift: 0, ..attention }), BuildError::Quantisation { .. }));
    // checked at every corner of the symbols
    let model = finish(graph, &output);
    assert!(model.report.lints.is_empty(), "{:?}", model.report.lints);
}
