//! Float graphs for tests, written in a few lines, with made-up weights and examples.

use assay_import::calibrate::{Calibration, Statistics};
use assay_import::float::{
    ElementType, Extent, FloatGraph, FloatNode, FloatOp, FloatValue, Symbol, Tensor, ValueId, ValueKind, execute,
};

/// Collects a graph.
#[derive(Default)]
pub(crate) struct Sketch {
    pub(crate) graph: FloatGraph,
    seed: u64,
}

impl Sketch {
    /// A symbol from 1 to `max`.
    pub(crate) fn symbol(&mut self, name: &str, max: u32) -> Extent {
        self.graph.symbols.push(Symbol { name: name.into(), min: 1, max });
        Extent::Symbol(self.graph.symbols.len() as u8 - 1)
    }

    pub(crate) fn input(&mut self, name: &str, shape: &[Extent], element_type: ElementType) -> ValueId {
        let value = FloatValue {
            name: name.into(),
            shape: shape.to_vec(),
            element_type,
            kind: ValueKind::Input,
            own_scale: None,
        };
        let id = self.graph.add_value(value);
        self.graph.inputs.push(id);
        id
    }

    /// A constant of numbers within `-size..size`.
    pub(crate) fn constant(&mut self, shape: &[usize], size: f32) -> ValueId {
        let values = self.numbers(shape.iter().product(), -size, size);
        let name = format!("constant{}", self.graph.values.len());
        self.graph.add_constant(name, Tensor::floats(shape, values))
    }

    pub(crate) fn node(&mut self, op: FloatOp, inputs: &[ValueId], shape: &[Extent]) -> ValueId {
        let name = format!("{}{}", op.name().to_lowercase(), self.graph.nodes.len());
        let element_type = if matches!(op, FloatOp::ArgMax { .. }) { ElementType::Integer } else { ElementType::Float };
        let output = self.graph.add_computed(format!("{name}.out"), shape, element_type);
        self.graph.nodes.push(FloatNode { name, op, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }

    pub(crate) fn output(&mut self, value: ValueId) {
        self.graph.outputs.push(value);
    }

    /// A fixed sequence, roughly normal: sums of four uniform numbers.
    pub(crate) fn numbers(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count)
            .map(|_| {
                let mean = (0..4).map(|_| self.uniform()).sum::<f32>() / 4.0;
                low + mean * (high - low)
            })
            .collect()
    }

    fn uniform(&mut self) -> f32 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 40) as f32 / (1u64 << 24) as f32
    }

    /// One tensor for each input: floats within -3..3, integers below `below`.
    pub(crate) fn example(&mut self, symbols: &[u32], below: i64) -> Vec<Tensor> {
        let inputs = self.graph.inputs.clone();
        inputs
            .into_iter()
            .map(|input| {
                let shape = self.graph.shape_at(input, symbols);
                let count = shape.iter().product();
                match self.graph.value(input).element_type {
                    ElementType::Float => Tensor::floats(&shape, self.numbers(count, -3.0, 3.0)),
                    ElementType::Integer => {
                        Tensor::integers(&shape, (0..count).map(|_| (self.uniform() * below as f32) as i64).collect())
                    }
                    // a mask: the first places count
                    ElementType::Boolean => {
                        let length = shape.last().copied().unwrap_or(1);
                        let kept = length.div_ceil(2).max(1);
                        Tensor::integers(&shape, (0..count).map(|at| i64::from(at % length < kept)).collect())
                    }
                }
            })
            .collect()
    }

    /// Statistics of every value on these examples.
    pub(crate) fn calibrate(&self, examples: Vec<Vec<Tensor>>) -> Calibration {
        let graph = &self.graph;
        let mut calibration = Calibration::default();
        for example in &examples {
            execute(graph, example, &mut |value, tensor| {
                let Some(values) = tensor.as_floats() else { return };
                let axis = tensor.shape.len().checked_sub(1).map(|axis| (axis, tensor.shape[axis]));
                let known = axis.filter(|(axis, _)| graph.value(value).shape[*axis].known().is_some());
                calibration
                    .statistics
                    .entry(value)
                    .or_insert_with(|| Statistics::new(known))
                    .add(&tensor.shape, values);
            })
            .unwrap();
        }
        calibration.count = examples.len() as u64;
        calibration.examples = examples;
        calibration
    }
}

pub(crate) fn known(lengths: &[u32]) -> Vec<Extent> {
    lengths.iter().copied().map(Extent::Known).collect()
}
