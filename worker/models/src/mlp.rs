//! Multi-layer perceptrons with made-up weights: real graphs of a few kilobytes that run in no time.

use crate::TensorSet;
use crate::builder::{BuildError, GraphBuilder, Model, Requantization, Weights};
use referee::graph::{Dim, Dtype, Slot};

/// Slot of the inputs.
pub const INPUT_SLOT: Slot = 0;

/// Size of a perceptron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Values of one input row.
    pub inputs: u32,
    /// Width of each hidden layer; each is a segment of its own.
    pub hidden: Vec<u32>,
    /// Values of one output row.
    pub outputs: u32,
    /// Most rows of one job.
    pub max_batch: u32,
}

impl Shape {
    /// 16 inputs, one hidden layer of 32, 8 outputs, up to 64 rows: about a kilobyte of weights.
    pub fn tiny() -> Self {
        Self { inputs: 16, hidden: vec![32], outputs: 8, max_batch: 64 }
    }
}

/// `u8 [batch, inputs]` through linear layers with ReLU to `i8 [batch, outputs]`, the weights drawn from `seed`.
///
/// # Errors
/// The builder's, for a shape that the IR does not hold.
pub fn model(shape: &Shape, seed: u64) -> Result<Model, BuildError> {
    let mut random = SplitMix64(seed);
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, shape.max_batch)?;
    let mut values = graph.input("input", Dtype::U8, &[batch, Dim::Const(shape.inputs)])?;
    let mut width = shape.inputs;
    let last = shape.hidden.len();
    for (index, outputs) in shape.hidden.iter().chain([&shape.outputs]).copied().enumerate() {
        graph.cut();
        let weights: Vec<i8> = (0..u64::from(outputs) * u64::from(width)).map(|_| random.byte() as i8).collect();
        let bias: Vec<i32> = (0..outputs).map(|_| i32::from(random.byte() as i8) * 64).collect();
        let multiplier: Vec<i32> = (0..outputs).map(|_| 1024 + i32::from(random.byte())).collect();
        // Products of values up to 2^8 and 2^7 spread over about 2^13, sums over 2^13 * sqrt(width), times 2^10 here.
        let shift = 18 + (width.max(1).ilog2() / 2) as u8;
        let output = if index == last { Dtype::I8 } else { Dtype::U8 };
        let requantization = Requantization { bias: &bias, multiplier: &multiplier, shift, clamp: None, output };
        let name = if index == last { "output".to_owned() } else { format!("hidden{index}") };
        let weights = Weights { outputs, inputs: width, values: &weights };
        values = graph.linear(&name, &values, &weights, &requantization)?;
        width = outputs;
    }
    graph.output(&values);
    graph.build()
}

/// Inputs of `batch` rows drawn from `seed`.
pub fn inputs(shape: &Shape, batch: u32, seed: u64) -> TensorSet {
    let mut random = SplitMix64(seed);
    let bytes: Vec<u8> = (0..u64::from(batch) * u64::from(shape.inputs)).map(|_| random.byte()).collect();
    TensorSet::from([(INPUT_SLOT, bytes.into())])
}

/// A small generator whose sequence never changes, so that a seed names one model for ever.
struct SplitMix64(u64);

impl SplitMix64 {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 56) as u8
    }
}
