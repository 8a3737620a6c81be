//! Weights as 8-bit integers with a step for each output.

use super::product::Product;
use super::scale::Scale;
use rayon::prelude::*;

/// The weights of a product, for an input of certain steps.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    /// `[outputs, taps]`
    pub values: Vec<i8>,
    /// What a sum of one output stands for in units of its integers: the output's step times the input's.
    pub steps: Vec<f64>,
}

/// The greatest weight, as an integer.
const GREATEST_WEIGHT: f32 = 127.0;
/// A bias in units of the sum stays below this, so that it fits 32 bits.
const GREATEST_BIAS: f64 = (1u64 << 30) as f64;

impl Weights {
    /// Takes the steps of the input into the weights, and finds a step for each output: the source's own, if it has one and
    /// the input has one step. The step is wide enough for the output's bias to fit 32 bits.
    pub(crate) fn of(product: &Product, input: &Scale) -> Self {
        let steps_in: Vec<f32> = (0..product.input_channels()).map(|channel| input.at(channel) as f32).collect();
        // steps of outputs that differ by a common factor would only round it twice
        let unit = steps_in.iter().fold(0.0f32, |most, step| most.max(*step)).max(f32::MIN_POSITIVE);
        let relative: Vec<f32> = steps_in.iter().map(|step| step / unit).collect();
        let rows: Vec<(Vec<i8>, f64)> = product
            .weights
            .par_chunks_exact(product.taps.max(1))
            .zip(&product.bias)
            .enumerate()
            .map(|(output, (row, bias))| {
                let folded = |(tap, weight): (usize, &f32)| weight * relative[product.channel_of(output, tap)];
                let folded: Vec<f32> = row.iter().enumerate().map(folded).collect();
                let most = folded.iter().fold(0.0f32, |most, weight| most.max(weight.abs()));
                let least_for_bias = (f64::from(bias.abs()) / f64::from(unit) / GREATEST_BIAS) as f32;
                let own = match (&product.own_steps, input) {
                    (Some(own), Scale::Uniform(_)) => own.get(output).map(|step| *step as f32),
                    _ => None,
                };
                let finest = own.unwrap_or(most / GREATEST_WEIGHT);
                let step = finest.max(least_for_bias).max(f32::MIN_POSITIVE);
                let values = folded.iter().map(|weight| (weight / step).round().clamp(-128.0, 127.0) as i8).collect();
                (values, f64::from(step) * f64::from(unit))
            })
            .collect();
        let steps = rows.iter().map(|(_, step)| *step).collect();
        Self { values: rows.into_iter().flat_map(|(values, _)| values).collect(), steps }
    }

    /// The weights as floats again, of the product's own input.
    pub(crate) fn dequantised(&self, product: &Product, input: &Scale) -> Vec<f32> {
        let taps = product.taps.max(1);
        self.values
            .iter()
            .enumerate()
            .map(|(at, weight)| {
                let step = self.steps[at / taps] / input.at(product.channel_of(at / taps, at % taps));
                (f64::from(*weight) * step) as f32
            })
            .collect()
    }

    /// Biases in units of the sums.
    pub(crate) fn biases(&self, bias: &[f32]) -> Vec<i32> {
        bias.iter()
            .zip(&self.steps)
            .map(|(bias, step)| {
                (f64::from(*bias) / step).round().clamp(-2.0 * GREATEST_BIAS, 2.0 * GREATEST_BIAS - 1.0)
            })
            .map(|bias| bias as i32)
            .collect()
    }
}

/// `rows [.., taps]` times `weights [outputs, taps]`: `[.., outputs]`.
pub(crate) fn multiply(rows: &[f32], weights: &[f32], taps: usize) -> Vec<f32> {
    let outputs = weights.len() / taps.max(1);
    let mut result = vec![0.0; rows.len() / taps.max(1) * outputs];
    result.par_chunks_mut(outputs.max(1)).zip(rows.par_chunks(taps.max(1))).for_each(|(result, row)| {
        for (value, weights) in result.iter_mut().zip(weights.chunks_exact(taps.max(1))) {
            *value = dot(row, weights);
        }
    });
    result
}

