//! The steps of what products read, by the error that the products make with them.

use super::product::Product;
use super::range::RangeMethod;
use super::scale::Scale;
use super::weights::{Weights, multiply};
use referee::graph::Dtype;
use std::sync::Arc;

/// How much of the difference between channels is moved from activations into weights; 0 gives one step for all, 1
/// brings all channels to one range.
const SMOOTHINGS: [f32; 4] = [0.0, 0.7, 0.85, 1.0];
/// Parts of the whole range that are tried.
const CLIPS: [f64; 10] = [1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
/// Rows by which smoothings are compared.
const COMPARED_ROWS: usize = 128;
/// Outputs by which smoothings are compared.
const COMPARED_OUTPUTS: usize = 160;

/// The integers that products read in the place of a value.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// Their steps.
    pub scale: Scale,
    /// Their type: `I16` if the products read them in halves.
    pub dtype: Dtype,
    /// Of [`SMOOTHINGS`].
    pub smoothing: f32,
    /// The covered part of the range.
    pub clip: f64,
}

/// What a search may choose from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freedom {
    /// The channels may have steps of their own.
    pub channels: bool,
    /// A smoothing that is asked for.
    pub smoothing: Option<f32>,
    /// How ranges are chosen.
    pub method: RangeMethod,
    /// No value is negative.
    pub unsigned: bool,
    /// 16 bits.
    pub halves: bool,
}

/// A product with rows of what it reads.
pub(crate) struct Reader<'a> {
    /// The product.
    pub product: &'a Product,
    /// `[.., taps]`
    pub rows: Vec<f32>,
}

/// Chooses the steps of what `readers` read; `magnitudes` are those of the channels, `axis` theirs.
pub(crate) fn choose(readers: &[Reader<'_>], magnitudes: &[f32], axis: usize, freedom: Freedom) -> Chosen {
    let dtype = match freedom {
        Freedom { halves: true, .. } => Dtype::I16,
        Freedom { unsigned: true, .. } => Dtype::U8,
        _ => Dtype::I8,
    };
    let levels = dtype.range().1 as f64;
    let weights = weight_magnitudes(readers, magnitudes.len());
    let candidate = |smoothing: f32| -> Chosen {
        let relative = relative_steps(magnitudes, &weights, smoothing);
        let whole = magnitudes.iter().zip(&relative).fold(0.0f64, |most, (m, r)| most.max(f64::from(*m) / r));
        let whole = if whole > 0.0 { whole } else { 1.0 };
        let clip = if freedom.halves { 1.0 } else { best_clip(readers, &relative, whole, levels, freedom.method) };
        let unit = whole * clip / levels;
        let scale = if smoothing == 0.0 {
            Scale::Uniform(unit)
        } else {
            Scale::Channels { axis, steps: relative.iter().map(|r| r * unit).collect::<Arc<[f64]>>() }
        };
        Chosen { scale, dtype, smoothing, clip }
    };
    let smoothings: Vec<f32> = match (freedom.channels, freedom.smoothing) {
        (false, _) => vec![0.0],
        (true, Some(smoothing)) => vec![smoothing],
        (true, None) => SMOOTHINGS.to_vec(),
    };
    let candidates: Vec<Chosen> = smoothings.into_iter().map(candidate).collect();
    let errors = candidates.iter().map(|chosen| compared_error(readers, chosen));
    let best = errors.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(index, _)| index);
    candidates[best].clone()
}

