//! Comparing the integer graph with the float graph.

use super::{OutputReport, ProductReport, Report, ValueReport, decibels};
use crate::calibrate::Calibration;
use crate::float::{FloatGraph, Tensor, ValueId};
use crate::lower::Form;
use crate::quantise::Io;
use crate::quantise::QuantiseError;
use crate::quantise::choices::Choices;
use crate::quantise::plan::Plan;
use crate::quantise::samples::Samples;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, TensorSet};
use assay_models::builder::{BuildError, Model};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was quantised.
pub(crate) struct Subject<'a> {
    pub(crate) graph: &'a FloatGraph,
    pub(crate) plan: &'a Plan,
    pub(crate) choices: &'a Choices,
    pub(crate) calibration: &'a Calibration,
    pub(crate) samples: &'a Samples,
}

/// Sums over the compared elements of a value.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    energy: f64,
    error: f64,
    clipped: u64,
    count: u64,
}

/// Runs the integer graph on the samples' examples and compares what is stored with the float values.
///
/// # Errors
/// An example that does not fit the model, or that the backend cannot run.
pub(crate) fn compare(
    subject: &Subject<'_>,
    model: &Model,
    io: &Io,
    wide: &BTreeMap<ValueId, Form>,
    narrow: &BTreeMap<ValueId, Form>,
    decisions: Vec<String>,
) -> Result<Report, QuantiseError> {
    let mut tallies: BTreeMap<(ValueId, bool), Tally> = BTreeMap::new();
    let mut outputs: Vec<Rows> = vec![Rows::default(); io.outputs.len()];
    let backend = CpuBackend::new(CpuOptions::default())?;
    for (index, example) in subject.calibration.examples.iter().take(subject.samples.count()).enumerate() {
        let (symbols, inputs) = io.encode(example)?;
        let resolved = model.resolve(&symbols).map_err(|error| BuildError::Refused { name: "graph".into(), error })?;
        let loaded = backend.load(Arc::new(resolved), &model.params)?;
        let mut tensors = loaded.run(&inputs, Keep::Everything)?.tensors;
        tensors.extend(inputs);
        for (root, is_wide, form) in wide
            .iter()
            .map(|(root, form)| (root, true, form))
            .chain(narrow.iter().map(|(root, form)| (root, false, form)))
        {
            let (Some(float), Some(bytes)) = (subject.samples.of(*root, index), tensors.get(&form.tensor.slot()))
            else {
                continue;
            };
            tally(tallies.entry((*root, is_wide)).or_default(), float, form, bytes);
        }
        for (rows, (output, io)) in outputs.iter_mut().zip(subject.plan.outputs.iter().zip(&io.outputs)) {
            if let (Some(float), Some(bytes)) = (subject.samples.of(*output, index), tensors.get(&io.slot)) {
                rows.add(float, &io.decode(&symbols, bytes)?);
            }
        }
    }
    let greatest = model.report.costs.iter().enumerate().max_by_key(|(_, cost)| cost.upload_bytes);
    Ok(Report {
        examples: subject.samples.count(),
        ops: model.graph.ops.len(),
        segments: model.graph.cuts.len() + 1,
        param_bytes: bytes_of(&model.params),
        greatest_proof_bytes: greatest.map_or(0, |(_, cost)| cost.upload_bytes.into()),
        greatest_proof_op: greatest.and_then(|(op, _)| model.op_names.get(op).cloned()).unwrap_or_default(),
        values: value_reports(subject, &tallies, wide, narrow),
        products: product_reports(subject),
        outputs: outputs.iter().zip(&io.outputs).map(|(rows, io)| rows.report(&io.name)).collect(),
        decisions: subject.plan.decisions.iter().cloned().chain(decisions).collect(),
    })
}

fn bytes_of(tensors: &TensorSet) -> u64 {
    tensors.values().map(|bytes| bytes.len() as u64).sum()
}