/// Sixteen sums side by side, so that the compiler can use vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<16>();
    let (b_lanes, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::{ValueId, Window};
    use proptest::prelude::*;

    fn product(weights: Vec<f32>, bias: Vec<f32>) -> Product {
        let taps = weights.len() / bias.len();
        let outputs = bias.len();
        Product {
            node: 0,
            input: ValueId(0),
            channel_axis: 1,
            channels: taps,
            taps,
            outputs,
            weights,
            bias,
            own_steps: None,
            window: None,
        }
    }

    proptest! {
        #[test]
        fn a_weight_is_kept_to_half_a_step(
            weights in proptest::collection::vec(-3.0f32..3.0, 24),
            steps in proptest::collection::vec(0.01f64..2.0, 8),
        ) {
            let product = product(weights.clone(), vec![0.5, -0.25, 0.0]);
            let scale = Scale::Channels { axis: 1, steps: steps.clone().into() };
            let quantised = Weights::of(&product, &scale);
            let back = quantised.dequantised(&product, &scale);
            for (at, (weight, back)) in weights.iter().zip(&back).enumerate() {
                let half = quantised.steps[at / 8] / steps[at % 8] / 2.0;
                prop_assert!(f64::from((weight - back).abs()) <= half * 1.0001 + 1e-6, "{at}: {weight} {back}");
            }
        }
    }

    #[test]
    fn a_filter_of_one_channel_keeps_its_weights_whatever_the_channels_steps_are() {
        let window = Window {
            kernel: vec![3],
            strides: vec![1],
            dilations: vec![1],
            padding_before: vec![1],
            padding_after: vec![1],
        };
        let weights: Vec<f32> = (0..12).map(|at| at as f32 / 7.0 - 0.8).collect();
        let filters =
            Product { channels: 1, window: Some((window, 4)), ..product(weights.clone(), vec![0.5, -0.25, 0.0, 1.0]) };
        let steps = [0.01, 0.5, 3.0, 200.0];
        let alone = Weights::of(&filters, &Scale::Uniform(1.0));
        let scaled = Weights::of(&filters, &Scale::Channels { axis: 1, steps: steps.into() });
        assert_eq!(alone.values, scaled.values, "a step of one channel is a step of its output");
        for output in 0..4 {
            let ratio = scaled.steps[output] / alone.steps[output] / steps[output];
            assert!((ratio - 1.0).abs() < 1e-6, "{output}: {ratio}");
        }
        let back = scaled.dequantised(&filters, &Scale::Channels { axis: 1, steps: steps.into() });
        for (weight, back) in weights.iter().zip(back) {
            assert!((weight - back).abs() < 0.006, "{weight} {back}");
        }
    }

    #[test]
    fn a_bias_beyond_its_weights_still_fits_32_bits() {
        let product = product(vec![0.0, 0.0], vec![1000.0]);
        let weights = Weights::of(&product, &Scale::Uniform(0.1));
        let bias = weights.biases(&product.bias)[0];
        let kept = f64::from(bias) * weights.steps[0];
        assert!((kept - 1000.0).abs() < 1e-3, "{kept}");
    }

    #[test]
    fn products_are_those_of_the_textbook() {
        let rows: Vec<f32> = (0..2 * 19).map(|n| n as f32 * 0.5).collect();
        let weights: Vec<f32> = (0..3 * 19).map(|n| 3.0 - n as f32).collect();
        let result = multiply(&rows, &weights, 19);
        for (at, value) in result.iter().enumerate() {
            let expected: f32 = (0..19).map(|tap| rows[at / 3 * 19 + tap] * weights[at % 3 * 19 + tap]).sum();
            assert!((value - expected).abs() <= expected.abs() * 1e-5);
        }
    }
}
