//! Calibration: what the values of a float graph are on examples.

pub mod statistics;

pub use statistics::{ChannelStatistics, Histogram, Statistics};

use crate::float::{Tensor, ValueId};
use std::collections::BTreeMap;

/// One example: a tensor for each input of the graph, in the order of [`crate::float::FloatGraph::inputs`].
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
