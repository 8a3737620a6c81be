//! The network as a graph, its inputs and its results.

use super::dataset::{CLASSES, Image, SIDE};
use crate::TensorSet;
use crate::builder::{
    BuildError, Convolution, GraphBuilder, Model, Operand, Requantization, TensorHandle, Weights, Window, axis,
};
use referee::graph::{Dim, Dtype, Slot};
use serde::Deserialize;

/// Slot of the images.
pub const INPUT_SLOT: Slot = 0;
/// Most images of one job.
pub const MAX_BATCH: u32 = 512;

const HIDDEN: u32 = 64;
/// Least multiply-adds for each byte that a cut adds to the commitment. The network is small: with the production
/// value it would be one segment, and with this one it is three.
const WORK_PER_BOUNDARY_BYTE: u64 = 256;

static WEIGHTS: &str = include_str!("../../../../models/digits/weights.json");

/// Why the network or its results cannot be used. Codes are stable.
#[derive(Debug, thiserror::Error)]
pub enum DigitsError {
    /// The embedded file is not what the training script writes.
    #[error("M0401 models/digits/weights.json: {0}; write it again with train.py")]
    Weights(#[from] serde_json::Error),
    /// The weights do not fit the network.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A result of another length than the images ask for.
    #[error("M0402 a digits result has {expected} bytes an image, {given} bytes were given; is it of another graph?")]
    ResultLength {
        /// Bytes of one image's result.
        expected: usize,
        /// Bytes given.
        given: usize,
    },
    /// A class that is none of the ten digits.
    #[error("M0403 image {image} has class {class}, outside 0..=9; the result is of another graph, or forged")]
    Class {
        /// Index of the image.
        image: usize,
        /// The value in the class's place.
        class: i32,
    },
}

#[derive(Deserialize)]
struct Network {
    conv1: Layer,
    conv2: Layer,
    linear1: Layer,
    linear2: Layer,
}

#[derive(Deserialize)]
struct Layer {
    shift: u8,
    bias: Vec<i32>,
    multiplier: Vec<i32>,
    /// One row for each output channel.
    weights: Vec<Vec<i8>>,
}

impl Layer {
    fn outputs(&self) -> u32 {
        self.weights.len() as u32
    }

    fn requantization(&self, output: Dtype) -> Requantization<'_> {
        Requantization { bias: &self.bias, multiplier: &self.multiplier, shift: self.shift, clamp: None, output }
    }
}

/// The network as a graph with its params.
///
/// # Errors
/// `M0401` and the builder's errors, if the embedded file is damaged.
pub fn model() -> Result<Model, DigitsError> {
    let network: Network = serde_json::from_str(WEIGHTS)?;
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, MAX_BATCH)?;
    let side = Dim::Const(SIDE as u32);
    let pixels = graph.input("pixels", Dtype::U8, &[batch, side, side, Dim::Const(1)])?;
    let features = convolve(&mut graph, "conv1", &pixels, &network.conv1)?;
    let features = convolve(&mut graph, "conv2", &features, &network.conv2)?;
    let pooled = graph.max_pool("pool", &features, &Window::square(2).stride(2))?;
    let pooled_elements = (SIDE as u32 / 2).pow(2) * network.conv2.outputs();
    let hidden = connect(&mut graph, "linear1", &pooled, pooled_elements, &network.linear1, Dtype::U8)?;
    let scores = connect(&mut graph, "linear2", &hidden, HIDDEN, &network.linear2, Dtype::I32)?;
    let result = class_and_scores(&mut graph, batch, &scores)?;
    graph.cut_by_cost(WORK_PER_BOUNDARY_BYTE);
    graph.output(&result);
    Ok(graph.build()?)
}

fn convolve(
    graph: &mut GraphBuilder,
    name: &str,
    input: &TensorHandle,
    layer: &Layer,
) -> Result<TensorHandle, BuildError> {
    let values = layer.weights.concat();
    let convolution = Convolution { filters: layer.outputs(), window: Window::square(3).padding(1), values: &values };
    graph.conv2d(name, input, &convolution, &layer.requantization(Dtype::U8))
}

fn connect(
    graph: &mut GraphBuilder,
    name: &str,
    input: &TensorHandle,
    inputs: u32,
    layer: &Layer,
    output: Dtype,
) -> Result<TensorHandle, BuildError> {
    let values = layer.weights.concat();
    let weights = Weights { outputs: layer.outputs(), inputs, values: &values };
    graph.linear(name, input, &weights, &layer.requantization(output))
}

/// `[batch, 1 + classes]`: the index of the greatest score, then the scores.
fn class_and_scores(graph: &mut GraphBuilder, batch: Dim, scores: &TensorHandle) -> Result<TensorHandle, BuildError> {
    let class = graph.arg_max("class", scores, Dtype::U8)?;
    let axes = [batch, Dim::Const(1 + CLASSES as u32)];
    // Column 0 is the class; column c is score c - 1.
    let operands = [Operand::along(&class, &[0]), Operand::new(scores, [axis(0), axis(1) - 1])];
    graph.map("result", Dtype::I32, &axes, &operands, |program| {
        let column = program.index(1);
        let score = program.load(1);
        let class = program.load(0);
        program.select(column, score, class)
    })
}

/// Symbol values of a job over these images.
pub fn symbols(images: &[Image]) -> Vec<u32> {
    vec![u32::try_from(images.len()).unwrap_or(u32::MAX)]
}

/// Inputs of a job over these images.
pub fn inputs(images: &[Image]) -> TensorSet {
    let pixels: Vec<u8> = images.iter().flat_map(|image| image.pixels).collect();
    TensorSet::from([(INPUT_SLOT, pixels.into())])
}

/// What the network says of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The digit.
    pub class: u8,
    /// One score for each digit, in units of 1/1024 of a logit.
    pub scores: [i32; CLASSES],
}

/// The predictions that the graph's output tensor holds, in the order of the images.
///
/// # Errors
/// `M0402` for bytes that are not whole results, `M0403` for a class that is no digit.
pub fn decode(output: &[u8]) -> Result<Vec<Prediction>, DigitsError> {
    const COLUMNS: usize = 1 + CLASSES;
    let (values, tail) = output.as_chunks::<4>();
    let (rows, rest) = values.as_chunks::<COLUMNS>();
    if !rest.is_empty() || !tail.is_empty() {
        return Err(DigitsError::ResultLength { expected: 4 * COLUMNS, given: output.len() });
    }
    let prediction = |(image, row): (usize, &[[u8; 4]; COLUMNS])| {
        let row = row.map(i32::from_le_bytes);
        let class = u8::try_from(row[0]).ok().filter(|class| usize::from(*class) < CLASSES);
        let class = class.ok_or(DigitsError::Class { image, class: row[0] })?;
        let mut scores = [0; CLASSES];
        scores.copy_from_slice(&row[1..]);
        Ok(Prediction { class, scores })
    };
    rows.iter().enumerate().map(prediction).collect()
}