/// Compares each stored integer with its float.
fn tally(tally: &mut Tally, float: &Tensor, form: &Form, bytes: &[u8]) {
    let Some(values) = float.as_floats() else { return };
    let dtype = form.tensor.dtype();
    let (low, high) = dtype.range();
    let shape: Vec<usize> = form.order.iter().map(|axis| float.shape[*axis]).collect();
    let mut strides = vec![1usize; float.shape.len()];
    for axis in (0..float.shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * float.shape[axis + 1];
    }
    let scale_axis = match &form.scale {
        crate::quantise::scale::Scale::Channels { axis, .. } => Some(*axis),
        crate::quantise::scale::Scale::Uniform(_) => None,
    };
    for index in 0..values.len() {
        let mut rest = index;
        let mut offset = 0;
        let mut channel = 0;
        for (place, length) in shape.iter().enumerate().rev() {
            let at = rest % length;
            rest /= length;
            let axis = form.order[place];
            offset += at * strides[axis];
            if scale_axis == Some(axis) {
                channel = at;
            }
        }
        let (Some(integer), Some(value)) = (dtype.read(bytes, index), values.get(offset)) else { continue };
        let value = f64::from(*value);
        let difference = integer as f64 * form.scale.at(channel) - value;
        tally.energy += value * value;
        tally.error += difference * difference;
        tally.clipped += u64::from(integer == high || (integer == low && low != 0));
        tally.count += 1;
    }
}

fn value_reports(
    subject: &Subject<'_>,
    tallies: &BTreeMap<(ValueId, bool), Tally>,
    wide: &BTreeMap<ValueId, Form>,
    narrow: &BTreeMap<ValueId, Form>,
) -> Vec<ValueReport> {
    let producers = subject.graph.producers();
    let mut reports: Vec<(usize, ValueReport)> = tallies
        .iter()
        .filter_map(|((root, is_wide), tally)| {
            let form = if *is_wide { wide.get(root) } else { narrow.get(root) }?;
            let (least_step, greatest_step) = form.scale.bounds();
            let producer = producers[root.index()];
            let report = ValueReport {
                name: subject.graph.value(*root).name.clone(),
                operator: producer.map_or("Input", |node| subject.graph.nodes[node].op.name()).into(),
                dtype: form.tensor.dtype().name().into(),
                least_step,
                greatest_step,
                magnitude: subject.calibration.of(*root).map_or(0.0, |seen| f64::from(seen.magnitude())),
                clipped_share: tally.clipped as f64 / tally.count.max(1) as f64,
                signal_to_noise_db: decibels(tally.energy, tally.error),
            };
            Some((producer.map_or(0, |node| node + 1), report))
        })
        .collect();
    reports.sort_by_key(|(place, _)| *place);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn product_reports(subject: &Subject<'_>) -> Vec<ProductReport> {
    let losses = subject.choices.losses.iter();
    losses
        .filter_map(|(node, loss)| {
            let product = &subject.plan.products[node];
            let chosen = subject.choices.narrow.get(&subject.plan.seen[product.input.index()].root)?;
            Some(ProductReport {
                name: subject.graph.nodes[*node].name.clone(),
                operator: subject.graph.nodes[*node].op.name().into(),
                own_signal_to_noise_db: decibels(loss.energy, loss.error),
                smoothing: chosen.smoothing,
                clip: chosen.clip,
                widened: subject.choices.widened.contains(node),
            })
        })
        .collect()
}

/// Rows of a result.
#[derive(Clone, Debug, Default)]
struct Rows {
    cosines: Vec<f64>,
    agreeing: usize,
    energy: f64,
    error: f64,
}

impl Rows {
    fn add(&mut self, float: &Tensor, found: &Tensor) {
        let (Some(float_values), Some(found)) = (float.as_floats(), found.as_floats()) else { return };
        let length = float.shape.last().copied().unwrap_or(1).max(1);
        for (expected, found) in float_values.chunks_exact(length).zip(found.chunks_exact(length)) {
            let dot =
                |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
            let lengths = (dot(expected, expected) * dot(found, found)).sqrt();
            self.cosines.push(if lengths > 0.0 { dot(expected, found) / lengths } else { 0.0 });
            self.agreeing += usize::from(greatest(expected) == greatest(found));
            self.energy += dot(expected, expected);
            self.error += expected.iter().zip(found).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        }
    }

    fn report(&self, name: &str) -> OutputReport {
        let rows = self.cosines.len();
        OutputReport {
            name: name.to_owned(),
            rows,
            signal_to_noise_db: decibels(self.energy, self.error),
            mean_cosine: self.cosines.iter().sum::<f64>() / rows.max(1) as f64,
            least_cosine: self.cosines.iter().copied().fold(f64::INFINITY, f64::min).min(1.0),
            top1_agreement: self.agreeing as f64 / rows.max(1) as f64,
        }
    }
}

/// The first index of the greatest.
fn greatest(row: &[f32]) -> usize {
    row.iter()
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, (index, value)| if *value > best.1 { (index, *value) } else { best })
        .0
}