/// The greatest magnitude of the weights of each channel, over all readers.
fn weight_magnitudes(readers: &[Reader<'_>], channels: usize) -> Vec<f32> {
    let mut most = vec![0.0f32; channels];
    for reader in readers {
        for (most, magnitude) in most.iter_mut().zip(reader.product.channel_magnitudes()) {
            *most = most.max(magnitude);
        }
    }
    most
}

/// `activation^smoothing / weight^(1 - smoothing)`, with channels that are never far from 0 raised a little.
fn relative_steps(activations: &[f32], weights: &[f32], smoothing: f32) -> Vec<f64> {
    if smoothing == 0.0 {
        return vec![1.0; activations.len()];
    }
    let floor = |values: &[f32]| f64::from(values.iter().fold(0.0f32, |most, value| most.max(*value))).max(1e-9) * 1e-4;
    let (least_activation, least_weight) = (floor(activations), floor(weights));
    let smoothing = f64::from(smoothing);
    activations
        .iter()
        .zip(weights)
        .map(|(activation, weight)| {
            let activation = f64::from(*activation).max(least_activation);
            activation.powf(smoothing) / f64::from(*weight).max(least_weight).powf(1.0 - smoothing)
        })
        .collect()
}

/// The part of the range with the least error of the products' inputs, weighted by the squares of what multiplies them.
fn best_clip(readers: &[Reader<'_>], relative: &[f64], whole: f64, levels: f64, method: RangeMethod) -> f64 {
    if let RangeMethod::MinMax = method {
        return 1.0;
    }
    if let RangeMethod::Percentile(millionths) = method {
        let mut sizes: Vec<f64> = readers
            .iter()
            .flat_map(|reader| reader.rows.iter().enumerate())
            .map(|(at, value)| f64::from(value.abs()) / relative[at % relative.len()] / whole)
            .collect();
        sizes.sort_by(f64::total_cmp);
        let kept = (sizes.len() as f64 * (1.0 - f64::from(millionths) / 1e6)).ceil() as usize;
        return sizes.get(kept.saturating_sub(1)).copied().unwrap_or(1.0).max(1e-3);
    }
    let error = |clip: f64| -> f64 {
        let unit = whole * clip / levels;
        readers.iter().map(|reader| input_error(reader, relative, unit, levels)).sum()
    };
    let errors = CLIPS.iter().map(|clip| (error(*clip), *clip));
    errors.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(1.0, |(_, clip)| clip)
}

fn input_error(reader: &Reader<'_>, relative: &[f64], unit: f64, levels: f64) -> f64 {
    let channels = relative.len();
    let mut weight_of = vec![0.0f32; reader.product.taps];
    for (at, weight) in reader.product.weights.iter().enumerate() {
        weight_of[at % reader.product.taps] += weight * weight;
    }
    let steps: Vec<f32> = relative.iter().map(|relative| (relative * unit) as f32).collect();
    let levels = levels as f32;
    let mut total = 0.0f64;
    for row in reader.rows.chunks_exact(reader.product.taps.max(1)) {
        let mut sum = 0.0f32;
        for (tap, value) in row.iter().enumerate() {
            let step = steps[tap % channels];
            let difference = (value / step).round().clamp(-levels, levels) * step - value;
            sum += difference * difference * weight_of[tap];
        }
        total += f64::from(sum);
    }
    total
}

/// The error of the products' outputs, as a share of their energy.
fn compared_error(readers: &[Reader<'_>], chosen: &Chosen) -> f64 {
    readers
        .iter()
        .map(|reader| {
            let taps = reader.product.taps.max(1);
            let stride = reader.product.outputs.div_ceil(COMPARED_OUTPUTS).max(1);
            let picked: Vec<usize> = (0..reader.product.outputs).step_by(stride).collect();
            let part =
                |weights: &[f32]| picked.iter().flat_map(|o| weights[o * taps..][..taps].to_vec()).collect::<Vec<_>>();
            let rows = &reader.rows[..reader.rows.len().min(COMPARED_ROWS * taps)];
            let slim = Product {
                outputs: picked.len(),
                weights: part(&reader.product.weights),
                bias: vec![0.0; picked.len()],
                own_steps: reader.product.own_steps.as_ref().map(|own| picked.iter().map(|o| own[*o]).collect()),
                ..reader.product.clone()
            };
            let loss = Loss::of(&Reader { product: &slim, rows: rows.to_vec() }, chosen);
            loss.error / loss.energy.max(f64::MIN_POSITIVE)
        })
        .sum()
}

/// What a product loses by quantisation of its input and weights alone.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    /// Squared error over the compared rows.
    pub error: f64,
    /// Squared outputs.
    pub energy: f64,
    /// Mean error of each output.
    pub mean: Vec<f32>,
}

impl Loss {
    /// Compares the product on the reader's rows with its quantised form.
    pub(crate) fn of(reader: &Reader<'_>, chosen: &Chosen) -> Self {
        let Reader { product, rows } = reader;
        let weights = Weights::of(product, &chosen.scale).dequantised(product, &chosen.scale);
        let quantised = requantised(rows, product, chosen);
        let expected = multiply(rows, &product.weights, product.taps);
        let found = multiply(&quantised, &weights, product.taps);
        let mut mean = vec![0.0f64; product.outputs];
        let (mut error, mut energy) = (0.0, 0.0);
        for (at, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let output = at % product.outputs;
            let difference = f64::from(found - expected);
            mean[output] += difference;
            error += difference * difference;
            energy += f64::from(expected + product.bias[output]).powi(2);
        }
        let count = (expected.len() / product.outputs.max(1)).max(1) as f64;
        Self { error, energy, mean: mean.into_iter().map(|sum| (sum / count) as f32).collect() }
    }
}

/// The rows as their integers stand for them.
fn requantised(rows: &[f32], product: &Product, chosen: &Chosen) -> Vec<f32> {
    let (low, high) = chosen.dtype.range();
    let steps: Vec<f32> = (0..product.channels).map(|channel| chosen.scale.at(channel) as f32).collect();
    rows.iter()
        .enumerate()
        .map(|(at, value)| {
            let step = steps[at % product.taps % product.channels];
            (value / step).round().clamp(low as f32, high as f32) * step
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ValueId;

    /// Four channels of which one is a hundred times the others, as in transformers.
    fn outlier() -> (Product, Vec<f32>) {
        let weights: Vec<f32> = (0..32).map(|n| ((n * 7 % 13) as f32 - 6.0) / 10.0).collect();
        let bias = vec![0.0; 8];
        let product = Product {
            node: 0,
            input: ValueId(0),
            channel_axis: 1,
            channels: 4,
            taps: 4,
            outputs: 8,
            weights,
            bias,
            own_steps: None,
            window: None,
        };
        let rows =
            (0..400).map(|n| ((n * 37 % 101) as f32 / 50.0 - 1.0) * if n % 4 == 2 { 100.0 } else { 1.0 }).collect();
        (product, rows)
    }

    fn freedom() -> Freedom {
        Freedom { channels: true, smoothing: None, method: RangeMethod::Best, unsigned: false, halves: false }
    }

    fn loss(freedom: Freedom) -> f64 {
        let (product, rows) = outlier();
        let reader = Reader { product: &product, rows };
        let chosen = choose(std::slice::from_ref(&reader), &[1.0, 1.0, 100.0, 1.0], 1, freedom);
        let loss = Loss::of(&reader, &chosen);
        loss.error / loss.energy
    }

    #[test]
    fn channels_of_their_own_save_what_an_outlier_would_cost() {
        assert!(loss(freedom()) <= loss(Freedom { channels: false, ..freedom() }));
        // the small channels' weights are almost nothing beside the outlier's: more bits do not help them
        assert!(loss(freedom()) < 1e-4, "{}", loss(freedom()));
    }

    #[test]
    fn sixteen_bits_lose_less_than_eight() {
        assert!(loss(Freedom { halves: true, ..freedom() }) <= loss(freedom()));
    }
}
