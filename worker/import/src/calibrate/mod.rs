//! Calibration: what the values of a float graph are on examples.

pub mod data;
pub mod reference;
pub mod statistics;

pub use data::Examples;
pub use reference::{Reference, difference};
pub use statistics::{ChannelStatistics, Histogram, Statistics};

use crate::error::ImportError;
use crate::float::{ElementType, FloatGraph, FloatOp, Tensor, ValueId, ValueKind, execute};
use std::collections::BTreeMap;

/// Axes of channels are looked at up to this length.
const MAXIMUM_CHANNELS: usize = 8192;

/// One example: a tensor for each input of the graph, in the order of [`FloatGraph::inputs`].
pub type Example = Vec<Tensor>;

/// What was seen of each value while the graph ran on examples.
#[derive(Debug, Clone, Default)]
pub struct Calibration {
    /// The statistics of every input, and computed value, of floats.
    pub statistics: BTreeMap<ValueId, Statistics>,
    /// A few of the examples, whole: the quantiser compares its graph with the float one on these.
    pub examples: Vec<Example>,
    /// How many examples there were.
    pub count: u64,
}

impl Calibration {
    /// The statistics of a value.
    pub fn of(&self, value: ValueId) -> Option<&Statistics> {
        self.statistics.get(&value)
    }
}

/// Runs a graph on examples, one after another, and keeps statistics: memory does not grow with their number.
pub struct Calibrator<'a> {
    graph: &'a FloatGraph,
    channel_axes: Vec<Option<(usize, usize)>>,
    kept_examples: usize,
    calibration: Calibration,
}

impl<'a> Calibrator<'a> {
    /// Keeps the first `kept_examples` examples whole.
    pub fn new(graph: &'a FloatGraph, kept_examples: usize) -> Self {
        let channel_axes = channel_axes(graph);
        Self { graph, channel_axes, kept_examples, calibration: Calibration::default() }
    }

    /// Runs the graph on an example and gives its outputs.
    ///
    /// # Errors
    /// As [`execute()`].
    pub fn add(&mut self, example: &Example) -> Result<Vec<Tensor>, ImportError> {
        let (statistics, axes) = (&mut self.calibration.statistics, &self.channel_axes);
        let outputs = execute(self.graph, example, &mut |id, tensor| {
            if let Some(values) = tensor.as_floats() {
                let seen = statistics.entry(id).or_insert_with(|| Statistics::new(axes[id.index()]));
                seen.add(&tensor.shape, values);
            }
        })?;
        self.calibration.count += 1;
        if self.calibration.examples.len() < self.kept_examples {
            self.calibration.examples.push(example.clone());
        }
        Ok(outputs)
    }

    /// What was seen.
    pub fn finish(self) -> Calibration {
        self.calibration
    }
}

/// Runs a graph on all examples; `progress` hears how many are done.
///
/// # Errors
/// As [`execute()`]; [`ImportError::Data`] if there is no example.
pub fn run(
    graph: &FloatGraph,
    examples: impl IntoIterator<Item = Example>,
    kept_examples: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<Calibration, ImportError> {
    let mut calibrator = Calibrator::new(graph, kept_examples);
    for example in examples {
        calibrator.add(&example)?;
        progress(calibrator.calibration.count);
    }
    if calibrator.calibration.count == 0 {
        return Err(ImportError::Data { reason: String::from("there is no example") });
    }
    Ok(calibrator.finish())
}

/// The axis along which each value has channels: that of a convolution that reads or gives it, otherwise the last, if its
/// length is known.
fn channel_axes(graph: &FloatGraph) -> Vec<Option<(usize, usize)>> {
    let mut axes: Vec<Option<usize>> = graph.values.iter().map(|value| value.shape.len().checked_sub(1)).collect();
    for node in &graph.nodes {
        if matches!(node.op, FloatOp::Convolution { .. } | FloatOp::Pool { .. }) {
            axes[node.inputs[0].index()] = Some(1);
            axes[node.outputs[0].index()] = Some(1);
        }
    }
    let with_length = |(value, axis): (&crate::float::FloatValue, Option<usize>)| {
        let floats = value.element_type == ElementType::Float && !matches!(value.kind, ValueKind::Constant(_));
        let axis = axis.filter(|_| floats)?;
        let length = value.shape.get(axis)?.known()? as usize;
        (length <= MAXIMUM_CHANNELS).then_some((axis, length))
    };
    graph.values.iter().zip(axes).map(with_length).collect()
}
