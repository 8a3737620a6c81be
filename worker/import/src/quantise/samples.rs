//! Whole float values on a few examples.

use super::product::Product;
use crate::calibrate::{Calibration, Statistics};
use crate::error::ImportError;
use crate::float::{self, FloatGraph, Tensor, ValueId};
use std::collections::{BTreeMap, BTreeSet};

/// The values of a graph on a few examples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    /// By value; one tensor for each example.
    values: BTreeMap<ValueId, Vec<Tensor>>,
    count: usize,
}

impl Samples {
    /// Runs the float graph on the first examples, and keeps these values.
    ///
    /// # Errors
    /// What the float executor says.
    pub(crate) fn take(
        graph: &FloatGraph,
        calibration: &Calibration,
        kept: &BTreeSet<ValueId>,
        limit: usize,
    ) -> Result<Self, ImportError> {
        let mut samples = Self::default();
        for example in calibration.examples.iter().take(limit) {
            let values = &mut samples.values;
            float::execute(graph, example, &mut |value, tensor| {
                if kept.contains(&value) {
                    values.entry(value).or_default().push(tensor.clone());
                }
            })?;
            samples.count += 1;
        }
        Ok(samples)
    }

    /// How many examples there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// A value on an example.
    pub(crate) fn of(&self, value: ValueId, example: usize) -> Option<&Tensor> {
        self.values.get(&value)?.get(example)
    }

    /// How many axes a value has; 0 for one that was not kept.
    pub(crate) fn rank(&self, value: ValueId) -> usize {
        self.of(value, 0).map_or(0, |tensor| tensor.shape.len())
    }

    /// Rows of what a product reads, at most this many over all examples.
    pub(crate) fn rows(&self, product: &Product, limit: usize) -> Vec<f32> {
        let Some(tensors) = self.values.get(&product.input) else { return Vec::new() };
        let each = limit.div_ceil(tensors.len().max(1));
        tensors.iter().flat_map(|tensor| product.rows(tensor, each)).collect()
    }

    /// For each channel the covered part of its range with the least squared error with so many integers on each side of 0; `each`
    /// channels in a row have one part, and are given one range.
    pub(crate) fn best_clips(
        &self,
        value: ValueId,
        axis: usize,
        magnitudes: &[f32],
        each: usize,
        levels: f64,
    ) -> Vec<f64> {
        let levels = levels as f32;
        let mut errors = vec![[0.0f64; CHANNEL_CLIPS.len()]; magnitudes.len().div_ceil(each)];
        for tensor in self.values.get(&value).into_iter().flatten() {
            let inner: usize = tensor.shape[axis + 1..].iter().product();
            for (index, value) in tensor.as_floats().into_iter().flatten().enumerate() {
                let channel = index / inner % magnitudes.len();
                for (error, clip) in errors[channel / each].iter_mut().zip(CHANNEL_CLIPS) {
                    let step = (magnitudes[channel] * clip as f32 / levels).max(f32::MIN_POSITIVE);
                    let difference = (value / step).round().clamp(-levels, levels) * step - value;
                    *error += f64::from(difference * difference);
                }
            }
        }
        let best = |errors: &[f64; CHANNEL_CLIPS.len()]| {
            let least = errors.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
            least.map_or(1.0, |(index, _)| CHANNEL_CLIPS[index])
        };
        (0..magnitudes.len()).map(|channel| best(&errors[channel / each])).collect()
    }

    /// The greatest magnitude at each index of an axis: of all calibration data where these were recorded for the axis, else
    /// of the examples.
    pub(crate) fn magnitudes(&self, statistics: &Statistics, value: ValueId, axis: usize) -> Option<Vec<f32>> {
        if let Some(channels) = statistics.channels.as_ref().filter(|channels| channels.axis == axis) {
            let margin = margin(channels.count);
            return Some((0..channels.min.len()).map(|channel| channels.magnitude(channel) * margin).collect());
        }
        let tensors = self.values.get(&value)?;
        let mut most = vec![0.0f32; *tensors.first()?.shape.get(axis)?];
        for tensor in tensors {
            let inner: usize = tensor.shape[axis + 1..].iter().product();
            for (index, value) in tensor.as_floats()?.iter().enumerate() {
                let channel = index / inner % most.len();
                most[channel] = most[channel].max(value.abs());
            }
        }
        let seen = statistics.count / most.len().max(1) as u64;
        Some(most.into_iter().map(|most| most * margin(seen)).collect())
    }
}

/// Parts of a channel's range that are tried.
const CHANNEL_CLIPS: [f64; 7] = [1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6];

/// What is added to the greatest of so many numbers, as a factor: others may be greater.
fn margin(count: u64) -> f32 {
    1.0 + 1.0 / (count.max(1) as f32).sqrt()
}
