//! What quantisation decided, and what it lost where.

mod compare;
mod html;
mod plot;

pub(crate) use compare::{Subject, compare};
pub use html::html;

use serde::{Deserialize, Serialize};
use std::fmt;

/// The report of a built model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Examples that the integer graph was compared with the float graph on.
    pub examples: usize,
    /// Ops of the integer graph.
    pub ops: usize,
    /// Segments of the integer graph.
    pub segments: usize,
    /// Bytes of all params.
    pub param_bytes: u64,
    /// Greatest upload that proves one element of an op, in bytes.
    pub greatest_proof_bytes: u64,
    /// Name of the op whose elements take that.
    pub greatest_proof_op: String,
    /// One for each value that is stored, in the order of the graph.
    pub values: Vec<ValueReport>,
    /// One for each linear layer and convolution.
    pub products: Vec<ProductReport>,
    /// One for each result.
    pub outputs: Vec<OutputReport>,
    /// What was decided.
    pub decisions: Vec<String>,
}

/// A value and its integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueReport {
    /// Its name in the source.
    pub name: String,
    /// The operation that computes it; `Input` for what is given.
    pub operator: String,
    /// The element type of the integers.
    pub dtype: String,
    /// The least step of its channels.
    pub least_step: f64,
    /// The greatest step of its channels; the least one, where there is one step for all.
    pub greatest_step: f64,
    /// The greatest magnitude that calibration saw.
    pub magnitude: f64,
    /// The share of elements at a bound of the type, on the compared examples.
    pub clipped_share: f64,
    /// Energy of the value over that of its error, in decibels, with the errors of all before it.
    pub signal_to_noise_db: f64,
}

/// A linear layer or convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductReport {
    /// Name of its node.
    pub name: String,
    /// The operation.
    pub operator: String,
    /// Energy of its output over the error that its own input and weights bring, in decibels.
    pub own_signal_to_noise_db: f64,
    /// How much of the difference between channels its weights take, 0 to 1.
    pub smoothing: f32,
    /// The covered part of its input's range.
    pub clip: f64,
    /// It reads 16 bits.
    pub widened: bool,
}

/// A result on the compared examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputReport {
    /// Its name in the source.
    pub name: String,
    /// Rows that were compared: those of its last axis.
    pub rows: usize,
    /// Energy over that of the error, in decibels.
    pub signal_to_noise_db: f64,
    /// Mean of the cosines between rows of the integer and the float result.
    pub mean_cosine: f64,
    /// The least of them.
    pub least_cosine: f64,
    /// The share of rows whose greatest element is at the same place.
    pub top1_agreement: f64,
}

impl Report {
    /// The products that lose most, worst first.
    pub fn worst(&self) -> Vec<&ProductReport> {
        let mut worst: Vec<_> = self.products.iter().collect();
        worst.sort_by(|a, b| a.own_signal_to_noise_db.total_cmp(&b.own_signal_to_noise_db));
        worst
    }
}

impl fmt::Display for Report {
    /// Tables of text.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ops, segments, param_bytes, examples, .. } = self;
        writeln!(
            formatter,
            "{ops} ops in {segments} segments, {param_bytes} bytes of params; compared on {examples} examples"
        )?;
        writeln!(
            formatter,
            "{:<44} {:<14} {:>5} {:>11} {:>9} {:>8}",
            "value", "operator", "type", "step", "clipped %", "SNR dB"
        )?;
        for value in &self.values {
            writeln!(
                formatter,
                "{:<44} {:<14} {:>5} {:>11.3e} {:>9.4} {:>8.1}",
                shortened(&value.name, 44),
                value.operator,
                value.dtype,
                value.greatest_step,
                value.clipped_share * 100.0,
                value.signal_to_noise_db
            )?;
        }
        writeln!(
            formatter,
            "{:<44} {:<14} {:>9} {:>9} {:>5} {:>10}",
            "layer", "operator", "smoothing", "clip", "bits", "own SNR dB"
        )?;
        for product in &self.products {
            writeln!(
                formatter,
                "{:<44} {:<14} {:>9.2} {:>9.2} {:>5} {:>10.1}",
                shortened(&product.name, 44),
                product.operator,
                product.smoothing,
                product.clip,
                if product.widened { 16 } else { 8 },
                product.own_signal_to_noise_db
            )?;
        }
        for output in &self.outputs {
            writeln!(
                formatter,
                "result {}: {} rows, SNR {:.1} dB, cosine mean {:.5} least {:.5}, top-1 agreement {:.2} %",
                output.name,
                output.rows,
                output.signal_to_noise_db,
                output.mean_cosine,
                output.least_cosine,
                output.top1_agreement * 100.0
            )?;
        }
        self.decisions.iter().try_for_each(|decision| writeln!(formatter, "- {decision}"))
    }
}

/// The end of a name that is longer than `most`: names of exporters differ there.
pub(crate) fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        return name.to_owned();
    }
    std::iter::once('…').chain(name.chars().skip(count - most + 1)).collect()
}

/// Energies as decibels, bounded so that a perfect value has a finite one.
pub(crate) fn decibels(energy: f64, error: f64) -> f64 {
    if error <= 0.0 { 200.0 } else { (10.0 * (energy / error).log10()).clamp(-200.0, 200.0) }
}
